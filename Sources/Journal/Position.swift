/// Where a record stands: the number of its segment and its offset in there, in bytes.
///
/// A position is never used again while the directory lives, also after the record went: segment numbers only grow.
package struct Position: Hashable, Comparable, Sendable, BitwiseCopyable {
    /// The segment in the upper half, the offset in the lower; 0 is no position.
    package let rawValue: UInt64

    /// Stands for "no record"; segments count from 1.
    package static let none = Position(rawValue: 0)

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    init(segment: UInt32, offset: Int) {
        // Segments have at most 2 GiB (JournalOptions), so an offset always fits.
        rawValue = UInt64(segment) << 32 | UInt64(UInt32(truncatingIfNeeded: offset))
    }

    package var segment: UInt32 {
        UInt32(truncatingIfNeeded: rawValue >> 32)
    }

    package var offset: Int {
        Int(UInt32(truncatingIfNeeded: rawValue))
    }

    package static func < (left: Position, right: Position) -> Bool {
        left.rawValue < right.rawValue
    }
}
