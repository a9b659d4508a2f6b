import Glibc
import Journal

/// Prints an inspection for people.
struct TextReport {
    private let path: String
    private let showsRecords: Bool
    private let kindName: (UInt8) -> String?

    /// `kindName` names a kind of record; nil for its number alone.
    init(_ path: String, showsRecords: Bool, kindName: @escaping (UInt8) -> String?) {
        self.path = path
        self.showsRecords = showsRecords
        self.kindName = kindName
        print(path)
    }

    mutating func tell(_ finding: JournalInspector.Finding) {
        switch finding {
        case .file(let name):
            print("\n\(name)")
            if showsRecords { row("offset", "sequence", "kind", "bytes", "state") }
        case .record(let record):
            guard showsRecords else { return }
            let state = record.kind == 0 ? "repaired" : "good"
            row(offset(record.position), "\(record.sequence)", name(record.kind), "\(record.bytes.count)", state)
        case .damage(let position, let bytes):
            guard showsRecords else { return }
            row(offset(position), "-", "-", "\(bytes)", "damaged")
        case .interrupted(let position, let bytes):
            guard showsRecords else { return }
            row(offset(position), "-", "-", "\(bytes)", "interrupted")
        case .segment(let segment): tell(segment)
        }
    }

    private func tell(_ segment: SegmentInspection) {
        if segment.unreadableBytes != 0 {
            line("damage: the disk did not give back \(plural(segment.unreadableBytes, "byte"))")
        }
        switch segment.header {
        case .valid: break
        case .firstCopy: line("damage: the second copy of the header")
        case .secondCopy: line("damage: the first copy of the header")
        case .damaged:
            line(segment.fileBytes == 0 ? "damage: the file is empty" : "damage: the header, so no record can be read")
            return
        case .newer(let version):
            line("format version \(version), which this program does not know")
            return
        }
        let kinds = segment.recordsByKind.sorted { $0.key < $1.key }.map { "\(name($0.key)) \($0.value)" }
        var text = "\(plural(segment.fileBytes, "byte")), made \(TextReport.time(segment.created))"
        text += ", \(plural(segment.records, "record")) in \(plural(segment.recordBytes, "byte"))"
        if !kinds.isEmpty { text += " (\(kinds.joined(separator: ", ")))" }
        if let first = segment.firstSequence, let last = segment.lastSequence {
            text += ", sequence \(first) to \(last)"
        }
        line(text)
        for range in segment.damage { line("damage: \(plural(range.count, "byte")) from offset \(range.lowerBound)") }
        if segment.lostRecords != 0 { line("damage: \(plural(segment.lostRecords, "record")) missing by the sequence") }
        if segment.missingBytes != 0 { line("damage: \(plural(segment.missingBytes, "byte")) cut from the file's end") }
        if segment.interruptedBytes != 0 {
            line("an append that was not finished: \(plural(segment.interruptedBytes, "byte")); no damage")
        }
    }

    func conclude(_ inspection: JournalInspection) {
        let segments = inspection.segments
        print("")
        for gap in inspection.missingSegments {
            print(
                gap.count == 1
                    ? "damage: segment \(gap.lowerBound) is missing"
                    : "damage: segments \(gap.lowerBound) to \(gap.upperBound) are missing"
            )
        }
        for name in inspection.quarantine { print("set aside at an earlier opening: \(name)") }
        let bytes = segments.reduce(0) { $0 + $1.fileBytes }
        let records = segments.reduce(0) { $0 + $1.records }
        let counts = [plural(segments.count, "segment"), plural(bytes, "byte"), plural(records, "record")]
        let verdict = inspection.hasDamage ? "DAMAGE" : inspection.hasNewerFormat ? "not all is known" : "no damage"
        print("\(counts.joined(separator: ", ")): \(verdict)")
    }

    private func name(_ kind: UInt8) -> String {
        kindName(kind) ?? "kind \(kind)"
    }

    private func offset(_ position: Position) -> String {
        "\(position.segment):\(position.offset)"
    }

    private func plural(_ count: Int, _ word: String) -> String {
        count == 1 ? "1 \(word)" : "\(count) \(word)s"
    }

    private func line(_ text: String) {
        print("  \(text)")
    }

    private func row(_ cells: String...) {
        let widths = [16, 12, 16, 10, 0]
        let padded = zip(cells, widths).map { cell, width in
            cell + String(repeating: " ", count: max(width - cell.count, 0))
        }
        print("  \(padded.joined(separator: " "))")
    }

    /// Milliseconds since 1970 as RFC 3339 in UTC.
    static func time(_ milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return "at an unknown time" }
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
