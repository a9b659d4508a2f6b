import Glibc
import Synchronization
import Testing
import Threading

@testable import Journal

/// Counts that calls of the seam share.
final class Fault: Sendable {
    let isOn = Atomic<Bool>(false)
    let count = Atomic<Int>(0)

    /// The errno while it is on.
    func code(_ code: Int32) -> Int32? {
        guard isOn.load(ordering: .acquiring) else { return nil }
        count.add(1, ordering: .relaxed)
        return code
    }
}

/// Calls to the system that fail.
@Suite struct FaultTests {
    @Test func aFullDiskIsAnErrorAndNotTheEnd() throws {
        let scratch = try Scratch()
        let fault = Fault()
        var options = JournalOptions.small()
        options.systemCalls.allocate = { fault.code(ENOSPC) ?? SystemCalls.live.allocate($0, $1) }
        let journal = try Journal.open(scratch.path, options: options)
        defer { journal.close() }
        let first = try journal.append([1])
        eventually { scratch.segmentNames.count == 2 }
        fault.isOn.store(true, ordering: .releasing)
        var written = 1
        #expect(throws: JournalError.noSpace) {
            while true {
                _ = try journal.append([UInt8](repeating: 2, count: 400))
                written += 1
            }
        }
        // Two segments, of which the second keeps seven eighths back for records that help others to die.
        #expect(written == 11)
        #expect(journal.statistics.preallocationFailures > 0)
        #expect(journal.statistics.roomBytes == 0 || journal.statistics.roomBytes < 416)
        #expect(try journal.read(first) == [1])
        _ = try journal.append([3], kind: 2, options: .reserve)
        // Small records of the ordinary kind are refused at the same place.
        #expect(throws: JournalError.noSpace) { while true { _ = try journal.append([UInt8](repeating: 4, count: 8)) } }

        // Asks for room at most ten times a second, however often it is called.
        let before = fault.count.load(ordering: .relaxed)
        let start = SystemClock.monotonic()
        for _ in 0..<2000 {
            #expect(throws: JournalError.noSpace) { try journal.append([UInt8](repeating: 4, count: 800)) }
        }
        let tenths = Int((SystemClock.monotonic() - start) / 100_000_000)
        #expect(fault.count.load(ordering: .relaxed) - before <= tenths + 2)

