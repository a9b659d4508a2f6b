import Delivery
import Model

// When an attempt may start, when it must, and who comes first.
extension Oracle {
    /// Starts that one webhook may have while another waits that could use the slot. Slots go round, so it is one.
    static let overtakingBound = 1

    /// Why an attempt of this delivery must not start; nil where it may.
    mutating func obstacle(to token: Int, at now: Int64) -> String? {
        guard token < deliveries.count else { return "it is unknown" }
        let delivery = deliveries[token]
        switch delivery.phase {
        case .settled: return "it is settled"
        case .flying: return "it is in flight"
        case .blocked: return "an earlier one of its key is not settled"
        case .waiting where delivery.due > now: return "it is due at \(delivery.due)"
        case .fresh, .waiting: break
        }
        if delivery.expected != nil || delivery.expiry <= now { return "it must be settled" }
        if !isPresent(delivery.webhook) { return "its webhook is removed" }
        if inFlight >= maximumInFlight { return "\(inFlight) are in flight over all" }
        // A test goes past every limit of its webhook.
        if delivery.isTest { return nil }
        let webhook = webhooks[Int(delivery.webhook.index)]
        if !webhook.isEnabled { return "its webhook is disabled" }
        if webhook.pausedUntil > now { return "its webhook is paused until \(webhook.pausedUntil)" }
        if webhook.inFlight >= webhook.policy.maximumInFlight { return "its webhook has \(webhook.inFlight) in flight" }
        if !hasShare(Int(delivery.webhook.index)) { return "its webhook has its share of the slots" }
        if webhook.inFlight >= webhook.breaker.limit { return "its breaker lets \(webhook.breaker.limit) be in flight" }
        if webhook.breaker.answer(at: now) == .blocks { return "its breaker is open" }
        if webhook.rate.startable(webhook.policy.rate).lowerBound > now { return "its rate limit is reached" }
        return predecessor(of: token, at: now).map { "delivery \($0) of its webhook comes first" }
    }

    /// From when on the webhook certainly could use a slot, or lose tries to its breaker, if nothing more is fed; nil for never.
    func certainStart(of index: Int) -> Int64? {
        let webhook = webhooks[index]
        guard webhook.occupancy == .present, webhook.isEnabled else { return nil }
        // Where the limit is found by trying, only the first place is sure.
        let limit = webhook.policy.isAdaptive ? 1 : webhook.policy.maximumInFlight
        guard webhook.inFlight < min(limit, webhook.breaker.limit) else { return nil }
        var ready = webhook.freshCount > 0 ? Int64.min : Int64.max
        if ready == .max { for token in webhook.waiting { ready = min(ready, deliveries[token].due) } }
        guard ready < .max else { return nil }
        let rate = webhook.rate.startable(webhook.policy.rate)
        return max(ready, webhook.pausedUntil, rate.upperBound)
    }

    /// False where the webhook has to leave what is free to others: no more than a quarter of the slots is, and it has an
    /// equal part of seven eighths.
    func hasShare(_ index: Int) -> Bool {
        if maximumInFlight - inFlight > maximumInFlight / 4 { return true }
        var flying = 0
        for webhook in webhooks where webhook.inFlight > 0 { flying += 1 }
        let usual = maximumInFlight - maximumInFlight / 8
        return webhooks[index].inFlight == 0 || webhooks[index].inFlight < usual / max(flying, 1)
    }

    func canCertainlyStart(_ index: Int, at now: Int64) -> Bool {
        hasShare(index) && (certainStart(of: index).map { $0 <= now } ?? false)
    }

    /// Retries come first, by their due times; then what was never tried, in the order it could go.
    private mutating func predecessor(of token: Int, at now: Int64) -> Int? {
        let index = Int(deliveries[token].webhook.index)
        if deliveries[token].phase == .fresh {
            if let retry = webhooks[index].waiting.first(where: { deliveries[$0].due <= now }) { return retry }
            let first = firstFresh(of: index)
            return first == token ? nil : first
        }
        if deliveries[token].isUnranked { return nil }
        let due = deliveries[token].due
        return webhooks[index].waiting.first { deliveries[$0].due < due && !deliveries[$0].isUnranked }
    }

    private mutating func firstFresh(of index: Int) -> Int? {
        while webhooks[index].firstFresh < webhooks[index].fresh.count {
            let token = webhooks[index].fresh[webhooks[index].firstFresh]
            if deliveries[token].phase == .fresh { return token }
            webhooks[index].firstFresh += 1
        }
        return nil
    }

    /// The webhook lost tries to its breaker: that was its turn.
    mutating func countTurn(of index: Int) {
        webhooks[index].wasAble = false
        webhooks[index].overtaken.removeAll(keepingCapacity: true)
    }

    /// Counts a start against every other webhook that has been waiting for a slot.
    mutating func countStart(of index: Int, at now: Int64) throws(Violation) {
        for other in webhooks.indices where other != index && webhooks[other].wasAble {
            // One with an open breaker may have had its turn and lost its tries.
            guard canCertainlyStart(other, at: now), !webhooks[other].breaker.mayHaveBlocked(at: now) else { continue }
            while webhooks[other].overtaken.count <= index { webhooks[other].overtaken.append(0) }
            webhooks[other].overtaken[index] += 1
            try require(
                webhooks[other].overtaken[index] <= Oracle.overtakingBound,
                "webhook \(index) got \(webhooks[other].overtaken[index]) starts while \(summary(of: other)) waited for one"
            )
        }
        webhooks[index].overtaken.removeAll(keepingCapacity: true)
    }
}
