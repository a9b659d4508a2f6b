import Glibc
import Journal
import Model
import Records
import Registry
import Synchronization
import Transport

/// What opening found in the journal.
struct RecoverySummary: Sendable {
    var events = 0
    var deliveries = 0
    var webhooks = 0
    var outcomes = 0
    /// Records that could not be read, although their checksums are right or were a moment ago.
    var unreadable = 0
    var journal = RecoveryReport()
    var milliseconds: Int64 = 0
}

// Opening a journal that an earlier life of the process left: everything is put where it was.
extension EngineState {
    /// Runs before the lanes' threads do, and before the host has the engine.
    func restore(_ found: RecoveredState, since start: Instant) -> RecoverySummary {
        guard let journal else { return RecoverySummary() }
        var summary = RecoverySummary()
        summary.journal = journal.journal.recovery
        summary.unreadable = found.unreadable
        if let latest = found.latest { ids.pass(latest.key, count: latest.count) }
        noteVoid(found)
        restoreEventTypes(found)
        restoreWebhooks(found, &summary)
        var restoration = Restoration(found: found, journal: journal)
        let unfinished = unfinishedOutcomes(found)
        restoration.readLog()
        restoration.findSources()
        // Deliveries that are pending name their attempts, settled ones the events made in between.
        restoreLog(&restoration, .attempt)
        restoreEvents(&restoration, &summary)
        restoreLog(&restoration, .settled)
        sendRestored(&restoration, &summary)
        restoreOutcomes(found, &summary)
        for var outcome in unfinished { tellLate(&outcome, &summary) }
        for (key, seen) in found.seenInOrder {
            recentIDs.restore(key, acceptedAt: seen.acceptedAt, record: Position(rawValue: seen.position))
        }
        summary.unreadable += restoration.unreadable
        summary.milliseconds = Clock.monotonic().nanoseconds(since: start) / 1_000_000
        return summary
    }

    // MARK: Events

    /// Makes the events that are pending, and those whose payloads the log or a redelivery refers to.
    private func restoreEvents(_ restoration: inout Restoration, _ summary: inout RecoverySummary) {
        let found = restoration.found
        for (key, event) in found.events(where: { $0.position != 0 && !$0.isRedelivery }) {
            let isNeeded = restoration.isNeeded(key)
            guard event.isPending || isNeeded else {
                journal?.release(Position(rawValue: event.position))
                continue
            }
            guard let made = restoreEvent(key, event, &restoration) else {
                restoration.unreadable += 1
                continue
            }
            if isNeeded { restoration.events[key] = made }
            if event.isPending { restoration.pending.append((key, made)) }
        }
        for (key, event) in found.events(where: { $0.position != 0 && $0.isRedelivery }) {
            guard event.isPending, let record = restoration.redeliveries[key],
                let source = restoration.events[record.source]
            else {
                journal?.release(Position(rawValue: event.position))
                continue
            }
            restoration.pending.append((key, restoreRedelivery(record, of: source, event, found)))
        }
        restoration.pending.sort { $0.key.first < $1.key.first }
    }

