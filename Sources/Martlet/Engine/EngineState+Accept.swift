import Delivery
import Glibc
import Model
import Registry

// Accepting an event: match, bounds, payload, and its deliveries into the inboxes of their lanes.
extension EngineState {
    /// Beside the payload: the event object with its allocation overhead.
    static var eventOverheadBytes: Int { 256 }

    /// What a pending delivery may cost: its record, its timers, its place in an inbox.
    static var deliveryOverheadBytes: Int { 200 }

    func accept(_ pushed: PushedEvent) throws(MartletError) -> EventID {
        try checkSize(of: pushed.data)
        let targets = pushed.admission.targets
        let now = Clock.wall()
        let series = ids.reserve(targets.count + 1, at: now)
        let id = pushed.id ?? .generated(series[0])
        guard !targets.isEmpty else {
            try settleUnmatched(id, tag: pushed.tag, at: now)
            return id
        }

        let frame = PayloadFrame(configuration.delivery.payloadFormat)
        let content = PayloadFrame.Content(
            typeName: pushed.admission.typeName,
            createdAt: pushed.details?.createdAt,
            acceptedAt: now,
            data: pushed.data
        )
        let held =
            frame.length(content) + (pushed.details?.memorySize ?? 0) + Self.eventOverheadBytes
            + targets.count * Self.deliveryOverheadBytes
        try reserve(held + outcomeBytes(deliveries: targets.count))
        guard let payload = frame.build(content) else {
            budget.release(events: 1, bytes: held + outcomeBytes(deliveries: targets.count))
            throw refuse(.outOfResources, "there is no memory for an event of \(pushed.data.count) bytes")
        }
        let event = AcceptedEvent(
            id: id,
            type: pushed.admission.type,
            tenant: pushed.admission.tenant,
            tag: pushed.tag,
            acceptedAt: now,
            deliveries: UInt32(clamping: targets.count),
            ids: series,
            reservedBytes: held,
            payload: payload,
            data: frame.dataRange(content),
            details: pushed.details
        )
        pushedEvents.wrappingAdd(1, ordering: .relaxed)
        unsettled.wrappingAdd(1, ordering: .sequentiallyConsistent)
        distribute(Unmanaged.passRetained(event), to: targets)
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
    private func settleUnmatched(_ id: EventID, tag: UInt64, at now: WallTime) throws(MartletError) {
        if let outcomes, configuration.outcomes.includesEvents {
            try reserve(Outcome.memorySize)
            outcomes.append(eventOutcome(id, tag: tag, state: .succeeded, deliveries: 0, succeeded: 0, at: now))
        }
        pushedEvents.wrappingAdd(1, ordering: .relaxed)
        unmatchedEvents.wrappingAdd(1, ordering: .relaxed)
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
        refusedEvents.wrappingAdd(1, ordering: .relaxed)
        return MartletError(code, message)
    }

    // MARK: To the lanes

    func distribute(_ event: Unmanaged<AcceptedEvent>, to targets: ContiguousArray<WebhookTarget>) {
        if targets.count == 1 {
            put(event, targets, lane: Int(targets[0].lane))
        } else {
            // Each inbox is locked once, however many webhooks match.
            for lane in lanes.indices {
                put(event, targets, lane: lane)
            }
        }
    }

    private func put(_ event: Unmanaged<AcceptedEvent>, _ targets: ContiguousArray<WebhookTarget>, lane: Int) {
        let isTaken = lanes[lane].put { contents in
            for (number, target) in targets.enumerated() where Int(target.lane) == lane {
                contents.deliveries.append(
                    InboxDelivery(
                        event: event,
                        number: UInt32(truncatingIfNeeded: number),
                        webhook: target.slot,
                        webhookID: target.id
                    )
                )
            }
        }
        if !isTaken { cancel(event, targets, lane: lane) }
    }

    /// The lane ended between the check that the engine is open and here: its deliveries are settled on this thread.
    private func cancel(_ event: Unmanaged<AcceptedEvent>, _ targets: ContiguousArray<WebhookTarget>, lane: Int) {
        for (number, target) in targets.enumerated() where Int(target.lane) == lane {
            let settlement = event._withUnsafeGuaranteedRef { event in
                Settlement(
                    canceled: event.deliveryID(number),
                    event: LaneLoop.token(of: Unmanaged.passUnretained(event)),
                    webhook: target.slot
                )
            }
            settled(event, settlement, webhook: target.id)
        }
    }
}
