/// What one segment file holds.
package struct SegmentInspection: Sendable {
    package enum Header: Equatable, Sendable {
        case valid
        /// The first copy is damaged, the second served.
        case secondCopy
        case damaged
        case newer(version: UInt32)
    }

    package let name: String
    package let number: UInt32
    package let fileBytes: Int
    package internal(set) var header = Header.damaged
    /// Milliseconds since 1970.
    package internal(set) var created: Int64 = 0
    /// Good records by kind; kind 0 are fillers over damage that was repaired.
    package internal(set) var recordsByKind: [UInt8: Int] = [:]
    /// Bytes of good records, with headers and padding.
    package internal(set) var recordBytes = 0
    package internal(set) var firstSequence: UInt64?
    package internal(set) var lastSequence: UInt64?
    /// Offsets that hold no good record though records follow, or though one stood there.
    package internal(set) var damage: [Range<Int>] = []
    /// Bytes of an append that was interrupted, or that is under way right now.
    package internal(set) var interruptedBytes = 0
}

/// What a journal's directory holds.
package struct JournalInspection: Sendable {
    /// Oldest first.
    package internal(set) var segments: [SegmentInspection] = []
    package internal(set) var missingSegments: [ClosedRange<UInt32>] = []
    /// Side files with damaged bytes, by name.
    package internal(set) var quarantine: [String] = []

    /// True where opening would find nothing to report.
    package var isSound: Bool {
        missingSegments.isEmpty
            && segments.allSatisfy { $0.header == .valid && $0.damage.isEmpty && $0.interruptedBytes == 0 }
    }
}

/// Reads a journal without opening it: no lock, no change, also while an engine writes to it.
package enum JournalInspector {
    /// Lists the segments in `path` and checks every record. `body` is called with each good record, fillers included;
    /// the bytes are valid during the call.
    ///
    /// Throws where the directory or a file cannot be read. A segment that an engine deletes meanwhile is left out.
    package static func inspect(
        _ path: String,
        systemCalls: SystemCalls = .live,
        _ body: (RecoveredRecord) -> Void = { _ in }
    ) throws(JournalError) -> JournalInspection {
        let files = FileSystem(calls: systemCalls, path: path)
        let directory = try files.openDirectory(creatingWith: nil)
        defer { files.close(directory) }
        var result = JournalInspection()
        var numbers: [UInt32] = []
        for name in try files.names(in: directory) {
            switch SegmentName(name) {
            case .segment(let number): numbers.append(number)
            case .quarantine: result.quarantine.append(name)
            case .unfinished, .foreign: break
            }
        }
        result.quarantine.sort()
        var lastSequence: UInt64 = 0
        for number in numbers.sorted() {
            guard let segment = try inspect(number, files, directory, &lastSequence, body) else { continue }
            if let previous = result.segments.last, number > previous.number + 1 {
                result.missingSegments.append(previous.number + 1...number - 1)
            }
            result.segments.append(segment)
        }
        return result
    }

    /// One record as text, for people: ``RecordDump``. Nil where no good record starts at `position`.
    package static func dump(
        _ position: Position,
        in path: String,
        systemCalls: SystemCalls = .live
    ) throws(JournalError) -> String? {
        let files = FileSystem(calls: systemCalls, path: path)
        let directory = try files.openDirectory(creatingWith: nil)
        defer { files.close(directory) }
        guard let mapping = try map(SegmentName.file(position.segment), files, directory) else { return nil }
        return RecordDump.text(ofSegment: mapping.bytes, offset: position.offset)
    }

    private static func map(_ name: String, _ files: FileSystem, _ directory: Int32) throws(JournalError) -> Mapping? {
        let file = try files.open(name, in: directory, .read)
        defer { files.close(file) }
        let bytes = try files.size(file, name)
        if bytes == 0 { return nil }
        return try files.map(file, bytes: bytes, writable: false, name)
    }

    private static func inspect(
        _ number: UInt32,
        _ files: FileSystem,
        _ directory: Int32,
        _ lastSequence: inout UInt64,
        _ body: (RecoveredRecord) -> Void
    ) throws(JournalError) -> SegmentInspection? {
        let name = SegmentName.file(number)
        let mapping: Mapping?
        do throws(JournalError) {
            mapping = try map(name, files, directory)
        } catch {
            if error.isMissingFile { return nil }
            throw error
        }
        var segment = SegmentInspection(name: name, number: number, fileBytes: mapping?.count ?? 0)
        guard let mapping else { return segment }
        switch SegmentHeader.decode(mapping.bytes) {
        case .newer(let version): segment.header = .newer(version: version)
        case .valid(let header, let isFirstDamaged) where header.number == number:
            segment.header = isFirstDamaged ? .secondCopy : .valid
            segment.created = header.createdMilliseconds
            scan(mapping.bytes, header, &segment, &lastSequence, body)
        default: break
        }
        return segment
    }

    private static func scan(
        _ bytes: UnsafeRawBufferPointer,
        _ header: SegmentHeader,
        _ segment: inout SegmentInspection,
        _ lastSequence: inout UInt64,
        _ body: (RecoveredRecord) -> Void
    ) {
        var scanner = SegmentScanner(bytes, header: header, after: lastSequence)
        while let finding = scanner.next() {
            switch finding {
            case .record(let record):
                segment.recordsByKind[record.kind, default: 0] += 1
                segment.recordBytes += RecordFormat.padded(record.length)
                segment.firstSequence = segment.firstSequence ?? record.sequence
                segment.lastSequence = record.sequence
                lastSequence = record.sequence
                let position = Position(segment: segment.number, offset: record.offset)
                body(
                    RecoveredRecord(
                        position: position,
                        kind: record.kind,
                        sequence: record.sequence,
                        bytes: record.body
                    )
                )
            case .damage(let range, _): segment.damage.append(range)
            case .end(_, .clean): break
            case .end(_, .interrupted(let range)): segment.interruptedBytes = range.count
            case .end(_, .damaged(let range)): segment.damage.append(range)
            }
        }
    }
}
