import JSONText

extension Engine {
    /// Registers a webhook; events match it when this returns.
    ///
    /// - Returns: the stored webhook with its id, without its secret: see ``webhookSecrets(of:)``.
    /// - Throws: ``MartletError/Code/invalidDocument`` with the key at fault, ``MartletError/Code/addressRefused``,
    ///   ``MartletError/Code/unknownEventType``, ``MartletError/Code/closed``.
    @discardableResult
    public func createWebhook(_ settings: Webhook.Settings) throws(MartletError) -> Webhook {
        try createWebhook(JSON(.object(settings.document)))
    }

    /// Registers a webhook that is described by a JSON document, with any key of <doc:Configuration>.
    @discardableResult
    public func createWebhook(_ document: JSON) throws(MartletError) -> Webhook {
        Webhook(try answer(document) { bytes throws(MartletError) in try createWebhook(bytes) })
    }

    /// The stored webhook.
    ///
    /// - Throws: ``MartletError/Code/notFound``.
    public func webhook(_ id: String) throws(MartletError) -> Webhook {
        Webhook(try answer(id) { id throws(MartletError) in try webhook(id) })
    }

    /// All webhooks in the order of their creation.
    ///
    /// - Parameters:
    ///   - tenant: only those of this tenant; `""` is the default one, nil all.
    ///   - pageSize: how many are read at once, 1 to 1000.
    public func webhooks(tenant: String? = nil, pageSize: Int = 100) throws(MartletError) -> Listing<Webhook> {
        var query = SettingsDocument()
        query.set("tenant", tenant)
        query.set("limit", pageSize)
        return try webhooks(JSON(.object(query.object)))
    }

    /// The webhooks that a JSON document asks for, with any of `limit`, the size of a page, `cursor` and `tenant`.
    public func webhooks(_ query: JSON) throws(MartletError) -> Listing<Webhook> {
        try Listing { cursor throws(MartletError) in
            let page = try self.answer(query.from(cursor)) { query throws(MartletError) in try self.webhooks(query) }
            return Listing.Page(page, "webhooks") { Webhook($0) }
        }
    }

    /// Changes a webhook: only what `change` changes is written, so that two hosts can change different settings at once.
    ///
    /// ```swift
    /// try engine.updateWebhook(id) {
    ///     $0.url = "https://new.example.com/hook"
    ///     $0.timeoutMs = nil  // the engine's again
    /// }
    /// ```
    ///
    /// Attempts that start after the return use the new values, for deliveries that were pending too.
    ///
    /// - Returns: the stored webhook as it is now.
    /// - Throws: ``MartletError/Code/notFound`` and the errors of ``createWebhook(_:)-(Webhook.Settings)``; tenant and secret
    ///   cannot be changed.
    @discardableResult
    public func updateWebhook(
        _ id: String,
        _ change: (inout Webhook.Settings) -> Void
    ) throws(MartletError) -> Webhook {
        let former = try webhook(id).settings
        var settings = former
        change(&settings)
        let changes = settings.document.changes(since: former.document, groups: Webhook.Settings.groups)
        return try updateWebhook(id, JSON(.object(changes)))
    }

    /// Changes the keys of a webhook that a JSON document names and no others; `null` puts a default back.
    @discardableResult
    public func updateWebhook(_ id: String, _ changes: JSON) throws(MartletError) -> Webhook {
        Webhook(
            try answer(changes) { changes throws(MartletError) in
                try id.withUTF8Bytes { id throws(MartletError) in try updateWebhook(id, changes) }
            }
        )
    }

    /// Says what ``createWebhook(_:)-(Webhook.Settings)`` would say, and registers nothing: for a form that judges while somebody
    /// types.
    ///
    /// - Throws: the errors of that method.
    public func checkWebhook(_ settings: Webhook.Settings) throws(MartletError) {
        try checkWebhook(JSON(.object(settings.document)))
    }

    /// The same for a JSON document; with an `id` what ``updateWebhook(_:_:)-(_,JSON)`` would say to it.
    public func checkWebhook(_ document: JSON, of id: String? = nil) throws(MartletError) {
        try document.bytes.withBytes { document throws(MartletError) in
            guard let id else { return try checkWebhook(nil, document) }
            try id.withUTF8Bytes { id throws(MartletError) in try checkWebhook(id, document) }
        }
    }

    /// Removes a webhook. When this returns, no new attempt for it starts; what was pending is canceled.
    ///
    /// - Throws: ``MartletError/Code/notFound``.
    public func deleteWebhook(_ id: String) throws(MartletError) {
        try id.withUTF8Bytes { id throws(MartletError) in try deleteWebhook(id) }
    }

    /// Enables a webhook; what waited for it goes on.
    ///
    /// - Throws: ``MartletError/Code/notFound``.
    public func enableWebhook(_ id: String) throws(MartletError) {
        try id.withUTF8Bytes { id throws(MartletError) in try setWebhook(id, enabled: true) }
    }

