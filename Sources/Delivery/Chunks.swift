/// A list that only grows, in chunks that never move: a growing array would keep up to twice of what it holds, and copy
/// all of it at each doubling.
struct Chunks<Element: BitwiseCopyable>: ~Copyable {
    private static var shift: Int { 7 }
    private static var size: Int { 1 << shift }

    /// Chunks this list allocated and frees; only `place(_:)` reaches into them, after a bounds check.
    private var chunks: [UnsafeMutablePointer<Element>] = []
    private(set) var count = 0

    init() {}

    deinit {
        for chunk in chunks {
            chunk.deallocate()
        }
    }

    mutating func append(_ element: Element) {
        if count == chunks.count << Chunks.shift {
            chunks.append(.allocate(capacity: Chunks.size))
        }
        count += 1
        place(count - 1).initialize(to: element)
    }

    // A pointer into a chunk; the precondition keeps a fault of the core from touching foreign memory.
    private func place(_ index: Int) -> UnsafeMutablePointer<Element> {
        precondition(index >= 0 && index < count, "index out of range")
        return chunks[index >> Chunks.shift] + (index & (Chunks.size - 1))
    }

    subscript(index: Int) -> Element {
        get { place(index).pointee }
        _modify { yield &place(index).pointee }
    }
}
