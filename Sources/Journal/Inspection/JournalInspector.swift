/// Reads a journal without opening it: no lock, no change, also while an engine writes to it.
package enum JournalInspector {
    /// What ``walk(_:systemCalls:_:)`` comes across. Bytes are valid during the call that gets them.
    package enum Finding {
        /// A file that is looked at now; what it holds follows.
        case file(name: String)
        /// A good record. Kind 0 is a filler over damage that was repaired.
        case record(RecoveredRecord)
        /// Bytes that hold no good record though one stood there, or though records follow.
        case damage(Position, bytes: Int)
        /// Bytes of an append that was interrupted, or that is under way right now.
        case interrupted(Position, bytes: Int)
        /// The summary of the file.
        case segment(SegmentInspection)
    }

    /// Lists the segments in `path` and checks every record. `body` is called with each good record, fillers included;
    /// the bytes are valid during the call.
    ///
    /// Throws where the directory or a file cannot be read. A segment that an engine deletes meanwhile is left out.
    package static func inspect(
        _ path: String,
        systemCalls: SystemCalls = .live,
        _ body: (RecoveredRecord) -> Void = { _ in }
    ) throws(JournalError) -> JournalInspection {
        try walk(path, systemCalls: systemCalls) { finding in
            if case .record(let record) = finding { body(record) }
        }
    }

    /// Goes through the segments in `path`, oldest first, and tells `body` of everything in them in its order. For what is
    /// too much to be kept: memory does not grow with the journal.
    ///
    /// Throws as ``inspect(_:systemCalls:_:)`` does.
    package static func walk(
        _ path: String,
        systemCalls: SystemCalls = .live,
        _ body: (Finding) -> Void
    ) throws(JournalError) -> JournalInspection {
        let files = FileSystem(calls: systemCalls, path: path)
        let directory = try files.openDirectory(creatingWith: nil)
        defer { files.close(directory) }
        var result = JournalInspection()
        let numbers = try list(files, directory, &result)
        var sequence = SequenceState()
        var isPreviousFull = false
        for (index, number) in numbers.enumerated() {
            // Once the next one has a record this one takes no more, so only then a gap between the two says something.
            let isFull = index + 1 < numbers.count && hasRecords(numbers[index + 1], files, directory)
            sequence.isExact = isPreviousFull
            isPreviousFull = isFull
            guard let segment = try inspect(number, files, directory, &sequence, body) else {
                // Deleted meanwhile, and engines delete the oldest first: those before it are gone too.
                result.segments = []
                result.missingSegments = []
                isPreviousFull = false
                continue
            }
            body(.segment(segment))
            if let previous = result.segments.last, number > previous.number + 1 {
                result.missingSegments.append(previous.number + 1...number - 1)
            }
            result.segments.append(segment)
        }
        return result
    }

    /// What is known of the sequence in front of a segment.
    private struct SequenceState {
        /// Records have a higher one.
        var last: UInt64 = 0
        /// Nothing was written between `last` and the segment.
        var isExact = false
    }

    /// The numbers of the segments, oldest first. A listing may miss what is made or renamed meanwhile, so that gaps are
    /// looked at again, unless so much is missing that it cannot be that.
    private static func list(
        _ files: FileSystem,
        _ directory: Int32,
        _ result: inout JournalInspection
    ) throws(JournalError) -> [UInt32] {
        var numbers: [UInt32] = []
        for name in try files.names(in: directory) {
            switch SegmentName(name) {
            case .segment(let number): numbers.append(number)
            case .quarantine: result.quarantine.append(name)
            case .unfinished, .foreign: break
            }
        }
        result.quarantine.sort()
        numbers.sort()
        for (lower, upper) in zip(numbers, numbers.dropFirst()) where upper > lower + 1 && upper - lower < 16 {
            for number in lower + 1..<upper {
                guard let file = try? files.open(SegmentName.file(number), in: directory, .read) else { continue }
                files.close(file)
                numbers.append(number)
            }
        }
        return numbers.sorted()
    }

    private static func hasRecords(_ number: UInt32, _ files: FileSystem, _ directory: Int32) -> Bool {
        let name = SegmentName.file(number)
        guard let file = try? files.open(name, in: directory, .read) else { return false }
        defer { files.close(file) }
        var seal: UInt64 = 0
        let count = withUnsafeMutableBytes(of: &seal) { bytes in
            try? files.read(file, at: SegmentHeader.bytes, into: bytes, name)
        }
        return count == 8 && seal != 0
    }

    /// The journals at `path`: itself where it holds segments, else the directories in it that do.
    package static func journals(at path: String, systemCalls: SystemCalls = .live) throws(JournalError) -> [String] {
        let names = try names(path, systemCalls)
        if holdsSegments(names) { return [path] }
        return names.sorted().compactMap { name in
            let inner = "\(path)/\(name)"
            guard name != ".", name != "..", let names = try? self.names(inner, systemCalls) else { return nil }
            return holdsSegments(names) ? inner : nil
        }
    }

    /// One record as text, for people: ``RecordDump``. Nil where no record starts at `position`.
    package static func dump(
        _ position: Position,
        in path: String,
        systemCalls: SystemCalls = .live
    ) throws(JournalError) -> String? {
        let files = FileSystem(calls: systemCalls, path: path)
        let directory = try files.openDirectory(creatingWith: nil)
        defer { files.close(directory) }
        let copy = try copy(SegmentName.file(position.segment), files, directory)
        return RecordDump.text(ofSegment: copy.bytes, offset: position.offset)
    }

    private static func names(_ path: String, _ systemCalls: SystemCalls) throws(JournalError) -> [String] {
        let files = FileSystem(calls: systemCalls, path: path)
        let directory = try files.openDirectory(creatingWith: nil)
        defer { files.close(directory) }
        return try files.names(in: directory)
    }

    private static func holdsSegments(_ names: [String]) -> Bool {
        names.contains { name in
            if case .segment = SegmentName(name) { true } else { false }
        }
    }

    private static func copy(_ name: String, _ files: FileSystem, _ directory: Int32) throws(JournalError) -> FileCopy {
        let file = try files.open(name, in: directory, .read)
        defer { files.close(file) }
        return try FileCopy(files, file, count: min(try files.size(file, name), 2 << 30), name)
    }

    /// Reads the file until two readings in a row show the same damage: what is written just now may look like it.
    private static func settledCopy(
        _ name: String,
        _ files: FileSystem,
        _ directory: Int32
    ) throws(JournalError) -> FileCopy {
        var before: [Range<Int>] = []
        for _ in 0..<10 {
            let copy = try copy(name, files, directory)
            let damage = damage(in: copy.bytes)
            if damage.isEmpty || damage == before { return copy }
            before = damage
        }
        return try copy(name, files, directory)
    }

    private static func damage(in bytes: UnsafeRawBufferPointer) -> [Range<Int>] {
        guard case .valid(let header, _) = SegmentHeader.decode(bytes) else { return [] }
        var scanner = SegmentScanner(bytes, header: header, after: 0)
        var damage: [Range<Int>] = []
        while let finding = scanner.next() {
            switch finding {
            case .damage(let range, _), .end(_, .damaged(let range)): damage.append(range)
            default: break
            }
        }
        return damage
    }

    private static func inspect(
        _ number: UInt32,
        _ files: FileSystem,
        _ directory: Int32,
        _ sequence: inout SequenceState,
        _ body: (Finding) -> Void
    ) throws(JournalError) -> SegmentInspection? {
        let name = SegmentName.file(number)
        let copy: FileCopy
        do throws(JournalError) {
            copy = try settledCopy(name, files, directory)
        } catch {
            if error.isMissingFile { return nil }
            throw error
        }
        body(.file(name: name))
        var segment = SegmentInspection(name: name, number: number, fileBytes: copy.count)
        segment.unreadableBytes = copy.unreadableBytes
        switch SegmentHeader.decode(copy.bytes) {
        case .newer(let version): segment.header = .newer(version: version)
        case .valid(let header, let damage) where header.number == number && header.segmentBytes <= 2 << 30:
            segment.header =
                switch damage {
                case .none: .valid
                case .first: .secondCopy
                case .second: .firstCopy
                }
            segment.created = header.createdMilliseconds
            segment.missingBytes = max(header.segmentBytes - copy.count, 0)
            scan(copy.bytes, header, &segment, &sequence, body)
        default: break
        }
        return segment
    }

    private static func scan(
        _ bytes: UnsafeRawBufferPointer,
        _ header: SegmentHeader,
        _ segment: inout SegmentInspection,
        _ sequence: inout SequenceState,
        _ body: (Finding) -> Void
    ) {
        var scanner = SegmentScanner(bytes, header: header, after: sequence.last)
        while let finding = scanner.next() {
            switch finding {
            case .record(let record):
                note(record, in: &segment, &sequence)
                let found = RecoveredRecord(
                    position: Position(segment: segment.number, offset: record.offset),
                    kind: record.kind,
                    sequence: record.sequence,
                    bytes: record.body
                )
                body(.record(found))
            case .damage(let range, _), .end(_, .damaged(let range)):
                segment.damage.append(range)
                body(.damage(Position(segment: segment.number, offset: range.lowerBound), bytes: range.count))
            case .end(_, .interrupted(let range)):
                segment.interruptedBytes = range.count
                body(.interrupted(Position(segment: segment.number, offset: range.lowerBound), bytes: range.count))
            case .end(_, .clean): break
            }
        }
        sequence.last = max(sequence.last, scanner.lastSequence)
    }

    private static func note(
        _ record: SegmentScanner.Record,
        in segment: inout SegmentInspection,
        _ sequence: inout SequenceState
    ) {
        // A filler stands for what is known and reported already.
        if record.kind != RecordFormat.fillerKind {
            let isFirst = segment.firstSequence == nil && segment.recordsByKind.isEmpty
            // The scanner does not know what the segment before held. Nobody knows what the oldest one did.
            let before = sequence.isExact && sequence.last != 0 ? record.sequence - sequence.last - 1 : 0
            let missing = isFirst ? before : record.missingBefore
            segment.lostRecords += Int(clamping: missing)
            segment.firstSequence = segment.firstSequence ?? record.sequence
            segment.lastSequence = record.sequence
        }
        segment.recordsByKind[record.kind, default: 0] += 1
        segment.recordBytes += RecordFormat.padded(record.length)
        sequence.last = record.sequence
    }
}