    /// Disables a webhook: when this returns, no new attempt for it starts; what is pending waits, and new events pass it by.
    ///
    /// - Throws: ``MartletError/Code/notFound``.
    public func disableWebhook(_ id: String) throws(MartletError) {
        try id.withUTF8Bytes { id throws(MartletError) in try setWebhook(id, enabled: false) }
    }

    // MARK: Secrets

    /// The live signing secrets of a webhook, the current one first: to hand to whoever runs the receiver.
    ///
    /// - Throws: ``MartletError/Code/notFound``.
    public func webhookSecrets(of id: String) throws(MartletError) -> [WebhookKey] {
        WebhookKey.list(try answer(id) { id throws(MartletError) in try webhookSecrets(id) })
    }

    /// Makes a new signing secret the current one; the former ones go on signing for a while, so that receivers have time to
    /// change over.
    ///
    /// - Parameters:
    ///   - id: the webhook.
    ///   - secret: a secret of your own, `whsec_` and base64 of 24 to 64 bytes; nil for a new random one.
    ///   - overlapSeconds: how long the former secrets stay live, 0 to 604,800; nil for a day.
    /// - Returns: the live secrets, the new one first. At most five are live.
    /// - Throws: ``MartletError/Code/notFound``; ``MartletError/Code/invalidDocument``, also for a secret that is the current
    ///   one already; ``MartletError/Code/closed``.
    @discardableResult
    public func rotateSecret(
        of id: String,
        to secret: String? = nil,
        overlapSeconds: Int? = nil
    ) throws(MartletError) -> [WebhookKey] {
        var options = SettingsDocument()
        options.set("secret", secret)
        options.set("overlapSeconds", overlapSeconds)
        return try rotateSecret(of: id, JSON(.object(options.object)))
    }

    /// The same with a JSON document, with any of `secret` and `overlapSeconds`.
    @discardableResult
    public func rotateSecret(of id: String, _ options: JSON) throws(MartletError) -> [WebhookKey] {
        WebhookKey.list(
            try answer(options) { options throws(MartletError) in
                try id.withUTF8Bytes { id throws(MartletError) in try rotateSecret(id, options) }
            }
        )
    }

    // MARK: Test

    /// Sends one test delivery to a webhook now: to see whether its receiver works, without waiting for an event.
    ///
    /// It goes out whatever the webhook's subscriptions, also to a disabled one, once and without retries, with the header
    /// `webhook-test: true`. Its result comes as an outcome and stands in ``delivery(_:)``.
    ///
    /// - Parameters:
    ///   - id: the webhook.
    ///   - type: an event type of the catalog, whose sample is sent.
    /// - Throws: ``MartletError/Code/notFound``, ``MartletError/Code/unknownEventType``, ``MartletError/Code/queueFull``,
    ///   ``MartletError/Code/closed``.
    @discardableResult
    public func testWebhook(_ id: String, eventType type: String) throws(MartletError) -> TestReceipt {
        try testWebhook(id, ["eventType": JSON(type)])
    }

    /// Sends one test delivery with data of your own.
    @discardableResult
    public func testWebhook(
        _ id: String,
        eventType type: String,
        data: some Encodable
    ) throws(MartletError) -> TestReceipt {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("eventType")
        writer.string(type)
        writer.key("data")
        writer.raw(try EventEncoder.encode(data))
        writer.endObject()
        return try test(id, writer.bytes)
    }

    /// Sends one test delivery that a JSON document describes, with `eventType` and optionally `data`.
    @discardableResult
    public func testWebhook(_ id: String, _ request: JSON) throws(MartletError) -> TestReceipt {
        try test(id, request.bytes)
    }

    private func test(_ id: String, _ request: [UInt8]) throws(MartletError) -> TestReceipt {
        let answer = try answer(request) { request throws(MartletError) in
            try id.withUTF8Bytes { id throws(MartletError) in try testWebhook(id, request) }
        }
        return TestReceipt(eventID: answer.text("eventId"), deliveryID: answer.text("deliveryId"))
    }
}

/// A signing secret of a webhook.
public struct WebhookKey: Hashable, Sendable {
    /// `whsec_` and base64. Keep it out of logs.
    public let secret: String
    /// When it was made, in UTC (RFC 3339).
    public let createdAt: String
    /// When it stops signing, in UTC (RFC 3339); nil for the current one, which has no end.
    public let expiresAt: String?

    static func list(_ answer: JSONValue) -> [WebhookKey] {
        (answer["secrets"]?.arrayValue ?? []).map { key in
            WebhookKey(
                secret: key.text("secret"),
                createdAt: key.text("createdAt"),
                expiresAt: key.optionalText("expiresAt")
            )
        }
    }
}

/// What a test delivery is called.
public struct TestReceipt: Hashable, Sendable {
    /// The event, `evt_…`.
    public let eventID: String
    /// The delivery, `dlv_…`: see ``Engine/delivery(_:)``.
    public let deliveryID: String
}
