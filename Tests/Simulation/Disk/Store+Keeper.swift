import Delivery
import Journal
import Model
import Records

/// One thing that the keeper moves forward. It looks for what to move at once, and moves it one by one: everything may have
/// changed in between.
enum Work {
    case webhook(Identifier)
    case health(Identifier)
    case id(String)
    case outcome(UInt64)
    case log(Position)
    /// An event whose payload is kept.
    case kept(PendingEvent)
    /// Looks for the deliveries that are pending.
    case find
    case pending(PendingEvent)
}

/// An event that is to be copied, as it was when it was looked at.
struct PendingEvent {
    var event: StoredEvent
    var changes: Int
    /// Its deliveries that are pending.
    var deliveries: [EventRecord.Pending] = []
    var steps: [Ledger.Step] = []
    /// Of the event whose payload it sends.
    var sourceChanges: Int

    init(_ event: StoredEvent) {
        self.event = event
        changes = event.changes
        sourceChanges = event.original.changes
    }
}

// The keeper: writes anew what is needed of the oldest segments, so that they can go.
extension Store {
    /// Does a few things; begins a new pass where none is under way.
    func keep(steps: Int) throws(Violation) {
        for _ in 0..<steps {
            if work.isEmpty {
                try findWork()
                guard !work.isEmpty else { return }
            }
            try perform(work.removeLast())
        }
    }

    /// Much more room is taken than is needed.
    var isWasteful: Bool {
        let usage = journal.segmentUsage()
        let live = usage.reduce(0) { $0 + $1.liveBytes }
        return usage.count * profile.segmentBytes > 3 * live + 20 * profile.segmentBytes
    }

    private func findWork() throws(Violation) {
        let fraction = [0.25, 0.5, 0.75, 1][random.next(below: 4)]
        let candidates = journal.compactionCandidates(maximumLiveFraction: fraction)
        guard let last = candidates.prefix(1 + random.next(below: 3)).last?.number else { return }
        movedUpTo = last
        var found: [Work] = []
        found += webhooks.filter { isOld($0.value.position) }.keys.sorted().map { .webhook($0) }
        found += health.filter { isOld($0.value.position) }.keys.sorted().map { .health($0) }
        found += recent.filter { isOld($0.position) }.map { .id($0.id) }
        found += queue.filter { isOld($0.position) }.map { .outcome($0.number) }
        found += told.filter { isOld($0.position) }.map { .outcome($0.number) }
        found += log.filter { isOld($0) }.map { .log($0) }
        found += kept.filter { isOld($0.position) }.map { .kept(PendingEvent($0)) }
        found.append(.find)
        // A copy stands for itself. A power failure must not leave it and take what it relies on: the outcomes of the ends
        // that it tells of.
        try sync()
        work = found.reversed()
    }

    private func isOld(_ position: Position) -> Bool {
        position != .none && position.segment <= movedUpTo
    }

    private func perform(_ work: Work) throws(Violation) {
        switch work {
        case .webhook(let id):
            guard let webhook = webhooks[id], isOld(webhook.position) else { return }
            let copy = try write(id, webhook.version)
            webhooks[id]?.position = copy
            release(webhook.position)
        case .health(let id):
            guard let known = health[id], isOld(known.position) else { return }
            try write(known.record)
        case .id(let id):
            guard let place = recent.firstIndex(where: { $0.id == id && isOld($0.position) }) else { return }
            let record = SeenRecord(acceptedAt: recent[place].acceptedAt, key: id)
            let copy = try append(.seen, .none, length: SeenRecord.maximumLength, options: Store.replacing) {
                record.put(into: &$0)
            }
            let old = recent[place].position
            recent[place].position = copy
            release(old)
        case .outcome(let number):
            if let place = queue.firstIndex(where: { $0.number == number && isOld($0.position) }) {
                queue[place].position = try copyRecord(queue[place].position)
            } else if let place = told.firstIndex(where: { $0.number == number && isOld($0.position) }) {
                told[place].position = try copyRecord(told[place].position)
            }
        case .log(let position):
            guard log.contains(position) else { return }
            let copy = try copyRecord(position)
            if let place = log.firstIndex(of: position) { log[place] = copy }
        case .kept(let found):
            if isOld(found.event.position) { try copy(found) }
        case .find:
            findPending()
            try sync()
        case .pending(let found):
            let source = found.event.original
            if source !== found.event, isOld(source.position), !hasPendingWork(source) {
                var look = PendingEvent(source)
                look.changes = found.sourceChanges
                try copy(look)
            }
            if isOld(found.event.position) { try copy(found) }
        }
    }

