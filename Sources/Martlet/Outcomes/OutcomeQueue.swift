import Journal
import Threading

/// Who waits for outcomes in another way than on the pipe.
protocol OutcomeWaiter: AnyObject, Sendable {
    /// Outcomes wait, or none will come any more. Called by any thread, with no lock held, perhaps more than once.
    func wake()
}

/// Outcomes waiting for the host, and the pipe that tells of them.
///
/// The pipe holds one byte while the queue holds anything, so its read end is readable exactly then: a host adds it to its
/// own event loop and drains the queue when it fires. A pipe and not an eventfd, because Node can watch only the former.
final class OutcomeQueue: Sendable {
    private let pipe: SignalPipe
    private let waiting = Locked<Waiting>(Waiting())

    private struct Waiting {
        var outcomes: ContiguousArray<Outcome> = []
        /// Outcomes before this index are taken.
        var head = 0
        var waiters: [any OutcomeWaiter] = []
        var hasEnded = false

        var count: Int {
            outcomes.count - head
        }
    }

    /// Nil where the process has no file descriptors left.
    init?() {
        guard let pipe = SignalPipe() else { return nil }
        self.pipe = pipe
    }

    /// For the host to watch.
    var descriptor: Int32 { pipe.descriptor }

    var count: Int {
        waiting.withLock { $0.count }
    }

    func append(_ outcome: Outcome) {
        append(CollectionOfOne(outcome))
    }

    func append(_ outcomes: some Collection<Outcome>) {
        guard !outcomes.isEmpty else { return }
        let waiters = waiting.withLock { waiting in
            let wasEmpty = waiting.count == 0
            waiting.outcomes.append(contentsOf: outcomes)
            if wasEmpty { pipe.signal() }
            return OutcomeQueue.takeWaiters(of: &waiting)
        }
        for waiter in waiters { waiter.wake() }
    }

    // MARK: Waiters

    /// Has `waiter` woken when an outcome comes; false, and nothing is kept, where there is one already or ``end()`` was called.
    func add(_ waiter: any OutcomeWaiter) -> Bool {
        waiting.withLock { waiting in
            guard waiting.count == 0, !waiting.hasEnded else { return false }
            waiting.waiters.append(waiter)
            return true
        }
    }

    /// Lets `copy` write anew the records that stand in segments up to `segment`, and notes where they are. It runs with
    /// the queue locked: an outcome that is taken has been moved before or is not moved at all.
    func moveRecords(upTo segment: UInt32, _ copy: (Position) -> Position) {
        var number = 0
        var isDone = false
        while !isDone {
            waiting.withLock { waiting in
                // A part at a time, so that lanes do not wait for all of it. Taking outcomes moves the rest forward: some
                // are then looked at when their segment is looked at again.
                let end = min(number + 256, waiting.count)
                guard number < end else {
                    isDone = true
                    return
                }
                for index in number..<end {
                    let place = waiting.head + index
                    let record = waiting.outcomes[place].record
                    if record != .none, record.segment <= segment { waiting.outcomes[place].record = copy(record) }
                }
                number = end
            }
        }
    }

    func remove(_ waiter: any OutcomeWaiter) {
        waiting.withLock { $0.waiters.removeAll { $0 === waiter } }
    }

    /// Nobody is to wait any more: the engine has ended.
    func end() {
        let waiters = waiting.withLock { waiting in
            waiting.hasEnded = true
            return OutcomeQueue.takeWaiters(of: &waiting)
        }
        for waiter in waiters { waiter.wake() }
    }

    private static func takeWaiters(of waiting: inout Waiting) -> [any OutcomeWaiter] {
        guard !waiting.waiters.isEmpty else { return [] }
        defer { waiting.waiters = [] }
        return waiting.waiters
    }

    // MARK: Taking

    /// Takes up to `maximum` outcomes, oldest first. `take` runs with the queue locked: it only copies.
    func poll(maximum: Int, _ take: (Outcome) -> Void) -> Int {
        waiting.withLock { waiting in
            let count = min(max(maximum, 0), waiting.count)
            guard count > 0 else { return 0 }
            for index in waiting.head..<(waiting.head + count) {
                take(waiting.outcomes[index])
            }
            waiting.head += count
            if waiting.count == 0 {
                // Memory of a burst is given back, that of ordinary traffic kept.
                waiting.outcomes.removeAll(keepingCapacity: waiting.outcomes.capacity <= 4096)
                waiting.head = 0
                pipe.clear()
            } else if waiting.head >= 4096, waiting.head * 2 >= waiting.outcomes.count {
                // Moving the rest forward costs as much as the polls before saved.
                waiting.outcomes.removeSubrange(0..<waiting.head)
                waiting.head = 0
            }
            return count
        }
    }
}
