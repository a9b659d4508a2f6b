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
    package private(set) var inFlight = 0

    private let options: Options
    private var random: RandomSource
    private var records = Slab<DeliveryRecord>()
    private var webhooks: ContiguousArray<WebhookState> = []
    /// By the same index; apart, because a policy holds an array.
    private var policies: ContiguousArray<WebhookPolicy> = []
    private var timers = TimerHeap()
    private var ring = Ring()

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

    private func isPresent(_ slot: WebhookSlot) -> Bool {
        guard slot.index < webhooks.count else { return false }
        let state = webhooks[Int(slot.index)]
        return state.isPresent && state.generation == slot.generation
    }
}

// MARK: - Webhooks

extension DeliveryCore {
    /// Adds a webhook at an index that is free: never used, or released by `webhookReleased`.
    package mutating func addWebhook(_ slot: WebhookSlot, policy: WebhookPolicy, isEnabled: Bool) {
        let index = Int(slot.index)
        while webhooks.count <= index {
            webhooks.append(WebhookState())
            policies.append(policy)
        }
        precondition(webhooks[index].occupancy == .free, "the webhook index is in use")
        var state = WebhookState()
        state.occupancy = .present
        state.isEnabled = isEnabled
        state.generation = slot.generation
        state.maximumInFlight = policy.maximumInFlight
        state.isInRing = webhooks[index].isInRing
        webhooks[index] = state
        policies[index] = policy
    }

    /// The new policy applies from the next attempt.
    package mutating func updateWebhook(_ slot: WebhookSlot, policy: WebhookPolicy) {
        guard isPresent(slot) else { return }
        policies[Int(slot.index)] = policy
        webhooks[Int(slot.index)].maximumInFlight = policy.maximumInFlight
        offer(slot.index)
    }

    /// A disabled webhook starts no attempt and keeps what is pending; enabled, it goes on.
    package mutating func setWebhook(_ slot: WebhookSlot, enabled: Bool) {
        guard isPresent(slot) else { return }
        webhooks[Int(slot.index)].isEnabled = enabled
        offer(slot.index)
    }

    /// Settles everything of the webhook that is not in flight as canceled. What is in flight ends as it ends: a 2xx still
    /// counts as success, anything else as canceled.
    package mutating func removeWebhook(_ slot: WebhookSlot) {
        guard isPresent(slot) else { return }
        let index = Int(slot.index)
        while let delivery = webhooks[index].anyIdle {
            settle(delivery, .canceled)
        }
        webhooks[index].occupancy = .leaving
        releaseIfDone(slot.index)
    }

    private mutating func releaseIfDone(_ index: UInt32) {
        let state = webhooks[Int(index)]
        guard state.occupancy == .leaving, state.inFlight == 0 else { return }
        webhooks[Int(index)].occupancy = .free
        actions.append(.webhookReleased(WebhookSlot(index: index, generation: state.generation)))
    }
}

// MARK: - Deliveries

extension DeliveryCore {
    /// Takes a delivery over. It is settled exactly once, at once as canceled where its webhook is gone.
    package mutating func enqueue(
        id: Identifier,
        event: UInt64,
        webhook slot: WebhookSlot,
        expiry: Instant = .distantFuture
    ) {
        guard isPresent(slot) else {
            actions.append(.settled(Settlement(canceled: id, event: event, webhook: slot)))
            return
        }
        let record = DeliveryRecord(
            id: id,
            event: event,
            expiry: expiry.nanoseconds,
            webhook: slot.index,
            phase: .queued
        )
        let (delivery, generation) = records.insert(record)
        webhooks[Int(slot.index)].insert(delivery, phase: .queued, in: records)
        webhooks[Int(slot.index)].pending += 1
        if expiry < .distantFuture {
            timers.insert(
                TimerHeap.Entry(time: expiry.nanoseconds, index: delivery, generation: generation, kind: .delivery)
            )
        }
        offer(slot.index)
    }

    /// The driver's answer to `start`.
    package mutating func attemptEnded(_ delivery: UInt32, _ result: AttemptResult, at now: Instant, wall: WallTime) {
        guard records[delivery].phase == .inFlight else { return }
        let index = records[delivery].webhook
        let state = webhooks[Int(index)]
        records[delivery].attempts &+= 1
        records[delivery].lastStatus = result.status
        records[delivery].lastError = result.errorClass
        let verdict = Verdict.of(
            result,
            attempt: Int(records[delivery].attempts),
            policy: policies[Int(index)].retry,
            at: wall,
            random: &random
        )
        let cap = policies[Int(index)].retry.retryAfterCapMilliseconds
        if state.isPresent, let pause = Verdict.wait(askedBy: result, cap: cap, at: wall), pause > 0 {
            pauseWebhook(index, until: now.advanced(milliseconds: pause))
        }
        switch verdict {
        case .success:
            settle(delivery, .succeeded)
        case .retry(let wait):
            retry(delivery, at: now, afterMilliseconds: wait)
        case .giveUp:
            settle(delivery, isWanted(delivery) ? .failed : .canceled)
        case .disable(let reason):
            settle(delivery, .failed)
            if state.isPresent, state.isEnabled {
                webhooks[Int(index)].isEnabled = false
                let slot = WebhookSlot(index: index, generation: state.generation)
                actions.append(.webhookDisabled(slot, reason))
            }
        }
        releaseIfDone(index)
        offer(index)
    }

