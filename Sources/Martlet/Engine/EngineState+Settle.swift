import Delivery
import Journal
import Model
import Records

/// A delivery whose end is written down and not yet told.
struct SettlementNote {
    var settlement: Settlement
    var state: Outcome.State
    var webhook: Identifier
    var at: WallTime
    /// Of the delivery's end; none without a journal.
    var record = Position.none
    /// Nil where the host does not want it.
    var outcome: Outcome?
    /// The number and record of the event's outcome, where this thread wrote it.
    var eventOutcome: (number: UInt64, record: Position) = (0, .none)
}

// What lanes report: each settled delivery, and webhooks that the core disabled.
extension EngineState: LaneHost {
    /// Notes the end of a delivery, and writes it into the journal: first what the host is to be told, then the end itself. A
    /// crash between the two repeats the delivery; the other way round its outcome would be lost.
    func settling(
        _ event: Unmanaged<AcceptedEvent>,
        _ settlement: Settlement,
        webhook: Identifier,
        type: String,
        attempt: AttemptNote?,
        at now: WallTime
    ) -> SettlementNote {
        // The engine's own reference keeps the event until its last delivery has left it, which this one has not.
        return event._withUnsafeGuaranteedRef { event in
            let state = Outcome.State(settlement.state)
            var note = SettlementNote(settlement: settlement, state: state, webhook: webhook, at: now)
            if outcomes != nil, configuration.outcomes.includesDeliveries {
                note.outcome = Outcome(
                    kind: .delivery,
                    state: state,
                    tag: event.tag,
                    settledAtMilliseconds: now.milliseconds,
                    attempts: UInt32(settlement.attempts),
                    httpStatus: settlement.lastStatus,
                    failure: settlement.lastError.rawValue,
                    deliveries: 1,
                    succeeded: state == .succeeded ? 1 : 0,
                    event: event.id,
                    delivery: settlement.id,
                    webhook: webhook
                )
            }
            let isLast = event.noteEnd(of: settlement.id, state)
            if let journal {
                writeEnd(&note, of: event, type, isLast: isLast, attempt, to: journal)
                event.wroteEnd(of: settlement.id, state)
            }
            return note
        }
    }

    private func writeEnd(
        _ note: inout SettlementNote,
        of event: AcceptedEvent,
        _ type: String,
        isLast: Bool,
        _ attempt: AttemptNote?,
        to journal: EngineJournal
    ) {
        guard let number = event.ids.index(of: note.settlement.id), number >= 1 else { return }
        let delivery = DeliveryKey(event: event.ids, number: UInt32(clamping: number - 1))
        var numbers = SettledRecord.Outcomes()
        if note.outcome != nil {
            note.outcome?.subject = delivery
            enterOrLose(&note.outcome)
            // Without room for it the end is not written either: rather once more than never told.
            if note.outcome?.record == Position.none { return }
            numbers.delivery = note.outcome?.number ?? 0
        }
        if isLast, outcomes != nil, configuration.outcomes.includesEvents {
            var outcome: Outcome? = eventOutcome(of: event, at: note.at)
            outcome?.subject = DeliveryKey(event: event.ids, number: eventSubject)
            enterOrLose(&outcome)
            note.eventOutcome = (outcome?.number ?? 0, outcome?.record ?? .none)
            event.keepOutcome(number: note.eventOutcome.number, record: note.eventOutcome.record)
            if note.eventOutcome.record == .none { return }
            numbers.event = note.eventOutcome.number
        }
        note.record = write(note, delivery, numbers, of: event, type, attempt, to: journal)
    }

    /// What the record of an event's outcome says that it is about.
    var eventSubject: UInt32 {
        configuration.outcomes.includesDeliveries ? OutcomeRecord.ofDeliveries : OutcomeRecord.ofEvent
    }

    /// Tells of a delivery whose end is noted, exactly once for each.
    func settled(_ event: Unmanaged<AcceptedEvent>, _ note: SettlementNote) {
        let isLast = event._withUnsafeGuaranteedRef { event in
            if let outcomes, let outcome = note.outcome { outcomes.append(outcome) }
            let isLast = event.leaveOne()
            // Past leaveOne the event belongs to whoever left it last.
            if isLast { finish(event, note) }
            return isLast
        }
        if isLast { event.release() }
    }

    /// A delivery that the next engine goes on with, for this one ends: nothing is told of it.
    func abandoned(_ event: Unmanaged<AcceptedEvent>) {
        let isLast = event._withUnsafeGuaranteedRef { $0.leaveOne() }
        guard isLast else { return }
        eventSettled()
        event.release()
    }

    private func finish(_ event: AcceptedEvent, _ note: SettlementNote) {
        if let outcomes, configuration.outcomes.includesEvents {
            var outcome = eventOutcome(of: event, at: note.at)
            let written = event.deliveries > 1 ? event.extras?.outcome ?? note.eventOutcome : note.eventOutcome
            (outcome.number, outcome.record) = written
            outcomes.append(outcome)
            // The event counts until its outcome is drained.
            budget.release(events: 0, bytes: event.heldBytes)
        } else {
            budget.release(events: 1, bytes: event.heldBytes)
        }
        eventSettled()
    }

