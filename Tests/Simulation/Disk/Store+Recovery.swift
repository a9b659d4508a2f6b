import Delivery
import Journal
import Model
import Records

// A restart: what the journal shows is judged by the ledger, and everything is put where an engine puts it.
extension Store {
    /// A delivery that goes on.
    struct Restored {
        var event: StoredEvent
        var number: Int
        var webhook: Identifier
        var progress: Progress
    }

    /// What is needed only while a life begins.
    private struct Opening {
        var state: RecoveredState
        var needed: Set<EventKey> = []
        var redeliveries: [EventKey: RedeliveryRecord] = [:]
        var events: [EventKey: StoredEvent] = [:]
        var pending: [Restored] = []
    }

    /// Ends this life, reads what it left, and answers the deliveries that go on, in order. Webhooks are added to `slots`.
    func restart() throws(Violation) -> [Restored] {
        (isDown, isOpening, isJudged) = (true, true, false)
        deliveries = []
        kept = []
        work = []
        ended = nil
        disk.openGate()
        journal.close()
        crashes += 1
        var crash = armedCrash
        let state = try reopen(&crash)
        isDown = false
        try require(state.unreadable == 0, "\(state.unreadable) records cannot be read")
        var opening = Opening(state: state)
        ids = IdentifierGenerator(seed: random.next())
        if let latest = state.latest { ids.pass(latest.key, count: latest.count) }
        log = state.log.map { Position(rawValue: $0) }
        queue = state.outcomes.sorted { $0.key < $1.key }.map {
            WaitingOutcome(number: $0.key, position: Position(rawValue: $0.value))
        }
        told = []
        lastOutcome = state.lastOutcome
        health = state.health.mapValues { ($0.record, Position(rawValue: $0.position)) }
        var found = Ledger.Found()
        found.outcomes = queue.map(\.number)
        found.ids = Set(state.seenInOrder.map(\.key))
        found.health = state.health.mapValues(\.record)
        try restoreWebhooks(state, &found)
        try readLog(&opening)
        try restoreEvents(&opening, &found)
        found.unfinished = state.unfinished.intersection(opening.events.keys)
        try ledger.recover(found, after: crash, idCapacity: profile.seenCapacity)
        isJudged = true
        settleJournal()
        try noteVoid(state)
        try finishEvents(opening)
        try restoreIDs(state)
        isOpening = false
        return opening.pending
    }

    /// Opens what the crash left; the machine may stop again meanwhile. `crash` is the worst of all.
    private func reopen(_ crash: inout SimulatedDisk.Crash) throws(Violation) -> RecoveredState {
        for attempt in 0... {
            let next = SimulatedDisk(disk.image, isOrdered: profile.isOrdered)
            let isPower = random.next(below: 2) == 0
            if attempt < 3, random.next(below: 4) == 0 {
                next.arm(calls: random.next(below: 8), isPower ? .power : .process, seed: random.next())
            }
            var state = RecoveredState(logCapacity: profile.logCapacity, seenCapacity: profile.seenCapacity)
            disk = next
            journal = try Store.open(next, profile) { record in
                state.add(kind: record.kind, position: record.position.rawValue, record.bytes)
            }
            guard next.hasStopped else {
                next.arm(calls: nil, .process, seed: 0)
                isDown = false
                begin()
                // What an earlier life wrote may not be on the disk yet, and what it replaced is given up here.
                try sync()
                for position in state.finish() { release(Position(rawValue: position)) }
                return state
            }
            if isPower { crash = .power }
            next.openGate()
            journal.close()
        }
        throw Violation("the journal does not open")
    }

    // MARK: Parts

