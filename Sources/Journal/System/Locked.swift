import Glibc

/// A value that is only reached with its lock held.
///
/// `Synchronization.Mutex` wants everything that goes in or out to be sendable, which bytes borrowed for a call are not, and
/// ThreadSanitizer does not see it. Here the caller keeps the rule: nothing of the value may stay in use after `body`
/// returned. Bodies are short and never wait.
struct Locked<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // Sendable: the value is touched in withLock(_:) only, which holds the lock. Both are allocated, so their addresses
    // stay.
    private let value: UnsafeMutablePointer<Value>
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init(_ value: consuming Value) {
        self.value = .allocate(capacity: 1)
        self.value.initialize(to: value)
        var attributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&attributes)
        // Spins for a moment before it sleeps: what it waits for is a copy of a kilobyte or so.
        pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ADAPTIVE_NP))
        pthread_mutex_init(lock, &attributes)
        pthread_mutexattr_destroy(&attributes)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
        value.deinitialize(count: 1)
        value.deallocate()
    }

    borrowing func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body(&value.pointee)
    }
}
