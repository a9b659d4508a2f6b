import Model

@testable import Delivery

/// A core with a clock that the test moves, and what came of it.
final class Bench {
    private var core: DeliveryCore
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    /// The wall clock; a test may move it as it likes.
    var wall = WallTime(milliseconds: 1_767_225_600_000)
    private(set) var settled: [Settlement] = []
    private(set) var disabled: [(slot: WebhookSlot, reason: DisableReason)] = []
    private(set) var released: [WebhookSlot] = []
    /// Events in the order their attempts started.
    private(set) var starts: [UInt64] = []
    /// Deliveries in flight, by event.
    private(set) var flying: [UInt64: UInt32] = [:]
    private var events: UInt64 = 0

    init(maximumInFlight: Int = 1000, seed: UInt64 = 1) {
        core = DeliveryCore(DeliveryCore.Options(maximumInFlight: maximumInFlight, seed: seed))
    }

    // MARK: Inputs

    @discardableResult
    func webhook(
        _ index: UInt32 = 0,
        generation: UInt32 = 1,
        _ policy: WebhookPolicy = .plain,
        isEnabled: Bool = true
    ) -> WebhookSlot {
        let slot = WebhookSlot(index: index, generation: generation)
        core.addWebhook(slot, policy: policy, isEnabled: isEnabled)
        return slot
    }

    /// Answers the event's number. Runs nothing.
    @discardableResult
    func push(_ slot: WebhookSlot, key: UInt64 = 0, expiresInMilliseconds: Int64? = nil) -> UInt64 {
        push(slot) { new in
            new.orderKey = key
            if let expiresInMilliseconds { new.expiry = self.now.advanced(milliseconds: expiresInMilliseconds) }
        }
    }

    @discardableResult
    func push(_ slot: WebhookSlot, _ change: (inout NewDelivery) -> Void) -> UInt64 {
        events += 1
        var new = NewDelivery(id: Identifier(high: events, low: 7), event: events, webhook: slot)
        change(&new)
        core.enqueue(new)
        drain()
        return events
    }

    func update(_ slot: WebhookSlot, _ policy: WebhookPolicy) {
        core.updateWebhook(slot, policy: policy)
    }

    func set(_ slot: WebhookSlot, enabled: Bool) {
        core.setWebhook(slot, enabled: enabled)
        drain()
    }

    func remove(_ slot: WebhookSlot) {
        core.removeWebhook(slot)
        drain()
    }

    func cancel(_ event: UInt64) {
        guard let delivery = index(of: event) else { return }
        core.cancel(delivery)
        drain()
    }

    func cancelAll() {
        flying = [:]
        core.cancelAll()
        drain()
    }

    /// Lets time pass and runs.
    func run(afterMilliseconds wait: Int64 = 0) {
        now = now.advanced(milliseconds: wait)
        core.run(at: now)
        drain()
    }

    /// Ends the attempt in flight of an event; false where there is none. Runs nothing.
    @discardableResult
    func end(
        _ event: UInt64,
        _ status: UInt16 = 200,
        error: ErrorClass? = nil,
        retryAfter: RetryAfter = .absent,
        asksToDisable: Bool = false
    ) -> Bool {
        guard let delivery = flying.removeValue(forKey: event) else { return false }
        let usual: ErrorClass = status == 0 ? .timeout : (200..<300).contains(status) ? .none : .httpStatus
        let result = AttemptResult(
            status: status,
            errorClass: error ?? usual,
            durationMicroseconds: 1000,
            retryAfter: retryAfter,
            asksToDisable: asksToDisable
        )
        core.attemptEnded(delivery, result, at: now, wall: wall)
        drain()
        return true
    }

    func failStart(_ event: UInt64, retryAfterMilliseconds wait: Int64 = 100) {
        guard let delivery = flying.removeValue(forKey: event) else { return }
        core.startFailed(delivery, at: now, retryAfterMilliseconds: wait)
        drain()
    }

    // MARK: What came of it

    var pending: Int { core.pending }
    var inFlight: Int { core.inFlight }

    /// Milliseconds until the core wants to run again; nil for never.
    var millisecondsToTimer: Double? {
        core.nextTimer.map { Double($0.nanoseconds(since: now)) / 1e6 }
    }

    func inFlight(of slot: WebhookSlot) -> Int { core.inFlight(of: slot) }
    func pending(of slot: WebhookSlot) -> Int { core.pending(of: slot) }
    func isEnabled(_ slot: WebhookSlot) -> Bool { core.isEnabled(slot) }

    func isLive(_ delivery: UInt32, generation: UInt32) -> Bool { core.isLive(delivery, generation: generation) }
    func generation(of delivery: UInt32) -> UInt32 { core.generation(of: delivery) }

    func settlement(of event: UInt64) -> Settlement? {
        settled.first { $0.event == event }
    }

    func state(of event: UInt64) -> Settlement.State? {
        settlement(of: event)?.state
    }

    func index(of event: UInt64) -> UInt32? {
        var found: UInt32?
        core.forEachDelivery { index, record in
            if record.event == event { found = index }
        }
        return found
    }

    func record(of event: UInt64) -> DeliveryRecord? {
        index(of: event).map { core.record($0) }
    }

    func setLog(_ log: UInt64, of event: UInt64) {
        if let delivery = index(of: event) { core.setLog(log, of: delivery) }
    }

    /// Takes the starts seen so far.
    func takeStarts() -> [UInt64] {
        defer { starts = [] }
        return starts
    }

    private func drain() {
        for action in core.actions {
            switch action {
            case .start(let delivery):
                let event = core.record(delivery).event
                starts.append(event)
                flying[event] = delivery
            case .scheduled:
                break
            case .settled(let settlement):
                settled.append(settlement)
            case .webhookDisabled(let slot, let reason, failingSince: _):
                disabled.append((slot, reason))
            case .webhookReleased(let slot):
                released.append(slot)
            }
        }
        core.actions.removeAll(keepingCapacity: true)
    }
}

extension WebhookPolicy {
    /// Three retries after 1, 5 and 25 seconds, exactly; up to 64 in flight; nothing else.
    static var plain: WebhookPolicy {
        var policy = WebhookPolicy(maximumInFlight: 64, retry: RetryPolicy(jitter: 0))
        policy.isAdaptive = false
        policy.breaker = nil
        return policy
    }

    static func plain(_ change: (inout WebhookPolicy) -> Void) -> WebhookPolicy {
        var policy = plain
        change(&policy)
        return policy
    }

    static func limit(_ maximumInFlight: Int) -> WebhookPolicy {
        plain { $0.maximumInFlight = maximumInFlight }
    }
}
