/// Texts of the log (response snippets, error texts) in one fixed block of memory; the newest overwrite the oldest.
///
/// The block is allocated at the first use and touched as it fills, so an engine that logs little holds little.
struct TextRing: ~Copyable {
    /// Where a text starts, counted over all bytes ever written, and its length.
    struct Position: BitwiseCopyable {
        var start: UInt64 = 0
        var length: UInt32 = 0
    }

    private let capacity: Int
    private var memory: UnsafeMutableRawPointer?
    private var head: UInt64 = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 0)
    }

    deinit {
        memory?.deallocate()
    }

    /// Copies `text` in. What is longer than the whole ring is cut.
    mutating func append(_ text: UnsafeRawBufferPointer) -> Position {
        let length = min(text.count, capacity)
        guard length > 0, let source = text.baseAddress else { return Position() }
        let memory = memory ?? .allocate(byteCount: capacity, alignment: 16)
        self.memory = memory
        var offset = Int(head % UInt64(capacity))
        if offset + length > capacity {
            // A text is never split: the rest of the block is skipped.
            head += UInt64(capacity - offset)
            offset = 0
        }
        // offset + length <= capacity was just made true.
        (memory + offset).copyMemory(from: source, byteCount: length)
        let position = Position(start: head, length: UInt32(length))
        head += UInt64(length)
        return position
    }

    /// The text at `position`; empty where it was overwritten.
    func text(at position: Position) -> UnsafeRawBufferPointer {
        guard position.length > 0, let memory, position.start + UInt64(capacity) >= head else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        // Positions come from append(_:), so the text lies inside the block; it is untouched while head is within one
        // capacity of its start.
        return UnsafeRawBufferPointer(
            start: memory + Int(position.start % UInt64(capacity)),
            count: Int(position.length)
        )
    }
}
