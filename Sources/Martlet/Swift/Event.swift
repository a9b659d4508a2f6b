import JSONText

/// An event with more than its type and data: an id of its own, a time, a key to order by, a tenant, headers.
///
/// ```swift
/// var event = try Event("call.completed", call)
/// event.id = call.id  // pushed twice, it is delivered once
/// event.key = call.customer
/// try engine.push(event)
/// ```
public struct Event: Sendable {
    /// An event type of the catalog.
    public var type: String
    /// Your own id, 1 to 64 letters, digits, underscores or hyphens: receivers see it as `webhook-id`, and an event that is
    /// pushed again under it within `deduplication.windowSeconds` is a duplicate. Nil: Martlet makes one.
    public var id: String?
    /// When it happened (RFC 3339), sent as it is written here; nil for now.
    public var createdAt: String?
    /// A number of yours that comes back with the outcomes.
    public var tag: UInt64 = 0
    /// Whose event it is: it reaches only webhooks of the same tenant. Nil for the default one.
    public var tenant: String?
    /// Webhooks with ordering by key get events with the same key one after the other.
    public var key: String?
    /// How long after the push it may still be sent, in seconds; nil leaves it to the webhook.
    public var expirySeconds: Double?
    /// Headers of this event alone, such as `traceparent`.
    public var headers: [String: String] = [:]

    /// What happened, as JSON.
    let data: [UInt8]
    /// False for bytes that nobody has looked at yet.
    let isChecked: Bool

    /// An event with data that is encoded here; see ``Engine/push(_:_:tag:)`` for how.
    ///
    /// - Throws: ``MartletError/Code/invalidArgument`` where the data cannot be encoded.
    public init(_ type: String, _ data: some Encodable) throws(MartletError) {
        self.type = type
        self.data = try EventEncoder.encode(data)
        isChecked = true
    }

    /// An event with JSON that is ready, which receivers get byte for byte. It is checked by the push.
    public init(_ type: String, json: String) {
        self.init(type, json: json.utf8)
    }

    /// An event with JSON that is ready, in UTF-8. It is checked by the push.
    public init(_ type: String, json: some Collection<UInt8>) {
        self.type = type
        data = Array(json)
        isChecked = false
    }

    /// Appends the event's document.
    ///
    /// - Throws: ``MartletError/Code/invalidJSON``: data that is not one JSON value could smuggle keys into the document.
    func write(to writer: inout JSONWriter) throws(MartletError) {
        if !isChecked {
            let fault = data.withUnsafeBytes { data in
                JSONText.validate(data, maximumDepth: JSONText.deepestDepth)?.description(in: data)
            }
            if let fault { throw MartletError(.invalidJSON, "data is not valid JSON: \(fault)") }
        }
        var details = SettingsDocument()
        details.set("eventType", type)
        details.set("id", id)
        details.set("createdAt", createdAt)
        details.set("tenant", tenant)
        details.set("key", key)
        details.set("expirySeconds", expirySeconds)
        details.set("headers", headers.isEmpty ? nil : headers)
        writer.beginObject()
        for member in details.object {
            writer.key(member.key)
            member.value.write(to: &writer)
        }
        if tag != 0 {
            writer.key("tag")
            writer.integer(tag)
        }
        writer.key("data")
        writer.raw(data)
        writer.endObject()
    }
}
