import Model
import Synchronization
import Threading

/// The thread that moves what is old and still needed forward in the journal, so that its files can go.
final class Keeper: Sendable {
    private let isStopped = Atomic<Bool>(false)
    private let isWanted = Atomic<Bool>(false)
    /// 0 before its start, 1 while it runs, 2 once it has ended.
    private let life = Atomic<UInt8>(0)
    private let monitor = Monitor()

    /// Runs `pass` now and then; it answers whether there was anything to do. False where no thread can be had.
    func start(_ pass: @escaping @Sendable () -> Bool) -> Bool {
        life.store(1, ordering: .releasing)
        let isStarted = OwnedThread.start(name: "martlet-keeper") { [self] in
            var wait: Int64 = 100
            while !waitForStop(milliseconds: wait) {
                // An engine at rest is not looked at often.
                wait = pass() ? 100 : min(wait * 2, 2_000)
            }
            life.store(2, ordering: .releasing)
            monitor.broadcast()
        }
        if !isStarted { life.store(0, ordering: .releasing) }
        return isStarted
    }

    var mustStop: Bool {
        isStopped.load(ordering: .relaxed)
    }

    private func waitForStop(milliseconds: Int64) -> Bool {
        let deadline = Clock.monotonic().advanced(milliseconds: milliseconds)
        _ = monitor.wait(until: deadline) {
            isStopped.load(ordering: .acquiring) || isWanted.exchange(false, ordering: .acquiringAndReleasing)
        }
        return isStopped.load(ordering: .acquiring)
    }

    /// Asks for a pass soon, for somebody was refused for want of room.
    func nudge() {
        if !isWanted.exchange(true, ordering: .acquiringAndReleasing) { monitor.broadcast() }
    }

    func requestStop() {
        isStopped.store(true, ordering: .releasing)
        monitor.broadcast()
    }

    /// Waits for the thread to end; a pass looks often whether it should.
    func waitForEnd() {
        _ = monitor.wait(until: .distantFuture) { life.load(ordering: .acquiring) != 1 }
    }
}
