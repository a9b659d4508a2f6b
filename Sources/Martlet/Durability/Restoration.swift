import Journal
import Model
import Records
import Registry

/// What is needed only while an engine opens: which records of the log there are, and which events they refer to.
struct Restoration {
    let found: RecoveredState
    let journal: EngineJournal
    /// Attempts and settled deliveries by the time of their end, the oldest first.
    private(set) var log: [(time: Int64, position: UInt64)] = []
    /// Events that the log or a redelivery refers to; made in between.
    private var needed = Set<EventKey>()
    var events: [EventKey: AcceptedEvent] = [:]
    private(set) var redeliveries: [EventKey: RedeliveryRecord] = [:]
    /// The last attempt in the log of its lane, by delivery.
    var lastAttempts: [Identifier: UInt64] = [:]
    var pending: [(key: EventKey, event: AcceptedEvent)] = []
    var unreadable = 0
    private var types: [String: EventTypeIndex] = [:]
    private var tenants: [String: Tenant] = [:]

    init(found: RecoveredState, journal: EngineJournal) {
        self.found = found
        self.journal = journal
    }

    func isNeeded(_ key: EventKey) -> Bool {
        needed.contains(key)
    }

    func pin(_ position: UInt64) -> PinnedRecord? {
        // Its checksum was right a moment ago, when the journal was opened.
        try? journal.journal.pin(Position(rawValue: position))
    }

    /// Sorts the log by time: records that were moved forward stand behind younger ones.
    mutating func readLog() {
        log.reserveCapacity(found.log.count)
        // One that was moved forward is found twice while its old file is there: the later one counts.
        var known = Set<LogKey>()
        for position in found.log.reversed() {
            guard let record = pin(position) else { continue }
            switch RecordKind(rawValue: record.kind) {
            case .settled:
                guard let settled = SettledRecord(record.bytes),
                    known.insert(LogKey(delivery: settled.delivery, attempt: 0)).inserted
                else {
                    journal.release(record.position)
                    continue
                }
                needed.insert(settled.delivery.event)
                log.append((settled.settledAt.milliseconds, position))
            case .attempt:
                guard let attempt = AttemptRecord(record.bytes), let note = attempt.attempt,
                    known.insert(LogKey(delivery: attempt.delivery, attempt: note.number)).inserted
                else {
                    journal.release(record.position)
                    continue
                }
                log.append((note.startedAt.milliseconds &+ note.durationMicroseconds / 1000, position))
            default: break
            }
        }
        // Within a millisecond the journal's order is the right one.
        log = log.reversed().enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(
            \.element
        )
    }

    private struct LogKey: Hashable {
        var delivery: DeliveryKey
        /// 0 for the end.
        var attempt: UInt16
    }

    /// Adds the events whose payloads redeliveries send.
    mutating func findSources() {
        for (key, event) in found.events where event.isRedelivery && event.position != 0 {
            guard let record = pin(event.position).flatMap({ RedeliveryRecord($0.bytes) }) else { continue }
            guard event.isPending || needed.contains(key) else { continue }
            redeliveries[key] = record
            needed.insert(record.source)
        }
    }

    mutating func type(_ name: String, of engine: EngineState) -> EventTypeIndex? {
        if let known = types[name] { return known }
        let index = engine.restoredType(name)
        types[name] = index
        return index
    }

    mutating func tenant(_ name: String) -> Tenant? {
        guard !name.isEmpty else { return nil }
        if let known = tenants[name] { return known }
        let tenant = Tenant(name)
        tenants[name] = tenant
        return tenant
    }
}

extension EngineState {
    /// Puts attempts and settled deliveries into the logs of the lanes that their webhooks belong to now.
    func restoreLog(_ restoration: inout Restoration, _ kind: RecordKind) {
        for (_, position) in restoration.log {
            guard let pinned = restoration.pin(position), pinned.kind == kind.rawValue else { continue }
            switch RecordKind(rawValue: pinned.kind) {
            case .settled:
                if let record = SettledRecord(pinned.bytes) { restore(record, pinned.position, &restoration) }
            case .attempt:
                if let record = AttemptRecord(pinned.bytes), let note = record.attempt {
                    let id = record.delivery.id
                    let previous = restoration.lastAttempts[id] ?? DeliveryLog.none
                    restoration.lastAttempts[id] = lane(of: record.webhook).restore(
                        note,
                        previous: previous,
                        record: pinned.position
                    )
                }
            default: break
            }
        }
    }

    private func restore(_ record: SettledRecord, _ position: Position, _ restoration: inout Restoration) {
        guard let state = Outcome.State(rawValue: Int32(record.state)),
            let type = restoration.type(record.type, of: self)
        else {
            journal?.release(position)
            return
        }
        let lane = lane(of: record.webhook)
        var last = restoration.lastAttempts.removeValue(forKey: record.delivery.id) ?? DeliveryLog.none
        if let note = record.attempt { last = lane.restore(note, previous: last, record: .none) }
        let source = restoration.redeliveries[record.delivery.event]?.source ?? record.delivery.event
        let payload = restoration.events[source].map { payloads.keep($0, at: record.settledAt) }
        let entry = LoggedDelivery(
            id: record.delivery.id,
            event: record.event,
            type: type,
            tag: record.tag,
            webhook: record.webhook,
            state: state,
            attempts: record.attempts,
            settledAt: record.settledAt,
            lastAttempt: last,
            isTest: record.isTest,
            redeliveryOf: record.redeliveryOf,
            tenant: restoration.tenant(record.tenant),
            payload: payload ?? KeptPayloads.none,
            record: position
        )
        lane.restore(entry, journal: journal)
    }

    private func lane(of webhook: Identifier) -> Lane {
        lanes[Int(registry.webhook(webhook)?.target.lane ?? 0)]
    }
}

extension Lane {
    fileprivate func restore(_ note: AttemptNote, previous: UInt64, record: Position) -> UInt64 {
        report.withLock { report in
            let position = report.log.append(
                AttemptResult(
                    status: note.status,
                    errorClass: note.errorClass,
                    durationMicroseconds: note.durationMicroseconds
                ),
                number: note.number,
                startedAt: note.startedAt,
                previous: previous,
                snippet: note.snippet,
                error: note.error
            )
            if position != DeliveryLog.none { _ = report.log.setRecord(record, ofAttempt: position) }
            return position
        }
    }

    fileprivate func restore(_ entry: LoggedDelivery, journal: EngineJournal?) {
        let displaced = report.withLock { report in
            report.log.append(entry)
            return report.log.takeDisplaced()
        }
        journal?.release(displaced)
    }
}