    private func hasPendingWork(_ event: StoredEvent) -> Bool {
        work.contains { one in
            if case .pending(let other) = one { other.event === event } else { false }
        }
    }

    private func copyRecord(_ position: Position) throws(Violation) -> Position {
        let pinned = try pin(position)
        guard let kind = RecordKind(rawValue: pinned.kind) else { throw Violation("a record of no kind is kept") }
        let copy = try append(kind, .none, length: pinned.bytes.count, options: Store.replacing) { sink in
            if kind == .settled { SettledRecord.putCopy(of: pinned.bytes, into: &sink) } else { sink.put(pinned.bytes) }
        }
        release(position)
        return copy
    }

    // MARK: Events

    private func findPending() {
        var found: [Int: PendingEvent] = [:]
        world.core.forEachDelivery { _, record in
            let delivery = deliveries[Int(record.event)]
            guard let event = delivery.event, isOld(event.position) || isOld(event.original.position) else { return }
            let step = step(of: record)
            let pending = EventRecord.Pending(
                number: UInt32(delivery.number),
                webhook: delivery.webhook,
                progress: step.progress
            )
            found[event.number, default: PendingEvent(event)].deliveries.append(pending)
            found[event.number]?.steps.append(step)
        }
        work += found.sorted { $0.key > $1.key }.map { .pending($0.value) }
    }

    /// Writes an event anew with all that is known of its deliveries: how those ended that have, and how far the others had
    /// come when they were looked at. Where something was written of one since, the next pass does it: that record may be gone
    /// before the copy.
    private func copy(_ found: PendingEvent) throws(Violation) {
        let event = found.event
        guard event.changes == found.changes else { return }
        let (pending, steps) = (found.deliveries, found.steps)
        let pinned = try pin(event.position)
        let old = event.position
        if event.source != nil {
            guard var record = RedeliveryRecord(pinned.bytes), let delivery = pending.first else { return }
            record.progress = delivery.progress
            event.position = try append(
                .redelivery,
                .copy([(event.number, 0, steps[0])]),
                length: RedeliveryRecord.encodedLength,
                options: Store.replacing
            ) { record.put(into: &$0) }
            return release(old)
        }
        guard let decoded = EventRecord.Decoded(pinned.bytes) else { throw Violation("an event's record is none") }
        let ends = event.ends
        let known = Set(pending.map { Int($0.number) })
        for (number, end) in ends.enumerated() where end == 0 && !known.contains(number) { return }
        let payload = UnsafeRawBufferPointer(
            rebasing: pinned.bytes.dropFirst(decoded.payloadOffset).prefix(decoded.payloadLength)
        )
        let length =
            decoded.event.headLength(targets: 0)
            + EventRecord.copyListLength(deliveries: ends.count, pending: pending.count) + payload.count
        var moved: [(event: Int, delivery: Int, Ledger.Step)] = []
        for (delivery, step) in zip(pending, steps) {
            moved.append((event.number, Int(delivery.number), step))
        }
        event.position = try append(.event, .copy(moved), length: length, options: Store.replacing) { sink in
            decoded.event.begin(&sink, isCopy: true)
            EventRecord.put(states: ends, pending: pending, into: &sink)
            EventRecord.payload(&sink, length: payload.count, data: decoded.data)
            sink.put(payload)
        }
        release(old)
    }
}
