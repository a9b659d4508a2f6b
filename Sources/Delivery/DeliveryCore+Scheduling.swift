import Model

// Scheduling: timers, the ring of webhooks that can use a slot, and what attempts teach about a receiver.
extension DeliveryCore {
    /// Fires the timers that are due and starts what may start.
    package mutating func run(at now: Instant) {
        while let entry = timers.popDue(at: now.nanoseconds) {
            switch entry.kind {
            case .delivery: deliveryTimerFired(entry, at: now)
            case .webhook: webhookTimerFired(entry)
            }
        }
        dropStaleTimers()
        startTests(at: now)
        offerHeld()
        while inFlight < options.maximumInFlight, let index = ring.popFirst() {
            webhooks[Int(index)].isInRing = false
            guard !hold(index) else { continue }
            startOne(index, at: now)
            // To the back of the ring: slots go round among the webhooks that can use one.
            offer(index)
        }
    }

    private func hasShare(_ webhook: UInt32) -> Bool {
        SlotShare.isShort(
            slots: options.maximumInFlight,
            taken: inFlight,
            flyingWebhooks: flyingWebhooks,
            inFlight: webhooks[Int(webhook)].inFlight
        )
    }

    /// What each webhook may have while slots are short.
    private var share: Int {
        SlotShare.share(slots: options.maximumInFlight, flyingWebhooks: flyingWebhooks)
    }

    /// Puts those that had to leave slots to others, and need not any more, in front of the ring: they have been waiting.
    ///
    /// During a run that can only get worse, so once at its start is enough. It costs nothing while slots are plenty.
    private mutating func offerHeld() {
        guard !held.isEmpty, inFlight < options.maximumInFlight else { return }
        // The last one first, so that they stand in front of the ring in their own order.
        if SlotShare.areShort(slots: options.maximumInFlight, taken: inFlight), share <= held.share {
            held.sortLoose(share: share)
            while let webhook = held.popLoose() { offerHeld(webhook) }
        } else {
            var webhook = held.last
            while webhook != HeldWebhooks.none {
                let previous = held.previous(webhook)
                offerHeld(webhook)
                webhook = previous
            }
            held.judgedAll(share: share)
        }
    }

    private mutating func offerHeld(_ webhook: UInt32) {
        guard !hasShare(webhook) else { return }
        held.remove(webhook)
        webhooks[Int(webhook)].isHeld = false
        guard mayBeOffered(webhook) else { return }
        webhooks[Int(webhook)].isInRing = true
        ring.prepend(webhook)
    }

    /// Not where it waits already, in the ring, among the held or for its timer.
    private func mayBeOffered(_ webhook: UInt32) -> Bool {
        let state = webhooks[Int(webhook)]
        return !state.isInRing && !state.isHeld && state.wakeAt == .max && state.wantsStart
    }

    /// Puts a webhook aside that has its share while slots are short.
    private mutating func hold(_ webhook: UInt32) -> Bool {
        let index = Int(webhook)
        guard hasShare(webhook) else { return false }
        webhooks[index].isHeld = true
        held.append(webhook, share: share)
        return true
    }

    /// A settled delivery leaves its timers behind. They are dropped once they are the larger part: a live delivery has at
    /// most two, a webhook one.
    private mutating func dropStaleTimers() {
        guard timers.count > 1024, timers.count > 2 * (2 * records.count + webhooks.count) else { return }
        timers.compact { entry in
            switch entry.kind {
            case .delivery: records.contains(entry.index, generation: entry.generation)
            case .webhook: webhooks[Int(entry.index)].wakeAt == entry.time
            }
        }
    }

    private mutating func deliveryTimerFired(_ entry: TimerHeap.Entry, at now: Instant) {
        guard records.contains(entry.index, generation: entry.generation) else { return }
        let record = records[entry.index]
        guard record.phase != .inFlight else { return }
        if record.expiry <= now.nanoseconds {
            settle(entry.index, .expired)
            offer(record.webhook)
        } else if record.phase == .waiting, record.due <= now.nanoseconds {
            if record.isTest {
                tests.append(entry.index)
            } else {
                webhooks[Int(record.webhook)].move(entry.index, to: .due, in: records)
                offer(record.webhook)
            }
        }
    }

    private mutating func webhookTimerFired(_ entry: TimerHeap.Entry) {
        // Of several timers of a webhook only the last armed one counts.
        guard webhooks[Int(entry.index)].wakeAt == entry.time else { return }
        webhooks[Int(entry.index)].wakeAt = .max
        offer(entry.index)
    }

    /// Tests go past every limit of their webhook, and wait for a slot of the lane only.
    private mutating func startTests(at now: Instant) {
        while inFlight < options.maximumInFlight, let delivery = tests.popFirst() {
            // The place may have been given to another delivery since; a test that still waits is started once.
            guard records.isUsed(delivery), records[delivery].isTest, records[delivery].phase == .waiting,
                records[delivery].due <= now.nanoseconds
            else { continue }
            start(delivery)
        }
    }

