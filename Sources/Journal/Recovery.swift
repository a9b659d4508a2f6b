import Glibc

/// Reads what a directory holds and repairs it: cuts what was interrupted, copies what is damaged to side files and puts a
/// filler in its place, so that the next opening finds it in order.
///
/// Nothing is changed before every header was read: a file of a newer format stops everything. Single use.
struct Recovery {
    /// What opening starts from.
    struct Found {
        /// Segments with records, oldest first, the active one last.
        var segments: [Segment] = []
        /// Nil where the newest segment cannot take more, and in a new directory.
        var active: Segment?
        /// A segment without records behind the active one.
        var prepared: Segment?
        /// Where the next record of the active segment starts.
        var tail = 0
        var nextSequence: UInt64 = 1
        var nextNumber: UInt32 = 1
        var report = RecoveryReport()
    }

    private struct Candidate {
        let number: UInt32
        let header: SegmentHeader
        let mapping: Mapping
        let isHeaderDamaged: Bool
    }

    private let options: JournalOptions
    private let files: FileSystem
    private let directory: Int32
    private var found = Found()
    private var report = RecoveryReport()
    private var lastSequence: UInt64 = 0

    init(options: JournalOptions, files: FileSystem, directory: Int32) {
        self.options = options
        self.files = files
        self.directory = directory
    }

    mutating func run(_ body: (RecoveredRecord) -> Bool) throws(JournalError) -> Found {
        let start = SystemClock.monotonic()
        let candidates = try readHeaders()
        var scanned: [(segment: Segment, end: Int, isWritable: Bool, isEmpty: Bool)] = []
        for candidate in candidates {
            noteGap(before: candidate.number, previous: scanned.last?.segment.number)
            let segment = try Segment(header: candidate.header, mapping: candidate.mapping)
            if candidate.isHeaderDamaged { repairHeader(of: segment) }
            if candidate.mapping.count < candidate.header.segmentBytes { report.shortenedSegments += 1 }
            let recordsBefore = report.records
            let (end, isWritable) = scan(segment, body)
            let isEmpty = report.records == recordsBefore && end == SegmentHeader.bytes
            scanned.append(
                (segment, end, isWritable && segment.mapping.count == candidate.header.segmentBytes, isEmpty)
            )
        }
        // Segments without records at the end were prepared ahead; one of them may serve, the others go.
        var spare: [Segment] = []
        while let last = scanned.last, last.isEmpty, last.isWritable {
            spare.insert(last.segment, at: 0)
            scanned.removeLast()
        }
        for one in scanned {
            one.segment.seal(at: min(one.end, one.segment.capacity))
            found.segments.append(one.segment)
        }
        if let last = scanned.last, last.isWritable {
            last.segment.sealedAt.store(-1, ordering: .relaxed)
            found.active = last.segment
            found.tail = last.end
        }
        for segment in spare {
            let follows = found.segments.last.map { $0.number < UInt32.max && segment.number == $0.number + 1 } ?? true
            if found.prepared == nil, follows, segment.capacity == options.segmentBytes {
                found.prepared = segment
            } else {
                try files.remove(SegmentName.file(segment.number), in: directory)
            }
            lastSequence = max(lastSequence, segment.header.sequenceFloor - min(segment.header.sequenceFloor, 1))
        }
        // A number that was given away is not given again, except to a file that held nothing.
        let newest = max(found.segments.last?.number ?? 0, found.prepared?.number ?? 0)
        found.nextNumber = max(found.nextNumber, newest == .max ? .max : newest + 1)
        found.nextSequence = lastSequence + 1
        report.segments = found.segments.count
        report.milliseconds = Int((SystemClock.monotonic() - start) / 1_000_000)
        found.report = report
        return found
    }

    // MARK: Files

    /// Maps every segment and reads its header; then sorts out files that are none. Oldest first.
    private mutating func readHeaders() throws(JournalError) -> [Candidate] {
        var numbers: [UInt32] = []
        var unfinished: [String] = []
        var quarantined: UInt32 = 0
        for name in try files.names(in: directory) {
            switch SegmentName(name) {
            case .segment(let number): numbers.append(number)
            case .unfinished: unfinished.append(name)
            case .quarantine(let number): quarantined = max(quarantined, number)
            case .foreign: break
            }
        }
        numbers.sort()
        var candidates: [Candidate] = []
        var unusable: [(number: UInt32, mapping: Mapping?)] = []
        for number in numbers {
            let name = SegmentName.file(number)
            guard let mapping = try map(name) else {
                unusable.append((number, nil))
                continue
            }
            switch SegmentHeader.decode(mapping.bytes) {
            case .newer(let version): throw .newerFormat(file: "\(files.path)/\(name)", version: version)
            case .valid(let header, let damage) where header.number == number && header.segmentBytes <= 2 << 30:
                candidates.append(
                    Candidate(number: number, header: header, mapping: mapping, isHeaderDamaged: damage != .none)
                )
            default: unusable.append((number, mapping))
            }
        }
        for name in unfinished {
            try files.remove(name, in: directory)
        }
        for one in unusable {
            try setAside(one.number, one.mapping)
            quarantined = max(quarantined, one.number)
        }
        found.nextNumber = quarantined == .max ? .max : quarantined + 1
        return candidates
    }

    /// Nil where the file is empty.
    private func map(_ name: String) throws(JournalError) -> Mapping? {
        let file = try files.open(name, in: directory, .write)
        defer { files.close(file) }
        let bytes = min(try files.size(file, name), 2 << 30)
        if bytes == 0 { return nil }
        // Many a tool that copies or restores files leaves holes where zeros were. A hole needs room once it is touched,
        // and on a full disk the kernel ends the process for it (SIGBUS).
        if try files.allocatedSize(file, name) < bytes { try files.allocate(file, bytes: bytes, name) }
        return try files.map(file, bytes: bytes, writable: true, name)
    }

