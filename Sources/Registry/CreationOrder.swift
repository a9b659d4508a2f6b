import Model

/// Ids in ascending order, which is the order of creation.
///
/// An id that is removed stays until half of all are gone, so that removing costs little however many there are; whoever
/// reads a page leaves out what is gone.
struct CreationOrder: Sendable {
    private var ids: [Identifier] = []
    private var goneCount = 0

    /// Whether every id is gone.
    var isEmpty: Bool { ids.count == goneCount }

    mutating func insert(_ id: Identifier) {
        guard let last = ids.last, last >= id else {
            ids.append(id)
            return
        }
        let place = place(after: id)
        // Ids are made before they are inserted, so two threads may come in the wrong order.
        if place > 0, ids[place - 1] == id { goneCount -= 1 } else { ids.insert(id, at: place) }
    }

    /// Notes that an id is gone; `exists` tells which ones are there.
    mutating func removeOne(where exists: (Identifier) -> Bool) {
        goneCount += 1
        guard goneCount > 32, goneCount * 2 > ids.count else { return }
        ids.removeAll { !exists($0) }
        goneCount = 0
    }

    /// The ids after `cursor`.
    func ids(after cursor: Identifier) -> ArraySlice<Identifier> {
        ids[place(after: cursor)...]
    }

    /// The index of the first id beyond `id`.
    private func place(after id: Identifier) -> Int {
        var low = 0
        var high = ids.count
        while low < high {
            let middle = low + (high - low) / 2
            if ids[middle] > id { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
