import Model

/// Decides when attempts start and what their results mean, for the webhooks of one lane.
///
/// It does no I/O and reads no clock: it takes inputs with the time, and its driver drains `actions`. The same core runs
/// under a lane and under the simulator. Use from one thread.
///
/// A driver feeds any number of inputs, calls ``run(at:)``, performs the actions, and comes back when an attempt ends or
/// at ``nextTimer``.
package struct DeliveryCore: ~Copyable {
    package struct Options: Sendable {
        /// Attempts in flight over all webhooks of this lane, at least 1.
        package var maximumInFlight: Int
        /// Seeds the jitter.
        package var seed: UInt64

        package init(maximumInFlight: Int, seed: UInt64) {
            self.maximumInFlight = maximumInFlight
            self.seed = seed
        }
    }

    /// To be drained by the driver after each call of ``run(at:)``; it may keep the capacity.
    package var actions: ContiguousArray<Action> = []
    package internal(set) var inFlight = 0
    /// Tries that breakers turned away, since the start.
    package internal(set) var skippedTries: UInt64 = 0

    package let options: Options
    var random: RandomSource
    var records = Slab<DeliveryRecord>()
    var webhooks = Chunks<WebhookState>()
    /// By the same index; one object for neighbours that are alike, which nearly all webhooks of an engine are.
    var policies: ContiguousArray<SharedPolicy> = []
    private var latestPolicy: SharedPolicy?
    /// By the same index; nil where nothing was ever ordered.
    var orders: ContiguousArray<OrderBook?> = []
    var timers = TimerHeap()
    var ring = Ring()
    /// Webhooks that could use a slot and have their share; see ``SlotShare``.
    var held = HeldWebhooks()
    /// Webhooks with an attempt in flight.
    package internal(set) var flyingWebhooks = 0
    /// Tests that have not started.
    var tests = Ring()

    package init(_ options: Options) {
        self.options = options
        random = RandomSource(seed: options.seed)
    }

    /// Deliveries accepted and not settled.
    package var pending: Int {
        records.count
    }

    /// When ``run(at:)`` has something to do although nothing was fed; nil for never.
    package var nextTimer: Instant? {
        timers.earliest.map { Instant(nanoseconds: $0) }
    }

    /// Gives back the memory of a backlog that is gone; to be called while nothing is pending.
    package mutating func trim() {
        guard records.count == 0 else { return }
        records = Slab<DeliveryRecord>()
        // Timers of deliveries that are gone could be taken for those of new ones, which begin at the same numbers.
        timers.compact { $0.kind == .webhook && webhooks[Int($0.index)].wakeAt == $0.time }
        actions = []
    }

    package func record(_ delivery: UInt32) -> DeliveryRecord {
        records[delivery]
    }

    package func generation(of delivery: UInt32) -> UInt32 {
        records.generation(of: delivery)
    }

    package func isLive(_ delivery: UInt32, generation: UInt32) -> Bool {
        records.contains(delivery, generation: generation)
    }

    /// Remembers where the driver logged the last attempt.
    package func setLog(_ position: UInt64, of delivery: UInt32) {
        records[delivery].log = position
    }

    /// Calls `body` with the deliveries whose index lies in `range`; false where the whole range lies past the last one.
    package func forEachDelivery(in range: Range<UInt32>, _ body: (UInt32, DeliveryRecord) -> Void) -> Bool {
        records.forEachIndex(in: range) { body($0, records[$0]) }
    }

    package func forEachDelivery(_ body: (UInt32, DeliveryRecord) -> Void) {
        records.forEachIndex { body($0, records[$0]) }
    }

    package func inFlight(of slot: WebhookSlot) -> Int {
        isPresent(slot) ? webhooks[Int(slot.index)].inFlight : 0
    }

    package func pending(of slot: WebhookSlot) -> Int {
        isPresent(slot) ? webhooks[Int(slot.index)].pending : 0
    }

    package func isEnabled(_ slot: WebhookSlot) -> Bool {
        isPresent(slot) && webhooks[Int(slot.index)].isEnabled
    }

    /// The webhook of a delivery that is not settled.
    package func slot(of record: DeliveryRecord) -> WebhookSlot {
        WebhookSlot(index: record.webhook, generation: webhooks[Int(record.webhook)].generation)
    }

    /// When the failures of the webhook began that no success has ended; nil where the last attempt succeeded.
    package func breakerPhase(of slot: WebhookSlot) -> BreakerPhase {
        isPresent(slot) ? webhooks[Int(slot.index)].breaker.phase : .closed
    }

    package func failingSince(of slot: WebhookSlot) -> Instant? {
        guard isPresent(slot), webhooks[Int(slot.index)].failingSince != .max else { return nil }
        return Instant(nanoseconds: webhooks[Int(slot.index)].failingSince)
    }

    /// Until when its receiver asked to be left alone; nil where it never did.
    package func pausedUntil(of slot: WebhookSlot) -> Instant? {
        guard isPresent(slot), webhooks[Int(slot.index)].pausedUntil != .min else { return nil }
        return Instant(nanoseconds: webhooks[Int(slot.index)].pausedUntil)
    }

    func isPresent(_ slot: WebhookSlot) -> Bool {
        guard slot.index < webhooks.count else { return false }
        let state = webhooks[Int(slot.index)]
        return state.isPresent && state.generation == slot.generation
    }
}

