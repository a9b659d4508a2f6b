import Glibc
import Synchronization
import Testing

@testable import Journal

/// When records are forced to the disk, and how often.
@Suite struct SyncTests {
    @Test func waitingAppendersShareASync() throws {
        let scratch = try Scratch(in: "/tmp")
        let syncs = Atomic<Int>(0)
        let waiting = Atomic<Int>(0)
        var options = JournalOptions.small(1 << 20, .always)
        options.systemCalls.syncMapping = { address, bytes in
            // The first sync of a record ends only when the other appenders wait for theirs.
            if waiting.load(ordering: .acquiring) > 0, syncs.add(1, ordering: .relaxed).newValue == 1 {
                while waiting.load(ordering: .acquiring) < 8 { usleep(200) }
                usleep(20_000)
            }
            return SystemCalls.live.syncMapping(address, bytes)
        }
        let journal = try Journal.open(scratch.path, options: options)
        defer { journal.close() }
        eventually { scratch.segmentNames.count == 1 && journal.statistics.syncs <= 1 }
        try onThreads(8) { thread in
            waiting.add(1, ordering: .acquiringAndReleasing)
            guard (try? journal.append([UInt8(thread)])) != nil else {
                Issue.record("an append failed")
                return
            }
        }
        #expect(journal.syncedSequence == 8)
        // One for the first appender and one for all others; the housekeeping and the next segment may add their own.
        #expect(syncs.load(ordering: .relaxed) < 6)
    }

    @Test func alwaysReturnsAfterTheSync() throws {
        let scratch = try Scratch(in: "/tmp")
        let journal = try Journal.open(scratch.path, options: .small(65536, .always))
        defer { journal.close() }
        for index in 1...20 {
            _ = try journal.append([UInt8](repeating: 1, count: 500))
            #expect(journal.syncedSequence >= UInt64(index))
        }
    }

    @Test func lazyAppendsDoNotWaitAndAreSyncedTogether() throws {
        let scratch = try Scratch(in: "/tmp")
        let journal = try Journal.open(scratch.path, options: .small(65536, .always))
        defer { journal.close() }
        _ = try journal.append([1])
        let before = journal.statistics.syncs
        for _ in 0..<100 { _ = try journal.append([2], options: .lazy) }
        try journal.sync()
        #expect(journal.syncedSequence == 101)
        #expect(journal.statistics.syncs - before <= 3)
        // Without being asked, the background thread writes them too.
        _ = try journal.append([3], options: .lazy)
        eventually { journal.syncedSequence == 102 }
    }

    @Test func theIntervalSyncsAndThenRests() throws {
        let scratch = try Scratch(in: "/tmp")
        let journal = try Journal.open(scratch.path, options: .small(65536, .interval(milliseconds: 5)))
        defer { journal.close() }
        for round in 1...5 {
            _ = try journal.append([UInt8(round)])
            eventually { journal.syncedSequence == UInt64(round) }
            #expect(journal.statistics.lastSync != nil)
        }
        let syncs = journal.statistics.syncs
        usleep(50_000)
        #expect(journal.statistics.syncs == syncs)
    }

    @Test func osNeverSyncsWhatStays() throws {
        let scratch = try Scratch(in: "/tmp")
        let fault = Fault()
        fault.isOn.store(true, ordering: .releasing)
        let journal = try Journal.open(scratch.path, options: .failing(fault))
        for _ in 0..<50 { _ = try journal.append([UInt8](repeating: 1, count: 500)) }
        journal.close()
        #expect(fault.count.load(ordering: .relaxed) == 0)
    }

    @Test func osSyncsBeforeAFileGoes() throws {
        let scratch = try Scratch(in: "/tmp")
        let fault = Fault()
        fault.isOn.store(true, ordering: .releasing)
        let journal = try Journal.open(scratch.path, options: .failing(fault))
        for _ in 0..<50 { journal.release(try journal.append([UInt8](repeating: 1, count: 500))) }
        // What ended the records is not on the disk: they stay.
        eventually { journal.statistics.deletionFailures > 0 }
        #expect(journal.statistics.segmentsDeleted == 0 && journal.statistics.segments > 1)
        fault.isOn.store(false, ordering: .releasing)
        for _ in 0..<50 { journal.release(try journal.append([UInt8](repeating: 1, count: 500))) }
        eventually { journal.statistics.segments == 1 }
        #expect(journal.statistics.syncs > 0)
        journal.close()
    }

    @Test func syncCoversEverySegment() throws {
        let scratch = try Scratch(in: "/tmp")
        let journal = try Journal.open(scratch.path, options: .small(4096, .os))
        defer { journal.close() }
        for _ in 0..<50 { _ = try journal.append([UInt8](repeating: 1, count: 500)) }
        try journal.sync()
        #expect(journal.syncedSequence == 50 && journal.statistics.syncs == 1)
        try journal.sync(through: 10)
        try journal.sync(through: .max)
        #expect(journal.statistics.syncs == 1)
    }

    @Test func closingSyncsExceptInModeOS() throws {
        let scratch = try Scratch(in: "/tmp")
        for (sync, isSynced) in [(JournalOptions.Sync.interval(milliseconds: 60_000), true), (.os, false)] {
            let journal = try Journal.open(scratch.path, options: .small(4096, sync))
            for _ in 0..<20 { _ = try journal.append([UInt8](repeating: 1, count: 500)) }
            journal.close()
            #expect((journal.syncedSequence == journal.lastSequence) == isSynced)
            if !isSynced { #expect(throws: JournalError.closed) { try journal.sync() } }
        }
    }
}

extension JournalOptions {
    /// Mode `os` on a disk that cannot sync while `fault` is on.
    fileprivate static func failing(_ fault: Fault) -> JournalOptions {
        var options = JournalOptions.small(4096, .os)
        let live = options.systemCalls
        options.systemCalls.syncMapping = { fault.code(EIO) ?? live.syncMapping($0, $1) }
        options.systemCalls.syncFile = { fault.code(EIO) ?? live.syncFile($0) }
        options.systemCalls.syncDirectory = { fault.code(EIO) ?? live.syncDirectory($0) }
        return options
    }
}
