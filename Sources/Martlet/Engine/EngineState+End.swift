import Model

// Flush, close and the end of the lanes.
extension EngineState {
    /// How much longer than asked a close may take for its lanes to end.
    private static var graceMilliseconds: Int64 { 100 }

    func flush(timeoutMilliseconds: Int64) throws(MartletError) {
        try checkProcess()
        guard try waitUntilSettled(until: deadline(timeoutMilliseconds)) else {
            throw MartletError(.timedOut, "\(unsettled.load(ordering: .relaxed)) events are still pending")
        }
    }

    func close(timeoutMilliseconds: Int64) throws(MartletError) {
        try checkProcess()
        let deadline = try deadline(timeoutMilliseconds)
        _ = phase.compareExchange(expected: .open, desired: .closing, ordering: .acquiringAndReleasing)
        // Pushes that passed the check before are counted in `unsettled` or find their lane closed and settle themselves.
        let isDrained = waitUntilSettled(until: deadline)
        stopLanes()
        let grace = max(deadline, Clock.monotonic()).advanced(milliseconds: Self.graceMilliseconds)
        let hasEnded = waitForLanes(until: grace)
        if hasEnded { closeJournalIfDone() }
        guard isDrained && hasEnded else {
            let rest = journal == nil ? "is canceled" : "stays in the dataDirectory for the next engine"
            throw MartletError(.timedOut, "the engine is closed; what was pending when the time was over \(rest)")
        }
    }

    /// Ends at once. Where it is called by one of the engine's own threads it does not wait for that thread.
    func shutDown() {
        guard ProcessGuard.isCurrent(process) else { return }
        stopLanes()
        _ = waitForLanes(until: Clock.monotonic().advanced(milliseconds: Self.graceMilliseconds))
        closeJournal()
    }

    func stopLanes() {
        guard phase.exchange(.stopped, ordering: .acquiringAndReleasing) != .stopped else { return }
        logger.log(.info) {
            let rest = unsettled.load(ordering: .relaxed)
            guard rest > 0 else { return "the engine is closed" }
            let fate = journal == nil ? "are canceled" : "stay in the dataDirectory for the next engine"
            return "the engine is closed; \(rest) events that are not settled \(fate)"
        }
        // Before any lane lets go of what it leaves to the next engine.
        journal?.keepAll()
        for lane in lanes {
            lane.requestStop()
        }
        keeper.requestStop()
    }

    /// The journal stays open after the lanes have ended while outcomes wait, so that it learns which of them are told.
    func closeJournalIfDone() {
        guard journal != nil, phase.load(ordering: .acquiring) == .stopped, outcomes?.count ?? 0 == 0,
            lanes.allSatisfy({ $0.waitForEnd(until: Instant(nanoseconds: 0)) })
        else { return }
        closeJournal()
    }

    private func closeJournal() {
        guard let journal else { return }
        acknowledgeOutcomes()
        keeper.requestStop()
        keeper.waitForEnd()
        journal.writeDeferred(isLast: true)
        journal.journal.close()
    }

    private func waitForLanes(until deadline: Instant) -> Bool {
        for lane in lanes where !lane.waitForEnd(until: deadline) { return false }
        return true
    }

    private func deadline(_ timeoutMilliseconds: Int64) throws(MartletError) -> Instant {
        guard timeoutMilliseconds >= 0 else {
            throw MartletError(.invalidArgument, "timeout_ms must be 0 or more, not \(timeoutMilliseconds)")
        }
        return Clock.monotonic().advanced(milliseconds: timeoutMilliseconds)
    }

    private func waitUntilSettled(until deadline: Instant) -> Bool {
        // Announced before looking, so that whoever settles the last event either is seen or sees a waiter.
        waiters.wrappingAdd(1, ordering: .sequentiallyConsistent)
        defer { waiters.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
        return idle.wait(until: deadline) { unsettled.load(ordering: .sequentiallyConsistent) == 0 }
    }

    /// To be called once for each event whose last delivery is settled.
    func eventSettled() {
        let left = unsettled.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue
        if left == 0, waiters.load(ordering: .sequentiallyConsistent) > 0 {
            idle.broadcast()
        }
    }
}
