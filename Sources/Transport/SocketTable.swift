#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What libcurl wants of each descriptor, and what the kernel was told: a table indexed by descriptor number.
///
/// libcurl changes its mind twice per request (watch, forget). Telling the kernel each time would be two system calls per
/// delivery, so for connections the wish is only noted, and the kernel is told before the loop sleeps, where the wish
/// still differs. A connection that went idle stays watched for reading: its next request then needs no call at all.
/// libcurl's own lasting descriptor, in releases that have one, is treated alike. Others (the resolver's) come and go
/// unseen, so what is wanted of them is told at once.
struct SocketTable {
    struct Entry {
        var wanted: Poller.Interest = []
        var applied: Poller.Interest = []
        /// Known from its opening to its closing, so that the kernel's view can be remembered.
        var isTracked = false
        /// Stands in the list of changed descriptors.
        var isChanged = false
        /// The multi handle that it belongs to.
        var owner: UInt16 = 0
        /// Counts the sockets that had this number: an event carries it, so that a late one is told apart.
        var generation: UInt32 = 0
    }

    /// Changes told to the kernel, for tests and measurements.
    private(set) var controlCalls: UInt64 = 0

    // Plain memory of malloc: `entries` is indexed by descriptor, `changed` has room for each descriptor once.
    private var entries: UnsafeMutablePointer<Entry>?
    private var changed: UnsafeMutablePointer<Int32>?
    private var capacity = 0
    private var changedCount = 0

    func destroy() {
        free(entries)
        free(changed)
    }

    /// Makes room for `descriptor`; false where there is no memory.
    private mutating func reserve(_ descriptor: Int32) -> Bool {
        let index = Int(descriptor)
        if index < capacity { return index >= 0 }
        var size = max(capacity, 64)
        while size <= index { size *= 2 }
        guard let wider = realloc(changed, size * MemoryLayout<Int32>.stride) else { return false }
        changed = wider.assumingMemoryBound(to: Int32.self)
        guard let grown = realloc(entries, size * MemoryLayout<Entry>.stride) else { return false }
        let table = grown.assumingMemoryBound(to: Entry.self)
        (table + capacity).initialize(repeating: Entry(), count: size - capacity)
        entries = table
        capacity = size
        return true
    }

    /// The entry of a descriptor that has one.
    private func entry(_ descriptor: Int32) -> UnsafeMutablePointer<Entry>? {
        guard descriptor >= 0, Int(descriptor) < capacity, let entries else { return nil }
        return entries + Int(descriptor)
    }

    /// Notes a descriptor that will be open until ``closing(_:poller:)``; false where there is no memory for it.
    mutating func opened(_ descriptor: Int32, by owner: UInt16) -> Bool {
        guard reserve(descriptor), let entry = entry(descriptor) else { return false }
        entry.pointee.wanted = []
        entry.pointee.applied = []
        entry.pointee.isTracked = true
        entry.pointee.owner = owner
        entry.pointee.generation &+= 1
        return true
    }

    /// The multi handle that a descriptor belongs to; nil for an unknown one.
    func owner(of descriptor: Int32) -> Int? {
        entry(descriptor).map { Int($0.pointee.owner) }
    }

    /// Forgets a descriptor that is about to be closed.
    mutating func closing(_ descriptor: Int32, poller: Poller) {
        guard let entry = entry(descriptor) else { return }
        // Closing alone would not do in a process that forked: the child's copy keeps the kernel's registration alive.
        if !entry.pointee.applied.isEmpty { tellRemoved(descriptor, poller) }
        entry.pointee.wanted = []
        entry.pointee.applied = []
        entry.pointee.isTracked = false
        entry.pointee.generation &+= 1
    }

    /// Whether nothing is known of how long `descriptor` lives.
    func isUntracked(_ descriptor: Int32) -> Bool {
        entry(descriptor)?.pointee.isTracked != true
    }

    /// Notes what libcurl wants; an empty `interest` says that it forgets the descriptor.
    mutating func want(_ interest: Poller.Interest, of descriptor: Int32, by owner: UInt16, poller: Poller) {
        guard reserve(descriptor), let entry = entry(descriptor) else { return }
        entry.pointee.owner = owner
        entry.pointee.wanted = interest
        if entry.pointee.isTracked {
            guard !entry.pointee.isChanged, interest != entry.pointee.applied else { return }
            entry.pointee.isChanged = true
            // Below `capacity`, for each descriptor stands in the list at most once.
            changed?[changedCount] = descriptor
            changedCount += 1
        } else if interest.isEmpty {
            if !entry.pointee.applied.isEmpty { tellRemoved(descriptor, poller) }
            entry.pointee.applied = []
            entry.pointee.generation &+= 1
        } else {
            // Always told, even where it seems to be known: the number may have been reused unseen.
            tell(interest, descriptor, entry, poller)
        }
    }

    /// Tells the kernel what still differs; to be called right before it is asked to wait.
    mutating func applyChanges(poller: Poller) {
        guard changedCount > 0, let changed else { return }
        for index in 0..<changedCount {
            let descriptor = changed[index]
            guard let entry = entry(descriptor) else { continue }
            entry.pointee.isChanged = false
            guard entry.pointee.isTracked else { continue }
            let wanted = entry.pointee.wanted
            if wanted == entry.pointee.applied { continue }
            if wanted.isEmpty {
                // Idle: readability stays watched, writability would report for ever.
                if entry.pointee.applied == .readable { continue }
                tell(.readable, descriptor, entry, poller)
            } else {
                tell(wanted, descriptor, entry, poller)
            }
        }
        changedCount = 0
    }

    /// Whether libcurl is to hear of `event`. One that nobody wants (an idle connection that the receiver closed) is
    /// no longer watched after this.
    mutating func admits(_ event: Poller.Event, poller: Poller) -> Poller.Interest? {
        guard let entry = entry(event.descriptor), entry.pointee.generation == event.generation else { return nil }
        if entry.pointee.wanted.isEmpty {
            tellRemoved(event.descriptor, poller)
            entry.pointee.applied = []
            return nil
        }
        // A broken socket is shown as ready for what libcurl waits for, so that it meets the real error itself.
        return event.isBroken ? event.ready.union(entry.pointee.wanted) : event.ready
    }

    private mutating func tell(
        _ interest: Poller.Interest,
        _ descriptor: Int32,
        _ entry: UnsafeMutablePointer<Entry>,
        _ poller: Poller
    ) {
        controlCalls &+= 1
        let known = !entry.pointee.applied.isEmpty
        let isWatched = poller.set(interest, for: descriptor, generation: entry.pointee.generation, known: known)
        entry.pointee.applied = isWatched ? interest : []
    }

    private mutating func tellRemoved(_ descriptor: Int32, _ poller: Poller) {
        controlCalls &+= 1
        poller.remove(descriptor)
    }
}