    private func restoreEvent(
        _ key: EventKey,
        _ event: RecoveredState.Event,
        _ restoration: inout Restoration
    ) -> AcceptedEvent? {
        guard let journal, let pinned = try? journal.journal.pin(Position(rawValue: event.position)),
            let decoded = EventRecord.Decoded(pinned.bytes), let type = restoration.type(decoded.event.type, of: self),
            let base = pinned.bytes.baseAddress
        else { return nil }
        let head = decoded.event
        var place = EventBody.Place(
            address: base + decoded.payloadOffset,
            position: pinned.position,
            owner: pinned.owner
        )
        var length = decoded.payloadLength
        var data = decoded.data
        if head.format != configuration.delivery.payloadFormat.number {
            guard let other = reframed(decoded, pinned, &length, &data) else { return nil }
            (place.address, place.owner) = (other.bytes.baseAddress, other)
        }
        var restored: [UInt32: AcceptedEvent.RestoredDelivery] = [:]
        var ends: [(number: UInt32, state: Outcome.State)] = []
        for number in 0..<head.deliveries {
            let delivery = DeliveryKey(event: key, number: number)
            if let state = Outcome.State(rawValue: Int32(restoration.found.end(of: delivery, in: event))) {
                ends.append((number, state))
                continue
            }
            let progress = restoration.found.progress(of: delivery)
            guard progress != Progress() else { continue }
            restored[number] = AcceptedEvent.RestoredDelivery(
                progress: progress,
                log: restoration.lastAttempts[delivery.id] ?? .max
            )
        }
        let details =
            head.createdAt == nil && head.headerLines.isEmpty && head.orderKey == 0 && head.expiryMilliseconds == nil
            ? nil
            : EventDetails(
                createdAt: head.createdAt,
                headerLines: head.headerLines,
                orderKey: head.orderKey,
                expiryMilliseconds: head.expiryMilliseconds
            )
        let held =
            (details?.memorySize ?? 0) + Self.eventOverheadBytes + Int(head.deliveries) * Self.deliveryOverheadBytes
        let isPlain =
            head.ownID == nil && head.tenant.isEmpty && details == nil && head.deliveries == 1 && restored.isEmpty
        return AcceptedEvent(
            restoring: AcceptedEvent.Parts(
                ids: key,
                tag: head.tag,
                acceptedAt: head.acceptedAt,
                deliveries: head.deliveries,
                type: type,
                isTest: head.isTest,
                reservedBytes: held
            ),
            body: EventBody(place, length: length, data: data, in: journal),
            extras: isPlain
                ? nil
                : AcceptedEvent.Extras(
                    ownID: head.ownID,
                    tenant: restoration.tenant(head.tenant),
                    details: details,
                    ends: head.deliveries > 1 ? Int(head.deliveries) : 0,
                    restored: restored
                ),
            ends: ends
        )
    }

    /// The payload in the format that the engine has now, where it had another one when the event came.
    private func reframed(
        _ decoded: EventRecord.Decoded,
        _ pinned: PinnedRecord,
        _ length: inout Int,
        _ data: inout Range<Int>
    ) -> OwnedMemory? {
        let payload = UnsafeRawBufferPointer(rebasing: pinned.bytes.dropFirst(decoded.payloadOffset))
        let frame = PayloadFrame(configuration.delivery.payloadFormat)
        let content = PayloadFrame.Content(
            typeName: decoded.event.type,
            createdAt: decoded.event.createdAt,
            acceptedAt: decoded.event.acceptedAt,
            data: UnsafeRawBufferPointer(rebasing: payload[decoded.data])
        )
        guard let built = frame.build(content) else { return nil }
        length = built.count
        data = frame.layout(content).data
        return OwnedMemory(built)
    }

    private func restoreRedelivery(
        _ record: RedeliveryRecord,
        of source: AcceptedEvent,
        _ event: RecoveredState.Event,
        _ found: RecoveredState
    ) -> AcceptedEvent {
        let delivery = DeliveryKey(event: record.key, number: 0)
        return AcceptedEvent(
            restoring: AcceptedEvent.Parts(
                ids: record.key,
                tag: record.tag,
                acceptedAt: record.acceptedAt,
                deliveries: 1,
                type: source.type,
                reservedBytes: Self.eventOverheadBytes + Self.deliveryOverheadBytes
            ),
            body: EventBody(redelivery: Position(rawValue: event.position), in: journal),
            extras: AcceptedEvent.Extras(
                tenant: source.tenant,
                details: source.details,
                redelivery: AcceptedEvent.Redelivery(
                    repeats: record.repeats,
                    source: source,
                    notBefore: nil,
                    webhook: record.webhook
                ),
                restored: [
                    0: AcceptedEvent.RestoredDelivery(
                        progress: Progress.later(found.progress(of: delivery), record.progress),
                        log: .max
                    )
                ]
            ),
            ends: []
        )
    }

    /// Hands the pending deliveries to the lanes, in the order in which their events were accepted.
    private func sendRestored(_ restoration: inout Restoration, _ summary: inout RecoverySummary) {
        for (key, event) in restoration.pending {
            var targets: [(number: UInt32, webhook: Identifier)] = []
            if let redelivery = event.redelivery {
                targets.append((0, redelivery.webhook))
            } else if let pinned = try? journal?.journal.pin(event.position),
                let decoded = EventRecord.Decoded(pinned.bytes)
            {
                decoded.forEachPending { pending in
                    let delivery = DeliveryKey(event: key, number: pending.number)
                    if event.deliveries == 1 || restoration.found.end(of: delivery) == 0 {
                        targets.append((pending.number, pending.webhook))
                    }
                }
            }
            // A record that cannot be read any more names nobody.
            guard !targets.isEmpty else {
                summary.unreadable += 1
                continue
            }
            budget.forceReserve(events: 1, bytes: event.reservedBytes + outcomeBytes(deliveries: targets.count))
            unsettled.wrappingAdd(1, ordering: .relaxed)
            summary.events += 1
            summary.deliveries += targets.count
            let shared = Unmanaged.passRetained(event)
            for (number, webhook) in targets {
                // One that is gone is nobody's: the lane settles its deliveries as canceled.
                let target =
                    registry.webhook(webhook)?.target
                    ?? WebhookTarget(id: webhook, slot: WebhookSlot(index: .max, generation: 0), lane: 0)
                _ = lanes[Int(target.lane)].put { contents in
                    contents.deliveries.append(
                        InboxDelivery(event: shared, number: number, webhook: target.slot, webhookID: webhook)
                    )
                }
            }
        }
        restoration.pending = []
    }

