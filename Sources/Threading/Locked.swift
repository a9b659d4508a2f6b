#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A value that is only reached with its lock held.
///
/// A POSIX mutex and not `Synchronization.Mutex`, for two reasons. Thread sanitizers see it: they take every use of the
/// other, whose code they do not instrument, for a race. And it takes borrowed bytes in and out, which are not sendable;
/// the caller keeps the rule that nothing of the value stays in use after `body` returned.
///
/// Uncontended, a lock and unlock are about 15 ns. Nothing that can wait or call the host may run inside.
package struct Locked<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // Sendable: the pointee is touched in withLock(_:) only, which holds the lock; both have a fixed address.
    @usableFromInline let value: UnsafeMutablePointer<Value>
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>

    package init(_ value: consuming Value) {
        self.value = .allocate(capacity: 1)
        self.value.initialize(to: value)
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
        value.deinitialize(count: 1)
        value.deallocate()
    }

    // Inlinable: without it the value is copied through its witness table at each use from another module.
    @inlinable
    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value.pointee)
    }
}
