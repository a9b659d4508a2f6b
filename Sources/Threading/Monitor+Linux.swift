import Glibc
import Model

/// A lock with a condition whose waits end on the monotonic clock.
///
/// For cold paths where a thread waits for another one: flush, close, commands to a lane.
package final class Monitor: @unchecked Sendable {
    // Sendable: both are plain allocated, at a fixed address, and only handed to pthread calls, which are thread-safe.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    package func withLock<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Wakes every waiter to look again. Takes the lock, so a waiter between its look and its sleep is not missed.
    package func broadcast() {
        withLock { _ = pthread_cond_broadcast(condition) }
    }

    /// Runs `body` with the lock held and then wakes every waiter to look again, in one step.
    package func update<Result>(_ body: () -> Result) -> Result {
        withLock {
            defer { pthread_cond_broadcast(condition) }
            return body()
        }
    }

    /// Waits until `isDone` answers true, which is called with the lock held; false where `deadline` passed first.
    package func wait(until deadline: Instant, _ isDone: () -> Bool) -> Bool {
        wait(until: deadline, for: { isDone() ? () : nil }) != nil
    }

    /// Waits until `answer` gives something, and returns that; nil where `deadline` passed first. `answer` is called with
    /// the lock held; what it changes wakes nobody.
    package func wait<Answer>(until deadline: Instant, for answer: () -> Answer?) -> Answer? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let given = answer() { return given }
            if deadline == .distantFuture {
                pthread_cond_wait(condition, mutex)
                continue
            }
            guard Clock.monotonic() < deadline else { return nil }
            var time = timespec(
                tv_sec: Int(deadline.nanoseconds / 1_000_000_000),
                tv_nsec: Int(deadline.nanoseconds % 1_000_000_000)
            )
            pthread_cond_timedwait(condition, mutex, &time)
        }
    }
}
