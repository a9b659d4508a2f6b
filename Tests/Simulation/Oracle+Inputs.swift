import Delivery
import Model

// Inputs: what each must change, and which settlements must follow.
extension Oracle {
    mutating func add(
        _ slot: WebhookSlot,
        policy: WebhookPolicy,
        isEnabled: Bool,
        failingSince: Int64? = nil,
        pausedUntil: Int64? = nil
    ) {
        let index = Int(slot.index)
        while webhooks.count <= index {
            webhooks.append(Webhook(slot: WebhookSlot(index: UInt32(webhooks.count), generation: 0)))
        }
        var webhook = Webhook(slot: slot)
        webhook.occupancy = .present
        webhook.policy = policy
        webhook.isEnabled = isEnabled
        webhook.failingSince = failingSince
        webhook.pausedUntil = pausedUntil ?? .min
        webhooks[index] = webhook
    }

    mutating func update(_ slot: WebhookSlot, policy: WebhookPolicy) {
        guard isPresent(slot) else { return }
        webhooks[Int(slot.index)].policy = policy
        if policy.breaker == nil { webhooks[Int(slot.index)].breaker.reset() }
    }

    mutating func set(_ slot: WebhookSlot, enabled: Bool) {
        guard isPresent(slot) else { return }
        let index = Int(slot.index)
        if enabled, !webhooks[index].isEnabled {
            webhooks[index].breaker.reset()
            webhooks[index].failingSince = nil
        }
        webhooks[index].isEnabled = enabled
    }

    mutating func remove(_ slot: WebhookSlot) {
        guard isPresent(slot) else { return }
        let index = Int(slot.index)
        for token in unsettled where deliveries[token].webhook == slot && deliveries[token].isHeld {
            if ![.flying, .settled].contains(deliveries[token].phase) { expect(token, .canceled) }
        }
        webhooks[index].wasAble = false
        webhooks[index].occupancy = .leaving
        if webhooks[index].inFlight == 0 { release(index) }
    }

    /// The event number of the new delivery is the count of deliveries so far.
    mutating func enqueue(_ new: NewDelivery, at now: Int64) {
        let token = deliveries.count
        var delivery = Delivery(id: new.id, webhook: new.webhook, expiry: new.expiry.nanoseconds)
        pending += 1
        unsettled.append(token)
        guard isPresent(new.webhook) else {
            deliveries.append(delivery)
            return expect(token, .canceled)
        }
        let index = Int(new.webhook.index)
        delivery.isHeld = true
        delivery.attempts = new.attempts
        delivery.tries = new.tries
        delivery.lastStatus = new.lastStatus
        delivery.lastError = new.lastError
        delivery.isTest = new.isTest
        if !new.isTest {
            delivery.due = new.notBefore?.nanoseconds ?? 0
            delivery.isUnranked = delivery.due <= now
            delivery.key =
                switch webhooks[index].policy.ordering {
                case .none: 0
                case .key: new.orderKey
                case .strict: 1
                }
        }
        webhooks[index].pending += 1
        deliveries.append(delivery)
        guard delivery.key != 0 else { return makeReady(token) }
        let isFirst = webhooks[index].queues[delivery.key, default: []].isEmpty
        webhooks[index].queues[delivery.key, default: []].append(token)
        if isFirst { makeReady(token) } else { deliveries[token].phase = .blocked }
    }

    mutating func cancel(_ token: Int) {
        if deliveries[token].phase == .flying {
            deliveries[token].isCanceled = true
        } else {
            expect(token, .canceled)
        }
    }

    mutating func cancelAll() {
        for token in unsettled where deliveries[token].phase != .settled {
            expect(token, .canceled)
        }
        for index in webhooks.indices where webhooks[index].occupancy == .leaving { release(index) }
    }

    /// Answers the earliest and the latest time for the next attempt; nil where the delivery must be settled.
    mutating func attemptEnded(
        _ token: Int,
        _ result: AttemptResult,
        at now: Int64,
        wall: WallTime
    ) -> ClosedRange<Int64>? {
        let index = Int(deliveries[token].webhook.index)
        deliveries[token].attempts += 1
        deliveries[token].tries += 1
        deliveries[token].lastStatus = result.status
        deliveries[token].lastError = result.errorClass
        let policy = webhooks[index].policy.retry
        let isPresent = webhooks[index].occupancy == .present
        let isWanted = isPresent && !deliveries[token].isCanceled
        let asked = Judgement.wait(askedBy: result, policy: policy, wall: wall)
        let tries = Int(deliveries[token].tries)
        var judgement = Judgement.of(result, tries: tries, policy: policy, asked: asked)
        if deliveries[token].isTest {
            if case .success = judgement {} else { judgement = .failure }
        } else if isPresent {
            learn(index, result, judgement, asked: asked, at: now)
        }
        switch judgement {
        case .success: end(token, .succeeded)
        case .failure, .disable: end(token, isWanted ? .failed : .canceled)
        case .retry(let range): return putBack(token, at: now, wait: range)
        }
        return nil
    }

