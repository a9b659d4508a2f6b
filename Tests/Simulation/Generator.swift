import Delivery
import Model

// Random inputs.
extension World {
    func randomInput() throws(Violation) {
        switch profile.input(random: &random) {
        case .push: try push(to: randomWebhook())
        case .pushToOne: try push(to: live.first)
        case .pushStale: try push(to: gone.isEmpty ? nil : gone[random.next(below: gone.count)])
        case .pushTest: try push(to: randomWebhook(), isTest: true)
        case .addWebhook: try addWebhook()
        case .updateWebhook: try updateWebhook()
        case .enable: try setEnabled(true)
        case .disable: try setEnabled(false)
        case .removeWebhook: try removeWebhook()
        case .cancel: try cancelOne()
        case .mode: changeMode()
        case .wallJump: jumpWall()
        }
    }

    private func randomWebhook() -> WebhookSlot? {
        live.isEmpty ? nil : live[random.next(below: live.count)]
    }

    func randomPolicy() -> WebhookPolicy {
        let retries = random.next(below: 6)
        let delays = (0..<retries).map { _ in
            Int64([0, 1, 100, 1000, 5000, 25_000][random.next(below: 6)] + random.next(below: 50))
        }
        let retry = RetryPolicy(
            delaysMilliseconds: delays,
            jitter: [0, 0.1, 0.5, 1][random.next(below: 4)],
            retryOn: random.next(below: 3) > 0 ? .all : RetryPolicy.RetryOn(rawValue: UInt8(random.next(below: 32))),
            retryAfterCapMilliseconds: [0, 500, 20_000, 60_000][random.next(below: 4)]
        )
        var policy = WebhookPolicy(maximumInFlight: [1, 1, 2, 5, 64][random.next(below: 5)], retry: retry)
        policy.isAdaptive = hasPolicy()
        policy.ordering = hasPolicy() ? (random.next(below: 2) == 0 ? .key : .strict) : .none
        policy.disableAfterMilliseconds = hasPolicy() ? [0, 1000, 60_000][random.next(below: 3)] : nil
        policy.breaker = nil
        if hasPolicy() {
            let open = Int64([10, 500, 5000][random.next(below: 3)])
            let longest = open * Int64([1, 5, 12][random.next(below: 3)])
            policy.breaker = WebhookPolicy.BreakerPolicy(
                failures: [1, 3, 10][random.next(below: 3)],
                afterMilliseconds: [0, 0, 2000][random.next(below: 3)],
                openMilliseconds: open,
                maximumOpenMilliseconds: longest
            )
        }
        if hasPolicy() {
            let rate = [0.5, 3, 70, 1000, 30_000][random.next(below: 5)]
            policy.rate = WebhookPolicy.RateLimit(perSecond: rate, burst: [1, 2, 20][random.next(below: 3)])
        }
        return policy
    }

    private func hasPolicy() -> Bool {
        random.next(below: 100) < profile.policyPercent
    }

    private func push(to slot: WebhookSlot?, isTest: Bool = false) throws(Violation) {
        guard let slot else { return }
        let room = profile.maximumPending - oracle.pending
        if let store {
            guard room > 0, live.contains(slot) else { return }
            for _ in 0..<min(room, isTest ? 1 : 1 + random.next(below: profile.burst)) {
                try pushStored(store, to: slot, isTest: isTest)
            }
            return
        }
        for _ in 0..<max(min(room, isTest ? 1 : 1 + random.next(below: profile.burst)), 0) {
            var new = NewDelivery(id: nextIdentifier(), event: UInt64(oracle.deliveries.count), webhook: slot)
            new.isTest = isTest
            new.orderKey = UInt64(random.next(below: profile.keys + 1))
            if random.next(below: 100) < profile.expiryPercent {
                // Some are over when they come.
                new.expiry = moment(from: -1000, to: 39_000)
            }
            if random.next(below: 100) < profile.delayPercent { new.notBefore = moment(from: -1000, to: 20_000) }
            if random.next(below: 20) == 0 {
                new.attempts = UInt16(random.next(below: 3))
                new.tries = new.attempts + UInt16(random.next(below: 2))
            }
            try enqueue(new)
        }
    }

    private func moment(from first: Int, to last: Int) -> Instant {
        let wait = Int64(first + random.next(below: last - first)) * 1_000_000
        return Instant(nanoseconds: max(now + wait, 1))
    }

    private func addWebhook() throws(Violation) {
        guard live.count < profile.maximumWebhooks else { return }
        var slot = WebhookSlot(index: nextIndex, generation: 1)
        if let reused = released.popLast() {
            slot = WebhookSlot(index: reused.index, generation: reused.generation + 1)
        } else {
            nextIndex += 1
        }
        try add(slot, policy: randomPolicy(), isEnabled: random.next(below: 8) > 0)
    }

    private func updateWebhook() throws(Violation) {
        guard let slot = random.next(below: 20) == 0 ? gone.last : randomWebhook() else { return }
        try update(slot, policy: randomPolicy())
    }

    private func setEnabled(_ enabled: Bool) throws(Violation) {
        guard let slot = random.next(below: 20) == 0 ? gone.last : randomWebhook() else { return }
        try set(slot, enabled: enabled)
    }

    private func removeWebhook() throws(Violation) {
        guard let slot = random.next(below: 20) == 0 ? gone.last : randomWebhook() else { return }
        try remove(slot)
    }

    private func cancelOne() throws(Violation) {
        // By event and not by index: which index a delivery gets is no promise of the core.
        guard !oracle.unsettled.isEmpty else { return }
        let token = oracle.unsettled[random.next(below: oracle.unsettled.count)]
        var chosen: UInt32?
        core.forEachDelivery { index, record in
            if record.event == UInt64(token) { chosen = index }
        }
        if let chosen { try cancel(chosen) }
    }

    private func changeMode() {
        guard let slot = randomWebhook() else { return }
        let mode = Receiver.mode(random: &random)
        receivers[Int(slot.index)].mode = mode
        trace.note(.mode, at: now, Int64(slot.index), mode.rawValue)
    }

    /// Forwards or backwards, by a second or by years.
    private func jumpWall() {
        let size: [Int64] = [1000, 60_000, 3_600_000, 86_400_000, 31_536_000_000]
        let jump = size[random.next(below: size.count)] * (random.next(below: 2) == 0 ? 1 : -1)
        wallOffset += jump
        store?.ledger.hasClockJumped = true
        trace.note(.wallJump, at: now, jump)
    }
}
