import CCurl

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The kernel's event queue (epoll). Every platform call of the loop is in this file.
struct Poller {
    /// What a descriptor is watched for.
    struct Interest: OptionSet {
        var rawValue: UInt8

        static let readable = Interest(rawValue: 1)
        static let writable = Interest(rawValue: 2)
    }

    /// One report of ``wait(milliseconds:)``.
    struct Event {
        var descriptor: Int32
        /// As given to ``set(_:for:generation:known:)``.
        var generation: UInt32
        var ready: Interest
        /// An error or a hang-up: reading or writing will tell which.
        var isBroken: Bool
    }

    /// More events than this stay in the kernel until the next turn.
    static let batch = 32

    private let descriptor: Int32
    private let events: UnsafeMutablePointer<epoll_event>

    init() throws(TransportError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .system(call: "epoll_create1", error: errno) }
        events = .allocate(capacity: Poller.batch)
        events.initialize(repeating: epoll_event(), count: Poller.batch)
    }

    /// Closes the queue; nothing may be called after.
    func destroy() {
        closeDescriptor(descriptor)
        events.deinitialize(count: Poller.batch)
        events.deallocate()
    }

    /// Watches `target` for `interest`, whether the queue knows it already (`known`) or not.
    ///
    /// A descriptor number may have been closed and reused without a word; then the kernel's view decides. Answers false
    /// where the kernel has no room (the attempt then ends by its deadline).
    func set(_ interest: Interest, for target: Int32, generation: UInt32, known: Bool) -> Bool {
        var event = epoll_event()
        if interest.contains(.readable) { event.events |= EPOLLIN.rawValue }
        if interest.contains(.writable) { event.events |= EPOLLOUT.rawValue }
        event.data.u64 = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: target))
        if epoll_ctl(descriptor, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, target, &event) == 0 { return true }
        switch errno {
        case ENOENT: return epoll_ctl(descriptor, EPOLL_CTL_ADD, target, &event) == 0
        case EEXIST: return epoll_ctl(descriptor, EPOLL_CTL_MOD, target, &event) == 0
        default: return false
        }
    }

    /// Stops to watch `target`; it may be unknown.
    func remove(_ target: Int32) {
        var event = epoll_event()
        _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, target, &event)
    }

    /// Reports each write to the eventfd `target` once, without the need to read it.
    func watchWakes(of target: Int32) throws(TransportError) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | EPOLLET.rawValue
        event.data.u64 = UInt64(UInt32(bitPattern: target))
        guard epoll_ctl(descriptor, EPOLL_CTL_ADD, target, &event) == 0 else {
            throw .system(call: "epoll_ctl", error: errno)
        }
    }

    /// Sleeps until an event or `milliseconds` (-1 for ever) and answers how many events there are; 0 at a signal.
    func wait(milliseconds: Int32) -> Int {
        Int(max(epoll_wait(descriptor, events, Int32(Poller.batch), milliseconds), 0))
    }

    /// The event at `index`, below what the last ``wait(milliseconds:)`` answered.
    func event(at index: Int) -> Event {
        let event = events[index]
        var ready: Interest = []
        if event.events & EPOLLIN.rawValue != 0 { ready.insert(.readable) }
        if event.events & EPOLLOUT.rawValue != 0 { ready.insert(.writable) }
        return Event(
            descriptor: Int32(truncatingIfNeeded: event.data.u64),
            generation: UInt32(truncatingIfNeeded: event.data.u64 >> 32),
            ready: ready,
            isBroken: event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
        )
    }

    /// Whether the process has no room for the four descriptors that a resolver may need at a time, for telling that
    /// from a receiver's fault.
    func isOutOfDescriptors(needed: Int = 4) -> Bool {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return errno == EMFILE || errno == ENFILE }
        defer { closeDescriptor(copy) }
        return needed > 1 && isOutOfDescriptors(needed: needed - 1)
    }
}

/// Wakes a sleeping ``Transport`` from any thread.
///
/// It owns the descriptor and closes it with its last reference, so that a late ``wake()`` never writes to a descriptor
/// that meanwhile belongs to somebody else.
package final class Waker: Sendable {
    let descriptor: Int32

    init() throws(TransportError) {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard descriptor >= 0 else { throw .system(call: "eventfd", error: errno) }
    }

    deinit {
        closeDescriptor(descriptor)
    }

    /// Makes the current or next ``Transport/poll(until:)`` return. One system call; safe from a signal handler.
    package func wake() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }
}

/// A new socket for `address`, closed on exec; -1 with `errno` where there is none.
func openSocket(for address: curl_sockaddr) -> Int32 {
    socket(address.family, address.socktype | Int32(SOCK_CLOEXEC.rawValue), address.protocol)
}

/// close(2), under a name that does not collide with methods called `close`.
func closeDescriptor(_ descriptor: Int32) {
    _ = close(descriptor)
}