    /// A segment without a usable header: removed where it is all zeros, else kept under another name.
    private mutating func setAside(_ number: UInt32, _ mapping: Mapping?) throws(JournalError) {
        let name = SegmentName.file(number)
        guard let mapping, mapping.bytes.contains(where: { $0 != 0 }) else {
            try files.remove(name, in: directory)
            return
        }
        try files.rename(name, to: SegmentName.quarantineFile(number), in: directory)
        report.quarantinedStretches += 1
        report.quarantinedBytes += mapping.count
        setAsideNumbers.insert(number)
    }

    /// Numbers whose files were set aside just now; they are not missing.
    private var setAsideNumbers: Set<UInt32> = []

    private mutating func noteGap(before number: UInt32, previous: UInt32?) {
        guard let previous, number > previous + 1 else { return }
        var first = previous + 1
        for known in setAsideNumbers.sorted() where known >= first && known < number {
            if known > first { report.missingSegments.append(first...known - 1) }
            first = known + 1
        }
        if first < number { report.missingSegments.append(first...number - 1) }
    }

    private mutating func repairHeader(of segment: Segment) {
        report.damagedHeaders += 1
        segment.header.encoded.withUnsafeBytes { bytes in
            let count = min(bytes.count, segment.mapping.count)
            let place = segment.mapping.place(at: 0, length: count)
            place.copyMemory(from: bytes.baseAddress ?? UnsafeRawPointer(place), byteCount: count)
        }
    }

    // MARK: Records

    /// Where the next record would start, and whether the segment is in order up to there.
    private mutating func scan(_ segment: Segment, _ body: (RecoveredRecord) -> Bool) -> (end: Int, isWritable: Bool) {
        let mapping = segment.mapping
        let before = lastSequence
        var isInOrder = true
        var isFirstRecord = true
        var scanner = SegmentScanner(
            mapping.bytes,
            header: segment.header,
            after: before,
            dataEnd: mapping.dataEnd
        )
        while let finding = scanner.next() {
            switch finding {
            case .record(let record):
                defer { isFirstRecord = false }
                lastSequence = record.sequence
                if record.kind == RecordFormat.fillerKind { continue }
                // The scanner does not know what the segment before held. Nobody knows what the oldest one did.
                let missing = isFirstRecord && before != 0 ? record.sequence - before - 1 : record.missingBefore
                report.lostRecords += Int(clamping: missing)
                report.records += 1
                let isNeeded = body(
                    RecoveredRecord(
                        position: Position(segment: segment.number, offset: record.offset),
                        kind: record.kind,
                        sequence: record.sequence,
                        bytes: record.body
                    )
                )
                if isNeeded { segment.keep(at: record.offset, bytes: RecordFormat.padded(record.length)) }
            case .damage(let range, let isZero):
                let isSafe = isZero || quarantine(range, of: segment)
                if isZero { report.lostPagesBytes += range.count }
                if isSafe { fillIn(range, segment, after: scanner.lastSequence) } else { isInOrder = false }
            case .end(let end, let tail):
                isInOrder = cut(tail, of: segment) && isInOrder
                lastSequence = max(lastSequence, scanner.lastSequence)
                return (end, isInOrder)
            }
        }
        return (SegmentHeader.bytes, false)
    }

    /// Clears what follows the last good record; false where damage had to stay.
    private mutating func cut(_ tail: SegmentScanner.Tail, of segment: Segment) -> Bool {
        switch tail {
        case .clean: return true
        case .interrupted(let range):
            report.truncatedBytes += range.count
            segment.mapping.zero(range)
            return true
        case .damaged(let range):
            // Cut off with the file's own end: nothing stands there that could be kept.
            let length = RecordFormat.length(segment.mapping.word(at: range.lowerBound))
            let isShortened = segment.mapping.count < segment.header.segmentBytes
            if isShortened, length > segment.capacity - range.lowerBound {
                report.truncatedBytes += range.count
            } else if !quarantine(range, of: segment) {
                return false
            }
            segment.mapping.zero(range)
            return true
        }
    }

    /// Puts a record of kind 0 over a damaged stretch; the bytes in it stay.
    private func fillIn(_ range: Range<Int>, _ segment: Segment, after sequence: UInt64) {
        let identity = RecordFormat.identity(kind: RecordFormat.fillerKind, sequence: sequence)
        let body = range.lowerBound + RecordFormat.headerBytes..<range.upperBound
        let checksum = RecordFormat.checksum(
            body: RecordFormat.checksum(body: segment.mapping.bytes(body)),
            identity: identity,
            length: range.count,
            salt: segment.header.salt
        )
        segment.mapping.publish(identity, at: range.lowerBound + 8)
        segment.mapping.publish(RecordFormat.seal(length: range.count, checksum: checksum), at: range.lowerBound)
    }

    /// Copies damaged bytes to a side file and has that on the disk before anything is overwritten; false where it fails.
    private mutating func quarantine(_ range: Range<Int>, of segment: Segment) -> Bool {
        let name = SegmentName.quarantineFile(segment.number, offset: range.lowerBound)
        do throws(JournalError) {
            let file = try files.open(name, in: directory, .replace, mode: options.fileMode)
            defer { files.close(file) }
            try files.write(segment.mapping.bytes(range), to: file, at: 0, name)
            try files.sync(file, name)
        } catch {
            report.quarantineFailure = error.code
            return false
        }
        report.quarantinedStretches += 1
        report.quarantinedBytes += range.count
        return true
    }
}