    private func eventOutcome(of event: AcceptedEvent, at now: WallTime) -> Outcome {
        eventOutcome(
            event.id,
            tag: event.tag,
            state: event.state,
            deliveries: event.deliveries,
            succeeded: event.succeeded,
            at: now
        )
    }

    private func write(
        _ note: SettlementNote,
        _ delivery: DeliveryKey,
        _ outcomes: SettledRecord.Outcomes,
        of event: AcceptedEvent,
        _ type: String,
        _ attempt: AttemptNote?,
        to journal: EngineJournal
    ) -> Position {
        let record = SettledRecord(
            delivery: delivery,
            webhook: note.webhook,
            state: UInt8(note.state.rawValue),
            outcomes: outcomes,
            attempts: note.settlement.attempts,
            settledAt: note.at,
            attempt: attempt,
            tag: event.tag,
            isTest: event.isTest,
            redeliveryOf: event.redeliveryOf,
            event: event.id,
            type: type,
            tenant: event.tenant?.name ?? ""
        )
        return journal.note(.settled, length: record.encodedLength) { record.put(into: &$0) }
    }

    func eventOutcome(
        _ id: EventID,
        tag: UInt64,
        state: Outcome.State,
        deliveries: UInt32,
        succeeded: UInt32,
        at now: WallTime
    ) -> Outcome {
        Outcome(
            kind: .event,
            state: state,
            tag: tag,
            settledAtMilliseconds: now.milliseconds,
            attempts: 0,
            httpStatus: 0,
            failure: 0,
            deliveries: deliveries,
            succeeded: succeeded,
            event: id,
            delivery: .zero,
            webhook: .zero
        )
    }

    func webhookDisabled(_ id: Identifier, _ reason: DisableReason, failingSince: Instant?) {
        let now = Clock.wall()
        let since = failingSince.map { since in
            let age = Clock.monotonic().nanoseconds(since: since) / 1_000_000
            return WallTime(milliseconds: now.milliseconds &- max(age, 0))
        }
        let note = DisabledNote(reason: DisabledNote.Reason(reason), at: now, since: since)
        changes.withLock { _ in
            guard var definition = registry.webhook(id)?.definition, definition.isEnabled else { return }
            definition.isEnabled = false
            guard var webhook = registry.webhook(id) else { return }
            webhook.definition = definition
            webhook.disabled = note
            webhook.updatedAt = now
            // Without room for it, a restart enables the webhook again, and its receiver disables it again.
            let record = noteWebhook(webhook)
            guard replace(webhook, record: record) else { return }
            // The core has disabled it already; the command keeps the lane's order of changes that of the registry.
            _ = lanes[Int(webhook.target.lane)].put {
                $0.commands.append(.setWebhook(webhook.target.slot, enabled: false))
            }
        }
        if let outcomes {
            budget.forceReserve(events: 0, bytes: Outcome.memorySize)
            var outcome: Outcome? = Outcome(
                kind: .webhookDisabled,
                state: .failed,
                tag: 0,
                settledAtMilliseconds: now.milliseconds,
                attempts: 0,
                httpStatus: reason == .gone ? 410 : 0,
                failure: ErrorClass.httpStatus.rawValue,
                deliveries: 0,
                succeeded: 0,
                disabledReason: UInt32(reason.rawValue),
                failingSinceMilliseconds: since?.milliseconds ?? 0,
                event: .generated(.zero),
                delivery: .zero,
                webhook: id
            )
            enterOrLose(&outcome)
            if let outcome { outcomes.append(outcome) }
        }
        logger.log(.warning) { "webhook \(id.text(.webhook)) is disabled: \(reason.text)" }
    }

    func keepPayload(of event: AcceptedEvent, at now: WallTime) -> UInt64 {
        payloads.keep(event, at: now)
    }

    func name(of type: EventTypeIndex) -> String {
        catalog[type]?.name ?? ""
    }

    func giveMemoryBack() {
        payloadPool.trim()
    }

    func eventGrew(by bytes: Int) {
        budget.forceReserve(events: 0, bytes: bytes)
    }

    func webhookReleased(_ slot: WebhookSlot, lane: Int) {
        registry.released(slot, lane: lane)
    }
}

extension DisabledNote.Reason {
    init(_ reason: DisableReason) {
        switch reason {
        case .gone: self = .gone
        case .receiverAsked: self = .receiverAsked
        case .failing: self = .failing
        }
    }
}

extension Outcome {
    /// What an outcome costs while it waits to be drained.
    static var memorySize: Int { MemoryLayout<Outcome>.stride }
}

extension Configuration.Outcomes {
    // By cases: comparing would compare the texts that stand for them.

    var includesEvents: Bool {
        switch self {
        case .events, .all: true
        default: false
        }
    }

    var includesDeliveries: Bool {
        switch self {
        case .deliveries, .all: true
        default: false
        }
    }
}
