import Glibc
import Synchronization
import Threading

/// An append-only log in a directory: records of a kind and some bytes, kept until they are released.
///
/// Any thread may call anything at any time. An append copies into a mapped file under a short lock and makes no system
/// call, so a record survives a crash of the process from the moment ``append(kind:_:_:_:_:options:)`` returns; when it is
/// safe from a power failure is ``JournalOptions/Sync``'s matter.
///
/// Segments are deleted from the oldest on, and only once none of their records is needed. So a record that settles an
/// older one never goes before it, and what a restart finds is always a whole stretch of history. One old record that is
/// still needed holds everything behind it: copy it forward (``compactionCandidates(maximumLiveFraction:)``).
///
/// Not for forked children: they have neither its threads nor its memory. There only ``close()`` is allowed and does
/// nothing.
package final class Journal: Sendable {
    let options: JournalOptions
    let files: FileSystem
    let directory: Int32
    let process = getpid()
    let maximumRecordBytes: Int
    /// Milliseconds between syncs of the background thread; nil in mode `os`.
    let syncInterval: Int?

    // Locks are taken in this order and never the other way round: appending, table.
    let appending: Locked<AppendState>
    let table: Locked<SegmentTable>
    let commit = GroupCommit()
    let preparation = Monitored(PreparationState())
    let housekeeping = Monitored(HousekeepingState())
    /// Threads that run.
    private let threads = Monitored(0)
    let counters = Counters()

    /// What opening found.
    package let recovery: RecoveryReport

    struct Counters: ~Copyable {
        let bytesOnDisk = Atomic<Int>(0)
        let syncs = Atomic<Int>(0)
        let syncFailures = Atomic<Int>(0)
        /// 0 before the first.
        let lastSync = Atomic<Int64>(0)
        let preallocationFailures = Atomic<Int>(0)
        let segmentsDeleted = Atomic<Int>(0)
        let deletionFailures = Atomic<Int>(0)
        /// The oldest segment that may have something to sync; only the sync round writes it.
        let syncFrom = Atomic<UInt32>(0)
    }

    init(_ found: Recovery.Found, options: JournalOptions, files: FileSystem, directory: Int32) {
        self.options = options
        self.files = files
        self.directory = directory
        recovery = found.report
        maximumRecordBytes = options.segmentBytes - SegmentHeader.bytes
        syncInterval =
            switch options.sync {
            case .always: options.lazyMilliseconds
            case .interval(let milliseconds): milliseconds
            case .os: nil
            }
        appending = Locked(AppendState(found))
        table = Locked(SegmentTable(found.segments))
        let files = found.segments + (found.prepared.map { [$0] } ?? [])
        counters.bytesOnDisk.store(files.reduce(0) { $0 + $1.mapping.count }, ordering: .relaxed)
    }

    /// Opens the journal in `path`, makes the directory where it is missing, and calls `body` with every record found, in
    /// the order they were written. The bytes are valid during the call.
    ///
    /// `body` answers whether the record is still needed; one that is not known yet is kept and released later.
    /// Throws where another journal holds the directory, where a file is of a newer format, or where the system refuses.
    package static func open(
        _ path: String,
        options: JournalOptions = JournalOptions(),
        _ body: (RecoveredRecord) -> Bool = { _ in true }
    ) throws(JournalError) -> Journal {
        try options.check()
        let files = FileSystem(calls: options.systemCalls, path: path)
        let directory = try files.openDirectory(creatingWith: options.directoryMode)
        do throws(JournalError) {
            try files.lock(directory)
        } catch {
            files.close(directory)
            throw error
        }
        do throws(JournalError) {
            try files.checkAccess(directory)
            var recovery = Recovery(options: options, files: files, directory: directory)
            let found = try recovery.run(body)
            let journal = Journal(found, options: options, files: files, directory: directory)
            try journal.start()
            return journal
        } catch {
            files.unlock(directory)
            throw error
        }
    }

    /// Starts the threads and makes a segment where there is none to write to. Who cannot write to a new directory is told
    /// at once; what an older one holds can be read on a full disk too.
    private func start() throws(JournalError) {
        let hasRoom = appending.withLock { $0.active != nil || $0.prepared != nil }
        if !hasRoom {
            do throws(JournalError) {
                try prepareFirst()
            } catch {
                guard error.isWantOfRoom, table.withLock({ !$0.segments.isEmpty }) else { throw error }
            }
        }
        do throws(JournalError) {
            try startThread("martlet-prepare") { $0.runPreparation() }
            try startThread("martlet-journal") { $0.runHousekeeping() }
        } catch {
            stop()
            throw error
        }
        // The segment after the active one, the sync of what was recovered, and what may be deleted right away.
        preparation.update { $0.wantsSegment = true }
        housekeeping.update {
            $0.isDirty = syncInterval != nil
            $0.wantsDeletion = true
        }
    }

    /// Ends all work, writes what is not yet on the disk (not in mode `os`), and gives the directory free. Later appends
    /// throw ``JournalError/closed``; pinned bytes stay valid. Must be called once nobody needs the journal: its threads
    /// keep it alive. A second call does nothing.
    package func close() {
        guard getpid() == process else { return }
        let wasOpen = appending.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard wasOpen else { return }
        stop()
        if syncInterval != nil { try? syncWhileClosing() }
        appending.withLock { state in
            state.active = nil
            state.prepared = nil
        }
        table.withLock { $0 = SegmentTable([]) }
        files.unlock(directory)
    }

    private func startThread(_ name: String, _ body: @escaping @Sendable (Journal) -> Void) throws(JournalError) {
        threads.update { $0 += 1 }
        let isStarted = OwnedThread.start(name: name) { [self] in
            body(self)
            threads.update { $0 -= 1 }
        }
        guard isStarted else {
            threads.update { $0 -= 1 }
            throw .system(operation: "start", path: "a thread", code: EAGAIN)
        }
    }

    private func stop() {
        preparation.update { $0.isStopped = true }
        housekeeping.update { $0.isStopped = true }
        _ = threads.wait { $0 == 0 ? () : nil }
    }

    /// A reading of the counters; takes both locks for a moment.
    package var statistics: JournalStatistics {
        var result = JournalStatistics()
        let isLast = isLastSegment
        result.roomBytes = appending.withLock { $0.ordinaryRoom(isLast: isLast) }
        (result.segments, result.liveBytes) = table.withLock { table in
            (table.segments.count, table.segments.reduce(0) { $0 + $1.liveBytes })
        }
        result.bytesOnDisk = counters.bytesOnDisk.load(ordering: .relaxed)
        result.syncs = counters.syncs.load(ordering: .relaxed)
        result.syncFailures = counters.syncFailures.load(ordering: .relaxed)
        let lastSync = counters.lastSync.load(ordering: .relaxed)
        result.lastSync = lastSync == 0 ? nil : lastSync
        result.preallocationFailures = counters.preallocationFailures.load(ordering: .relaxed)
        result.segmentsDeleted = counters.segmentsDeleted.load(ordering: .relaxed)
        result.deletionFailures = counters.deletionFailures.load(ordering: .relaxed)
        return result
    }
}

/// Segments with records, oldest first.
struct SegmentTable {
    private(set) var segments: [Segment]

    init(_ segments: [Segment]) {
        self.segments = segments
    }

    mutating func append(_ segment: Segment) {
        segments.append(segment)
    }

    mutating func removeFirst() {
        if !segments.isEmpty { segments.removeFirst() }
    }

    subscript(number: UInt32) -> Segment? {
        guard let first = segments.first, number >= first.number else { return nil }
        // Without gaps, which only lost files leave, the place is known.
        let guess = Int(number - first.number)
        if guess < segments.count, segments[guess].number == number { return segments[guess] }
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < segments.count && segments[low].number == number ? segments[low] : nil
    }
}
