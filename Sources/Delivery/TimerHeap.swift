/// Deadlines in order: a binary heap of small trivial entries.
///
/// Nothing is ever removed from the middle. What an entry was armed for may be gone when it fires: its owner compares the
/// generation and ignores a stale one.
package struct TimerHeap: Sendable {
    package struct Entry: Sendable {
        /// Monotonic nanoseconds.
        package var time: Int64
        package var index: UInt32
        package var generation: UInt32
        package var kind: Kind
    }

    package enum Kind: UInt8, Sendable {
        case delivery
        case webhook
    }

    private var entries: ContiguousArray<Entry> = []

    package init() {}

    package var count: Int {
        entries.count
    }

    package var earliest: Int64? {
        entries.first?.time
    }

    package mutating func insert(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entry.time < entries[parent].time else { break }
            entries[child] = entries[parent]
            child = parent
        }
        entries[child] = entry
    }

    /// Drops the entries that `isLive` refuses. Linear, and keeps the order.
    package mutating func compact(_ isLive: (Entry) -> Bool) {
        let kept = entries.filter(isLive)
        entries = []
        entries.reserveCapacity(kept.count)
        for entry in kept { insert(entry) }
    }

    /// Takes the earliest entry where its time is `time` or before.
    package mutating func popDue(at time: Int64) -> Entry? {
        guard let first = entries.first, first.time <= time, let last = entries.popLast() else { return nil }
        if entries.isEmpty { return first }
        var hole = 0
        while true {
            var child = 2 * hole + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].time < entries[child].time { child += 1 }
            guard entries[child].time < last.time else { break }
            entries[hole] = entries[child]
            hole = child
        }
        entries[hole] = last
        return first
    }
}
