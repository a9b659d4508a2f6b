import Delivery
import Glibc
import Model
import Registry

// Accepting an event: match, bounds, payload, and its deliveries into the inboxes of their lanes.
extension EngineState {
    /// Matches nothing any more: `pushed` holds its webhooks.
    ///
    /// - Parameter isLazy: with a journal the caller waits for the disk itself, once for many events.
    func accept(_ pushed: borrowing PushedEvent, isLazy: Bool = false) throws(MartletError) -> EventID {
        try checkSize(of: pushed.data)
        let now = Clock.wall()
        let series = ids.reserve(pushed.admission.targets.count + 1, at: now)
        let id = pushed.ownID.map { .own($0) } ?? EventID.generated(series[0])
        guard !pushed.admission.targets.isEmpty else {
            try settleUnmatched(id, tag: pushed.tag, at: now, isLazy: isLazy)
            return id
        }
        let draft = EventDraft(
            ids: series,
            ownID: pushed.ownID,
            type: pushed.admission.type,
            typeName: pushed.admission.typeName,
            tenant: pushed.admission.tenant,
            tag: pushed.tag,
            acceptedAt: now,
            details: pushed.details,
            data: pushed.data
        )
        let event = Unmanaged.passRetained(try make(draft, for: pushed.admission.targets, isLazy: isLazy))
        counters.pushed.wrappingAdd(1, ordering: .relaxed)
        unsettled.wrappingAdd(1, ordering: .sequentiallyConsistent)
        distribute(event, to: pushed.admission.targets)
        return id
    }

    func checkSize(of data: UnsafeRawBufferPointer) throws(MartletError) {
        guard data.count <= configuration.maxEventBytes else {
            let limit = configuration.maxEventBytes
            throw refuse(.tooLarge, "data has \(data.count) bytes, at most maxEventBytes = \(limit) are accepted")
        }
    }

    /// What the outcomes of an event will hold until they are drained.
    func outcomeBytes(deliveries: Int) -> Int {
        let events = configuration.outcomes.includesEvents ? 1 : 0
        let each = configuration.outcomes.includesDeliveries ? deliveries : 0
        return (events + each) * Outcome.memorySize
    }

    /// Nobody wants the event: it is settled at once, as succeeded with no deliveries.
    private func settleUnmatched(
        _ id: EventID,
        tag: UInt64,
        at now: WallTime,
        isLazy: Bool
    ) throws(MartletError) {
        if let outcomes, configuration.outcomes.includesEvents {
            try reserve(Outcome.memorySize)
            var outcome = eventOutcome(id, tag: tag, state: .succeeded, deliveries: 0, succeeded: 0, at: now)
            do throws(MartletError) {
                try enter(&outcome, isLazy: isLazy)
            } catch {
                budget.release(events: 1, bytes: Outcome.memorySize)
                throw refuse(error.code, error.message)
            }
            outcomes.append(outcome)
        }
        counters.pushed.wrappingAdd(1, ordering: .relaxed)
        counters.unmatched.wrappingAdd(1, ordering: .relaxed)
    }

    func reserve(_ bytes: Int) throws(MartletError) {
        guard bytes <= budget.maximumBytes else {
            throw refuse(
                .tooLarge,
                "the event would take \(bytes) bytes with its deliveries, queue.maxBytes is \(budget.maximumBytes)"
            )
        }
        switch budget.reserve(bytes: bytes) {
        case nil: return
        case .events: throw refuse(.queueFull, "the queue holds queue.maxEvents = \(budget.maximumEvents) events")
        case .bytes: throw refuse(.queueFull, "the queue holds queue.maxBytes = \(budget.maximumBytes) bytes")
        }
    }

    func refuse(_ code: MartletError.Code, _ message: String) -> MartletError {
        counters.refused.wrappingAdd(1, ordering: .relaxed)
        return MartletError(code, message)
    }

    // MARK: To the lanes

    func distribute(_ event: Unmanaged<AcceptedEvent>, to targets: Targets) {
        if targets.count == 1 {
            let target = targets[0]
            // The engine keeps its lanes: counting a reference would cost as much as the lock inside.
            let isTaken = Unmanaged.passUnretained(lanes[Int(target.lane)])._withUnsafeGuaranteedRef {
                $0.put(InboxDelivery(event, number: 0, to: target))
            }
            if !isTaken { cancel(event, targets, lane: Int(target.lane)) }
        } else {
            // Each inbox is locked once, however many webhooks match.
            for lane in lanes.indices {
                put(event, targets, lane: lane)
            }
        }
    }

    private func put(_ event: Unmanaged<AcceptedEvent>, _ targets: Targets, lane: Int) {
        let isTaken = lanes[lane].put { contents in
            for number in targets.indices where Int(targets[number].lane) == lane {
                let target = targets[number]
                let number = UInt32(truncatingIfNeeded: number)
                contents.deliveries.append(InboxDelivery(event, number: number, to: target))
            }
        }
        if !isTaken { cancel(event, targets, lane: lane) }
    }

    /// The lane ended between the check that the engine is open and here. Its deliveries are settled on this thread; those
    /// that the journal holds wait there for the next engine.
    private func cancel(_ event: Unmanaged<AcceptedEvent>, _ targets: Targets, lane: Int) {
        for number in targets.indices where Int(targets[number].lane) == lane {
            let target = targets[number]
            guard journal == nil else {
                abandoned(event)
                continue
            }
            let settlement = event._withUnsafeGuaranteedRef { event in
                Settlement(
                    canceled: event.deliveryID(number),
                    event: LaneLoop.token(of: Unmanaged.passUnretained(event)),
                    webhook: target.slot
                )
            }
            let note = settling(event, settlement, webhook: target.id, type: "", attempt: nil, at: Clock.wall())
            settled(event, note)
        }
    }
}
