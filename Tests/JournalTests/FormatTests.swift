import Glibc
import Testing

@testable import Journal

/// The format on the disk, byte by byte: what is written here must be readable for ever.
@Suite struct FormatTests {
    /// The start of a segment with one record: kind 1, sequence 42, body "hello". The documentation explains these bytes.
    static let example: [UInt8] = [
        0x4d, 0x52, 0x54, 0x4c, 0x54, 0x4a, 0x4e, 0x4c,
        0x01, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00,
        0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0xa8, 0xda, 0x76, 0x9b, 0x01, 0x00, 0x00,
        0x2a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01,
        0x00, 0x00, 0x00, 0x00, 0x2e, 0x85, 0xdf, 0x3f,
        0x4d, 0x52, 0x54, 0x4c, 0x54, 0x4a, 0x4e, 0x4c,
        0x01, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00,
        0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0xa8, 0xda, 0x76, 0x9b, 0x01, 0x00, 0x00,
        0x2a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01,
        0x00, 0x00, 0x00, 0x00, 0x2e, 0x85, 0xdf, 0x3f,
        0x15, 0x00, 0x00, 0x00, 0x1e, 0xf1, 0xa3, 0x80,
        0x01, 0x2a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x00, 0x00, 0x00,
    ]

    @Test func theWorkedExampleDecodes() throws {
        var file = FormatTests.example
        file += [UInt8](repeating: 0, count: 4096 - file.count)
        file.withUnsafeBytes { bytes in
            let expected = SegmentHeader(
                number: 7,
                segmentBytes: 4096,
                createdMilliseconds: 1_767_225_600_000,
                sequenceFloor: 42,
                salt: 0x0123_4567_89ab_cdef
            )
            #expect(SegmentHeader.decode(bytes) == .valid(expected, .none))
            var scanner = SegmentScanner(bytes, header: expected, after: 0)
            guard case .record(let record) = scanner.next() else {
                Issue.record("no record")
                return
            }
            #expect(record.kind == 1 && record.sequence == 42 && record.length == 21)
            #expect(Array(record.body) == Array("hello".utf8))
            guard case .end(152, .clean) = scanner.next() else {
                Issue.record("no clean end")
                return
            }
        }
    }

    @Test func theWorkedExampleOpens() throws {
        let scratch = try Scratch()
        let file = FormatTests.example + [UInt8](repeating: 0, count: 4096 - FormatTests.example.count)
        try scratch.write(file, to: "segment-0000000000000007.log")
        let journal = try Journal.open(scratch.path, options: .small()) { record in
            #expect(record.position == Position(rawValue: 7 << 32 | 128))
            return true
        }
        #expect(journal.recovery.records == 1)
        #expect(try journal.append([]).segment == 7)
        #expect(journal.lastSequence == 43)
        journal.close()
    }

    @Test func theDumpNamesEveryField() throws {
        let text = FormatTests.example.withUnsafeBytes { RecordDump.text(ofSegment: $0, offset: 128) }
        #expect(text == FormatTests.dump)
        var damaged = FormatTests.example
        damaged[146] ^= 1
        let other = damaged.withUnsafeBytes { RecordDump.text(ofSegment: $0, offset: 128) }
        #expect(other?.contains("does not fit") == true)
        #expect(damaged.withUnsafeBytes { RecordDump.text(ofSegment: $0, offset: 136) } == nil)
        #expect(damaged.withUnsafeBytes { RecordDump.text(ofSegment: $0, offset: 1 << 40) } == nil)
    }

    static let dump = """
        00000080  15 00 00 00                                      length: 21 (16 of header, 5 of body)
        00000084  1e f1 a3 80                                      CRC32C: 80a3f11e, fits
        00000088  01                                               kind: 1
        00000089  2a 00 00 00 00 00 00                             sequence: 42
        00000090  68 65 6c 6c 6f                                   body |hello|
        00000095  00 00 00                                         padding

        """

    /// The page that documents the format; the test says nothing where there is none.
    private static let page: String? = {
        let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
        let path = "\(root)/Sources/Martlet/Martlet.docc/Durability.md"
        guard access(path, R_OK) == 0, let bytes = try? Scratch.read(path) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }()

    @Test(.enabled(if: page != nil)) func theDocumentedBytesAreTheExample() throws {
        var bytes: [UInt8] = []
        for line in try #require(FormatTests.page).split(separator: "\n") {
            let offset = line.prefix { $0.isHexDigit }
            guard offset.count == 8, line.dropFirst(8).hasPrefix("  ") else { continue }
            #expect(UInt32(offset, radix: 16) == UInt32(bytes.count))
            bytes += line.dropFirst(10).prefix(48).split(separator: " ").compactMap { UInt8($0, radix: 16) }
        }
        #expect(bytes == FormatTests.example)
        #expect(FormatTests.page?.contains(FormatTests.dump.dropLast()) == true)
    }

    @Test func positionsKeepTheirOrder() {
        let low = Position(segment: 3, offset: 4096)
        let high = Position(segment: 4, offset: 128)
        #expect(low < high && low.segment == 3 && low.offset == 4096)
        #expect(Position(rawValue: high.rawValue) == high)
    }
}
