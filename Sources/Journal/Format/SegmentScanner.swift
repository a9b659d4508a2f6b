/// Walks the records of one segment and finds its way again behind damage. Pure: it looks at bytes and changes nothing.
///
/// The bytes may be anything. Every read is checked against their count, and the work behind damage is bounded.
struct SegmentScanner {
    /// One record; `body` points into the scanned bytes.
    struct Record {
        let offset: Int
        let kind: UInt8
        let sequence: UInt64
        /// Header and body, without the padding.
        let length: Int
        let body: UnsafeRawBufferPointer
        /// Sequence numbers that were left out before it, where that is known.
        let missingBefore: UInt64

        /// Where the next record starts.
        var end: Int {
            offset + RecordFormat.padded(length)
        }
    }

    /// What follows the last good record.
    enum Tail: Equatable {
        /// Nothing but zeros.
        case clean
        /// No record was completed here: an append was interrupted. The range ends behind the last byte that is not 0.
        case interrupted(Range<Int>)
        /// A record stood here and its checksum does not fit.
        case damaged(Range<Int>)
    }

    enum Finding {
        case record(Record)
        /// Bytes between two good records that are none.
        case damage(Range<Int>, isZero: Bool)
        /// The last finding. The next record would start at `end`.
        case end(Int, Tail)
    }

    private let bytes: UnsafeRawBufferPointer
    private let salt: UInt64
    /// From here on the bytes are known to be zeros, so that nobody has to look.
    private let dataEnd: Int
    private var offset = SegmentHeader.bytes
    /// The sequence of the record before, or a lower bound of it.
    private(set) var lastSequence: UInt64
    /// Whether `lastSequence` is that of the record right before, not only a lower bound.
    private var isExact = false
    private var isAtEnd = false
    /// Bytes that may still be checksummed in vain while looking for a record behind damage.
    private var searchBudget: Int

    /// `bytes` is a whole segment, header included. The first record has any sequence higher than `after`:
    /// the one before this segment may be lost. From `dataEnd` on there are only zeros.
    init(_ bytes: UnsafeRawBufferPointer, header: SegmentHeader, after: UInt64, dataEnd: Int = .max) {
        self.dataEnd = dataEnd
        self.bytes = UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, header.segmentBytes)])
        salt = header.salt
        let floor = header.sequenceFloor == 0 ? 0 : header.sequenceFloor - 1
        lastSequence = max(after, floor)
        searchBudget = bytes.count <= Int.max / 8 ? bytes.count * 8 : Int.max
    }

    /// The next finding; nil once the end was told.
    mutating func next() -> Finding? {
        if isAtEnd { return nil }
        if let record = record(at: offset) {
            accept(record)
            return .record(record)
        }
        guard let dirty = firstNonZero(from: offset) else {
            isAtEnd = true
            // A file that was cut inside its header, or inside the padding of its last record, ends before that.
            return .end(min(offset, bytes.count), .clean)
        }
        // A damaged record takes 16 bytes at least.
        var candidate = max(offset + RecordFormat.headerBytes, dirty & ~7)
        while candidate + RecordFormat.headerBytes <= bytes.count, searchBudget > 0 {
            if mayStart(at: candidate) {
                if record(at: candidate) != nil {
                    defer { offset = candidate }
                    return .damage(offset..<candidate, isZero: dirty >= candidate)
                }
                searchBudget -= RecordFormat.length(word(candidate))
            }
            candidate += 8
        }
        isAtEnd = true
        let range = offset..<endOfNonZero(from: offset)
        return .end(offset, word(offset) == 0 ? .interrupted(range) : .damaged(range))
    }

    private mutating func accept(_ record: Record) {
        offset = record.end
        lastSequence = record.sequence
        // A filler stands for any number of lost records: the next sequence may be any higher one.
        isExact = record.kind != RecordFormat.fillerKind
    }

    /// A cheap look before the checksum is computed: behind damage the sequence is known within narrow bounds.
    private func mayStart(at candidate: Int) -> Bool {
        let length = RecordFormat.length(word(candidate))
        guard length >= RecordFormat.headerBytes, length <= bytes.count - candidate else { return false }
        let identity = word(candidate + 8)
        let sequence = RecordFormat.sequence(identity)
        guard isInSequence(identity) else { return false }
        // `candidate` is behind `offset`; every lost record took 16 bytes at least.
        return !isExact || sequence &- lastSequence <= UInt64((candidate - offset) / RecordFormat.headerBytes) + 1
    }

    /// A filler stands for no number of its own: what it covers may have held no whole record.
    private func isInSequence(_ identity: UInt64) -> Bool {
        let sequence = RecordFormat.sequence(identity)
        let isFiller = RecordFormat.kind(identity) == RecordFormat.fillerKind
        return isFiller ? sequence >= lastSequence : sequence > lastSequence
    }

    /// The record at `start`, where it is whole and in sequence.
    private func record(at start: Int) -> Record? {
        guard start + RecordFormat.headerBytes <= bytes.count else { return nil }
        let seal = word(start)
        let length = RecordFormat.length(seal)
        guard length >= RecordFormat.headerBytes, length <= bytes.count - start else { return nil }
        let identity = word(start + 8)
        let sequence = RecordFormat.sequence(identity)
        guard isInSequence(identity) else { return nil }
        let body = UnsafeRawBufferPointer(rebasing: bytes[start + RecordFormat.headerBytes..<start + length])
        let checksum = RecordFormat.checksum(
            body: RecordFormat.checksum(body: body),
            identity: identity,
            length: length,
            salt: salt
        )
        guard checksum == RecordFormat.checksum(seal) else { return nil }
        return Record(
            offset: start,
            kind: RecordFormat.kind(identity),
            sequence: sequence,
            length: length,
            body: body,
            missingBefore: isExact && sequence > lastSequence ? sequence - lastSequence - 1 : 0
        )
    }

    /// The word at `offset`, or 0 behind the end.
    private func word(_ offset: Int) -> UInt64 {
        guard offset >= 0, offset <= bytes.count - 8 else { return 0 }
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    private func firstNonZero(from start: Int) -> Int? {
        var at = start
        while at < min(bytes.count, dataEnd) {
            if word(at) != 0 { return at }
            at += 8
        }
        return nil
    }

    /// A multiple of 8; a file that was cut may have a few more bytes.
    private func endOfNonZero(from start: Int) -> Int {
        // The last byte of data may stand within a word.
        var end = min(bytes.count, dataEnd < .max - 7 ? dataEnd + 7 : .max) & ~7
        while end > start, word(end - 8) == 0 {
            end -= 8
        }
        return end
    }
}
