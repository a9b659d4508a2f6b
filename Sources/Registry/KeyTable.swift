import CHardware
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
///
/// With many keys a search is one access to memory, which takes as long as a tenth of a push: what it reads of an entry is
/// one cache line, whose place follows from the hash alone and is fetched while the tags are looked at.
final class KeyTable: @unchecked Sendable {
    // Sendable: it is part of the registry's state and touched only under the registry's lock.

    /// Most keys find one webhook, whose filter the look-up has settled: it stands here, a list of one would be memory to
    /// look up and to pay for. 64 bytes.
    private struct Entry: Sendable {
        var key: String
        /// All that `first` is not.
        var others: Others?
        var hash: UInt32
        var first: WebhookTarget?

        var isEmpty: Bool { first == nil && others == nil }
    }

    final class Others: @unchecked Sendable {
        // Sendable: it is part of the registry's state and touched only under the registry's lock.
        @exclusivity(unchecked)
        fileprivate(set) var postings = Postings()
    }

    /// A power of two of slots, at most seven eighths of them used, so that a search always ends.
    ///
    /// Safe: as many as there are tags, and initialized where the tag is not 0.
    @exclusivity(unchecked)
    private var entries = KeyTable.makeEntries(4)
    /// For each slot a part of its hash, 0 for a free one. A byte for each stays in the processor's cache where the entries of
    /// many keys do not, and most searches for a key that is not there end here.
    @exclusivity(unchecked)
    private var tags: [UInt8] = Array(repeating: 0, count: 4)
    private var count = 0
    /// No key was ever longer: what is longer needs no hashing.
    @exclusivity(unchecked)
    private var longestKey = 0

    deinit {
        for place in tags.indices where tags[place] != 0 { (entries + place).deinitialize(count: 1) }
        entries.deallocate()
    }

    private static func makeEntries(_ count: Int) -> UnsafeMutablePointer<Entry> {
        // Aligned to cache lines.
        UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Entry>.stride, alignment: 64)
            .bindMemory(to: Entry.self, capacity: count)
    }

    /// Of the bits that do not tell the slot, and never 0.
    private static func tag(of hash: UInt32) -> UInt8 {
        max(1, UInt8(truncatingIfNeeded: hash >> 24))
    }

    var isEmpty: Bool { count == 0 }

    private static func hash(_ key: UnsafeRawBufferPointer) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(bytes: key)
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    /// The place is in use.
    private func isKey(_ place: Int, _ hash: UInt32, _ key: UnsafeRawBufferPointer) -> Bool {
        guard entries[place].hash == hash else { return false }
        let found = entries[place].key.utf8
        guard found.count == key.count else { return false }
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
        // The mask keeps every index below the count.
        var place = Int(hash) & mask
        martlet_hw_prefetch(entries + place)
        while true {
            let tag = tags[place]
            if tag == 0 { return place }
            if tag == wanted, isKey(place, hash, key) { return place }
            place = (place + 1) & mask
        }
    }

    /// The webhooks under a key: one that matches by it alone, and all others.
    func find(_ key: UnsafeRawBufferPointer) -> (first: WebhookTarget?, others: Others?)? {
        guard key.count <= longestKey else { return nil }
        let place = place(of: key, hash: KeyTable.hash(key))
        guard tags[place] != 0 else { return nil }
        return (entries[place].first, entries[place].others)
    }

    func insert(_ target: WebhookTarget, _ filter: BoundFilter?, key: String) {
        var text = key
        let hash = text.withUTF8 { KeyTable.hash(UnsafeRawBufferPointer($0)) }
        var place = text.withUTF8 { self.place(of: UnsafeRawBufferPointer($0), hash: hash) }
        if tags[place] == 0 {
            if (count + 1) * 8 > tags.count * 7 {
                grow()
                place = text.withUTF8 { self.place(of: UnsafeRawBufferPointer($0), hash: hash) }
            }
            (entries + place).initialize(to: Entry(key: key, hash: hash))
            tags[place] = KeyTable.tag(of: hash)
            count += 1
            longestKey = max(longestKey, key.utf8.count)
        }
        if filter == nil, entries[place].isEmpty {
            entries[place].first = target
            return
        }
        let others = entries[place].others ?? Others()
        others.postings.insert(target, filter)
        entries[place].others = others
    }

    func remove(_ id: Identifier, hasFilter: Bool, key: String) {
        var text = key
        let place = text.withUTF8 { bytes in
            let key = UnsafeRawBufferPointer(bytes)
            return self.place(of: key, hash: KeyTable.hash(key))
        }
        guard tags[place] != 0 else { return }
        if !hasFilter, entries[place].first?.id == id {
            entries[place].first = nil
        } else if let others = entries[place].others {
            others.postings.remove(id, hasFilter: hasFilter)
            if others.postings.isEmpty { entries[place].others = nil }
        }
        guard entries[place].isEmpty else { return }
        count -= 1
        vacate(place)
    }

    /// Frees a slot and moves up those behind it that would no longer be found.
    private func vacate(_ place: Int) {
        let mask = tags.count - 1
        (entries + place).deinitialize(count: 1)
        var hole = place
        var next = (place + 1) & mask
        while tags[next] != 0 {
            let home = Int(entries[next].hash) & mask
            // The distance from home to the hole is no longer than that to where it stands: it may move.
            if (hole - home) & mask <= (next - home) & mask {
                move(from: entries, next, to: hole, tag: tags[next])
                hole = next
            }
            next = (next + 1) & mask
        }
        tags[hole] = 0
    }

    /// Moves an entry into a slot that is free, or was the last one to move.
    private func move(from old: UnsafeMutablePointer<Entry>, _ place: Int, to free: Int, tag: UInt8) {
        (entries + free).moveInitialize(from: old + place, count: 1)
        tags[free] = tag
    }

    private func grow() {
        let old = (entries: entries, tags: tags)
        let count = old.tags.count * 2
        entries = KeyTable.makeEntries(count)
        tags = Array(repeating: 0, count: count)
        for (from, tag) in old.tags.enumerated() where tag != 0 {
            var place = Int(old.entries[from].hash) & (count - 1)
            while tags[place] != 0 { place = (place + 1) & (count - 1) }
            move(from: old.entries, from, to: place, tag: tag)
        }
        old.entries.deallocate()
    }
}
