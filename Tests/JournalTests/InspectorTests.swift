import Testing

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

    @Test func whatIsNoJournal() throws {
        let scratch = try Scratch()
        #expect(try JournalInspector.inspect(scratch.path).segments.isEmpty)
        #expect(throws: JournalError.self) { try JournalInspector.inspect(scratch.path + "/none") }
        try scratch.write([], to: SegmentName.file(1))
        #expect(try JournalInspector.inspect(scratch.path).segments.map(\.header) == [.damaged])
    }
}
