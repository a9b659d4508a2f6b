import Synchronization

/// A value that is only reached with its lock held.
///
/// `Synchronization.Mutex` wants everything that goes in or out to be sendable; bytes that are borrowed for a call are not.
/// Here the caller keeps that rule: nothing of the value may stay in use after `body` returned.
struct Guarded<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // Sendable: the pointee is touched in withLock(_:) only, which holds the lock.
    private let value: UnsafeMutablePointer<Value>
    private let lock = Mutex<Void>(())

    init(_ value: consuming Value) {
        self.value = .allocate(capacity: 1)
        self.value.initialize(to: value)
    }

    deinit {
        value.deinitialize(count: 1)
        value.deallocate()
    }

    borrowing func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        lock._unsafeLock()
        defer { lock._unsafeUnlock() }
        return body(&value.pointee)
    }
}
