import Model

/// The registered webhooks by their ids, in ascending order, which is the order of creation.
///
/// Sorted blocks, found by bisection: a hash table beside a list of the order would take three times as much memory, and
/// nothing that is in a hurry looks for a webhook by its id.
struct WebhookTable: ~Copyable, Sendable {
    private struct Entry: Sendable {
        let id: Identifier
        let webhook: Registered
    }

    private typealias Block = ContiguousArray<Entry>

    /// How many webhooks a block holds at the most.
    private static var blockSize: Int { 256 }

    /// In order, none of them empty.
    private var blocks: ContiguousArray<Block> = []
    private(set) var count = 0

    subscript(id: Identifier) -> Registered? {
        guard let place = place(of: id), place.isFound else { return nil }
        return blocks[place.block][place.index].webhook
    }

    /// Puts a webhook in, in the place of the one that has its id.
    mutating func insert(_ webhook: Registered, id: Identifier) {
        let entry = Entry(id: id, webhook: webhook)
        guard let place = place(of: id) else {
            blocks.append([entry])
            count = 1
            return
        }
        if place.isFound {
            blocks[place.block][place.index] = entry
            return
        }
        count += 1
        var (block, index) = (place.block, place.index)
        if blocks[block].count >= WebhookTable.blockSize {
            guard block != blocks.count - 1 || index != blocks[block].count else {
                // The usual case: the newest one comes last, and the blocks before stay full.
                var next = Block()
                next.reserveCapacity(WebhookTable.blockSize)
                next.append(entry)
                blocks.append(next)
                return
            }
            split(block)
            if index > blocks[block].count {
                index -= blocks[block].count
                block += 1
            }
        }
        blocks[block].insert(entry, at: index)
    }

    /// Takes a webhook out; nil where there is none.
    mutating func remove(_ id: Identifier) -> Registered? {
        guard let place = place(of: id), place.isFound else { return nil }
        let webhook = blocks[place.block].remove(at: place.index).webhook
        count -= 1
        if blocks[place.block].isEmpty {
            blocks.remove(at: place.block)
        } else if place.block > 0 {
            merge(place.block - 1)
        } else {
            merge(place.block)
        }
        return webhook
    }

    /// Calls `body` with the webhooks beyond `cursor` in their order, until it answers false.
    func forEach(after cursor: Identifier, _ body: (Registered) -> Bool) {
        guard let place = place(of: cursor) else { return }
        var index = place.isFound ? place.index + 1 : place.index
        for block in blocks[place.block...] {
            while index < block.count {
                guard body(block[index].webhook) else { return }
                index += 1
            }
            index = 0
        }
    }

    private mutating func split(_ block: Int) {
        let half = blocks[block].count / 2
        let upper = Block(blocks[block][half...])
        blocks[block].removeSubrange(half...)
        blocks.insert(upper, at: block + 1)
    }

    /// Joins a block with the next one where both together are small: what is left of many webhooks takes little room.
    private mutating func merge(_ block: Int) {
        guard block + 1 < blocks.count else { return }
        guard blocks[block].count + blocks[block + 1].count <= WebhookTable.blockSize / 2 else { return }
        blocks[block] = Block(blocks[block] + blocks[block + 1])
        blocks.remove(at: block + 1)
    }

    /// Where the id stands, or where it would go: in the block that ends with it or beyond it, else at the end of the last.
    /// Nil where there is no block.
    private func place(of id: Identifier) -> (block: Int, index: Int, isFound: Bool)? {
        guard let last = blocks.indices.last else { return nil }
        var low = 0
        var high = last
        while low < high {
            let middle = low + (high - low) / 2
            if let end = blocks[middle].last, end.id < id { low = middle + 1 } else { high = middle }
        }
        let block = low
        high = blocks[block].count
        low = 0
        while low < high {
            let middle = low + (high - low) / 2
            if blocks[block][middle].id < id { low = middle + 1 } else { high = middle }
        }
        return (block, low, low < blocks[block].count && blocks[block][low].id == id)
    }
}
