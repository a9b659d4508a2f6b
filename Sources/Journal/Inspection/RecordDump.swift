/// Prints a record byte by byte with the names of its fields.
package enum RecordDump {
    /// The record at `offset` of a whole segment file; nil where the header is damaged or the record does not lie inside.
    /// A checksum that does not fit is said in the text.
    package static func text(ofSegment bytes: UnsafeRawBufferPointer, offset: Int) -> String? {
        guard case .valid(let header, _) = SegmentHeader.decode(bytes) else { return nil }
        guard offset >= SegmentHeader.bytes, offset & 7 == 0, offset <= bytes.count - RecordFormat.headerBytes else {
            return nil
        }
        let seal = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        let identity = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
        let length = RecordFormat.length(seal)
        guard length >= RecordFormat.headerBytes, length <= bytes.count - offset else { return nil }
        let body = UnsafeRawBufferPointer(rebasing: bytes[offset + RecordFormat.headerBytes..<offset + length])
        let checksum = RecordFormat.checksum(
            body: RecordFormat.checksum(body: body),
            identity: identity,
            length: length,
            salt: header.salt
        )
        let isSound = checksum == RecordFormat.checksum(seal)
        let hexadecimal = SegmentName.hexadecimal(UInt64(RecordFormat.checksum(seal)), digits: 8)
        let verdict =
            isSound ? "fits" : "does not fit, \(SegmentName.hexadecimal(UInt64(checksum), digits: 8)) computed"
        let end = offset + length
        let padding = min(offset + RecordFormat.padded(length), bytes.count)

        var lines: [String] = []
        append(&lines, bytes, offset..<offset + 4, "length: \(length) (16 of header, \(body.count) of body)")
        append(&lines, bytes, offset + 4..<offset + 8, "CRC32C: \(hexadecimal), \(verdict)")
        append(&lines, bytes, offset + 8..<offset + 9, "kind: \(RecordFormat.kind(identity))")
        append(&lines, bytes, offset + 9..<offset + 16, "sequence: \(RecordFormat.sequence(identity))")
        append(&lines, bytes, offset + RecordFormat.headerBytes..<end, "body")
        append(&lines, bytes, end..<padding, "padding")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func append(
        _ lines: inout [String],
        _ bytes: UnsafeRawBufferPointer,
        _ range: Range<Int>,
        _ name: String
    ) {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 16) {
            let row = bytes[start..<min(start + 16, range.upperBound)]
            let numbers = row.map { SegmentName.hexadecimal(UInt64($0), digits: 2) }.joined(separator: " ")
            let text = String(decoding: row.map { (0x20..<0x7f).contains($0) ? $0 : 0x2e }, as: Unicode.ASCII.self)
            let place = SegmentName.hexadecimal(UInt64(start), digits: 8)
            let space = String(repeating: " ", count: 48 - numbers.count)
            let field = start == range.lowerBound ? name : ""
            let label = name == "body" ? "\(field)\(field.isEmpty ? "" : " ")|\(text)|" : field
            lines.append("\(place)  \(numbers)\(space) \(label)")
        }
    }
}
