import Model

/// What the records of a journal add up to: which events are still to be delivered and how far they have come, which
/// webhooks there are, what the host was not yet told.
///
/// Records are added in the order they were written. Positions are the journal's and only handed back. Payloads stay where
/// they are: a million pending events cost some hundred bytes each here, and nothing beyond opening.
///
/// Rules that writers keep, and that this relies on:
/// - a record that ends or replaces an older one is written after it and never goes before it;
/// - a copy of an event tells everything that older records told of its deliveries;
/// - an outcome stands in front of the end that it tells of, and is not given up before a `told` record names it.
package struct RecoveredState: Sendable {
    /// How many of the newest attempts and settled deliveries the delivery log keeps.
    let logCapacity: Int
    /// How many of the newest ids of the host are remembered.
    let seenCapacity: Int

    package struct Event: BitwiseCopyable, Sendable {
        /// 0 where only records about its deliveries were found so far.
        package var position: UInt64 = 0
        package var isRedelivery = false
        /// The only delivery's end where there is one delivery; those of others stand in ``ends``.
        var end: EventRecord.EndState = 0
        package var deliveries: UInt32 = 0
        package var settled: UInt32 = 0
        /// How all of it ended, where the host was told so or is to be told; else 0.
        var finish: EventRecord.EndState = 0

        package var isPending: Bool {
            position != 0 && finish == 0 && settled < deliveries
        }

        /// Found whole, with nothing left to do: its payload may serve redeliveries.
        package var isSettled: Bool {
            position != 0 && (finish != 0 || settled >= deliveries)
        }
    }

    package struct Seen: Sendable {
        package var acceptedAt: WallTime
        /// Of the record that stands for the id alone; 0 where only the event's record does.
        package var position: UInt64
    }

    private struct LogKey: Hashable {
        var delivery: DeliveryKey
        /// Of an attempt; nil for the end of the delivery.
        var attempt: UInt16?
    }

    package private(set) var events: [EventKey: Event] = [:]
    private var ends: [DeliveryKey: EventRecord.EndState] = [:]
    private var progress: [DeliveryKey: Progress] = [:]
    /// Attempts and settled deliveries, oldest first, each once: a record and its copy are one.
    private var logged: ContiguousArray<(key: LogKey, position: UInt64)> = []
    /// Which of ``logged`` it is, counted from the first there ever was.
    private var logPlaces: [LogKey: Int] = [:]
    private var forgottenLogged = 0
    /// The newest record of each webhook.
    package private(set) var webhooks: [Identifier: UInt64] = [:]
    package private(set) var health: [Identifier: (record: HealthRecord, position: UInt64)] = [:]
    package private(set) var eventTypes: [UInt64] = []
    package private(set) var seen: [String: Seen] = [:]
    private var seenOrder: ContiguousArray<String> = []
    /// Not yet told, by number.
    package private(set) var outcomes: [UInt64: UInt64] = [:]
    package private(set) var lastOutcome: UInt64 = 0
    /// Told numbers that a doubtful end may name.
    private var toldNumbers: Set<UInt64> = []
    /// Ends whose outcomes were not found in front of them: told and gone since, or lost in a power failure.
    private var doubtful: [(brief: SettledRecord.Brief, position: UInt64)] = []
    /// Deliveries whose end nothing but an outcome tells of, with its number: the process ended before it wrote more.
    private var endedByOutcome: [DeliveryKey: UInt64] = [:]
    /// Events all of whose deliveries have ended, and whose own outcome was not written any more, where there was to be one.
    package private(set) var unfinished: Set<EventKey> = []
    /// Outcomes of events that count once all deliveries have ended.
    private var concluded: [EventKey: UInt64] = [:]
    /// Outcomes that a power failure left of deliveries that go on. The host was not told of them and must not be: to be
    /// noted as told, and to be on the disk as such, before anything else is written.
    package private(set) var void: [UInt64] = []
    /// The latest series of ids, with how many ids it had.
    package private(set) var latest: (key: EventKey, count: Int)?
    /// Records that nobody needs any more.
    package private(set) var dead: ContiguousArray<UInt64> = []
    /// Records that could not be read: of a later version, or damaged before they were written.
    package private(set) var unreadable = 0

    package init(logCapacity: Int, seenCapacity: Int) {
        self.logCapacity = max(logCapacity, 0)
        self.seenCapacity = max(seenCapacity, 0)
    }

    /// Adds one record; false where it is of no further use by itself.
    package mutating func add(kind: UInt8, position: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let kind = RecordKind(rawValue: kind) else {
            // Kept on the disk as long as its neighbours: a later version may know it.
            unreadable += 1
            return false
        }
        let isReadable =
            switch kind {
            case .event: addEvent(position, bytes)
            case .redelivery: addRedelivery(position, bytes)
            case .attempt: addAttempt(position, bytes)
            case .settled: addSettled(position, bytes)
            case .outcome: addOutcome(position, bytes)
            case .told: addTold(bytes)
            case .seen: addSeen(position, bytes)
            case .webhook: addWebhook(position, bytes)
            case .webhookRemoved: removeWebhook(bytes)
            case .health: addHealth(position, bytes)
            case .eventType: addEventType(position)
            }
        if !isReadable { unreadable += 1 }
        return isReadable && kind != .told && kind != .webhookRemoved
    }

    // MARK: Events

    private mutating func addEvent(_ position: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let decoded = EventRecord.Decoded(bytes) else { return false }
        let key = decoded.event.key
        enter(key, position, deliveries: decoded.event.deliveries, isRedelivery: false)
        if !decoded.states.isEmpty {
            for number in 0..<decoded.event.deliveries where decoded.state(of: number) != 0 {
                end(DeliveryKey(event: key, number: number), decoded.state(of: number))
            }
            decoded.forEachPending { pending in
                let delivery = DeliveryKey(event: key, number: pending.number)
                if end(of: delivery) == 0 { advance(delivery, to: pending.progress) }
            }
        }
        if let id = decoded.event.ownID {
            note(SeenRecord.key(id: id, tenant: decoded.event.tenant), decoded.event.acceptedAt, position: 0)
        }
        return true
    }

    private mutating func addRedelivery(_ position: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let record = RedeliveryRecord(bytes) else { return false }
        enter(record.key, position, deliveries: 1, isRedelivery: true)
        let delivery = DeliveryKey(event: record.key, number: 0)
        if record.end != 0 { end(delivery, record.end) } else { advance(delivery, to: record.progress) }
        return true
    }

    private mutating func enter(_ key: EventKey, _ position: UInt64, deliveries: UInt32, isRedelivery: Bool) {
        // In place: a look-up costs more than everything else here.
        let former = RecoveredState.place(&events[key, default: Event()], position, deliveries, isRedelivery)
        if former != 0 { dead.append(former) }
        if (latest?.key.first ?? 0) <= key.first { latest = (key, Int(deliveries) + 1) }
    }

    private static func place(
        _ event: inout Event,
        _ position: UInt64,
        _ deliveries: UInt32,
        _ isRedelivery: Bool
    ) -> UInt64 {
        defer { event.position = position }
        event.deliveries = deliveries
        event.isRedelivery = isRedelivery
        return event.position
    }

    private mutating func end(_ delivery: DeliveryKey, _ state: EventRecord.EndState) {
        if !endedByOutcome.isEmpty { endedByOutcome[delivery] = nil }
        var event = events[delivery.event] ?? Event()
        if event.deliveries == 1, delivery.number == 0 {
            if event.settled == 0 {
                event.end = state
                event.settled = 1
            }
        } else if ends.updateValue(state, forKey: delivery) == nil {
            event.settled += 1
        }
        events[delivery.event] = event
        progress[delivery] = nil
    }

    private mutating func advance(_ delivery: DeliveryKey, to further: Progress) {
        guard further != Progress() else { return }
        progress[delivery] = progress[delivery].map { Progress.later($0, further) } ?? further
    }

    /// How the delivery ended; 0 where it has not.
    package func end(of delivery: DeliveryKey) -> EventRecord.EndState {
        let known = ends.isEmpty ? 0 : ends[delivery] ?? 0
        guard known == 0, let event = events[delivery.event] else { return known }
        return event.deliveries == 1 && event.end != 0 ? event.end : event.finish
    }

    /// The same for a delivery of an event that is at hand.
    package func end(of delivery: DeliveryKey, in event: Event) -> EventRecord.EndState {
        if event.deliveries == 1, event.end != 0 { return event.end }
        return ends.isEmpty ? 0 : ends[delivery] ?? 0
    }

    package func progress(of delivery: DeliveryKey) -> Progress {
        progress.isEmpty ? Progress() : progress[delivery] ?? Progress()
    }

    // MARK: The log

    private mutating func addAttempt(_ position: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let record = AttemptRecord(bytes) else { return false }
        if end(of: record.delivery) == 0 {
            // Each is one further than the one before. One that is not was moved here for the log's sake, and what a copy of
            // the event says since is newer.
            let known = progress(of: record.delivery)
            if Progress.later(record.progress, known) != known { advance(record.delivery, to: record.progress) }
        }
        if let attempt = record.attempt {
            enterLog(LogKey(delivery: record.delivery, attempt: attempt.number), position)
        } else {
            dead.append(position)
        }
        return true
    }

    private mutating func addSettled(_ position: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let brief = SettledRecord.Brief(bytes) else { return false }
        // A number that was given is not given again, also where its record was lost.
        lastOutcome = max(lastOutcome, brief.outcomes.delivery, brief.outcomes.event)
        guard isThere(brief.outcomes.delivery), isThere(brief.outcomes.event) else {
            doubtful.append((brief, position))
            return true
        }
        end(brief.delivery, brief.state)
        enterLog(LogKey(delivery: brief.delivery, attempt: nil), position)
        return true
    }

    private func isThere(_ outcome: UInt64) -> Bool {
        outcome == 0 || outcomes[outcome] != nil || toldNumbers.contains(outcome)
    }

    /// What was told counts; what nobody can tell did not happen.
    private mutating func resolveDoubts() {
        for (brief, position) in doubtful {
            guard isThere(brief.outcomes.delivery), isThere(brief.outcomes.event) else {
                dead.append(position)
                continue
            }
            end(brief.delivery, brief.state)
            // A copy of it, which nobody doubts, is the newer one.
            let key = LogKey(delivery: brief.delivery, attempt: nil)
            if logPlaces[key] == nil { enterLog(key, position) } else { dead.append(position) }
        }
        doubtful = []
    }

    private mutating func enterLog(_ key: LogKey, _ position: UInt64) {
        if let place = logPlaces[key] {
            dead.append(logged[place - forgottenLogged].position)
            logged[place - forgottenLogged].position = position
            return
        }
        logPlaces[key] = forgottenLogged + logged.count
        logged.append((key, position))
        if logged.count >= logCapacity * 2 + 1024 { trimLog() }
    }

    private mutating func trimLog() {
        let surplus = logged.count - logCapacity
        guard surplus > 0 else { return }
        for (key, position) in logged[..<surplus] {
            logPlaces[key] = nil
            dead.append(position)
        }
        logged.removeSubrange(..<surplus)
        forgottenLogged += surplus
    }

    /// Attempts and settled deliveries, oldest first.
    package var log: ContiguousArray<UInt64> {
        ContiguousArray(logged.lazy.map(\.position))
    }

    // MARK: Outcomes

    private mutating func addOutcome(_ position: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let (number, subject, state) = OutcomeRecord.peek(bytes) else { return false }
        // What the host is to be told has happened, also where the process ended before it wrote that down.
        if let subject, subject.number == OutcomeRecord.ofEvent {
            events[subject.event, default: Event()].finish = state
        } else if let subject, subject.number == OutcomeRecord.ofDeliveries {
            concluded[subject.event] = number
        } else if let subject, state != 0, end(of: subject) == 0 {
            end(subject, state)
            endedByOutcome[subject] = number
        }
        if let former = outcomes.updateValue(position, forKey: number) { dead.append(former) }
        lastOutcome = max(lastOutcome, number)
        return true
    }

    private mutating func addTold(_ bytes: UnsafeRawBufferPointer) -> Bool {
        for number in ToldRecord.numbers(bytes) {
            let known = outcomes.removeValue(forKey: number)
            if let known { dead.append(known) }
            if known == nil || !doubtful.isEmpty { toldNumbers.insert(number) }
            lastOutcome = max(lastOutcome, number)
        }
        return true
    }

    // MARK: Ids of the host

    private mutating func addSeen(_ position: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let record = SeenRecord(bytes) else { return false }
        note(record.key, record.acceptedAt, position: position)
        return true
    }

    private mutating func note(_ key: String, _ acceptedAt: WallTime, position: UInt64) {
        if let known = seen[key] {
            // An event's own record needs not be kept for its id's sake.
            if position == 0 {
                seen[key]?.acceptedAt = max(known.acceptedAt, acceptedAt)
                return
            }
            if known.position != 0 { dead.append(known.position) }
            seen[key] = Seen(acceptedAt: max(known.acceptedAt, acceptedAt), position: position)
            return
        }
        seen[key] = Seen(acceptedAt: acceptedAt, position: position)
        seenOrder.append(key)
        if seenOrder.count >= seenCapacity * 2 + 1024 { trimSeen() }
    }

    private mutating func trimSeen() {
        let surplus = seenOrder.count - seenCapacity
        // A record that was moved forward stands behind younger ones.
        let byTime = seenOrder.enumerated().sorted { left, right in
            let times = (
                seen[left.element]?.acceptedAt.milliseconds ?? 0, seen[right.element]?.acceptedAt.milliseconds ?? 0
            )
            return (times.0, left.offset) < (times.1, right.offset)
        }
        seenOrder = ContiguousArray(byTime.map(\.element))
        guard surplus > 0 else { return }
        for key in seenOrder[..<surplus] {
            if let gone = seen.removeValue(forKey: key), gone.position != 0 { dead.append(gone.position) }
        }
        seenOrder.removeSubrange(..<surplus)
    }

    // MARK: Webhooks and types

    private mutating func addWebhook(_ position: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let id = WebhookRecord.id(bytes) else { return false }
        if let former = webhooks.updateValue(position, forKey: id) { dead.append(former) }
        return true
    }

    private mutating func removeWebhook(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let id = WebhookRecord.id(bytes) else { return false }
        if let former = webhooks.removeValue(forKey: id) { dead.append(former) }
        if let former = health.removeValue(forKey: id) { dead.append(former.position) }
        return true
    }

    private mutating func addHealth(_ position: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let record = HealthRecord(bytes) else { return false }
        if let former = health.updateValue((record, position), forKey: record.webhook) { dead.append(former.position) }
        return true
    }

    private mutating func addEventType(_ position: UInt64) -> Bool {
        eventTypes.append(position)
        return true
    }

    // MARK: The sum

    /// To be called after the last record: brings the lists down to their capacities, and answers the records that can be
    /// released.
    package mutating func finish() -> ContiguousArray<UInt64> {
        resolveDoubts()
        toldNumbers = []
        for (key, number) in concluded where outcomes[number] != nil {
            guard let event = events[key], event.isPending, let position = outcomes.removeValue(forKey: number) else {
                continue
            }
            dead.append(position)
            void.append(number)
        }
        // An event's outcome comes after those of its deliveries. An older one is void: the event went on after it.
        for (delivery, number) in endedByOutcome where concluded[delivery.event, default: 0] < number {
            if let event = events[delivery.event], event.finish == 0, event.isSettled {
                unfinished.insert(delivery.event)
            }
        }
        endedByOutcome = [:]
        concluded = [:]
        trimLog()
        trimSeen()
        for (id, health) in health where webhooks[id] == nil { dead.append(health.position) }
        health = health.filter { webhooks[$0.key] != nil }
        defer { dead = [] }
        return dead
    }

    /// The events that are found whole and wanted, in the order they were accepted.
    package func events(where isWanted: (Event) -> Bool) -> [(key: EventKey, event: Event)] {
        events.filter { isWanted($0.value) }.map { ($0.key, $0.value) }.sorted { $0.key.first < $1.key.first }
    }

    /// The ids of the host in the order they were first seen.
    package var seenInOrder: [(key: String, seen: Seen)] {
        seenOrder.compactMap { key in seen[key].map { (key, $0) } }
    }
}
