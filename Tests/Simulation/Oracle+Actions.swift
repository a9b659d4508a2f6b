import Delivery
import Model

// Actions of the core, judged one by one.
extension Oracle {
    mutating func settled(_ settlement: Settlement, at now: Int64) throws(Violation) {
        let token = Int(settlement.event)
        try require(token < deliveries.count, "an unknown delivery \(token) was settled")
        let delivery = deliveries[token]
        try require(delivery.phase != .settled, "delivery \(token) was settled twice")
        if delivery.expected == nil, settlement.state == .failed, case .failure = skip(of: token, at: now) {
            // The breaker took its last try.
            deliveries[token].lastError = .circuitOpen
            expect(token, .failed)
            countTurn(of: Int(delivery.webhook.index))
        }
        guard let expected = deliveries[token].expected else {
            throw Violation("delivery \(token) was settled as \(settlement.state) without a cause")
        }
        try require(
            settlement.state == expected,
            "delivery \(token) was settled as \(settlement.state) instead of \(expected)"
        )
        try require(
            settlement.id == delivery.id && settlement.webhook == delivery.webhook
                && settlement.attempts == delivery.attempts && settlement.lastStatus == delivery.lastStatus
                && settlement.lastError == deliveries[token].lastError && settlement.log == delivery.log,
            "the settlement of delivery \(token) says \(settlement), but it is \(delivery)"
        )
        expectedSettlements -= 1
        pending -= 1
        take(token)
        deliveries[token].phase = .settled
        guard delivery.isHeld else { return }
        webhooks[Int(delivery.webhook.index)].pending -= 1
        if delivery.key != 0 { leaveQueue(token) }
    }

    mutating func disabled(_ slot: WebhookSlot, failingSince: Int64?) throws(Violation) {
        guard let place = expectedDisables.firstIndex(where: { $0.slot == slot }) else {
            throw Violation("webhook \(slot.index) was disabled without a cause")
        }
        let expected = expectedDisables.remove(at: place).failingSince
        try require(
            failingSince == expected,
            "webhook \(slot.index) fails since \(String(describing: failingSince)), not \(String(describing: expected))"
        )
    }

    mutating func released(_ slot: WebhookSlot) throws(Violation) {
        guard let place = expectedReleases.firstIndex(of: slot) else {
            throw Violation("webhook \(slot.index) was released without a cause, or twice")
        }
        expectedReleases.remove(at: place)
    }

    mutating func started(_ token: Int, at now: Int64) throws(Violation) {
        if let obstacle = obstacle(to: token, at: now) {
            throw Violation("delivery \(token) was started although \(obstacle)")
        }
        let index = Int(deliveries[token].webhook.index)
        if !deliveries[token].isTest {
            try countStart(of: index, at: now)
            webhooks[index].breaker.started()
            webhooks[index].rate.started(webhooks[index].policy.rate, at: now)
        }
        take(token)
        deliveries[token].phase = .flying
        webhooks[index].inFlight += 1
        inFlight += 1
        // One that is full leaves the round, even if a failed start makes room again at once.
        if !canCertainlyStart(index, at: now) { webhooks[index].wasAble = false }
    }

    /// After the actions of an input: nothing that had to follow may be missing.
    func finishInput() throws(Violation) {
        try require(expectedSettlements == 0, "\(expectedSettlements) settlements are missing")
        try require(expectedReleases.isEmpty, "webhooks \(expectedReleases) were not released")
        try require(expectedDisables.isEmpty, "webhooks \(expectedDisables) were not disabled")
    }

    /// Takes a delivery out of where it is kept.
    mutating func take(_ token: Int) {
        guard deliveries[token].isHeld else { return }
        let index = Int(deliveries[token].webhook.index)
        switch deliveries[token].phase {
        case .fresh:
            webhooks[index].freshCount -= 1
        case .waiting:
            let place = deliveries[token].place
            let last = deliveries[token].isTest ? tests.removeLast() : webhooks[index].waiting.removeLast()
            guard last != token else { return }
            if deliveries[token].isTest { tests[place] = last } else { webhooks[index].waiting[place] = last }
            deliveries[last].place = place
        case .flying:
            webhooks[index].inFlight -= 1
            inFlight -= 1
        case .blocked, .settled:
            break
        }
    }

    /// Takes a settled delivery out of the queue of its key; the next one may go where it was the first.
    private mutating func leaveQueue(_ token: Int) {
        let index = Int(deliveries[token].webhook.index)
        let key = deliveries[token].key
        guard let place = webhooks[index].queues[key]?.firstIndex(of: token) else { return }
        webhooks[index].queues[key]?.remove(at: place)
        guard place == 0, let next = webhooks[index].queues[key]?.first else { return }
        deliveries[next].isUnranked = true
        makeReady(next)
    }
}
