import Model
import Synchronization
import Threading

/// The outcomes of an engine as they come.
///
/// ```swift
/// for await outcome in try engine.outcomes() where outcome.kind == .delivery {
///     print(outcome.eventID, outcome.state, outcome.failure)
/// }
/// ```
///
/// Waiting blocks no thread. The loop ends when the engine is closed and what was left is taken, or when its task is
/// canceled; none is lost then, for each is taken from the engine only when the loop asks for it. Several loops share the
/// outcomes among them.
public struct OutcomeSequence: AsyncSequence, Sendable {
    /// Iteration throws nothing.
    public typealias Failure = Never

    // The state and not the engine: an engine that is let go of ends the loop, and is not kept by it.
    let state: EngineState

    /// Goes on where another loop stopped.
    public func makeAsyncIterator() -> Iterator {
        Iterator(state: state)
    }

    /// Takes one outcome after the other.
    public struct Iterator: AsyncIteratorProtocol {
        let state: EngineState

        /// The next outcome, waiting for it; nil when there will be none, or the task is canceled.
        public mutating func next() async -> Outcome? {
            await next(isolation: nil)
        }

        /// The same without leaving the caller's actor.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> Outcome? {
            while !Task.isCancelled {
                // Asked before looking: what comes between the two is found by looking.
                let hasEnded = state.haveLanesEnded
                if let outcome = state.takeOutcome() { return outcome }
                guard !hasEnded, let queue = state.outcomes else { return nil }
                await TaskWait().wait(for: queue)
                // A lane that outlasts the close tells nobody of its end.
                if state.isStopped, !state.haveLanesEnded { try? await Task.sleep(for: .milliseconds(10)) }
            }
            return nil
        }
    }
}

extension Engine {
    /// The outcomes as they come, to be gone through with `for await`.
    ///
    /// - Throws: ``MartletError/Code/wrongState`` where the configuration has `outcomes` off.
    public func outcomes() throws(MartletError) -> OutcomeSequence {
        _ = try state.outcomeQueue()
        return OutcomeSequence(state: state)
    }

    /// Takes up to `maximum` outcomes, oldest first, and waits for the first one on this thread; an empty array where none came
    /// in time, or the engine is closed.
    ///
    /// In a task use ``outcomes()``, which blocks no thread.
    ///
    /// - Throws: ``MartletError/Code/wrongState`` where the configuration has `outcomes` off.
    public func pollOutcomes(maximum: Int, timeout: Duration) throws(MartletError) -> [Outcome] {
        let queue = try state.outcomeQueue()
        let deadline = Clock.monotonic().advanced(milliseconds: max(timeout.wholeMilliseconds, 0))
        while true {
            let hasEnded = state.haveLanesEnded
            let outcomes = try pollOutcomes(maximum: maximum)
            guard outcomes.isEmpty, maximum > 0, !hasEnded, Clock.monotonic() < deadline else { return outcomes }
            if state.isStopped {
                // A lane that outlasts the close tells nobody of its end: it is looked for.
                let look = Clock.monotonic().advanced(milliseconds: 10)
                _ = Monitor().wait(until: min(look, deadline)) { false }
            } else {
                ThreadWait().wait(for: queue, until: deadline)
            }
        }
    }
}

extension EngineState {
    func takeOutcome() -> Outcome? {
        var taken: Outcome?
        // Fails in a forked child, where there is nothing to take.
        _ = try? pollOutcomes(maximum: 1) { taken = $0 }
        return taken
    }

    var isStopped: Bool {
        phase.load(ordering: .acquiring) == .stopped
    }

    /// True when no outcome can come any more.
    var haveLanesEnded: Bool {
        isStopped && lanes.allSatisfy { $0.waitForEnd(until: Instant(nanoseconds: 0)) }
    }
}

/// One wait of a task for outcomes.
private final class TaskWait: OutcomeWaiter {
    private enum State {
        case new
        case parked(UnsafeContinuation<Void, Never>)
        case over
    }

    private let state = Locked(State.new)

    func wake() {
        let parked: UnsafeContinuation<Void, Never>? = state.withLock { state in
            defer { state = .over }
            if case .parked(let continuation) = state { return continuation }
            return nil
        }
        // Each is resumed once: it was taken out of the state.
        parked?.resume()
    }

    /// Returns when outcomes wait, the engine has ended, or the task is canceled.
    func wait(for queue: OutcomeQueue, isolation: isolated (any Actor)? = #isolation) async {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let isParked = state.withLock { state in
                    guard case .new = state else { return false }
                    state = .parked(continuation)
                    return true
                }
                if !isParked {
                    continuation.resume()
                } else if !queue.add(self) {
                    wake()
                }
            }
        } onCancel: {
            wake()
        }
        queue.remove(self)
    }
}

/// One wait of a thread for outcomes.
private final class ThreadWait: OutcomeWaiter {
    private let isOver = Atomic<Bool>(false)
    private let monitor = Monitor()

    func wake() {
        isOver.store(true, ordering: .releasing)
        monitor.broadcast()
    }

    /// Returns when outcomes wait, the engine has ended, or `deadline` has passed.
    func wait(for queue: OutcomeQueue, until deadline: Instant) {
        guard queue.add(self) else { return }
        _ = monitor.wait(until: deadline) { isOver.load(ordering: .acquiring) }
        queue.remove(self)
    }
}
