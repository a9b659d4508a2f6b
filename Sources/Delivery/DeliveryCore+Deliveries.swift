import Model

// Deliveries: taking them over, what an attempt's end means, settling.
extension DeliveryCore {
    /// Takes a delivery over. It is settled exactly once, at once as canceled where its webhook is gone.
    package mutating func enqueue(_ new: NewDelivery) {
        guard isPresent(new.webhook) else {
            actions.append(.settled(Settlement(canceled: new.id, event: new.event, webhook: new.webhook)))
            return
        }
        let index = Int(new.webhook.index)
        var record = DeliveryRecord(
            id: new.id,
            event: new.event,
            expiry: new.expiry.nanoseconds,
            webhook: new.webhook.index,
            phase: .queued
        )
        record.attempts = new.attempts
        record.tries = new.tries
        record.lastStatus = new.lastStatus
        record.lastError = new.lastError
        record.log = new.log
        record.isTest = new.isTest
        record.orderKey = new.isTest ? 0 : orderKey(of: new)
        let (delivery, generation) = records.insert(record)
        webhooks[index].pending += 1
        if new.expiry < .distantFuture {
            arm(delivery, generation, at: new.expiry.nanoseconds)
        }
        if new.isTest {
            webhooks[index].insert(delivery, phase: .waiting, in: records)
            tests.append(delivery)
        } else if let notBefore = new.notBefore {
            records[delivery].due = notBefore.nanoseconds
            guard admitInOrder(delivery) else { return }
            webhooks[index].insert(delivery, phase: .waiting, in: records)
            arm(delivery, generation, at: notBefore.nanoseconds)
        } else {
            guard admitInOrder(delivery) else { return }
            webhooks[index].insert(delivery, phase: .queued, in: records)
            offer(new.webhook.index)
        }
    }

    /// Takes a delivery over with nothing special about it.
    package mutating func enqueue(
        id: Identifier,
        event: UInt64,
        webhook: WebhookSlot,
        expiry: Instant = .distantFuture
    ) {
        var new = NewDelivery(id: id, event: event, webhook: webhook)
        new.expiry = expiry
        enqueue(new)
    }

    private func orderKey(of new: NewDelivery) -> UInt64 {
        switch policies[Int(new.webhook.index)].policy.ordering {
        case .none: 0
        case .key: new.orderKey
        case .strict: 1
        }
    }

    /// False where the delivery waits behind another one of its key.
    private mutating func admitInOrder(_ delivery: UInt32) -> Bool {
        let record = records[delivery]
        guard record.orderKey != 0 else { return true }
        let index = Int(record.webhook)
        if orders[index] == nil { orders[index] = OrderBook() }
        return orders[index]?.admit(delivery, key: record.orderKey, in: records) ?? true
    }

    private mutating func arm(_ delivery: UInt32, _ generation: UInt32, at time: Int64) {
        timers.insert(TimerHeap.Entry(time: time, index: delivery, generation: generation, kind: .delivery))
    }

    // MARK: Ends of attempts

    /// The driver's answer to `start`.
    package mutating func attemptEnded(_ delivery: UInt32, _ result: AttemptResult, at now: Instant, wall: WallTime) {
        guard records[delivery].phase == .inFlight else { return }
        let webhook = records[delivery].webhook
        let index = Int(webhook)
        records[delivery].attempts &+= 1
        records[delivery].tries &+= 1
        records[delivery].lastStatus = result.status
        records[delivery].lastError = result.errorClass
        var verdict = Verdict.of(
            result,
            attempt: Int(records[delivery].tries),
            policy: policies[index].policy.retry,
            at: wall,
            random: &random
        )
        if records[delivery].isTest {
            // A test is a person's question about a receiver: it is never repeated, and nothing is drawn from it.
            if verdict != .success { verdict = .giveUp }
        } else {
            learn(from: result, verdict, webhook: webhook, at: now, wall: wall)
        }
        switch verdict {
        case .success:
            let isTest = records[delivery].isTest
            settle(delivery, .succeeded)
            if result.asksToDisable, !isTest { disable(webhook, .receiverAsked) }
        case .retry(let wait):
            if retry(delivery, at: now, afterMilliseconds: wait) { noteScheduled(delivery) }
        case .giveUp:
            settle(delivery, isWanted(delivery) ? .failed : .canceled)
        case .disable(let reason):
            settle(delivery, isWanted(delivery) ? .failed : .canceled)
            disable(webhook, reason)
        }
        releaseIfDone(webhook)
        offer(webhook)
    }

