/// A first-in first-out queue of indexes that keeps its memory.
struct Ring: Sendable {
    private var storage: ContiguousArray<UInt32> = []
    private var head = 0
    private(set) var count = 0

    mutating func append(_ value: UInt32) {
        if count == storage.count { grow() }
        // The capacity is a power of two, so the mask keeps the position inside.
        storage[(head + count) & (storage.count - 1)] = value
        count += 1
    }

    mutating func prepend(_ value: UInt32) {
        if count == storage.count { grow() }
        head = (head + storage.count - 1) & (storage.count - 1)
        storage[head] = value
        count += 1
    }

    mutating func popFirst() -> UInt32? {
        guard count > 0 else { return nil }
        let value = storage[head]
        head = (head + 1) & (storage.count - 1)
        count -= 1
        return value
    }

    private mutating func grow() {
        var larger = ContiguousArray<UInt32>(repeating: 0, count: max(16, storage.count * 2))
        for position in 0..<count {
            larger[position] = storage[(head + position) & (storage.count - 1)]
        }
        storage = larger
        head = 0
    }
}
