import Model

/// Which deliveries a host asks for.
struct DeliveryQuery: Sendable {
    /// A delivery's state as documents name it.
    enum State: String, CaseIterable, Sendable {
        case any
        /// Queued, or waiting for its next attempt.
        case pending
        case inFlight
        case succeeded
        case failed
        case expired
        case canceled
    }

    var limit = 100
    var state = State.any
    var webhookText = ""
    var event = ""
    var type = ""
    var cursorText = ""

    /// Read from their texts.
    var webhook: Identifier?
    /// Only deliveries before this one.
    var cursor = Identifier(high: .max, low: .max)

    static let document = Document(
        prototype: DeliveryQuery(),
        properties: [
            .choice("state", \.state, "Only deliveries in this state."),
            .text("webhookId", \.webhookText, TextForm(.identifier, bytes: 1...64), "Only deliveries of this webhook."),
            .text("eventId", \.event, TextForm(.identifier, bytes: 1...64), "Only deliveries of this event."),
            .text("eventType", \.type, TextForm.eventType, "Only deliveries of events of this type."),
            .integer("limit", \.limit, 1...1000, "How many deliveries a page holds at the most."),
            .text("cursor", \.cursorText, TextForm(.identifier, bytes: 1...64), "The `cursor` of the page before."),
        ]
    )

    static func read(_ bytes: UnsafeRawBufferPointer) throws(MartletError) -> DeliveryQuery {
        do throws(DocumentError) {
            let value = try Document<DeliveryQuery>.value(of: bytes, isEmptyAllowed: true)
            var query = try document.parse(value)
            if !query.webhookText.isEmpty {
                guard let webhook = Identifier(query.webhookText, kind: .webhook) else {
                    throw DocumentError(.outOfRange, key: "webhookId", message: "webhookId must be an id such as wh_…")
                }
                query.webhook = webhook
            }
            if !query.cursorText.isEmpty {
                guard let cursor = Identifier(query.cursorText, kind: .delivery) else {
                    throw DocumentError(.outOfRange, key: "cursor", message: "cursor must be one that a page gave")
                }
                query.cursor = cursor
            }
            return query
        } catch {
            throw MartletError(error)
        }
    }

    func accepts(
        _ state: State,
        id: Identifier,
        webhook: Identifier,
        event: EventID,
        type: EventTypeIndex,
        wantedType: EventTypeIndex?
    ) -> Bool {
        guard id < cursor, self.state == .any || self.state == state else { return false }
        if let wanted = self.webhook, wanted != webhook { return false }
        if let wantedType, wantedType != type { return false }
        return self.event.isEmpty || event.text == self.event
    }
}

/// A delivery as a query finds it, pending or settled.
struct FoundDelivery: Sendable {
    var id: Identifier
    var event: EventID
    var type: EventTypeIndex
    var tag: UInt64
    var webhook: Identifier
    var state: DeliveryQuery.State
    var attempts: UInt16
    /// Nil while it is not settled.
    var settledAt: WallTime?
    /// When the next attempt is due, where one is waited for.
    var nextAttempt: Instant?
    /// Position in the log of its lane.
    var lastAttempt: UInt64
    var lane: Int
}

/// The newest deliveries found so far, at most as many as a page holds.
struct FoundPage: Sendable {
    let limit: Int
    private(set) var deliveries: [FoundDelivery] = []
    private(set) var hasMore = false

    init(limit: Int) {
        self.limit = max(limit, 1)
    }

    /// Sorting once for each page's worth of finds keeps the cost near linear, whatever order they come in.
    mutating func insert(_ delivery: FoundDelivery) {
        deliveries.append(delivery)
        if deliveries.count >= limit * 2 + 64 { trim() }
    }

    mutating func trim() {
        // The same delivery can be found twice, pending and then settled: the later find is the truer one.
        var byID: [Identifier: FoundDelivery] = [:]
        for delivery in deliveries { byID[delivery.id] = delivery }
        deliveries = byID.values.sorted { $0.id > $1.id }
        if deliveries.count > limit {
            deliveries.removeSubrange(limit...)
            hasMore = true
        }
    }
}