        fault.isOn.store(false, ordering: .releasing)
        eventually { (try? journal.append([5])) != nil }
        for _ in 0..<20 { _ = try journal.append([UInt8](repeating: 6, count: 400)) }
    }

    /// What keeps room for itself can be written, whatever the copies keep for themselves.
    @Test(arguments: [100, 3_000, 9_000])
    func roomThatIsKeptIsThere(bytes: Int) throws {
        let scratch = try Scratch()
        var options = JournalOptions.small()
        options.maximumBytes = 8 * 4096
        let journal = try Journal.open(scratch.path, options: options)
        defer { journal.close() }
        var written = 0
        #expect(throws: JournalError.limitReached) {
            while true {
                _ = try journal.append([UInt8](repeating: 1, count: 200), keeping: bytes)
                written += 1
            }
        }
        #expect(written > 50)
        // 64 bytes each, which fill a segment without a rest.
        for _ in 0..<bytes / 64 { _ = try journal.append([UInt8](repeating: 2, count: 48), options: .note) }
    }

    @Test func theLimitIsAnErrorUntilSomethingIsReleased() throws {
        let scratch = try Scratch()
        var options = JournalOptions.small()
        options.maximumBytes = 4 * 4096
        let journal = try Journal.open(scratch.path, options: options)
        defer { journal.close() }
        var positions: [Position] = []
        #expect(throws: JournalError.limitReached) {
            while true { positions.append(try journal.append([UInt8](repeating: 1, count: 500))) }
        }
        #expect(journal.statistics.bytesOnDisk == 4 * 4096)
        for position in positions where position.segment == 1 { journal.release(position) }
        // Room is looked for as soon as the segment is gone, without waiting for an append.
        eventually { journal.statistics.segmentsDeleted == 1 && journal.statistics.roomBytes >= 4096 - 128 }
        _ = try journal.append([UInt8](repeating: 1, count: 500))
        // The one that was kept for copies serves again: there may be one behind it.
        #expect(journal.statistics.bytesOnDisk <= 4 * 4096)
    }

    @Test(arguments: [
        "open", "allocate", "write", "map", "rename",
    ]) func whateverFailsInPreparationIsToldAndPasses(call: String) throws {
        let scratch = try Scratch()
        let fault = Fault()
        var options = JournalOptions.small()
        switch call {
        case "open":
            options.systemCalls.openFile = { fault.code(EMFILE) ?? SystemCalls.live.openFile($0, $1, $2, $3, &$4) }
        case "allocate": options.systemCalls.allocate = { fault.code(EIO) ?? SystemCalls.live.allocate($0, $1) }
        case "write": options.systemCalls.write = { fault.code(EIO) ?? SystemCalls.live.write($0, $1, $2, &$3) }
        case "map": options.systemCalls.map = { fault.code(ENOMEM) ?? SystemCalls.live.map($0, $1, $2, &$3) }
        default: options.systemCalls.rename = { fault.code(EIO) ?? SystemCalls.live.rename($0, $1, $2) }
        }
        let journal = try Journal.open(scratch.path, options: options)
        _ = try journal.append([1])
        eventually { scratch.segmentNames.count == 2 }
        fault.isOn.store(true, ordering: .releasing)
        var failure: (any Error)?
        do {
            while true { _ = try journal.append([UInt8](repeating: 2, count: 400)) }
        } catch {
            failure = error
        }
        guard case .system(_, let path, _) = failure as? JournalError else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(path.hasPrefix(scratch.path))
        // An attempt may be under way; none leaves its file.
        eventually { !scratch.names.contains { $0.hasSuffix(".tmp") } }
        fault.isOn.store(false, ordering: .releasing)
        eventually { (try? journal.append([UInt8](repeating: 3, count: 400))) != nil }
        let sequence = journal.lastSequence
        journal.close()
        let report = try Journal.readAll(scratch.path).report
        #expect(report.records == Int(sequence) && report.missingSegments.isEmpty)
    }

    @Test func shortWritesAndInterruptionsAreCompleted() throws {
        let scratch = try Scratch()
        let calls = Atomic<Int>(0)
        var options = JournalOptions.small(4096, .always)
        options.systemCalls.write = { file, bytes, offset, written in
            if calls.add(1, ordering: .relaxed).newValue % 2 == 0 { return EINTR }
            return SystemCalls.live.write(file, UnsafeRawBufferPointer(rebasing: bytes.prefix(7)), offset, &written)
        }
        options.systemCalls.syncMapping = {
            calls.add(1, ordering: .relaxed).newValue % 2 == 0 ? EINTR : SystemCalls.live.syncMapping($0, $1)
        }
        let journal = try Journal.open(scratch.path, options: options)
        for index in 0..<30 { _ = try journal.append([UInt8](repeating: UInt8(index), count: 500)) }
        journal.close()
        let (records, report) = try Journal.readAll(scratch.path)
        #expect(records.count == 30 && report.damagedHeaders == 0 && report.quarantinedStretches == 0)
    }

    @Test func aWriteThatWritesNothingIsAnError() throws {
        let scratch = try Scratch()
        var options = JournalOptions.small()
        options.systemCalls.write = { _, _, _, _ in 0 }
        #expect(throws: JournalError.self) { try Journal.open(scratch.path, options: options) }
    }

    @Test func aFailedSyncIsToldAndTheNextOneCoversIt() throws {
        let scratch = try Scratch()
        let fault = Fault()
        let ranges = Locked<[Range<UInt>]>([])
        var options = JournalOptions.small(65536, .always)
        options.systemCalls.syncMapping = { address, bytes in
            if let code = fault.code(EIO) { return code }
            ranges.withLock { $0.append(UInt(bitPattern: address)..<UInt(bitPattern: address) + UInt(bytes)) }
            return SystemCalls.live.syncMapping(address, bytes)
        }
        let journal = try Journal.open(scratch.path, options: options)
        defer { journal.close() }
        _ = try journal.append([1])
        fault.isOn.store(true, ordering: .releasing)
        let before = journal.statistics.liveBytes
        #expect(throws: JournalError.syncFailed(code: EIO)) {
            try journal.append([UInt8](repeating: 2, count: 10_000))
        }
        #expect(journal.statistics.liveBytes == before && journal.statistics.syncFailures >= 1)
        fault.isOn.store(false, ordering: .releasing)
        ranges.withLock { $0 = [] }
        let last = try journal.append([3])
        // One of the syncs writes the pages again that the failed one did not.
        let covered = ranges.withLock { ranges in ranges.contains { $0.count > 10_000 } }
        #expect(covered)
        #expect(try journal.read(last) == [3])
        #expect(journal.syncedSequence >= 3)
    }

    @Test func aSideFileThatCannotBeWrittenLeavesTheDamage() throws {
        let scratch = try Scratch()
        var journal = try Journal.open(scratch.path, options: .small())
        var positions: [Position] = []
        for index in 0..<5 { positions.append(try journal.append([UInt8](repeating: UInt8(index), count: 100))) }
        journal.close()
        let name = try #require(scratch.segmentNames.first)
        var bytes = try scratch.read(name)
        bytes[positions[2].offset + 20] ^= 1
        try scratch.write(bytes, to: name)
        var options = JournalOptions.small()
        options.systemCalls.write = { file, bytes, offset, written in
            // Headers are written, side files are not.
            bytes.count == 128 ? SystemCalls.live.write(file, bytes, offset, &written) : ENOSPC
        }
        journal = try Journal.open(scratch.path, options: options)
        #expect(journal.recovery.records == 4 && journal.recovery.quarantineFailure == ENOSPC)
        let position = try journal.append([9])
        #expect(position.segment == 2)
        journal.close()
        #expect(try scratch.read(name) == bytes)
        let (records, report) = try Journal.readAll(scratch.path)
        #expect(records.count == 5 && report.quarantinedStretches == 1 && report.quarantineFailure == nil)
    }

    @Test func aSegmentThatCannotBeRemovedIsTriedAgain() throws {
        let scratch = try Scratch()
        let fault = Fault()
        var options = JournalOptions.small()
        options.systemCalls.remove = { fault.code(EIO) ?? SystemCalls.live.remove($0, $1) }
        let journal = try Journal.open(scratch.path, options: options)
        defer { journal.close() }
        fault.isOn.store(true, ordering: .releasing)
        for _ in 0..<10 { journal.release(try journal.append([UInt8](repeating: 2, count: 1000))) }
        eventually { journal.statistics.deletionFailures > 0 }
        #expect(journal.statistics.segmentsDeleted == 0)
        fault.isOn.store(false, ordering: .releasing)
        for _ in 0..<10 { journal.release(try journal.append([UInt8](repeating: 2, count: 1000))) }
        eventually { journal.statistics.segments == 1 }
    }
}
