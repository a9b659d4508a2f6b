import Delivery
import Journal
import Model
import Records

// Events from their push to what the host is told of them, written as the engine writes them.
extension Store {
    /// Writes an event that is accepted from here on; nil for one that was accepted before.
    func accept(
        targets: [Identifier],
        orderKey: UInt64,
        expiryMilliseconds: Int64?,
        isTest: Bool
    ) throws(Violation) -> StoredEvent? {
        let now = world.wall
        var head = EventRecord(key: ids.reserve(targets.count + 1, at: now))
        head.tag = random.next()
        head.acceptedAt = now
        head.orderKey = orderKey
        head.expiryMilliseconds = expiryMilliseconds
        head.isTest = isTest
        head.type = "order.paid"
        head.tenant = random.next(below: 4) == 0 ? "tenant" : ""
        head.deliveries = UInt32(targets.count)
        head.headerLines = random.next(below: 5) == 0 ? Array("traceparent: 1\r\n".utf8) : []
        if !isTest, random.next(below: 100) < profile.ownIDPercent {
            // Sometimes one that was used before.
            head.ownID = "id-\(random.next(below: 8) == 0 ? random.next(below: max(crashes, 1)) : ledger.facts)"
        }
        if let id = head.ownID, recent.contains(where: { $0.id == SeenRecord.key(id: id, tenant: head.tenant) }) {
            return nil
        }
        let number = ledger.events.count
        let payload = StoredEvent.payload(UInt64(number))
        let position = try append(
            .event,
            .event(fact(of: head, targets, payload: UInt64(number))),
            length: head.headLength(targets: targets.count) + payload.count,
            options: .ordinary,
            mayInterrupt: true
        ) { sink in
            head.begin(&sink)
            for target in targets { sink.put(target) }
            EventRecord.payload(&sink, length: payload.count, data: 0..<payload.count)
            payload.withUnsafeBytes { sink.put($0) }
        }
        let event = StoredEvent(self, head, number: number, position: position)
        if let id = head.ownID { try remember(SeenRecord.key(id: id, tenant: head.tenant), at: now) }
        return event
    }

    private func fact(of head: EventRecord, _ targets: [Identifier], payload: UInt64) -> Ledger.Event {
        Ledger.Event(
            key: head.key,
            fact: 0,
            deliveries: targets.map { Ledger.Delivery(webhook: $0) },
            hasEventOutcome: profile.tellsEvents,
            hasDeliveryOutcomes: profile.tellsDeliveries,
            expiry: head.expiryMilliseconds.map { world.now + max($0, 0) * 1_000_000 } ?? .max,
            wallOffset: world.wallOffset,
            payload: payload,
            ownID: head.ownID.map { SeenRecord.key(id: $0, tenant: head.tenant) },
            acceptedAt: head.acceptedAt
        )
    }

    /// Sends what is kept of a settled event once more.
    func redeliver(_ source: StoredEvent, to webhook: Identifier, waitMilliseconds wait: Int64) throws(Violation)
        -> StoredEvent
    {
        let now = world.wall
        var head = EventRecord(key: ids.reserve(2, at: now))
        head.tag = source.head.tag
        head.acceptedAt = now
        head.deliveries = 1
        var progress = Progress()
        if wait > 0 {
            progress.due = Progress.Due(at: WallTime(milliseconds: now.milliseconds + wait), waitMilliseconds: wait)
        }
        let record = RedeliveryRecord(
            key: head.key,
            source: source.key,
            repeats: source.key[1],
            tag: head.tag,
            acceptedAt: now,
            webhook: webhook,
            progress: progress
        )
        var event = fact(of: head, [webhook], payload: ledger.events[source.number].payload)
        event.isRedelivery = true
        if wait > 0 {
            let due = world.now + wait * 1_000_000
            event.deliveries[0].steps.note(Ledger.Step(progress: progress, due: due, wallOffset: world.wallOffset), 0)
        }
        let number = ledger.events.count
        let position = try append(
            .redelivery,
            .event(event),
            length: RedeliveryRecord.encodedLength,
            options: .ordinary,
            mayInterrupt: true
        ) { record.put(into: &$0) }
        return StoredEvent(self, head, number: number, position: position, source: source, repeats: record.repeats)
    }

    // MARK: Ends

    /// First what the host is to be told, then the end itself; only then is it told.
    func settle(_ settlement: Settlement) throws(Violation) {
        let token = Int(settlement.event)
        let delivery = deliveries[token]
        guard let event = delivery.event else {
            throw Violation("delivery \(token) is settled twice")
        }
        let state = settlement.state.rawValue + 1
        event.noted += 1
        event.changes += 1
        let isLast = event.noted == event.ends.count
        let end = Ledger.End(event: event.number, delivery: delivery.number, state: state)
        var waiting: [WaitingOutcome] = []
        var numbers = SettledRecord.Outcomes()
        if profile.tellsDeliveries {
            let subject = Ledger.Outcome.Subject.delivery(event.number, delivery.number)
            waiting.append(try enter(subject, end, outcome(of: event, settlement, delivery.webhook, state)))
            numbers.delivery = lastOutcome
        }
        if isLast, profile.tellsEvents {
            let summary = ledger.summary(of: event.number, ended: delivery.number, state)
            let own = summaryOfMemory(event, delivery.number, state)
            try require(summary == own, "event \(event.number) is told as \(own), but it is \(summary)")
            waiting.append(try enter(.event(event.number), end, outcome(of: event, summary)))
            numbers.event = lastOutcome
        }
        // What the copy of an event says of an end must not be there before what the host is to be told of it.
        event.ends[delivery.number] = state
        var record = settledRecord(settlement, delivery, event, state)
        record.outcomes = numbers
        let position = try append(
            .settled,
            .end(end),
            length: record.encodedLength,
            mayInterrupt: true
        ) { record.put(into: &$0) }
        queue += waiting
        keep(event)
        enterLog(position)
        deliveries[token].event = nil
    }