    mutating func startFailed(_ token: Int, at now: Int64, wait: Int64) -> ClosedRange<Int64>? {
        if !deliveries[token].isTest { webhooks[Int(deliveries[token].webhook.index)].breaker.startFailed() }
        return putBack(token, at: now, wait: wait...wait)
    }

    /// Every delivery that is not in flight and whose time is over must be settled by the coming run.
    mutating func run(at now: Int64) {
        unsettled.removeAll { deliveries[$0].phase == .settled }
        for token in unsettled where deliveries[token].expiry <= now && deliveries[token].phase != .flying {
            expect(token, .expired)
        }
        for index in webhooks.indices { webhooks[index].breaker.beginRun() }
    }

    /// Takes over the time that the core chose for the next attempt: exact from here on.
    mutating func accept(due: Int64, of token: Int, within range: ClosedRange<Int64>) throws(Violation) {
        try require(range.contains(due), "delivery \(token) is due at \(due), not within \(range)")
        deliveries[token].due = due
    }

    // MARK: Parts

    /// What a result says about the receiver.
    private mutating func learn(
        _ index: Int,
        _ result: AttemptResult,
        _ judgement: Judgement,
        asked: Int64?,
        at now: Int64
    ) {
        if let asked, asked > 0 {
            webhooks[index].pausedUntil = max(webhooks[index].pausedUntil, now + asked * 1_000_000)
        }
        let policy = webhooks[index].policy
        webhooks[index].breaker.ended(result, at: now, policy: policy)
        var isToDisable = false
        switch judgement {
        case .success: isToDisable = result.asksToDisable
        case .disable: isToDisable = true
        case .failure, .retry: break
        }
        if case .success = judgement {
            webhooks[index].failingSince = nil
        } else if let since = webhooks[index].failingSince {
            if let limit = policy.disableAfterMilliseconds, now - since >= limit * 1_000_000 { isToDisable = true }
        } else {
            webhooks[index].failingSince = now
        }
        if isToDisable, webhooks[index].isEnabled {
            webhooks[index].isEnabled = false
            expectedDisables.append((webhooks[index].slot, webhooks[index].failingSince))
        }
    }

    private mutating func putBack(_ token: Int, at now: Int64, wait: ClosedRange<Int64>) -> ClosedRange<Int64>? {
        let index = Int(deliveries[token].webhook.index)
        if webhooks[index].occupancy != .present || deliveries[token].isCanceled {
            end(token, .canceled)
            return nil
        }
        if deliveries[token].expiry <= now {
            end(token, .expired)
            return nil
        }
        webhooks[index].inFlight -= 1
        inFlight -= 1
        deliveries[token].isUnranked = false
        beginWait(token)
        return now + wait.lowerBound * 1_000_000...now + wait.upperBound * 1_000_000
    }

    /// The flight of a delivery is over and with it the delivery.
    private mutating func end(_ token: Int, _ state: Settlement.State) {
        expect(token, state)
        let index = Int(deliveries[token].webhook.index)
        // Its settlement takes it out of the flight; a webhook that leaves goes with its last.
        if webhooks[index].occupancy == .leaving, webhooks[index].inFlight == 1 { release(index) }
    }

    private mutating func release(_ index: Int) {
        webhooks[index].occupancy = .free
        expectedReleases.append(webhooks[index].slot)
    }

    /// It may be tried: now, or at its time.
    mutating func makeReady(_ token: Int) {
        guard deliveries[token].due == 0, !deliveries[token].isTest else { return beginWait(token) }
        let index = Int(deliveries[token].webhook.index)
        deliveries[token].phase = .fresh
        webhooks[index].fresh.append(token)
        webhooks[index].freshCount += 1
    }

    mutating func beginWait(_ token: Int) {
        deliveries[token].phase = .waiting
        if deliveries[token].isTest {
            deliveries[token].place = tests.count
            tests.append(token)
        } else {
            let index = Int(deliveries[token].webhook.index)
            deliveries[token].place = webhooks[index].waiting.count
            webhooks[index].waiting.append(token)
        }
    }
}
