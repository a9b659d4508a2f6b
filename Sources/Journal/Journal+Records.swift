/// A record found while opening; `bytes` are valid during the call that gets it.
package struct RecoveredRecord {
    package let position: Position
    package let kind: UInt8
    /// Grows with each record, so it orders them.
    package let sequence: UInt64
    package let bytes: UnsafeRawBufferPointer
}

/// A record's bytes in the mapped file, valid while this value or a copy of it lives, also after the record was released
/// and its file deleted. Bytes of a deleted file take disk room until then.
package struct PinnedRecord: @unchecked Sendable {
    // Sendable: the bytes are never written again once the record is valid, and the segment keeps them mapped.
    package let position: Position
    package let kind: UInt8
    package let sequence: UInt64
    package let bytes: UnsafeRawBufferPointer
    private let segment: Segment

    /// What keeps ``bytes`` mapped: whoever holds it may use them without the rest of this value.
    package var owner: AnyObject {
        segment
    }

    /// A record that was just written.
    init(_ segment: Segment, _ position: Position, kind: UInt8, sequence: UInt64, length: Int) {
        self.position = position
        self.kind = kind
        self.sequence = sequence
        self.segment = segment
        bytes = segment.mapping.bytes(position.offset &+ RecordFormat.headerBytes..<position.offset &+ length)
    }

    init?(_ segment: Segment, offset: Int) {
        guard let record = segment.record(at: offset) else { return nil }
        position = Position(
            segment: segment.number,
            offset: offset,
            recordBytes: RecordFormat.padded(record.bytes.count &+ RecordFormat.headerBytes)
        )
        kind = record.kind
        sequence = record.sequence
        bytes = record.bytes
        self.segment = segment
    }
}

/// How much of a segment is still needed.
package struct SegmentUsage: Equatable, Sendable {
    package let number: UInt32
    package let bytesOnDisk: Int
    package let liveBytes: Int
}

// Reading, releasing, and moving what holds old segments.
extension Journal {
    /// False once somebody has deleted the segment that takes records, or the whole directory: what is appended from then on
    /// would be gone with the process. One system call.
    package var isInPlace: Bool {
        guard let active = appending.withLock({ $0.isClosed ? nil : $0.active }) else { return true }
        return options.systemCalls.exists(directory, SegmentName.file(active.number))
    }

    /// The record at `position`; nil where it was released or never was.
    ///
    /// With `verifying` its checksum is computed, and ``JournalError/damaged(_:)`` thrown where that does not fit. The
    /// pages may have to come from the disk; where the disk fails at that, the kernel ends the process (SIGBUS).
    package func pin(_ position: Position, verifying: Bool = false) throws(JournalError) -> PinnedRecord? {
        guard let segment = table.withLock({ $0[position.segment] }) else { return nil }
        guard let record = PinnedRecord(segment, offset: position.offset) else { return nil }
        if verifying, !segment.verify(at: position.offset), segment.isLive(at: position.offset) {
            throw .damaged(position)
        }
        return record
    }

    /// The record at `position` is no longer needed; false where that was so already.
    ///
    /// Only memory: opening the journal again shows the record as long as its file exists.
    @discardableResult
    package func release(_ position: Position) -> Bool {
        guard let segment = table.withLock({ $0[position.segment] }) else { return false }
        switch segment.release(at: position.offset, bytes: Int(position.recordBytes)) {
        case .unknown: return false
        case .released: return true
        case .emptied:
            housekeeping.update { $0.wantsDeletion = true }
            return true
        }
    }

    /// Every segment with records, oldest first.
    package func segmentUsage() -> [SegmentUsage] {
        table.withLock { table in
            table.segments.map {
                SegmentUsage(number: $0.number, bytesOnDisk: $0.mapping.count, liveBytes: $0.liveBytes)
            }
        }
    }

    /// The longest run of oldest segments of whose bytes at most `maximumLiveFraction` (0 to 1) are needed: copying those
    /// forward frees all of the run. Empty where none is cheap enough. The active segment is never part of it.
    ///
    /// To move a record: append it again with `[.reserve, .lazy, .copied]`, remember the new position, release the old.
    package func compactionCandidates(maximumLiveFraction: Double) -> [SegmentUsage] {
        let sealed = table.withLock { table in
            table.segments.prefix { $0.isSealed }.map {
                SegmentUsage(number: $0.number, bytesOnDisk: $0.mapping.count, liveBytes: $0.liveBytes)
            }
        }
        var bytes = 0
        var live = 0
        var length = 0
        for (index, segment) in sealed.enumerated() {
            bytes += segment.bytesOnDisk
            live += segment.liveBytes
            if Double(live) <= Double(bytes) * maximumLiveFraction { length = index + 1 }
        }
        return Array(sealed.prefix(length))
    }

    /// Calls `body` with every needed record of a segment that takes no more, in order, with verified checksums, until it
    /// answers false. Records that are damaged by now are given up, for nobody can read them: answers how many.
    @discardableResult
    package func forEachLiveRecord(in number: UInt32, _ body: (PinnedRecord) -> Bool) -> Int {
        guard let segment = table.withLock({ $0[number] }), segment.isSealed else { return 0 }
        var scanner = SegmentScanner(segment.mapping.bytes, header: segment.header, after: 0)
        var lost = 0
        while let finding = scanner.next() {
            switch finding {
            case .record(let record):
                // Released meanwhile, or a filler: not pinned.
                guard let pinned = PinnedRecord(segment, offset: record.offset) else { continue }
                if !body(pinned) { return lost }
            case .damage(let range, _): lost += segment.abandon(range)
            case .end(let end, _): lost += segment.abandon(end..<segment.capacity)
            }
        }
        if lost != 0, !segment.hasLiveRecords { housekeeping.update { $0.wantsDeletion = true } }
        return lost
    }
}