    private func summaryOfMemory(_ event: StoredEvent, _ number: Int, _ state: UInt8) -> (state: UInt8, succeeded: Int)
    {
        var ends = event.ends
        ends[number] = state
        return ([UInt8(2), 3, 4].first { ends.contains($0) } ?? 1, ends.count { $0 == 1 })
    }

    private func settledRecord(
        _ settlement: Settlement,
        _ delivery: StoredDelivery,
        _ event: StoredEvent,
        _ state: UInt8
    ) -> SettledRecord {
        SettledRecord(
            delivery: DeliveryKey(event: event.key, number: UInt32(delivery.number)),
            webhook: delivery.webhook,
            state: state,
            attempts: settlement.attempts,
            settledAt: world.wall,
            attempt: note(of: Int(settlement.event)),
            tag: event.head.tag,
            isTest: event.head.isTest,
            redeliveryOf: event.repeats,
            event: event.id,
            type: event.original.head.type,
            tenant: event.original.head.tenant
        )
    }

    /// An attempt is over; what comes of it is written down with it.
    func heard(_ result: AttemptResult, of token: Int) {
        let number = world.oracle.deliveries[token].attempts
        let snippet: StaticString = "what the receiver said"
        let text = UnsafeRawBufferPointer(start: snippet.utf8Start, count: snippet.utf8CodeUnitCount)
        let note = AttemptNote(
            number: number,
            startedAt: world.wall,
            durationMicroseconds: result.durationMicroseconds,
            status: result.status,
            errorClass: result.errorClass,
            snippet: UnsafeRawBufferPointer(rebasing: text.prefix(random.next(below: 20))),
            error: UnsafeRawBufferPointer(start: nil, count: 0)
        )
        ended = (token, note)
    }

    /// The attempt that is just being heard of, where it is the delivery's.
    private func note(of token: Int) -> AttemptNote? {
        ended.flatMap { $0.token == token ? $0.note : nil }
    }

    /// A try is over and another one is to follow.
    func schedule(_ delivery: UInt32, _ generation: UInt32) throws(Violation) {
        guard world.core.isLive(delivery, generation: generation) else { return }
        let record = world.core.record(delivery)
        let token = Int(record.event)
        guard let event = deliveries[token].event, let key = deliveries[token].key else { return }
        event.changes += 1
        let step = step(of: record)
        let entry = AttemptRecord(
            delivery: key,
            webhook: deliveries[token].webhook,
            progress: step.progress,
            attempt: note(of: token)
        )
        let position = try append(
            .attempt,
            .step(event: event.number, delivery: deliveries[token].number, step),
            length: entry.encodedLength,
            mayInterrupt: true
        ) { entry.put(into: &$0) }
        if entry.attempt == nil { release(position) } else { enterLog(position) }
    }

    /// How far a delivery has come, as a record tells it.
    func step(of record: DeliveryRecord) -> Ledger.Step {
        var progress = Progress()
        progress.attempts = record.attempts
        progress.tries = record.tries
        progress.lastStatus = record.lastStatus
        progress.lastError = record.lastError
        var due: Int64 = 0
        if record.phase == .waiting || record.phase == .blocked, record.due > 0 {
            due = record.due
            let wait = max((due - world.now) / 1_000_000, 0)
            let at = WallTime(milliseconds: world.wall.milliseconds + wait)
            progress.due = Progress.Due(at: at, waitMilliseconds: wait)
        }
        return Ledger.Step(progress: progress, due: due, wallOffset: world.wallOffset)
    }

    private func enterLog(_ position: Position) {
        log.append(position)
        while log.count > profile.logCapacity { release(log.removeFirst()) }
    }

    private func keep(_ event: StoredEvent) {
        let event = event.original
        guard profile.keptEvents > 0, !kept.contains(where: { $0 === event }) else { return }
        kept.append(event)
        if kept.count > profile.keptEvents { kept.removeFirst() }
    }

    // MARK: Ids of the host

    private func remember(_ id: String, at time: WallTime) throws(Violation) {
        guard profile.seenCapacity > 0 else { return }
        let record = SeenRecord(acceptedAt: time, key: id)
        let position = try append(.seen, .none, length: SeenRecord.maximumLength) { record.put(into: &$0) }
        recent.append((id, time, position))
        while recent.count > profile.seenCapacity { release(recent.removeFirst().position) }
    }
}
