import Synchronization
import Testing
import Threading

@testable import Journal

@Suite struct RoundTripTests {
    @Test func recordsComeBackInOrderAfterReopening() throws {
        let scratch = try Scratch(in: "/tmp")
        var generator = Generator(seed: 1)
        var written: [Read] = []
        let journal = try Journal.open(scratch.path, options: .small())
        for index in 1...500 {
            let bytes = generator.bytes(Int.random(in: 0...300, using: &generator))
            let kind = UInt8.random(in: 1...255, using: &generator)
            let position = try journal.append(bytes, kind: kind)
            #expect(try journal.read(position) == bytes)
            written.append(Read(kind: kind, sequence: UInt64(index), bytes: bytes))
        }
        journal.close()
        let (records, report) = try Journal.readAll(scratch.path)
        #expect(records == written)
        #expect(report.records == 500)
        #expect(report.truncatedBytes == 0 && report.quarantinedStretches == 0 && report.missingSegments.isEmpty)
    }

    @Test func partsAreJoined() throws {
        let scratch = try Scratch(in: "/tmp")
        let journal = try Journal.open(scratch.path, options: .small())
        defer { journal.close() }
        let parts: [[UInt8]] = [[1, 2, 3], [], [4], [5, 6]]
        let position = try withParts(parts) { try journal.append(kind: 7, $0, $1, $2, $3) }
        let record = try #require(try journal.pin(position, verifying: true))
        #expect(Array(record.bytes) == [1, 2, 3, 4, 5, 6])
        #expect(record.kind == 7 && record.position == position && record.sequence == 1)
    }

    @Test func aRecordIsPinnedAsItIsWritten() throws {
        let scratch = try Scratch(in: "/tmp")
        let journal = try Journal.open(scratch.path, options: .small())
        defer { journal.close() }
        _ = try journal.append([9, 9, 9])
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let pinned = try ([1, 2, 3, 4, 5] as [UInt8]).withUnsafeBytes { bytes in
            try journal.appendPinned(kind: 7, bytes, none, bytes, options: .ordinary, keeping: 0)
        }
        #expect(Array(pinned.bytes) == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5])
        let found = try #require(try journal.pin(pinned.position, verifying: true))
        #expect(Array(found.bytes) == Array(pinned.bytes) && found.position == pinned.position)
        #expect(found.kind == 7 && pinned.kind == 7 && found.sequence == 2 && pinned.sequence == 2)
        #expect(ObjectIdentifier(found.owner) == ObjectIdentifier(pinned.owner))
        #expect(journal.release(pinned.position))
        #expect(try journal.pin(pinned.position) == nil)
        #expect(pinned.bytes[9] == 5)
    }

    private func withParts(
        _ parts: [[UInt8]],
        _ body: (
            UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer
        ) throws -> Position
    ) throws -> Position {
        try parts[0].withUnsafeBytes { first in
            try parts[1].withUnsafeBytes { second in
                try parts[2].withUnsafeBytes { third in
                    try parts[3].withUnsafeBytes { try body(first, second, third, $0) }
                }
            }
        }
    }

    @Test func everyLengthKeepsTheAlignment() throws {
        let scratch = try Scratch(in: "/tmp")
        let journal = try Journal.open(scratch.path, options: .small())
        for length in 0...65 {
            let bytes = [UInt8](repeating: 0xff, count: length)
            let position = try journal.append(bytes)
            #expect(position.offset % 8 == 0)
            #expect(try journal.read(position) == bytes)
        }
        journal.close()
        #expect(try Journal.readAll(scratch.path).records.map(\.bytes.count) == Array(0...65))
    }

