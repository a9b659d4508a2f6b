import Model

/// Which deliveries a host asks for.
struct DeliveryQuery: Sendable {
    /// A delivery's state as documents name it.
    enum State: String, CaseIterable, Sendable {
        case any
        /// Queued, or waiting for its next attempt.
        case pending
        case inFlight
        /// Pending or in flight.
        case undelivered
        case succeeded
        case failed
        case expired
        case canceled

        var isSettled: Bool {
            switch self {
            case .succeeded, .failed, .expired, .canceled: true
            case .any, .pending, .inFlight, .undelivered: false
            }
        }

        /// Whether the log of what is settled has to be gone through.
        var includesSettled: Bool {
            self == .any || isSettled
        }

        var includesUnsettled: Bool {
            !isSettled
        }

        /// True where a delivery in `other`, one of those a delivery can be in, is in this state.
        func includes(_ other: State) -> Bool {
            switch self {
            case .any: true
            case .undelivered: !other.isSettled
            default: self == other
            }
        }
    }

    var limit = 100
    var state = State.any
    var webhookText = ""
    var event = ""
    var type = ""
    /// Nil: all of them.
    var tenant: String?
    var cursorText = ""
    var createdAfterText = ""
    var createdBeforeText = ""
    /// Of a replay: attempts a second to each webhook.
    var perSecond = 50.0

    /// Read from their texts.
    var webhook: Identifier?
    /// Only deliveries before this one.
    var cursor = Identifier(high: .max, low: .max)
    /// Only deliveries made from this time on.
    var createdFrom = WallTime(milliseconds: .min)
    /// Only deliveries made before this time.
    var createdBefore = WallTime(milliseconds: .max)

    /// A page of deliveries.
    static let document = Document(
        prototype: DeliveryQuery(),
        properties: filters + [
            .integer("limit", \.limit, 1...1000, "How many deliveries a page holds at the most."),
            .text("cursor", \.cursorText, TextForm(.identifier, bytes: 1...64), "The `cursor` of the page before."),
        ]
    )

    private static let filters: [Property<DeliveryQuery>] = [
        .choice("state", \.state, "Only deliveries in this state; `undelivered` is pending or in flight."),
        .text("webhookId", \.webhookText, TextForm(.identifier, bytes: 1...64), "Only deliveries of this webhook."),
        .text("eventId", \.event, TextForm(.identifier, bytes: 1...64), "Only deliveries of this event."),
        .text("eventType", \.type, TextForm.eventType, "Only deliveries of events of this type."),
        .optionalText("tenant", \.tenant, Tenant.form, default: "all of them", "Only deliveries of this tenant."),
        .text(
            "createdAfter",
            \.createdAfterText,
            NewEvent.timestampForm,
            "Only deliveries made at this time or later."
        ),
        .text("createdBefore", \.createdBeforeText, NewEvent.timestampForm, "Only deliveries made before this time."),
    ]

    /// What is to be replayed, by default what failed.
    static let replayDocument = Document(
        prototype: DeliveryQuery(state: .failed),
        rules: [
            { query in
                guard query.state == .any || query.state.isSettled else {
                    return DocumentError(
                        .outOfRange,
                        key: "state",
                        message: "state must be one of a settled delivery: any, succeeded, failed, expired or canceled"
                    )
                }
                return nil
            }
        ],
        properties: filters + [
            .number("perSecond", \.perSecond, 0.1...10_000, "Deliveries a second to each webhook.")
        ]
    )

    /// What is to be canceled, by default everything that is not settled.
    static let cancelDocument = Document(
        prototype: DeliveryQuery(state: .undelivered),
        rules: [
            { query in
                guard !query.state.isSettled, query.state != .any else {
                    return DocumentError(
                        .outOfRange,
                        key: "state",
                        message: "state must be one of a delivery that is not settled: undelivered, pending or inFlight"
                    )
                }
                return nil
            }
        ],
        properties: filters
    )

    static func read(
        _ bytes: UnsafeRawBufferPointer,
        as document: Document<DeliveryQuery> = document
    ) throws(MartletError) -> DeliveryQuery {
        do throws(DocumentError) {
            let value = try Document<DeliveryQuery>.value(of: bytes, isEmptyAllowed: true)
            var query = try document.parse(value)
            // The texts were checked as timestamps; an empty one was not given.
            if let time = Timestamp.parse(query.createdAfterText) { query.createdFrom = time }
            if let time = Timestamp.parse(query.createdBeforeText) { query.createdBefore = time }
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
        tenant: Tenant?,
        wantedType: EventTypeIndex?
    ) -> Bool {
        guard id < cursor, self.state.includes(state) else { return false }
        let created = id.wallTime
        guard created >= createdFrom, created < createdBefore else { return false }
        if let wanted = self.webhook, wanted != webhook { return false }
        if let wantedType, wantedType != type { return false }
        if let wanted = self.tenant, wanted != tenant?.name ?? "" { return false }
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
    var isTest = false
    /// The delivery that this one repeats; zero where it repeats none.
    var redeliveryOf = Identifier.zero
    /// Nil for the default tenant.
    var tenant: Tenant?
    /// The event's number in ``KeptPayloads``, where it is settled.
    var payload = KeptPayloads.none
    /// The event itself, where it is not settled and was asked for.
    var source: AcceptedEvent?
}

/// The newest deliveries found so far, at most as many as a page holds.
struct FoundPage: Sendable {
    let limit: Int
    private(set) var deliveries: [FoundDelivery] = []
    private(set) var hasMore = false
    /// What is older does not come onto the page any more; nil while the page has room.
    private var floor: Identifier?

    init(limit: Int) {
        self.limit = max(limit, 1)
    }

    /// Sorting once for each page's worth of finds keeps the cost near linear, whatever order they come in.
    mutating func insert(_ delivery: FoundDelivery) {
        guard hasPlace(for: delivery.id) else { return }
        deliveries.append(delivery)
        if deliveries.count >= limit * 2 + 64 { trim() }
    }

    /// False for one that is too old for the page. To be asked for a delivery that fits the query only: it notes that there
    /// are more.
    mutating func hasPlace(for id: Identifier) -> Bool {
        guard let floor, id < floor else { return true }
        hasMore = true
        return false
    }

    /// Takes over what another page found, and that it had no place for more.
    mutating func insert(_ other: FoundPage) {
        for delivery in other.deliveries { insert(delivery) }
        if other.hasMore { hasMore = true }
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
        if deliveries.count == limit { floor = deliveries.last?.id }
    }
}