    // MARK: Outcomes

    /// Outcomes that a power failure left of deliveries that go on: they count as told, for good, before they can be met again
    /// behind newer ones.
    private func noteVoid(_ found: RecoveredState) {
        guard let journal, !found.void.isEmpty else { return }
        for number in found.void { journal.release(journal.note(.told, length: 8) { $0.put(number) }) }
        // Where the disk refuses, the next sync tries again; until then only another power failure would tell of them.
        try? journal.journal.sync()
    }

    /// Outcomes of events whose last delivery had ended and been noted to be told when the process ended, but not yet they
    /// themselves.
    private func unfinishedOutcomes(_ found: RecoveredState) -> [Outcome] {
        guard outcomes != nil, configuration.outcomes.includesEvents else { return [] }
        return found.unfinished.sorted { $0.first < $1.first }.compactMap { key in
            guard let event = found.events[key],
                let pinned = try? journal?.journal.pin(Position(rawValue: event.position))
            else { return nil }
            var id = EventID.generated(key[0])
            var tag: UInt64 = 0
            if let record = RedeliveryRecord(pinned.bytes), event.isRedelivery {
                tag = record.tag
                id = sourceID(record.source, found) ?? id
            } else if let decoded = EventRecord.Decoded(pinned.bytes) {
                tag = decoded.event.tag
                id = decoded.event.ownID.map { .own($0) } ?? id
            } else {
                return nil
            }
            let ends = (0..<event.deliveries).map { found.end(of: DeliveryKey(event: key, number: $0)) }
            let states = ends.compactMap { Outcome.State(rawValue: Int32($0)) }
            let worst = [Outcome.State.failed, .expired, .canceled].first { states.contains($0) } ?? .succeeded
            var outcome = eventOutcome(
                id,
                tag: tag,
                state: worst,
                deliveries: event.deliveries,
                succeeded: UInt32(clamping: states.count { $0 == .succeeded }),
                at: Clock.wall()
            )
            outcome.subject = DeliveryKey(event: key, number: eventSubject)
            return outcome
        }
    }

    private func sourceID(_ source: EventKey, _ found: RecoveredState) -> EventID? {
        guard let position = found.events[source]?.position,
            let pinned = try? journal?.journal.pin(Position(rawValue: position)),
            let decoded = EventRecord.Decoded(pinned.bytes)
        else { return nil }
        return decoded.event.ownID.map { .own($0) } ?? .generated(source[0])
    }

    private func tellLate(_ outcome: inout Outcome, _ summary: inout RecoverySummary) {
        var late: Outcome? = outcome
        enterOrLose(&late)
        guard let outcomes, let late else { return }
        budget.forceReserve(events: 1, bytes: Outcome.memorySize)
        outcomes.append(late)
        summary.outcomes += 1
    }

    private func restoreOutcomes(_ found: RecoveredState, _ summary: inout RecoverySummary) {
        for (_, position) in found.outcomes.sorted(by: { $0.key < $1.key }) {
            guard let outcomes, let pinned = journal?.read(position), let record = OutcomeRecord(pinned.bytes),
                let outcome = Outcome(record, at: pinned.position), configuration.outcomes.includes(outcome.kind)
            else {
                journal?.release(Position(rawValue: position))
                continue
            }
            budget.forceReserve(events: outcome.kind == .event ? 1 : 0, bytes: Outcome.memorySize)
            outcomes.append(outcome)
            summary.outcomes += 1
        }
    }
}

extension Configuration.Outcomes {
    func includes(_ kind: Outcome.Kind) -> Bool {
        switch kind {
        case .delivery: includesDeliveries
        case .event: includesEvents
        case .webhookDisabled: self != .off
        }
    }
}