    private mutating func startOne(_ webhook: UInt32, at now: Instant) {
        let index = Int(webhook)
        while webhooks[index].wantsStart, let delivery = webhooks[index].nextReady {
            if records[delivery].expiry <= now.nanoseconds {
                settle(delivery, .expired)
                continue
            }
            let startableAt = webhooks[index].startableAt
            guard startableAt <= now.nanoseconds else {
                wake(webhook, at: startableAt)
                return
            }
            if webhooks[index].breaker.blocks(at: now.nanoseconds) {
                skipTry(delivery, at: now)
                continue
            }
            webhooks[index].bucket.take(at: now.nanoseconds)
            webhooks[index].breaker.started()
            start(delivery)
            if webhooks[index].inFlight >= webhooks[index].limit { webhooks[index].concurrency.filled() }
            return
        }
    }

    private mutating func start(_ delivery: UInt32) {
        let index = Int(records[delivery].webhook)
        webhooks[index].move(delivery, to: .inFlight, in: records)
        if webhooks[index].inFlight == 0 { flyingWebhooks += 1 }
        webhooks[index].inFlight += 1
        inFlight += 1
        actions.append(.start(delivery: delivery))
    }

    /// Puts the webhook into the ring where it could use a slot, were it not for time: `startOne` judges that, and arms a
    /// timer where time is in the way.
    mutating func offer(_ webhook: UInt32) {
        guard mayBeOffered(webhook) else { return }
        webhooks[Int(webhook)].isInRing = true
        ring.append(webhook)
    }

    private mutating func wake(_ webhook: UInt32, at time: Int64) {
        webhooks[Int(webhook)].wakeAt = time
        timers.insert(
            TimerHeap.Entry(
                time: time,
                index: webhook,
                generation: webhooks[Int(webhook)].generation,
                kind: .webhook
            )
        )
    }

    /// Lets the webhook be offered again where an armed timer has become too late.
    mutating func forgetWake(_ webhook: UInt32, ifLaterThan time: Int64) {
        if webhooks[Int(webhook)].wakeAt > time { webhooks[Int(webhook)].wakeAt = .max }
    }

    // MARK: Learning

    /// Draws from a result what concerns the webhook and not only the delivery: pauses, breaker, concurrency, long failure.
    mutating func learn(
        from result: AttemptResult,
        _ verdict: Verdict,
        webhook: UInt32,
        at now: Instant,
        wall: WallTime
    ) {
        let index = Int(webhook)
        guard webhooks[index].isPresent else { return }
        defer { forgetWake(webhook, ifLaterThan: webhooks[index].startableAt) }
        let cap = policies[index].policy.retry.retryAfterCapMilliseconds
        if let pause = Verdict.wait(askedBy: result, cap: cap, at: wall), pause > 0 {
            let until = now.advanced(milliseconds: pause).nanoseconds
            webhooks[index].pausedUntil = max(webhooks[index].pausedUntil, until)
        }
        let isPushBack = Verdict.isPushBack(result)
        webhooks[index].concurrency.ended(
            at: now.nanoseconds,
            durationMicroseconds: result.status == 0 ? nil : result.durationMicroseconds,
            isPushBack: isPushBack,
            maximum: webhooks[index].maximumInFlight
        )
        if let breaker = policies[index].policy.breaker {
            if isPushBack {
                webhooks[index].breaker.failed(at: now, policy: breaker, random: &random)
            } else if result.status != 0 {
                webhooks[index].breaker.succeeded(maximumInFlight: webhooks[index].maximumInFlight)
            } else {
                // A fault of this side, or an address that is refused, says nothing of the receiver.
                webhooks[index].breaker.startFailed()
            }
        }
        if verdict == .success {
            webhooks[index].failingSince = .max
        } else if webhooks[index].failingSince == .max {
            webhooks[index].failingSince = now.nanoseconds
        } else if let limit = policies[index].policy.disableAfterMilliseconds,
            now >= Instant(nanoseconds: webhooks[index].failingSince).advanced(milliseconds: limit)
        {
            disable(webhook, .failing)
        }
    }

    mutating func disable(_ webhook: UInt32, _ reason: DisableReason) {
        let state = webhooks[Int(webhook)]
        guard state.isPresent, state.isEnabled else { return }
        webhooks[Int(webhook)].isEnabled = false
        let slot = WebhookSlot(index: webhook, generation: state.generation)
        let since = state.failingSince == .max ? nil : Instant(nanoseconds: state.failingSince)
        actions.append(.webhookDisabled(slot, reason, failingSince: since))
    }
}
