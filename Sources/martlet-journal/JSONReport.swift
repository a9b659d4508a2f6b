import JSONText
import Journal

/// Prints an inspection for programs: one JSON object a line, each with a `type`.
struct JSONReport {
    private let path: String
    private let showsRecords: Bool
    private let kindName: (UInt8) -> String?
    private var writer = JSONWriter()

    /// `kindName` names a kind of record; nil for its number alone.
    init(_ path: String, showsRecords: Bool, kindName: @escaping (UInt8) -> String?) {
        self.path = path
        self.showsRecords = showsRecords
        self.kindName = kindName
    }

    mutating func tell(_ finding: JournalInspector.Finding) {
        switch finding {
        case .file: break
        case .record(let record):
            guard showsRecords else { return }
            begin("record", record.position)
            member("sequence", record.sequence)
            member("kind", UInt64(record.kind))
            writer.key("name")
            kindName(record.kind).map { writer.string($0) } ?? writer.null()
            member("bytes", UInt64(record.bytes.count))
            writer.key("state")
            writer.string(record.kind == 0 ? "repaired" : "good")
            end()
        case .damage(let position, let bytes):
            begin("damage", position)
            member("bytes", UInt64(bytes))
            end()
        case .interrupted(let position, let bytes):
            begin("interrupted", position)
            member("bytes", UInt64(bytes))
            end()
        case .segment(let segment): tell(segment)
        }
    }

    private mutating func tell(_ segment: SegmentInspection) {
        begin("segment")
        member("segment", UInt64(segment.number))
        writer.key("file")
        writer.string(segment.name)
        writer.key("header")
        switch segment.header {
        case .valid: writer.string("valid")
        case .firstCopy: writer.string("second_copy_damaged")
        case .secondCopy: writer.string("first_copy_damaged")
        case .damaged: writer.string("damaged")
        case .newer: writer.string("newer")
        }
        if case .newer(let version) = segment.header { member("version", UInt64(version)) }
        member("fileBytes", UInt64(segment.fileBytes))
        writer.key("createdMs")
        writer.integer(segment.created)
        member("records", UInt64(segment.records))
        member("recordBytes", UInt64(segment.recordBytes))
        writer.key("kinds")
        writer.beginObject()
        for (kind, count) in segment.recordsByKind.sorted(by: { $0.key < $1.key }) {
            member(kindName(kind) ?? "\(kind)", UInt64(count))
        }
        writer.endObject()
        writer.key("firstSequence")
        segment.firstSequence.map { writer.integer($0) } ?? writer.null()
        writer.key("lastSequence")
        segment.lastSequence.map { writer.integer($0) } ?? writer.null()
        member("damagedBytes", UInt64(segment.damage.reduce(0) { $0 + $1.count }))
        member("lostRecords", UInt64(segment.lostRecords))
        member("missingBytes", UInt64(segment.missingBytes))
        member("unreadableBytes", UInt64(segment.unreadableBytes))
        member("interruptedBytes", UInt64(segment.interruptedBytes))
        end()
    }

    mutating func conclude(_ inspection: JournalInspection) {
        begin("summary")
        writer.key("directory")
        writer.string(path)
        member("segments", UInt64(inspection.segments.count))
        member("records", UInt64(inspection.segments.reduce(0) { $0 + $1.records }))
        member("bytes", UInt64(inspection.segments.reduce(0) { $0 + $1.fileBytes }))
        writer.key("missingSegments")
        writer.beginArray()
        for gap in inspection.missingSegments {
            writer.beginArray()
            writer.integer(UInt64(gap.lowerBound))
            writer.integer(UInt64(gap.upperBound))
            writer.endArray()
        }
        writer.endArray()
        writer.key("quarantine")
        writer.beginArray()
        for name in inspection.quarantine { writer.string(name) }
        writer.endArray()
        writer.key("damage")
        writer.bool(inspection.hasDamage)
        end()
    }

    private mutating func begin(_ type: String, _ position: Position? = nil) {
        writer.removeAll()
        writer.beginObject()
        writer.key("type")
        writer.string(type)
        guard let position else { return }
        member("segment", UInt64(position.segment))
        member("offset", UInt64(position.offset))
    }

    private mutating func member(_ key: String, _ value: UInt64) {
        writer.key(key)
        writer.integer(value)
    }

    private mutating func end() {
        writer.endObject()
        print(String(decoding: writer.bytes, as: UTF8.self))
    }
}