// MARK: - Webhooks

extension DeliveryCore {
    /// Adds a webhook at an index that is free: never used, or released by `webhookReleased`.
    ///
    /// - Parameters:
    ///   - failingSince: when the failures began that no success has ended, where an earlier life of the process saw that.
    ///   - pausedUntil: until when the receiver asked then to be left alone.
    package mutating func addWebhook(
        _ slot: WebhookSlot,
        policy: WebhookPolicy,
        isEnabled: Bool,
        failingSince: Instant? = nil,
        pausedUntil: Instant? = nil
    ) {
        let index = Int(slot.index)
        let shared = share(policy)
        while webhooks.count <= index {
            webhooks.append(WebhookState())
            policies.append(shared)
            orders.append(nil)
        }
        precondition(webhooks[index].occupancy == .free, "the webhook index is in use")
        var state = WebhookState()
        state.occupancy = .present
        state.isEnabled = isEnabled
        state.generation = slot.generation
        state.configure(policy)
        state.failingSince = failingSince?.nanoseconds ?? .max
        state.pausedUntil = pausedUntil?.nanoseconds ?? .min
        state.isInRing = webhooks[index].isInRing
        state.isHeld = webhooks[index].isHeld
        webhooks[index] = state
        policies[index] = shared
        orders[index] = nil
    }

    /// The new policy applies from the next attempt.
    package mutating func updateWebhook(_ slot: WebhookSlot, policy: WebhookPolicy) {
        guard isPresent(slot) else { return }
        policies[Int(slot.index)] = share(policy)
        webhooks[Int(slot.index)].configure(policy)
        forgetWake(slot.index, ifLaterThan: webhooks[Int(slot.index)].startableAt)
        offer(slot.index)
    }

    /// A disabled webhook starts no attempt and keeps what is pending; enabled, it goes on with a clean record.
    package mutating func setWebhook(_ slot: WebhookSlot, enabled: Bool) {
        guard isPresent(slot) else { return }
        if enabled, !webhooks[Int(slot.index)].isEnabled {
            webhooks[Int(slot.index)].breaker.reset()
            webhooks[Int(slot.index)].failingSince = .max
        }
        webhooks[Int(slot.index)].isEnabled = enabled
        forgetWake(slot.index, ifLaterThan: webhooks[Int(slot.index)].startableAt)
        offer(slot.index)
    }

    /// Settles everything of the webhook that is not in flight as canceled. What is in flight ends as it ends: a 2xx still
    /// counts as success, anything else as canceled.
    package mutating func removeWebhook(_ slot: WebhookSlot) {
        guard isPresent(slot) else { return }
        let index = Int(slot.index)
        // Settling one moves the next of its key up, which then is idle itself.
        while let delivery = webhooks[index].anyIdle {
            settle(delivery, .canceled)
        }
        // What is still blocked waits behind one in flight.
        var flying = webhooks[index].firstFlying
        while flying != DeliveryRecord.none {
            let record = records[flying]
            while record.orderKey != 0, let blocked = orders[index]?.firstBlocked(key: record.orderKey) {
                settle(blocked, .canceled)
            }
            flying = record.next
        }
        webhooks[index].occupancy = .leaving
        releaseIfDone(slot.index)
    }

    private mutating func share(_ policy: WebhookPolicy) -> SharedPolicy {
        if let latestPolicy, latestPolicy.policy == policy { return latestPolicy }
        let shared = SharedPolicy(policy)
        latestPolicy = shared
        return shared
    }

    mutating func releaseIfDone(_ index: UInt32) {
        let state = webhooks[Int(index)]
        guard state.occupancy == .leaving, state.inFlight == 0 else { return }
        webhooks[Int(index)].occupancy = .free
        actions.append(.webhookReleased(WebhookSlot(index: index, generation: state.generation)))
    }
}
