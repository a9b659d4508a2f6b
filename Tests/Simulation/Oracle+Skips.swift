import Delivery
import Model

// Tries that an open breaker turns away. The core says nothing of them, so they are read from its records after a run.
extension Oracle {
    /// What a try that is turned away means for this delivery; nil where none can have been.
    func skip(of token: Int, at now: Int64) -> Judgement? {
        let delivery = deliveries[token]
        guard isPresent(delivery.webhook), isReady(token, at: now) else { return nil }
        let webhook = webhooks[Int(delivery.webhook.index)]
        guard webhook.isEnabled, webhook.pausedUntil <= now, webhook.breaker.mayHaveBlocked(at: now),
            webhook.rate.startable(webhook.policy.rate).lowerBound <= now
        else { return nil }
        return Judgement.next(after: Int(delivery.tries) + 1, policy: webhook.policy.retry, asked: 0)
    }

    private func isReady(_ token: Int, at now: Int64) -> Bool {
        let delivery = deliveries[token]
        if delivery.isTest || delivery.expected != nil { return false }
        return delivery.phase == .fresh || (delivery.phase == .waiting && delivery.due <= now)
    }

    /// Finds the deliveries that lost a try in this run, and takes over when they are due again.
    mutating func takeSkips(from core: borrowing DeliveryCore, at now: Int64) throws(Violation) {
        guard webhooks.contains(where: { $0.occupancy == .present && $0.breaker.mayHaveBlocked(at: now) }) else {
            return
        }
        var skipped: [(token: Int, due: Int64)] = []
        core.forEachDelivery { _, record in
            let token = Int(record.event)
            guard token < deliveries.count, record.tries != deliveries[token].tries else { return }
            skipped.append((token, record.due))
        }
        for (token, due) in skipped {
            guard case .retry(let wait) = skip(of: token, at: now) else {
                throw Violation("delivery \(token) lost a try without a cause")
            }
            take(token)
            countTurn(of: Int(deliveries[token].webhook.index))
            deliveries[token].tries += 1
            deliveries[token].lastError = .circuitOpen
            deliveries[token].isUnranked = false
            beginWait(token)
            let range = now + wait.lowerBound * 1_000_000...now + wait.upperBound * 1_000_000
            try accept(due: due, of: token, within: range)
        }
    }
}
