/// Fills memory from its start; what finds no room is left out.
struct ByteWriter {
    private let room: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ room: UnsafeMutableRawBufferPointer) {
        self.room = room
    }

    mutating func put(_ text: StaticString) {
        let bytes = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard bytes.count <= room.count - count else { return }
        rest.copyMemory(from: bytes)
        count += bytes.count
    }

    /// Lets `fill` write into what is left and say how much that was; answers those bytes, which stay where they are.
    @discardableResult
    mutating func put(_ fill: (UnsafeMutableRawBufferPointer) -> Int) -> UnsafeRawBufferPointer {
        let start = count
        count += min(max(fill(rest), 0), room.count - count)
        return UnsafeRawBufferPointer(rebasing: room[start..<count])
    }

    private var rest: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: room[count...])
    }
}