    /// The attempt could not be started for want of a local resource: it does not count, and the delivery is tried again
    /// after `wait`.
    package mutating func startFailed(_ delivery: UInt32, at now: Instant, retryAfterMilliseconds wait: Int64) {
        guard records[delivery].phase == .inFlight else { return }
        let webhook = records[delivery].webhook
        if !records[delivery].isTest { webhooks[Int(webhook)].breaker.startFailed() }
        retry(delivery, at: now, afterMilliseconds: wait)
        releaseIfDone(webhook)
        offer(webhook)
    }

    /// Uses up a try of a ready delivery without a request, for its receiver is taken to be away.
    mutating func skipTry(_ delivery: UInt32, at now: Instant) {
        let index = Int(records[delivery].webhook)
        records[delivery].tries &+= 1
        records[delivery].lastError = .circuitOpen
        skippedTries &+= 1
        let delays = policies[index].policy.retry.delaysMilliseconds
        let used = Int(records[delivery].tries)
        guard used <= delays.count else { return settle(delivery, .failed) }
        let wait = Verdict.jittered(delays[used - 1], by: policies[index].policy.retry.jitter, random: &random)
        webhooks[index].move(delivery, to: .waiting, in: records)
        let due = now.advanced(milliseconds: wait).nanoseconds
        records[delivery].due = due
        arm(delivery, records.generation(of: delivery), at: due)
        noteScheduled(delivery)
    }

    /// Settles the delivery as canceled, at once or, where it is in flight, when its attempt ends without success.
    package mutating func cancel(_ delivery: UInt32) {
        if records[delivery].phase == .inFlight {
            records[delivery].cancelRequested = true
        } else {
            let webhook = records[delivery].webhook
            settle(delivery, .canceled)
            offer(webhook)
        }
    }

    /// Settles every delivery as canceled, those in flight too: the driver has ended their attempts and will not answer.
    package mutating func cancelAll() {
        var all: [UInt32] = []
        records.forEachIndex { all.append($0) }
        for delivery in all {
            let webhook = records[delivery].webhook
            settle(delivery, .canceled)
            releaseIfDone(webhook)
        }
    }

    /// False once the host has removed the webhook or canceled the delivery.
    private func isWanted(_ delivery: UInt32) -> Bool {
        let record = records[delivery]
        return !record.cancelRequested && webhooks[Int(record.webhook)].isPresent
    }

    /// Ends the flight of a delivery that is to be tried again, where it still is wanted and in time; false where not.
    @discardableResult
    private mutating func retry(_ delivery: UInt32, at now: Instant, afterMilliseconds wait: Int64) -> Bool {
        guard isWanted(delivery) else {
            settle(delivery, .canceled)
            return false
        }
        guard records[delivery].expiry > now.nanoseconds else {
            settle(delivery, .expired)
            return false
        }
        let index = Int(records[delivery].webhook)
        webhooks[index].move(delivery, to: .waiting, in: records)
        landed(index)
        let due = now.advanced(milliseconds: wait).nanoseconds
        records[delivery].due = due
        arm(delivery, records.generation(of: delivery), at: due)
        return true
    }

    private mutating func noteScheduled(_ delivery: UInt32) {
        actions.append(.scheduled(delivery: delivery, generation: records.generation(of: delivery)))
    }

    /// An attempt of the webhook is over.
    private mutating func landed(_ index: Int) {
        webhooks[index].inFlight -= 1
        inFlight -= 1
        if webhooks[index].inFlight == 0 { flyingWebhooks -= 1 }
        if webhooks[index].isHeld { held.loosen(UInt32(index)) }
    }

    // MARK: Settling

    mutating func settle(_ delivery: UInt32, _ state: Settlement.State) {
        let record = records[delivery]
        let index = Int(record.webhook)
        if record.phase == .inFlight { landed(index) }
        if record.phase == .blocked {
            orders[index]?.remove(delivery, key: record.orderKey, in: records)
        } else {
            webhooks[index].remove(delivery, in: records)
            if record.orderKey != 0 { advanceOrder(of: delivery, record) }
        }
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

    /// Lets the next delivery of the key go.
    private mutating func advanceOrder(of delivery: UInt32, _ record: DeliveryRecord) {
        let index = Int(record.webhook)
        guard let next = orders[index]?.settled(delivery, key: record.orderKey, in: records) else { return }
        if records[next].due > 0 {
            webhooks[index].insert(next, phase: .waiting, in: records)
            arm(next, records.generation(of: next), at: records[next].due)
        } else {
            webhooks[index].insert(next, phase: .queued, in: records)
            offer(record.webhook)
        }
    }
}
