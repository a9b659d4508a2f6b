import Glibc
import Synchronization
import Testing
import Threading

@testable import Journal

/// Looking at a journal from the outside.
@Suite struct InspectorTests {
    @Test func aJournalInUseIsInspectedWithoutAChange() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        defer { journal.close() }
        for index in 0..<30 { _ = try journal.append([UInt8](repeating: 1, count: 300), kind: UInt8(1 + index % 3)) }
        eventually { scratch.segmentNames.count == journal.statistics.segments + 1 }
        let before = try scratch.contents()
        var seen = 0
        let inspection = try JournalInspector.inspect(scratch.path) { _ in seen += 1 }
        #expect(try scratch.contents() == before)
        #expect(inspection.isSound && seen == 30)
        #expect(inspection.segments.map(\.name) == scratch.segmentNames)
        let kinds = inspection.segments.reduce(into: [UInt8: Int]()) { $0.merge($1.recordsByKind) { $0 + $1 } }
        #expect(kinds == [1: 10, 2: 10, 3: 10])
        #expect(inspection.segments.first?.firstSequence == 1)
        #expect(inspection.segments.compactMap(\.lastSequence).max() == 30)
        // The journal goes on.
        _ = try journal.append([2])
    }

    @Test func damageIsListedAndLeft() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        var positions: [Position] = []
        for index in 0..<30 { positions.append(try journal.append([UInt8](repeating: UInt8(index), count: 300))) }
        journal.close()
        let first = SegmentName.file(1)
        var bytes = try scratch.read(first)
        bytes[positions[3].offset + 50] ^= 0x10
        bytes[3] ^= 1
        try scratch.write(bytes, to: first)
        try scratch.write([1, 2, 3], to: SegmentName.file(9))
        let before = try scratch.contents()
        let inspection = try JournalInspector.inspect(scratch.path)
        #expect(try scratch.contents() == before)
        #expect(!inspection.isSound)
        #expect(inspection.segments.first?.damage == [positions[3].offset..<positions[4].offset])
        #expect(inspection.segments.first?.header == .secondCopy)
        #expect(inspection.segments.last?.header == .damaged)
        #expect(inspection.missingSegments.last?.upperBound == 8)
        let text = try #require(try JournalInspector.dump(positions[4], in: scratch.path))
        #expect(text.contains("sequence: 5") && text.contains("fits"))
        #expect(try #require(try JournalInspector.dump(positions[3], in: scratch.path)).contains("does not fit"))
        _ = try Journal.readAll(scratch.path)
        let repaired = try JournalInspector.inspect(scratch.path)
        #expect(repaired.quarantine.count == 2)
        #expect(repaired.segments.first?.recordsByKind[0] == 1)
    }

    /// Records half written, segments that come and segments that go are no damage.
    @Test func aBusyJournalNeverLooksDamaged() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small(65536))
        let isDone = Atomic<Bool>(false)
        let path = scratch.path
        try onThreads(2) { thread in
            guard thread == 0 else {
                for _ in 0..<40 {
                    let inspection = try? JournalInspector.inspect(path)
                    #expect(inspection?.hasDamage == false)
                    // With the last in the middle of being written, there is still nothing wrong.
                    #expect(inspection?.segments.isEmpty == false)
                }
                isDone.store(true, ordering: .releasing)
                return
            }
            var pending: [Position] = []
            var generator = Generator(seed: 4)
            while !isDone.load(ordering: .acquiring) {
                let body = generator.bytes(Int.random(in: 1...400, using: &generator))
                guard let position = try? journal.append(body) else { continue }
                pending.append(position)
                if pending.count > 1000 { journal.release(pending.removeFirst()) }
            }
        }
        journal.close()
        #expect(try JournalInspector.inspect(scratch.path).isSound)
    }

    @Test func whatTheDiskDoesNotGiveBackIsDamage() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small(262_144))
        for index in 0..<200 { _ = try journal.append([UInt8](repeating: UInt8(index), count: 1000)) }
        journal.close()
        var calls = SystemCalls.live
        calls.read = { file, bytes, offset, read in
            offset == 65536 ? EIO : SystemCalls.live.read(file, bytes, offset, &read)
        }
        let inspection = try JournalInspector.inspect(scratch.path, systemCalls: calls)
        let first = try #require(inspection.segments.first)
        #expect(inspection.hasDamage && first.unreadableBytes == 65536)
        #expect((64...66).contains(first.lostRecords) && first.records + first.lostRecords == 200)
    }

    @Test func aDataDirectoryWithSeveralJournals() throws {
        let scratch = try Scratch()
        for name in ["events", "webhooks"] {
            let journal = try Journal.open("\(scratch.path)/\(name)", options: .small())
            journal.close()
        }
        let inner = ["events", "webhooks"].map { "\(scratch.path)/\($0)" }
        #expect(try JournalInspector.journals(at: scratch.path) == inner)
        #expect(try JournalInspector.journals(at: inner[0]) == [inner[0]])
        for path in inner { FileMode.removeAll(path) }
        #expect(try JournalInspector.journals(at: scratch.path).isEmpty)
    }

    @Test func whatIsNoJournal() throws {
        let scratch = try Scratch()
        #expect(try JournalInspector.inspect(scratch.path).segments.isEmpty)
        #expect(throws: JournalError.self) { try JournalInspector.inspect(scratch.path + "/none") }
        try scratch.write([], to: SegmentName.file(1))
        #expect(try JournalInspector.inspect(scratch.path).segments.map(\.header) == [.damaged])
    }
}
