import Delivery
import Model

// What must hold when the core has nothing left to do.
extension Oracle {
    /// Counts, limits, no idle slot that could be used, and a timer for all that is to come.
    mutating func checkRest(_ core: borrowing DeliveryCore, at now: Int64) throws(Violation) {
        try require(core.inFlight == inFlight, "the core counts \(core.inFlight) in flight, not \(inFlight)")
        try require(core.pending == pending, "the core counts \(core.pending) pending, not \(pending)")
        try require(0...maximumInFlight ~= inFlight, "\(inFlight) are in flight over all")
        let hasSlot = inFlight < maximumInFlight
        // The next time at which the core has something to do.
        var next = Int64.max
        for index in webhooks.indices where webhooks[index].occupancy != .free {
            try checkCounts(of: index, core)
            let start = certainStart(of: index) ?? .max
            let hasSlot = hasSlot && hasShare(index)
            let isAble = start <= now
            try require(!isAble || !hasSlot, "\(summary(of: index)) waits although a slot is free")
            if !isAble, hasSlot { next = min(next, start) }
            if !isAble || !hasShare(index) || !webhooks[index].wasAble {
                webhooks[index].overtaken.removeAll(keepingCapacity: true)
            }
            webhooks[index].wasAble = isAble
        }
        for token in tests {
            try require(deliveries[token].due > now || !hasSlot, "test \(token) waits although a slot is free")
            if deliveries[token].due > now { next = min(next, deliveries[token].due) }
        }
        for token in unsettled where ![.flying, .settled].contains(deliveries[token].phase) {
            next = min(next, deliveries[token].expiry)
        }
        let timer = core.nextTimer?.nanoseconds ?? .max
        try require(timer > now, "the timer at \(timer) is not after now")
        try require(timer <= next, "the timer at \(timer) is late: there is something to do at \(next)")
    }

    /// What is known of a webhook, for a report.
    func summary(of index: Int) -> String {
        let webhook = webhooks[index]
        return """
            webhook \(index) (\(webhook.inFlight) in flight, \(webhook.freshCount) fresh, waiting \(webhook.waiting), \
            paused until \(webhook.pausedUntil), \(webhook.rate), \(webhook.breaker), \(webhook.policy))
            """
    }

    private func checkCounts(of index: Int, _ core: borrowing DeliveryCore) throws(Violation) {
        let webhook = webhooks[index]
        try require(
            webhook.inFlight >= 0 && webhook.pending >= webhook.inFlight,
            "webhook \(index) has \(webhook.pending) pending, \(webhook.inFlight) of them in flight"
        )
        guard webhook.occupancy == .present else { return }
        let (counted, pending) = (core.inFlight(of: webhook.slot), core.pending(of: webhook.slot))
        try require(
            counted == webhook.inFlight && pending == webhook.pending,
            "webhook \(index) has \(webhook.inFlight) of \(webhook.pending) in flight, the core says \(counted) of \(pending)"
        )
        try require(
            core.isEnabled(webhook.slot) == webhook.isEnabled,
            "webhook \(index) is \(webhook.isEnabled ? "enabled" : "disabled"), the core says otherwise"
        )
    }

    /// Compares every record of the core with what is known of its delivery.
    func compareRecords(_ core: borrowing DeliveryCore, at now: Int64) throws(Violation) {
        var seen = 0
        var fault: String?
        core.forEachDelivery { _, record in
            seen += 1
            if fault == nil { fault = difference(record, at: now) }
        }
        if let fault { throw Violation(fault) }
        try require(seen == pending, "the core holds \(seen) records for \(pending) deliveries")
    }

    private func difference(_ record: DeliveryRecord, at now: Int64) -> String? {
        let token = Int(record.event)
        guard token < deliveries.count else { return "a record names the unknown delivery \(token)" }
        let delivery = deliveries[token]
        let phase: DeliveryRecord.Phase? =
            switch delivery.phase {
            case .fresh: .queued
            case .waiting: delivery.due <= now && !delivery.isTest ? .due : .waiting
            case .blocked: .blocked
            case .flying: .inFlight
            case .settled: nil
            }
        let isEqual =
            record.phase == phase && record.id == delivery.id && record.webhook == delivery.webhook.index
            && record.attempts == delivery.attempts && record.tries == delivery.tries
            && record.lastError == delivery.lastError && record.expiry == delivery.expiry
            && record.cancelRequested == delivery.isCanceled && record.orderKey == delivery.key
            && record.isTest == delivery.isTest && (delivery.phase != .waiting || record.due == delivery.due)
        return isEqual ? nil : "the record of delivery \(token) is \(record), but it is \(delivery)"
    }
}
