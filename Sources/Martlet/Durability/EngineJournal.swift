import Glibc
import Journal
import Model
import Records
import Synchronization
import Threading

/// The engine's journal: what the records of `Records` look like in a `Journal`, and its errors as those of the engine.
///
/// Any thread may call it. Records that a lane writes never wait for the disk: losing one in a power failure repeats work
/// and loses nothing.
final class EngineJournal: Sendable {
    let journal: Journal
    /// Calls that promise something return once it is on the disk.
    let isSynchronous: Bool
    /// Numbers the outcomes, over restarts too.
    let lastOutcome: Atomic<UInt64>
    /// Somebody deleted the files: nothing more is promised.
    let isGone = Atomic<Bool>(false)
    /// Finds room when there is none.
    let keeper: Keeper
    /// Records for which there was no room yet, in their order.
    let writing = Locked<Void>(())
    let deferred = Locked<DeferredRecords>(DeferredRecords())
    /// The engine ends: see ``keepAll()``.
    private let keepsAll = Atomic<Bool>(false)

    /// The data directory.
    private let path: String

    private init(_ journal: Journal, keeper: Keeper, path: String, isSynchronous: Bool, lastOutcome: UInt64) {
        self.journal = journal
        self.keeper = keeper
        self.path = path
        self.isSynchronous = isSynchronous
        self.lastOutcome = Atomic(lastOutcome)
    }

    /// Opens the journal that the configuration names, and adds up what it holds; nil where it names none.
    static func open(
        _ configuration: Configuration,
        keeper: Keeper
    ) throws(MartletError) -> (journal: EngineJournal, found: RecoveredState)? {
        guard let directory = configuration.dataDirectory else { return nil }
        var options = JournalOptions()
        options.segmentBytes = configuration.journal.wholeSegmentBytes
        options.maximumBytes = configuration.journal.maxBytes
        options.sync =
            switch configuration.sync {
            case .always: .always
            case .interval: .interval(milliseconds: Int(configuration.syncIntervalMilliseconds))
            case .os: .os
            }
        var found = RecoveredState(
            logCapacity: configuration.logRetention.attempts,
            seenCapacity: configuration.deduplication.windowSeconds == 0 ? 0 : configuration.deduplication.maximumIDs
        )
        do throws(JournalError) {
            let journal = try Journal.open(directory, options: options) { record in
                found.add(kind: record.kind, position: record.position.rawValue, record.bytes)
            }
            // What an earlier life wrote may not be on the disk yet, and what it replaced is given up here.
            do throws(JournalError) {
                try journal.sync()
            } catch {
                journal.close()
                throw error
            }
            for position in found.finish() { journal.release(Position(rawValue: position)) }
            return (
                EngineJournal(
                    journal,
                    keeper: keeper,
                    path: directory,
                    isSynchronous: configuration.sync == .always,
                    lastOutcome: found.lastOutcome
                ),
                found
            )
        } catch {
            throw MartletError(error, opening: true)
        }
    }

    // MARK: Writing

    /// Writes one record that `fill` makes; `length` is what it needs at the most.
    @inline(__always)
    func append(
        _ kind: RecordKind,
        length: Int,
        options: AppendOptions,
        keeping: Int = 0,
        _ fill: (inout ByteSink) -> Void
    ) throws(JournalError) -> Position {
        try withUnsafeTemporaryAllocation(byteCount: max(length, 1), alignment: 8) { area in
            Result { () throws(JournalError) in
                var sink = ByteSink(area)
                fill(&sink)
                // A length that was computed wrong is our fault, and must not leave half a record.
                guard !sink.isOverrun else { throw .recordTooLarge(maximum: length) }
                try checkPlace()
                return try journal.append(kind: kind.rawValue, sink.bytes, options: options, keeping: keeping)
            }
        }.get()
    }

    /// Where the files were deleted under the engine.
    func checkPlace() throws(JournalError) {
        guard isGone.load(ordering: .relaxed) else { return }
        throw .system(operation: "find", path: path, code: ENOENT)
    }

    /// From here on nothing is given up. An engine that ends lets go of events that are not settled; their records are the
    /// next engine's, and must not be deleted in the moment before the journal is closed.
    func keepAll() {
        keepsAll.store(true, ordering: .releasing)
    }

    func release(_ position: Position) {
        guard position != .none, position != .deferred, !keepsAll.load(ordering: .acquiring) else { return }
        journal.release(position)
    }

    func release(_ positions: some Sequence<Position>) {
        for position in positions { release(position) }
    }

    /// Waits until all that was written so far is on the disk, where that was promised.
    func commit() throws(MartletError) {
        guard isSynchronous else { return }
        do {
            try journal.sync()
        } catch {
            throw MartletError(error)
        }
    }

    func nextOutcomeNumber() -> UInt64 {
        lastOutcome.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// Reads a record that is still needed, where the disk gives it.
    func read(_ position: UInt64) -> PinnedRecord? {
        guard let record = try? journal.pin(Position(rawValue: position), verifying: true) else { return nil }
        return record
    }
}

extension MartletError {
    init(_ error: JournalError, opening: Bool = false) {
        let text = opening ? "dataDirectory: \(error)" : "\(error)"
        switch error {
        case .invalidOption: self.init(.invalidDocument, text)
        case .locked: self.init(.inUse, text)
        case .noSpace: self.init(.storageFull, text)
        case .limitReached: self.init(.storageFull, "\(text), journal.maxBytes")
        case .recordTooLarge:
            self.init(.tooLarge, "the event does not fit into a segment: \(text); see journal.segmentBytes")
        case .closed: self.init(.closed)
        case .reservedKind: self.init(.internal, text)
        case .system(_, _, ENOMEM), .system(_, _, EMFILE), .system(_, _, ENFILE): self.init(.outOfResources, text)
        default: self.init(.storage, text)
        }
    }
}
