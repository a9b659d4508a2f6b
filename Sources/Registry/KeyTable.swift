import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Finds webhooks by a string: an open-addressing table over the strings' bytes.
///
/// Keys are hashed with the process's random seed: they may come from customers of the host, and one of them must not be
/// able to make the others' events slow.
final class KeyTable: @unchecked Sendable {
    // Sendable: it is part of the registry's state and touched only under the registry's lock.
    /// Most keys find one webhook, whose filter the look-up has settled: it stands here, a list of one would be memory to
    /// look up and to pay for.
    private struct Entry: Sendable {
        var key: String
        var first: WebhookTarget?
        /// All that `first` is not.
        var others: Others?

        var isEmpty: Bool { first == nil && others == nil }
    }

    final class Others: @unchecked Sendable {
        // Sendable: it is part of the registry's state and touched only under the registry's lock.
        @exclusivity(unchecked)
        fileprivate(set) var postings = Postings()
    }

    /// A power of two of slots, at most half of them used, so that a search always ends.
    @exclusivity(unchecked)
    private var slots: [Slot] = Array(repeating: Slot(), count: 4)
    /// For each slot a part of its hash, 0 for a free one. A byte for each stays in the processor's cache where the slots of
    /// many keys do not, and most searches for a key that is not there end here.
    @exclusivity(unchecked)
    private var tags: [UInt8] = Array(repeating: 0, count: 4)
    @exclusivity(unchecked)
    private var entries = Entries()
    private var freeEntries: [UInt32] = []
    private var count = 0
    /// No key was ever longer: what is longer needs no hashing.
    @exclusivity(unchecked)
    private var longestKey = 0

    /// Entries by their places, in chunks: one array would hold up to twice of what it needs.
    private struct Entries: Sendable {
        private static let shift = 8

        private var chunks: ContiguousArray<ContiguousArray<Entry?>> = []
        private(set) var count = 0

        mutating func append(_ entry: Entry?) {
            if count & (1 << Entries.shift - 1) == 0 {
                var chunk = ContiguousArray<Entry?>()
                // What is small grows as it needs to.
                if count > 0 { chunk.reserveCapacity(1 << Entries.shift) }
                chunks.append(chunk)
            }
            chunks[count >> Entries.shift].append(entry)
            count += 1
        }

        subscript(place: Int) -> Entry? {
            @inline(__always)
            _read { yield chunks[place >> Entries.shift][place & (1 << Entries.shift - 1)] }
            @inline(__always)
            _modify { yield &chunks[place >> Entries.shift][place & (1 << Entries.shift - 1)] }
        }
    }

    private struct Slot: Sendable {
        var hash: UInt32 = 0
        /// The entry's place.
        var entry: UInt32 = 0

        /// Of the bits that do not tell the slot, and never 0.
        var tag: UInt8 { KeyTable.tag(of: hash) }
    }

    private static func tag(of hash: UInt32) -> UInt8 {
        UInt8(truncatingIfNeeded: hash >> 24) | 0x80
    }

    var isEmpty: Bool { count == 0 }

    private static func hash(_ key: UnsafeRawBufferPointer) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(bytes: key)
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    private func isKey(_ entry: Int, _ key: UnsafeRawBufferPointer) -> Bool {
        guard let found = entries[entry]?.key.utf8, found.count == key.count else { return false }
        let isEqual = found.withContiguousStorageIfAvailable { found in
            guard let start = found.baseAddress, let other = key.baseAddress else { return true }
            // In bounds: both have as many bytes.
            return memcmp(start, other, key.count) == 0
        }
        return isEqual ?? found.elementsEqual(key)
    }

    /// The slot that holds the key, or the free one where it would go.
    private func place(of key: UnsafeRawBufferPointer, hash: UInt32) -> Int {
        let mask = tags.count - 1
        let wanted = KeyTable.tag(of: hash)
        var place = Int(hash) & mask
        // The mask keeps every index below the count.
        while true {
            let tag = tags[place]
            if tag == 0 { return place }
            if tag == wanted, slots[place].hash == hash, isKey(Int(slots[place].entry), key) { return place }
            place = (place + 1) & mask
        }
    }

    private func fill(_ place: Int, with slot: Slot) {
        slots[place] = slot
        tags[place] = slot.tag
    }

    /// The webhooks under a key: one that matches by it alone, and all others.
    func find(_ key: UnsafeRawBufferPointer) -> (first: WebhookTarget?, others: Others?)? {
        guard key.count <= longestKey else { return nil }
        let place = place(of: key, hash: KeyTable.hash(key))
        guard tags[place] != 0, let found = entries[Int(slots[place].entry)] else { return nil }
        return (found.first, found.others)
    }

    func insert(_ target: WebhookTarget, _ filter: BoundFilter?, key: String) {
        var text = key
        let hash = text.withUTF8 { KeyTable.hash(UnsafeRawBufferPointer($0)) }
        var place = text.withUTF8 { self.place(of: UnsafeRawBufferPointer($0), hash: hash) }
        if tags[place] == 0 {
            if (count + 1) * 2 > slots.count {
                grow()
                place = text.withUTF8 { self.place(of: UnsafeRawBufferPointer($0), hash: hash) }
            }
            let entry = freeEntries.popLast() ?? UInt32(truncatingIfNeeded: entries.count)
            if Int(entry) == entries.count { entries.append(nil) }
            entries[Int(entry)] = Entry(key: key)
            fill(place, with: Slot(hash: hash, entry: entry))
            count += 1
            longestKey = max(longestKey, key.utf8.count)
        }
        let entry = Int(slots[place].entry)
        if filter == nil, entries[entry]?.isEmpty ?? false {
            entries[entry]?.first = target
            return
        }
        if entries[entry]?.others == nil { entries[entry]?.others = Others() }
        entries[entry]?.others?.postings.insert(target, filter)
    }

    func remove(_ id: Identifier, hasFilter: Bool, key: String) {
        var text = key
        let place = text.withUTF8 { bytes in
            let key = UnsafeRawBufferPointer(bytes)
            return self.place(of: key, hash: KeyTable.hash(key))
        }
        guard tags[place] != 0 else { return }
        let number = slots[place].entry
        let entry = Int(number)
        if !hasFilter, entries[entry]?.first?.id == id {
            entries[entry]?.first = nil
        } else if let others = entries[entry]?.others {
            others.postings.remove(id, hasFilter: hasFilter)
            if others.postings.isEmpty { entries[entry]?.others = nil }
        }
        guard entries[entry]?.isEmpty ?? true else { return }
        entries[entry] = nil
        freeEntries.append(number)
        count -= 1
        vacate(place)
    }

    /// Frees a slot and moves up those behind it that would no longer be found.
    private func vacate(_ place: Int) {
        let mask = slots.count - 1
        var hole = place
        var next = (place + 1) & mask
        while tags[next] != 0 {
            let home = Int(slots[next].hash) & mask
            // The distance from home to the hole is no longer than that to where it stands: it may move.
            if (hole - home) & mask <= (next - home) & mask {
                fill(hole, with: slots[next])
                hole = next
            }
            next = (next + 1) & mask
        }
        tags[hole] = 0
    }

    private func grow() {
        let old = (slots: slots, tags: tags)
        let count = old.tags.count * 2
        slots = Array(repeating: Slot(), count: count)
        tags = Array(repeating: 0, count: count)
        for (slot, tag) in zip(old.slots, old.tags) where tag != 0 {
            var place = Int(slot.hash) & (count - 1)
            while tags[place] != 0 { place = (place + 1) & (count - 1) }
            fill(place, with: slot)
        }
    }
}