    @Test func aSegmentIsFilledToItsLastByte() throws {
        let scratch = try Scratch(in: "/tmp")
        let journal = try Journal.open(scratch.path, options: .small())
        let whole = [UInt8](repeating: 7, count: 4096 - 128 - 16)
        let first = try journal.append(whole)
        let second = try journal.append(whole)
        // Leaves 8 bytes, then exactly 0.
        let third = try journal.append([UInt8](repeating: 1, count: whole.count - 8))
        let fourth = try journal.append([])
        #expect([first, second, third, fourth].map(\.segment) == [1, 2, 3, 4])
        #expect(first.offset == 128 && fourth.offset == 128)
        #expect(throws: JournalError.recordTooLarge(maximum: whole.count)) { try journal.append(whole + [1]) }
        journal.close()
        let (records, report) = try Journal.readAll(scratch.path)
        #expect(records.map(\.bytes.count) == [whole.count, whole.count, whole.count - 8, 0])
        #expect(report.segments == 4 && report.lostRecords == 0)
    }

    @Test func appendingGoesOnWhereItEnded() throws {
        let scratch = try Scratch(in: "/tmp")
        for round in 1...10 {
            let journal = try Journal.open(scratch.path, options: .small())
            #expect(journal.recovery.records == round - 1)
            _ = try journal.append([UInt8(round)])
            journal.close()
        }
        let (records, report) = try Journal.readAll(scratch.path)
        #expect(records.map(\.bytes) == (1...10).map { [UInt8($0)] })
        #expect(records.map(\.sequence) == Array(1...10))
        #expect(report.segments == 1)
    }

    @Test func kindZeroIsRefused() throws {
        let scratch = try Scratch(in: "/tmp")
        let journal = try Journal.open(scratch.path, options: .small())
        defer { journal.close() }
        #expect(throws: JournalError.reservedKind) { try journal.append([1], kind: 0) }
    }

    @Test func aClosedJournalRefuses() throws {
        let scratch = try Scratch(in: "/tmp")
        let journal = try Journal.open(scratch.path, options: .small())
        let position = try journal.append([1, 2])
        let pinned = try #require(try journal.pin(position))
        journal.close()
        journal.close()
        #expect(throws: JournalError.closed) { try journal.append([1]) }
        #expect(try journal.read(position) == nil)
        #expect(journal.release(position) == false)
        #expect(Array(pinned.bytes) == [1, 2])
    }

    @Test func manyThreadsLoseNothing() throws {
        let scratch = try Scratch(in: "/tmp")
        let journal = try Journal.open(scratch.path, options: .small(8192))
        let positions = Locked<[Position]>([])
        let perThread = 2000
        try onThreads(4) { thread in
            for index in 0..<perThread {
                let bytes = [UInt8(thread)] + withUnsafeBytes(of: UInt32(index)) { Array($0) }
                guard let position = try? journal.append(bytes) else { continue }
                positions.withLock { $0.append(position) }
                if (try? journal.read(position)) != bytes { Issue.record("read something else") }
            }
        }
        let all = positions.withLock { $0 }
        #expect(Set(all).count == 4 * perThread)
        journal.close()
        let (records, report) = try Journal.readAll(scratch.path, options: .small(8192))
        #expect(records.map(\.sequence) == (1...UInt64(4 * perThread)).map { $0 })
        // Each thread's own records are in its order.
        for thread in 0..<4 {
            let own = records.filter { $0.bytes.first == UInt8(thread) }.map { record in
                record.bytes[1...].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            }
            #expect(own == (0..<UInt32(perThread)).map { $0 })
        }
        #expect(report.lostRecords == 0)
    }

    @Test func filesAreForTheOwnerOnly() throws {
        let scratch = try Scratch(in: "/tmp")
        let path = "\(scratch.path)/new"
        let journal = try Journal.open(path, options: .small())
        _ = try journal.append([1])
        #expect(FileMode.of(path) == 0o700)
        let name = try #require(FileMode.segments(path).first)
        #expect(FileMode.of("\(path)/\(name)") == 0o600)
        journal.close()
        FileMode.removeAll(path)
    }
}