    /// The attempt could not be started for want of a local resource: it does not count, and the delivery is tried again
    /// after `wait`.
    package mutating func startFailed(_ delivery: UInt32, at now: Instant, retryAfterMilliseconds wait: Int64) {
        guard records[delivery].phase == .inFlight else { return }
        let index = records[delivery].webhook
        retry(delivery, at: now, afterMilliseconds: wait)
        releaseIfDone(index)
        offer(index)
    }

    /// Settles the delivery as canceled, at once or, where it is in flight, when its attempt ends without success.
    package mutating func cancel(_ delivery: UInt32) {
        if records[delivery].phase == .inFlight {
            records[delivery].cancelRequested = true
        } else {
            let index = records[delivery].webhook
            settle(delivery, .canceled)
            offer(index)
        }
    }

    /// Settles every delivery as canceled, those in flight too: the driver has ended their attempts and will not answer.
    package mutating func cancelAll() {
        var all: [UInt32] = []
        records.forEachIndex { all.append($0) }
        for delivery in all {
            let index = records[delivery].webhook
            settle(delivery, .canceled)
            releaseIfDone(index)
        }
    }

    /// False once the host has removed the webhook or canceled the delivery.
    private func isWanted(_ delivery: UInt32) -> Bool {
        let record = records[delivery]
        return !record.cancelRequested && webhooks[Int(record.webhook)].isPresent
    }

    /// Ends the flight of a delivery that is to be tried again, where it still is wanted and in time.
    private mutating func retry(_ delivery: UInt32, at now: Instant, afterMilliseconds wait: Int64) {
        guard isWanted(delivery) else { return settle(delivery, .canceled) }
        guard records[delivery].expiry > now.nanoseconds else { return settle(delivery, .expired) }
        let index = Int(records[delivery].webhook)
        webhooks[index].move(delivery, to: .waiting, in: records)
        webhooks[index].inFlight -= 1
        inFlight -= 1
        let due = now.advanced(milliseconds: wait).nanoseconds
        records[delivery].due = due
        let generation = records.generation(of: delivery)
        timers.insert(TimerHeap.Entry(time: due, index: delivery, generation: generation, kind: .delivery))
    }

    private mutating func settle(_ delivery: UInt32, _ state: Settlement.State) {
        let record = records[delivery]
        let index = Int(record.webhook)
        if record.phase == .inFlight {
            webhooks[index].inFlight -= 1
            inFlight -= 1
        }
        webhooks[index].remove(delivery, in: records)
        webhooks[index].pending -= 1
        records.remove(delivery)
        actions.append(
            .settled(
                Settlement(
                    state: state,
                    id: record.id,
                    event: record.event,
                    webhook: WebhookSlot(index: record.webhook, generation: webhooks[index].generation),
                    attempts: record.attempts,
                    lastStatus: record.lastStatus,
                    lastError: record.lastError,
                    log: record.log
                )
            )
        )
    }
}

// MARK: - Scheduling

extension DeliveryCore {
    /// Fires the timers that are due and starts what may start.
    package mutating func run(at now: Instant) {
        while let entry = timers.popDue(at: now.nanoseconds) {
            switch entry.kind {
            case .delivery: deliveryTimerFired(entry, at: now)
            case .webhook: offer(entry.index)
            }
        }
        while inFlight < options.maximumInFlight, let index = ring.popFirst() {
            webhooks[Int(index)].isInRing = false
            startOne(index, at: now)
            // To the back of the ring: slots go round among the webhooks that can use one.
            offer(index, at: now)
        }
    }

    private mutating func deliveryTimerFired(_ entry: TimerHeap.Entry, at now: Instant) {
        guard records.contains(entry.index, generation: entry.generation) else { return }
        let record = records[entry.index]
        guard record.phase != .inFlight else { return }
        if record.expiry <= now.nanoseconds {
            settle(entry.index, .expired)
        } else if record.phase == .waiting, record.due <= now.nanoseconds {
            webhooks[Int(record.webhook)].move(entry.index, to: .due, in: records)
            offer(record.webhook)
        }
    }

    private mutating func startOne(_ index: UInt32, at now: Instant) {
        while webhooks[Int(index)].canStart(at: now.nanoseconds), let delivery = webhooks[Int(index)].nextReady {
            if records[delivery].expiry <= now.nanoseconds {
                settle(delivery, .expired)
                continue
            }
            webhooks[Int(index)].move(delivery, to: .inFlight, in: records)
            webhooks[Int(index)].inFlight += 1
            inFlight += 1
            actions.append(.start(delivery: delivery))
            return
        }
    }

    /// Puts the webhook into the ring where it could use a slot, whatever the time: `startOne` judges pauses.
    private mutating func offer(_ index: UInt32, at now: Instant = .distantFuture) {
        let state = webhooks[Int(index)]
        guard !state.isInRing, state.canStart(at: now.nanoseconds) else { return }
        webhooks[Int(index)].isInRing = true
        ring.append(index)
    }

    private mutating func pauseWebhook(_ index: UInt32, until instant: Instant) {
        let generation = webhooks[Int(index)].generation
        guard instant.nanoseconds > webhooks[Int(index)].pausedUntil else { return }
        webhooks[Int(index)].pausedUntil = instant.nanoseconds
        timers.insert(
            TimerHeap.Entry(time: instant.nanoseconds, index: index, generation: generation, kind: .webhook)
        )
    }
}