    private func restoreWebhooks(_ state: RecoveredState, _ found: inout Ledger.Found) throws(Violation) {
        webhooks = [:]
        slots = []
        for (id, raw) in state.webhooks.sorted(by: { $0.key < $1.key }) {
            let position = Position(rawValue: raw)
            guard let record = WebhookRecord(try pin(position).bytes),
                let version = Int(String(decoding: record.document, as: UTF8.self)), versions.indices.contains(version),
                record.id == id, versions[version].id == id, record.secrets.first?.text == "whsec_\(version)"
            else { throw Violation("webhook \(id.low) cannot be read") }
            let slot = WebhookSlot(index: UInt32(slots.count), generation: 1)
            webhooks[id] = StoredWebhook(slot: slot, version: version, position: position)
            slots.append(id)
            found.webhooks[id] = version
        }
    }

    /// Which events the log refers to.
    private func readLog(_ opening: inout Opening) throws(Violation) {
        var left: [Position] = []
        var known = Set<[UInt64]>()
        for position in log {
            let pinned = try pin(position)
            switch RecordKind(rawValue: pinned.kind) {
            case .settled:
                guard let record = SettledRecord(pinned.bytes) else { throw Violation("a settled record is none") }
                opening.needed.insert(record.delivery.event)
                let id = record.delivery.id
                try require(known.insert([id.high, id.low]).inserted, "the log shows the end of a delivery twice")
                left.append(position)
            case .attempt:
                guard let record = AttemptRecord(pinned.bytes) else { throw Violation("an attempt record is none") }
                if let note = record.attempt {
                    let id = record.delivery.id
                    let isNew = known.insert([id.high, id.low, UInt64(note.number)]).inserted
                    try require(isNew, "the log shows attempt \(note.number) of a delivery twice")
                    left.append(position)
                } else {
                    release(position)
                }
            default: throw Violation("the log holds a record of kind \(pinned.kind)")
            }
        }
        log = left
        for (key, event) in opening.state.events where event.isRedelivery && event.position != 0 {
            guard let record = RedeliveryRecord(try pin(Position(rawValue: event.position)).bytes) else {
                throw Violation("a redelivery record is none")
            }
            let isUnfinished = opening.state.unfinished.contains(key)
            guard event.isPending || opening.needed.contains(key) || isUnfinished else { continue }
            opening.redeliveries[key] = record
            opening.needed.insert(record.source)
        }
    }

    private func restoreEvents(_ opening: inout Opening, _ found: inout Ledger.Found) throws(Violation) {
        let state = opening.state
        for (key, event) in state.events(where: { $0.position != 0 }) {
            found.present.insert(key)
            for number in 0..<event.deliveries {
                let delivery = DeliveryKey(event: key, number: number)
                let end = state.end(of: delivery)
                if end != 0 { found.ends[delivery] = end }
            }
        }
        for (key, event) in state.events(where: { $0.position != 0 && !$0.isRedelivery }) {
            let isNeeded = opening.needed.contains(key)
            guard event.isPending || isNeeded || state.unfinished.contains(key) else {
                release(Position(rawValue: event.position))
                continue
            }
            try restoreEvent(key, event, &opening)
            if let made = opening.events[key], isNeeded, profile.keptEvents > 0 {
                kept.append(made)
                if kept.count > profile.keptEvents { kept.removeFirst() }
            }
        }
        for (key, event) in state.events(where: { $0.position != 0 && $0.isRedelivery }) {
            guard event.isPending || state.unfinished.contains(key), let record = opening.redeliveries[key],
                let source = opening.events[record.source]
            else {
                release(Position(rawValue: event.position))
                continue
            }
            var head = EventRecord(key: key)
            head.tag = record.tag
            head.acceptedAt = record.acceptedAt
            head.deliveries = 1
            let made = StoredEvent(
                self,
                head,
                number: try number(of: key),
                position: Position(rawValue: event.position),
                source: source,
                repeats: record.repeats
            )
            opening.events[key] = made
            made.ends = [state.end(of: DeliveryKey(event: key, number: 0))]
            made.noted = made.ends[0] == 0 ? 0 : 1
            guard event.isPending else { continue }
            let progress = Progress.later(state.progress(of: DeliveryKey(event: key, number: 0)), record.progress)
            opening.pending.append(Restored(event: made, number: 0, webhook: record.webhook, progress: progress))
        }
        opening.pending.sort { ($0.event.key.first, $0.number) < ($1.event.key.first, $1.number) }
        found.pending = opening.pending.map {
            Ledger.Found.Pending(key: $0.event.key, number: $0.number, webhook: $0.webhook, progress: $0.progress)
        }
    }

