/// Where a record stands: the number of its segment and its offset in there, in bytes.
///
/// A position is never used again while the directory lives, also after the record went: segment numbers only grow.
package struct Position: Hashable, Comparable, Sendable, BitwiseCopyable {
    /// The segment in the upper half, the offset in the lower; 0 is no position.
    package let rawValue: UInt64
    /// What the record takes up in its segment, or 0 where that is not known: giving the record up then looks at its
    /// header, which is long out of the processor's cache. No part of the position's identity.
    let recordBytes: UInt32

    /// Stands for "no record"; segments count from 1.
    package static let none = Position(rawValue: 0)

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
        recordBytes = 0
    }

    init(segment: UInt32, offset: Int, recordBytes: Int = 0) {
        // Segments have at most 2 GiB (JournalOptions), so an offset always fits.
        rawValue = UInt64(segment) << 32 | UInt64(UInt32(truncatingIfNeeded: offset))
        self.recordBytes = UInt32(clamping: recordBytes)
    }

    package var segment: UInt32 {
        UInt32(truncatingIfNeeded: rawValue >> 32)
    }

    package var offset: Int {
        Int(UInt32(truncatingIfNeeded: rawValue))
    }

    package static func == (left: Position, right: Position) -> Bool {
        left.rawValue == right.rawValue
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(rawValue)
    }

    package static func < (left: Position, right: Position) -> Bool {
        left.rawValue < right.rawValue
    }
}
