import Glibc
import Testing

@testable import Journal

/// The program `martlet-journal`.
private enum Program {
    /// It stands beside the tests.
    static let path: String? = {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let text = String(decoding: path.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let slash = text.lastIndex(of: "/") else { return nil }
        let program = "\(text[..<slash])/martlet-journal"
        return access(program, X_OK) == 0 ? program : nil
    }()
}

/// As somebody runs it.
@Suite(.enabled(if: Program.path != nil, "martlet-journal is not built")) struct InspectorProgramTests {
    private func run(_ arguments: String...) throws -> (code: Int32, lines: [String]) {
        let program = try #require(Program.path)
        let child = try Child([program] + arguments)
        var lines: [String] = []
        while let line = child.nextLine() { lines.append(line) }
        return (child.wait() >> 8, lines)
    }

    private func sample(_ scratch: Scratch) throws -> [Position] {
        let journal = try Journal.open(scratch.path, options: .small())
        defer { journal.close() }
        let positions = try (0..<20).map { (index: Int) -> Position in
            let bytes = [UInt8](repeating: 0x41 + UInt8(index), count: 300)
            return try journal.append(bytes, kind: UInt8(200 + index % 2))
        }
        // Two with records, and one made ahead.
        eventually { scratch.segmentNames.count == 3 }
        return positions
    }

    @Test func aSoundJournal() throws {
        let scratch = try Scratch()
        _ = try sample(scratch)
        let (code, lines) = try run("--kind-names", "200=apple,201=pear", scratch.path)
        #expect(code == 0)
        #expect(lines.last == "3 segments, 12288 bytes, 20 records: no damage")
        #expect(lines.contains { $0.contains("(apple 6, pear 6), sequence 1 to 12") })
    }

    @Test func everyRecordIsListedWithItsState() throws {
        let scratch = try Scratch()
        let positions = try sample(scratch)
        var bytes = try scratch.read(SegmentName.file(1))
        bytes[positions[4].offset + 30] ^= 4
        try scratch.write(bytes, to: SegmentName.file(1))
        let before = try scratch.contents()
        let (code, lines) = try run("--records", scratch.path)
        #expect(code == 1)
        #expect(lines.last?.hasSuffix("19 records: DAMAGE") == true)
        #expect(lines.count { $0.hasSuffix("good") } == 19)
        #expect(lines.contains { $0.hasPrefix("  1:\(positions[4].offset) ") && $0.hasSuffix("damaged") })
        #expect(lines.contains { $0.contains("kind 201") })
        #expect(try scratch.contents() == before)
    }

    @Test func aLineOfJSONForEachThing() throws {
        let scratch = try Scratch()
        _ = try sample(scratch)
        let (code, lines) = try run("--json", "--records", scratch.path)
        #expect(code == 0)
        #expect(lines.count == 20 + 3 + 1)
        #expect(lines.allSatisfy { $0.hasPrefix(#"{"type":""#) && $0.hasSuffix("}") })
        #expect(lines.first?.hasPrefix(#"{"type":"record","segment":1,"offset":128,"sequence":1,"kind":200,"#) == true)
        #expect(lines.last?.contains(#""records":20,"#) == true && lines.last?.contains(#""damage":false"#) == true)
    }

    @Test func aLockedJournalIsInspectedAllTheSame() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        defer { journal.close() }
        let position = try journal.append(Array("hello".utf8))
        #expect(try run(scratch.path).code == 0)
        let (code, lines) = try run("--dump", "\(position.segment):\(position.offset)", scratch.path)
        #expect(code == 0 && lines.contains { $0.contains("|hello|") })
    }

    @Test func whatCannotBeRead() throws {
        let scratch = try Scratch()
        #expect(try run(scratch.path).code == 2)
        #expect(try run("\(scratch.path)/none").code == 2)
        #expect(try run().code == 2)
        #expect(try run("--unknown", scratch.path).code == 2)
        #expect(try run("--kind-names", "x", scratch.path).code == 2)
        #expect(try run("--help").code == 0)
        try scratch.write(Newer.header(version: 2), to: SegmentName.file(9))
        #expect(try run(scratch.path).code == 2)
    }
}
