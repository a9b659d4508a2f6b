/// What one segment file holds.
package struct SegmentInspection: Sendable {
    package enum Header: Equatable, Sendable {
        case valid
        /// The first copy is damaged, the second served.
        case secondCopy
        /// The second copy is damaged, the first served.
        case firstCopy
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
    /// Bytes that the file has less than when it was made.
    package internal(set) var missingBytes = 0
    /// Bytes that the disk did not give back.
    package internal(set) var unreadableBytes = 0
    /// Records that are missing in front of this segment or in it, by the gaps in the sequence.
    package internal(set) var lostRecords = 0

    /// Good records, fillers not counted.
    package var records: Int {
        recordsByKind.reduce(0) { $1.key == RecordFormat.fillerKind ? $0 : $0 + $1.value }
    }

    /// True where something that was written is not there any more. An append that was cut short is no damage: nobody was
    /// told that it succeeded.
    package var hasDamage: Bool {
        switch header {
        case .valid, .newer: !damage.isEmpty || lostRecords != 0 || missingBytes != 0 || unreadableBytes != 0
        case .firstCopy, .secondCopy, .damaged: true
        }
    }
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
        !hasDamage && !hasNewerFormat && segments.allSatisfy { $0.interruptedBytes == 0 }
    }

    /// True where a file is of a format that this program does not know.
    package var hasNewerFormat: Bool {
        segments.contains { segment in
            if case .newer = segment.header { true } else { false }
        }
    }

    /// True where something that was written is damaged or not there; side files of damage that was repaired do not count.
    package var hasDamage: Bool {
        !missingSegments.isEmpty || segments.contains { $0.hasDamage }
    }
}
