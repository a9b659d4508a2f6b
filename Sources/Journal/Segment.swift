import CHardware
import Glibc
import Synchronization

/// One mapped segment with the account of which of its records are still needed.
final class Segment: @unchecked Sendable {
    // Sendable: everything but `syncedBytes` is constant or atomic; that one is touched by the sync round alone, and there
    // is one round at a time (GroupCommit).
    let header: SegmentHeader
    let mapping: Mapping
    /// Where records must end: the bytes of the file, at most those of the header.
    let capacity: Int
    /// Where its last record ends; -1 while it takes more.
    let sealedAt = Atomic<Int>(-1)
    /// Records that are needed in the upper half, their bytes with header and padding in the lower: at most 2 GiB.
    private let live = Atomic<UInt64>(0)
    /// What is known to be on the disk, from the start. 0 also where its name in the directory may not be.
    nonisolated(unsafe) var syncedBytes = 0
    /// A bit for each 16 bytes: set where a needed record starts. Two records never share a bit, they are 16 bytes long at
    /// least. Cleared memory from calloc(3), so what is not reached takes no room.
    private let liveBits: UnsafeMutablePointer<Atomic<UInt64>>

    var number: UInt32 { header.number }

    /// `mapping` is the whole file.
    init(header: SegmentHeader, mapping: Mapping) throws(JournalError) {
        self.header = header
        self.mapping = mapping
        capacity = min(mapping.count, header.segmentBytes)
        // One word stands for 1024 bytes.
        let words = capacity >> 10 &+ 1
        guard let memory = calloc(words, 8) else {
            throw .system(operation: "map", path: "segment \(header.number)", code: ENOMEM)
        }
        liveBits = memory.assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    deinit {
        free(liveBits)
    }

    var hasLiveRecords: Bool {
        live.load(ordering: .sequentiallyConsistent) >> 32 != 0
    }

    var liveBytes: Int {
        Int(live.load(ordering: .relaxed) & 0xffff_ffff)
    }

    /// Takes no more records behind `end`.
    func seal(at end: Int) {
        sealedAt.store(end, ordering: .sequentiallyConsistent)
    }

    var isSealed: Bool {
        sealedAt.load(ordering: .sequentiallyConsistent) >= 0
    }

    /// Counts a record as needed.
    @inline(__always)
    func keep(at offset: Int, bytes: Int) {
        let (word, bit) = place(offset)
        word.pointee.bitwiseOr(bit, ordering: .relaxed)
        // Neither half overflows: the records fit into the segment.
        live.wrappingAdd(1 << 32 | UInt64(bytes), ordering: .relaxed)
    }

    /// True where a needed record starts at `offset`, which may be anything.
    func isLive(at offset: Int) -> Bool {
        guard offset >= SegmentHeader.bytes, offset & 7 == 0, offset <= capacity &- RecordFormat.headerBytes else {
            return false
        }
        let (word, bit) = place(offset)
        return word.pointee.load(ordering: .acquiring) & bit != 0
    }

    enum Release {
        /// No needed record starts there.
        case unknown
        case released
        /// It was the last one and the segment takes no more.
        case emptied
    }

    /// Counts a record as no longer needed.
    ///
    /// - Parameter known: what ``keep(at:bytes:)`` was told of it; 0 where the caller does not know.
    func release(at offset: Int, bytes known: Int = 0) -> Release {
        guard isLive(at: offset) else { return .unknown }
        let bytes = known != 0 ? known : RecordFormat.padded(RecordFormat.length(mapping.word(at: offset)))
        let (word, bit) = place(offset)
        // Of two threads that release the same record, one sees the bit.
        guard word.pointee.bitwiseAnd(~bit, ordering: .acquiringAndReleasing).oldValue & bit != 0 else {
            return .unknown
        }
        return forget(records: 1, bytes: bytes) && isSealed ? .emptied : .released
    }

    /// Counts whatever starts in `range` as no longer needed; how many records that were.
    func abandon(_ range: Range<Int>) -> Int {
        var records = 0
        // A record in the range ends by its end, so its start is 16 bytes before; the next record may share the last unit.
        for offset in stride(from: range.lowerBound & ~15, to: min(range.upperBound, capacity) & ~15, by: 16) {
            let (word, bit) = place(offset)
            if word.pointee.bitwiseAnd(~bit, ordering: .acquiringAndReleasing).oldValue & bit != 0 { records += 1 }
        }
        if records != 0 { _ = forget(records: UInt64(records), bytes: range.count) }
        return records
    }

    /// True where none is left. The bytes of damaged records are a guess, so they stop at 0.
    private func forget(records: UInt64, bytes: Int) -> Bool {
        var before = live.load(ordering: .relaxed)
        while true {
            let leftBytes = max(Int(before & 0xffff_ffff) &- bytes, 0)
            let leftRecords = (before >> 32) &- min(records, before >> 32)
            let (isExchanged, seen) = live.compareExchange(
                expected: before,
                desired: leftRecords << 32 | UInt64(leftRecords == 0 ? 0 : leftBytes),
                ordering: .sequentiallyConsistent
            )
            if isExchanged { return leftRecords == 0 }
            before = seen
        }
    }

    /// The record at `offset`, where a needed one starts.
    func record(at offset: Int) -> (kind: UInt8, sequence: UInt64, checksum: UInt32, bytes: UnsafeRawBufferPointer)? {
        guard isLive(at: offset) else { return nil }
        let seal = mapping.word(at: offset)
        let identity = mapping.word(at: offset &+ 8)
        let length = RecordFormat.length(seal)
        guard length >= RecordFormat.headerBytes, length <= capacity &- offset else { return nil }
        let body = mapping.bytes(offset &+ RecordFormat.headerBytes..<offset &+ length)
        return (RecordFormat.kind(identity), RecordFormat.sequence(identity), RecordFormat.checksum(seal), body)
    }

    /// True where the checksum of the record at `offset` fits.
    func verify(at offset: Int) -> Bool {
        guard let record = record(at: offset) else { return false }
        let checksum = RecordFormat.checksum(
            body: RecordFormat.checksum(body: record.bytes),
            identity: RecordFormat.identity(kind: record.kind, sequence: record.sequence),
            length: record.bytes.count &+ RecordFormat.headerBytes,
            salt: header.salt
        )
        return checksum == record.checksum
    }

    @inline(__always)
    private func place(_ offset: Int) -> (UnsafeMutablePointer<Atomic<UInt64>>, UInt64) {
        precondition(offset >= 0 && offset < capacity, "outside of the segment")
        return (liveBits + offset >> 10, 1 << UInt64(truncatingIfNeeded: offset >> 4 & 63))
    }
}
