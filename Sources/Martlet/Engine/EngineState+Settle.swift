import Delivery
import Model

// What lanes report: each settled delivery, and webhooks that the core disabled.
extension EngineState: LaneHost {
    func settled(_ event: Unmanaged<AcceptedEvent>, _ settlement: Settlement, webhook: Identifier) {
        let now = Clock.wall()
        // The engine's own reference keeps the event until its last delivery, which is this one or a later one.
        let isLast = event._withUnsafeGuaranteedRef { event in
            let state = Outcome.State(settlement.state)
            if let outcomes, configuration.outcomes.includesDeliveries {
                outcomes.append(
                    Outcome(
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
                )
            }
            let isLast = event.settleOne(state)
            // Past settleOne the event belongs to whoever settled its last delivery.
            if isLast { finish(event, at: now) }
            return isLast
        }
        if isLast { event.release() }
    }

    private func finish(_ event: AcceptedEvent, at now: WallTime) {
        if let outcomes, configuration.outcomes.includesEvents {
            outcomes.append(
                eventOutcome(
                    event.id,
                    tag: event.tag,
                    state: event.state,
                    deliveries: event.deliveries,
                    succeeded: event.succeeded,
                    at: now
                )
            )
            // The event counts until its outcome is drained.
            budget.release(events: 0, bytes: event.heldBytes)
        } else {
            budget.release(events: 1, bytes: event.heldBytes)
        }
        eventSettled()
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
            guard let webhook = registry.update(id, at: now, to: definition) else { return }
            _ = registry.modify(id) { $0.disabled = note }
            // The core has disabled it already; the command keeps the lane's order of changes that of the registry.
            _ = lanes[Int(webhook.target.lane)].put {
                $0.commands.append(.setWebhook(webhook.target.slot, enabled: false))
            }
        }
        if let outcomes {
            budget.forceReserve(bytes: Outcome.memorySize)
            outcomes.append(
                Outcome(
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
            )
        }
        logger.log(.warning) { "webhook \(id.text(.webhook)) is disabled: \(reason.text)" }
    }

    func keepPayload(of event: AcceptedEvent, at now: WallTime) -> UInt64 {
        payloads.keep(event, at: now)
    }

    func name(of type: EventTypeIndex) -> String {
        catalog[type]?.name ?? ""
    }

    func eventGrew(by bytes: Int) {
        budget.forceReserve(bytes: bytes)
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
    var includesEvents: Bool {
        self == .events || self == .all
    }

    var includesDeliveries: Bool {
        self == .deliveries || self == .all
    }
}
