import JSONText
import Model
import Registry

extension Engine {
    /// Sends one test delivery to a webhook now: to see whether its receiver works, without waiting for an event.
    ///
    /// It goes out whatever the webhook's subscriptions, also to a disabled webhook, past its limits, its order and its
    /// breaker, once and without retries. Nothing is drawn from its result: a 410 disables nothing. The request carries
    /// the header `webhook-test: true`, and the delivery is marked `"test":true`. Like any delivery it counts against the
    /// queue, is found by ``delivery(_:)``, and reports its outcome and that of its event, which has one delivery.
    ///
    /// - Parameters:
    ///   - id: the webhook.
    ///   - request: a JSON document with `eventType`, and optionally `data`, any JSON value, which is sent byte for byte;
    ///     without it, or with null, the sample of the event type is.
    /// - Returns: `{"eventId":"evt_…","deliveryId":"dlv_…"}`.
    /// - Throws: ``MartletError/Code/notFound``, ``MartletError/Code/invalidDocument``,
    ///   ``MartletError/Code/unknownEventType``, ``MartletError/Code/queueFull``, ``MartletError/Code/closed``.
    package func testWebhook(
        _ id: UnsafeRawBufferPointer,
        _ request: UnsafeRawBufferPointer
    ) throws(MartletError) -> [UInt8] {
        try state.testWebhook(try EngineState.webhookID(id), request)
    }
}

extension EngineState {
    func testWebhook(_ id: Identifier, _ request: UnsafeRawBufferPointer) throws(MartletError) -> [UInt8] {
        try checkOpen()
        let webhook = try stored(id)
        let test = try TestRequest.read(request, maximumDepth: configuration.jsonDepth)
        guard let type = catalog.index(of: test.eventType), let known = catalog[type] else {
            throw MartletError(catalog.unknownType(test.eventType, key: "eventType"))
        }
        let event: AcceptedEvent
        if let data = test.data {
            // The range was found in these bytes.
            event = try makeTest(type, known.name, webhook, data: UnsafeRawBufferPointer(rebasing: request[data]))
        } else {
            event = try known.sample.withUTF8Bytes { sample throws(MartletError) in
                try makeTest(type, known.name, webhook, data: sample)
            }
        }
        // Read before the event is given away.
        let (eventID, delivery) = (event.id.text, event.deliveryID(0))
        send(event, to: webhook.target)
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("eventId")
        writer.string(eventID)
        writer.key("deliveryId")
        writer.string(delivery.text(.delivery))
        writer.endObject()
        return writer.bytes
    }

    private func makeTest(
        _ type: EventTypeIndex,
        _ typeName: String,
        _ webhook: StoredWebhook,
        data: UnsafeRawBufferPointer
    ) throws(MartletError) -> AcceptedEvent {
        try checkSize(of: data)
        let now = Clock.wall()
        let draft = EventDraft(
            ids: ids.reserve(2, at: now),
            type: type,
            typeName: typeName,
            tenant: webhook.definition.tenant.isEmpty ? nil : Tenant(webhook.definition.tenant),
            tag: 0,
            acceptedAt: now,
            isTest: true,
            data: data
        )
        return try make(draft, for: Targets(webhook.target), isLazy: false)
    }

    // MARK: One delivery

    /// Takes what one delivery of a payload that exists costs from the queue's budget; answers what the event holds of it.
    func reserveOne(payloadBytes: Int) throws(MartletError) -> Int {
        let held = (journal == nil ? payloadBytes : 0) + Self.eventOverheadBytes + Self.deliveryOverheadBytes
        try reserve(held + outcomeBytes(deliveries: 1))
        return held
    }

    /// Accepts an event with one delivery, for which the budget was asked before, past all matching. No push, and not
    /// counted as one.
    func send(_ event: AcceptedEvent, to target: WebhookTarget) {
        unsettled.wrappingAdd(1, ordering: .sequentiallyConsistent)
        distribute(Unmanaged.passRetained(event), to: Targets(target))
    }
}

/// What a test is to send.
struct TestRequest: Sendable {
    var eventType = ""
    /// Where the data stands in the request; nil for the sample.
    var data: Range<Int>?

    private static let document = Document(
        prototype: TestRequest(),
        properties: [
            .text(
                "eventType",
                \.eventType,
                TextForm.eventType,
                presence: .required,
                "The event type to send, whether the webhook has subscribed to it or not."
            ),
            Property(
                "data",
                \.data,
                .json,
                defaultText: "the sample of the event type",
                "What to send.",
                encode: { _ in .null },
                // The bytes are taken from the text as they stand: see below.
                decode: { _ in .some(nil) }
            ),
        ]
    )

    private static let paths = (try? JSONText.PathSet(["data"])) ?? JSONText.PathSet()

    static func read(_ bytes: UnsafeRawBufferPointer, maximumDepth: Int) throws(MartletError) -> TestRequest {
        // `data` stands one level down.
        let depth = min(maximumDepth + 1, JSONText.deepestDepth)
        var extraction = JSONText.Extraction()
        if let failure = JSONText.validate(bytes, maximumDepth: depth, extracting: paths, into: &extraction) {
            throw MartletError(DocumentError(failure, in: bytes))
        }
        let value: JSONValue
        do {
            value = try JSONValue.parse(bytes, maximumDepth: depth)
        } catch {
            throw MartletError(DocumentError(error, in: bytes))
        }
        do {
            var request = try document.parse(value)
            let data = extraction[0]
            if data.kind != .missing, data.kind != .null {
                // The slice lies in the bytes, so the sum cannot overflow.
                request.data = data.offset..<(data.offset &+ data.length)
            }
            return request
        } catch {
            throw MartletError(error)
        }
    }
}
