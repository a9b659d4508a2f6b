import Journal

extension Engine {
    /// The file descriptor that is readable while outcomes wait: add it to your event loop, and call
    /// ``pollOutcomes(maximum:)`` when it fires.
    ///
    /// It belongs to the engine: do not read, write or close it. It is the read end of a pipe and lives as long as the
    /// engine.
    ///
    /// - Throws: ``MartletError/Code/wrongState`` where the configuration has `outcomes` off.
    public func outcomesDescriptor() throws(MartletError) -> Int32 {
        try state.outcomeQueue().descriptor
    }

    /// Takes up to `maximum` outcomes, oldest first. Never blocks; none waiting is an empty array.
    ///
    /// Outcomes not yet taken count against the queue's bounds. With a `dataDirectory` those of one call count as told with
    /// the next call, or once the engine is closed: if the process ends before that, they come again.
    public func pollOutcomes(maximum: Int) throws(MartletError) -> [Outcome] {
        var outcomes: [Outcome] = []
        _ = try pollOutcomes(maximum: maximum) { outcomes.append($0) }
        return outcomes
    }

    /// The same without an array. `take` runs with the queue locked: it only copies.
    package func pollOutcomes(maximum: Int, _ take: (Outcome) -> Void) throws(MartletError) -> Int {
        try state.pollOutcomes(maximum: maximum, take)
    }
}

extension EngineState {
    func pollOutcomes(maximum: Int, _ take: (Outcome) -> Void) throws(MartletError) -> Int {
        let queue = try outcomeQueue()
        var events = 0
        let isJournalled = journal != nil
        var handedOut: [(number: UInt64, record: Position)] = []
        let count = queue.poll(maximum: maximum) { outcome in
            if outcome.kind == .event { events += 1 }
            if isJournalled { handedOut.append((outcome.number, outcome.record)) }
            take(outcome)
        }
        self.handedOut(handedOut)
        budget.release(events: events, bytes: count * Outcome.memorySize)
        if isJournalled { closeJournalIfDone() }
        return count
    }

    func outcomeQueue() throws(MartletError) -> OutcomeQueue {
        try checkProcess()
        guard let outcomes else {
            throw MartletError(.wrongState, "outcomes is \"off\" in this engine's configuration")
        }
        return outcomes
    }
}
