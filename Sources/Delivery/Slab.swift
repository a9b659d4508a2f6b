/// Storage for records that are addressed by a small index: chunks that never move, a free list, and a generation for
/// each place so that a stale index is noticed.
///
/// A growing array would copy every record at each doubling and hold both copies for a moment; with a million pending
/// deliveries that is felt. Chunks also let memory go once the slab is empty.
package struct Slab<Element: BitwiseCopyable>: ~Copyable {
    private static var chunkShift: Int { 10 }
    private static var chunkSize: Int { 1 << chunkShift }

    private struct Place {
        var element: Element
        /// Even while free, odd while used; grows by one at each change.
        var generation: UInt32
        var nextFree: UInt32
    }

    /// Chunks this slab allocated and frees; only `place(_:)` reaches into them, after a bounds check.
    private var chunks: [UnsafeMutablePointer<Place>] = []
    private var firstFree = Slab.none
    /// Places handed out at least once.
    private var used = 0
    package private(set) var count = 0

    private static var none: UInt32 { .max }

    package init() {}

    deinit {
        for chunk in chunks {
            chunk.deallocate()
        }
    }

    // A pointer into a chunk; the precondition keeps a fault of the core from touching foreign memory.
    private func place(_ index: UInt32) -> UnsafeMutablePointer<Place> {
        precondition(index < used, "slab index out of range")
        return chunks[Int(index) >> Slab.chunkShift] + (Int(index) & (Slab.chunkSize - 1))
    }

    package mutating func insert(_ element: Element) -> (index: UInt32, generation: UInt32) {
        count += 1
        if firstFree != Slab.none {
            let index = firstFree
            let place = place(index)
            firstFree = place.pointee.nextFree
            place.pointee.element = element
            place.pointee.generation &+= 1
            return (index, place.pointee.generation)
        }
        if used == chunks.count << Slab.chunkShift {
            chunks.append(.allocate(capacity: Slab.chunkSize))
        }
        let index = UInt32(used)
        used += 1
        place(index).initialize(to: Place(element: element, generation: 1, nextFree: Slab.none))
        return (index, 1)
    }

    package mutating func remove(_ index: UInt32) {
        let place = place(index)
        place.pointee.generation &+= 1
        place.pointee.nextFree = firstFree
        firstFree = index
        count -= 1
    }

    /// True where the index is in use under this generation.
    package func contains(_ index: UInt32, generation: UInt32) -> Bool {
        index < used && place(index).pointee.generation == generation && generation & 1 == 1
    }

    package func isUsed(_ index: UInt32) -> Bool {
        index < used && place(index).pointee.generation & 1 == 1
    }

    package func generation(of index: UInt32) -> UInt32 {
        place(index).pointee.generation
    }

    package subscript(index: UInt32) -> Element {
        get { place(index).pointee.element }
        nonmutating _modify { yield &place(index).pointee.element }
    }

    /// Calls `body` with every index in use that lies in `range`; false where the whole range lies past the last index.
    package func forEachIndex(in range: Range<UInt32>, _ body: (UInt32) -> Void) -> Bool {
        for index in range.clamped(to: 0..<UInt32(used)) where place(index).pointee.generation & 1 == 1 {
            body(index)
        }
        return range.lowerBound < used
    }

    /// Calls `body` with every index in use, in no particular order.
    package func forEachIndex(_ body: (UInt32) -> Void) {
        for index in 0..<UInt32(used) where place(index).pointee.generation & 1 == 1 {
            body(index)
        }
    }
}
