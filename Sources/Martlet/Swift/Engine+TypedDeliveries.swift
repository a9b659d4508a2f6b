import JSONText

extension Engine {
    /// Deliveries with their attempts, the newest first.
    ///
    /// Pending ones are always found, settled ones as long as `logRetention` says.
    ///
    /// - Parameters:
    ///   - query: which ones; by default all.
    ///   - pageSize: how many are read at once, 1 to 1000.
    public func deliveries(
        _ query: Webhook.Delivery.Query = Webhook.Delivery.Query(),
        pageSize: Int = 100
    ) throws(MartletError) -> Listing<Webhook.Delivery> {
        var document = query.document
        document.set("limit", pageSize)
        return try deliveries(JSON(.object(document.object)))
    }

    /// The deliveries that a JSON document asks for, with the keys of ``Webhook/Delivery/Query`` as the C interface names them, and
    /// `limit`, the size of a page.
    public func deliveries(_ query: JSON) throws(MartletError) -> Listing<Webhook.Delivery> {
        try Listing { cursor throws(MartletError) in
            let bytes = try query.from(cursor).bytes.withBytes { query throws(MartletError) in
                try self.deliveries(query)
            }
            let page = try Engine.read(bytes)
            let tags = Webhook.Delivery.tags(in: bytes)
            let elements = (page["deliveries"]?.arrayValue ?? []).enumerated().map { place, delivery in
                Webhook.Delivery(delivery, tag: tags.indices.contains(place) ? tags[place] : nil)
            }
            return Listing.Page(elements: elements, cursor: page.optionalText("cursor"))
        }
    }

    /// One delivery with its attempts, and with the request's body as ``Webhook/Delivery/payload`` where it is still kept.
    ///
    /// - Throws: ``MartletError/Code/notFound``, also once the log no longer keeps it.
    public func delivery(_ id: String) throws(MartletError) -> Webhook.Delivery {
        let bytes = try id.withUTF8Bytes { id throws(MartletError) in try delivery(id) }
        return Webhook.Delivery(try Engine.read(bytes), tag: Webhook.Delivery.tags(in: bytes).first)
    }

    /// Sends the event of a settled delivery to its webhook once more, as a new delivery.
    ///
    /// The receiver gets the same event id and payload, signed anew. It is new work: it counts against the queue, and reports
    /// an outcome of its own and one more for the event, with one delivery.
    ///
    /// - Returns: the id of the new delivery.
    /// - Throws: ``MartletError/Code/notFound`` where the delivery has left the log or its webhook was deleted;
    ///   ``MartletError/Code/wrongState`` where it is not settled, is a test, its webhook is disabled, or its payload is no
    ///   longer kept; ``MartletError/Code/queueFull``, ``MartletError/Code/closed``.
    @discardableResult
    public func redeliver(_ id: String) throws(MartletError) -> String {
        try id.withUTF8Bytes { id throws(MartletError) in try redeliver(id) }
    }

    /// Redelivers all settled deliveries that match, the oldest first, spread over time so that a receiver that has just
    /// recovered is not flooded.
    ///
    /// What was redelivered before is left out, for its redelivery stands for it: so a replay may be repeated. Tests are left
    /// out as well.
    ///
    /// - Parameters:
    ///   - query: which ones; by default all that failed.
    ///   - perSecond: how many a second to each webhook, 0.1 to 10,000; nil for 50.
    /// - Throws: ``MartletError/Code/queueFull`` where the queue takes no more; the message tells how many went in, and these
    ///   go on. ``MartletError/Code/closed``.
    @discardableResult
    public func replay(
        _ query: Webhook.Delivery.Query = Webhook.Delivery.Query(),
        perSecond: Double? = nil
    ) throws(MartletError) -> ReplayReceipt {
        var document = query.document
        document.set("perSecond", perSecond)
        return try replay(JSON(.object(document.object)))
    }

    /// Redelivers what a JSON document asks for, with the keys of ``Webhook/Delivery/Query`` as the C interface names them, and
    /// `perSecond`.
    @discardableResult
    public func replay(_ query: JSON) throws(MartletError) -> ReplayReceipt {
        let answer = try answer(query) { query throws(MartletError) in try replay(query) }
        return ReplayReceipt(
            replayed: answer.integer("replayed") ?? 0,
            skipped: answer.integer("skipped") ?? 0,
            durationSeconds: answer.number("durationSeconds") ?? 0
        )
    }

    /// Cancels a delivery that is not settled.
    ///
    /// One that waits is settled as canceled when this returns. One in flight is tried no more: it is settled as canceled when
    /// its attempt ends without success, as succeeded when it ends with one.
    ///
    /// - Throws: ``MartletError/Code/notFound``; ``MartletError/Code/wrongState`` for one that is settled already;
    ///   ``MartletError/Code/closed``.
    public func cancelDelivery(_ id: String) throws(MartletError) {
        try id.withUTF8Bytes { id throws(MartletError) in try cancel(id) }
    }

    /// Cancels every delivery that matches and is not settled, as ``cancelDelivery(_:)`` does.
    ///
    /// - Parameter query: which ones; by default all.
    /// - Returns: how many were canceled, those in flight among them.
    @discardableResult
    public func cancelDeliveries(_ query: Webhook.Delivery.Query = Webhook.Delivery.Query()) throws(MartletError) -> Int
    {
        try cancelDeliveries(JSON(.object(query.document.object)))
    }

    /// Cancels what a JSON document asks for, with the keys of ``Webhook/Delivery/Query`` as the C interface names them.
    @discardableResult
    public func cancelDeliveries(_ query: JSON) throws(MartletError) -> Int {
        try query.bytes.withBytes { query throws(MartletError) in try cancelDeliveries(query) }
    }
}

/// What a replay did.
public struct ReplayReceipt: Hashable, Sendable {
    /// Deliveries that were queued again.
    public let replayed: Int
    /// Those that were not, because their payload is no longer kept or their webhook is deleted or disabled.
    public let skipped: Int
    /// Over how long they are spread, in seconds.
    public let durationSeconds: Double
}