    private func restoreEvent(
        _ key: EventKey,
        _ event: RecoveredState.Event,
        _ opening: inout Opening
    ) throws(Violation) {
        let pinned = try pin(Position(rawValue: event.position))
        guard let decoded = EventRecord.Decoded(pinned.bytes), decoded.event.key == key else {
            throw Violation("an event's record is none")
        }
        let number = try number(of: key)
        let payload = pinned.bytes.dropFirst(decoded.payloadOffset).prefix(decoded.payloadLength)
        try require(
            payload.elementsEqual(StoredEvent.payload(ledger.events[number].payload)),
            "event \(number) has another payload"
        )
        let made = StoredEvent(self, decoded.event, number: number, position: pinned.position)
        opening.events[key] = made
        for place in made.ends.indices {
            made.ends[place] = opening.state.end(of: DeliveryKey(event: key, number: UInt32(place)))
        }
        made.noted = made.ends.count { $0 != 0 }
        guard event.isPending else { return }
        let state = opening.state
        var restored: [Restored] = []
        decoded.forEachPending { pending in
            let delivery = DeliveryKey(event: key, number: pending.number)
            guard state.end(of: delivery) == 0 else { return }
            restored.append(
                Restored(
                    event: made,
                    number: Int(pending.number),
                    webhook: pending.webhook,
                    progress: state.progress(of: delivery)
                )
            )
        }
        opening.pending += restored
    }

    private func number(of key: EventKey) throws(Violation) -> Int {
        guard let number = ledger.keys[key] else { throw Violation("an event is found that was never written") }
        return number
    }

    /// What the host must not be told counts as told, for good.
    private func noteVoid(_ state: RecoveredState) throws(Violation) {
        guard !state.void.isEmpty else { return }
        let record = try append(.told, .told(state.void), length: state.void.count * 8, options: Store.replacing) {
            sink in
            for number in state.void { sink.put(number) }
        }
        release(record)
        try sync()
    }

    /// Events whose last delivery had its outcome when the process ended, and they not theirs.
    private func finishEvents(_ opening: Opening) throws(Violation) {
        guard profile.tellsEvents else { return }
        for key in opening.state.unfinished.sorted(by: { $0.first < $1.first }) {
            guard let event = opening.events[key] else { continue }
            let number = event.number
            let ends = event.ends
            let own = ([UInt8(2), 3, 4].first { ends.contains($0) } ?? 1, ends.count { $0 == 1 })
            let summary = ledger.summary(of: number)
            try require(summary == own, "event \(number) is told as \(own), but it is \(summary)")
            queue.append(try enter(.event(number), nil, outcome(of: event, summary)))
        }
    }

    /// An id that only its event's record tells of gets a record of its own.
    private func restoreIDs(_ state: RecoveredState) throws(Violation) {
        recent = []
        guard profile.seenCapacity > 0 else { return }
        var written: [(id: String, acceptedAt: WallTime, position: Position)] = []
        for (id, seen) in state.seenInOrder {
            var position = Position(rawValue: seen.position)
            if position == .none {
                let record = SeenRecord(acceptedAt: seen.acceptedAt, key: id)
                position = try append(.seen, .none, length: SeenRecord.maximumLength) { record.put(into: &$0) }
            }
            written.append((id, seen.acceptedAt, position))
        }
        recent = written
        while recent.count > profile.seenCapacity { release(recent.removeFirst().position) }
    }
}
