import Model

/// What stands in a posting list: it belongs to one webhook.
protocol Posting: Sendable {
    var target: WebhookTarget { get }
}

extension WebhookTarget: Posting {
    var target: WebhookTarget { self }
}

/// A webhook whose filter is still to be judged.
struct Candidate: Posting {
    var target: WebhookTarget
    var filter: BoundFilter
}

/// A filter and where its fields stand: the number in the tenant's ``FieldTable`` for each of the filter's paths.
final class BoundFilter: Sendable {
    let filter: ContentFilter
    let fields: ContiguousArray<UInt32>

    init(_ filter: ContentFilter, fields: ContiguousArray<UInt32>) {
        self.filter = filter
        self.fields = fields
    }
}

/// Webhooks in no order, where adding one takes constant time, and removing one too once the first was removed.
///
/// The items are a copy-on-write array: a push takes a reference under the registry's lock and walks it without; a change
/// made meanwhile copies this one list.
struct PostingList<Item: Posting>: Sendable {
    private(set) var items = ContiguousArray<Item>()
    /// The place of each webhook, kept from the first removal on that found more than `walkLimit`; else empty. Most lists
    /// only grow, and are spared the memory.
    private var places: [Identifier: Int32] = [:]

    /// Up to so many a walk beats hashing.
    private static var walkLimit: Int { 32 }

    var isEmpty: Bool { items.isEmpty }

    /// The webhook must not be in the list yet.
    mutating func insert(_ item: Item) {
        items.append(item)
        if !places.isEmpty { places[item.target.id] = Int32(truncatingIfNeeded: items.count - 1) }
    }

    mutating func remove(_ id: Identifier) {
        if places.isEmpty, items.count > Self.walkLimit {
            places.reserveCapacity(items.count)
            for (place, item) in items.enumerated() { places[item.target.id] = Int32(truncatingIfNeeded: place) }
        }
        let place: Int
        if places.isEmpty {
            guard let found = items.firstIndex(where: { $0.target.id == id }) else { return }
            place = found
        } else {
            guard let found = places.removeValue(forKey: id) else { return }
            place = Int(found)
        }
        guard let last = items.popLast(), place < items.count else { return }
        items[place] = last
        if !places.isEmpty { places[last.target.id] = Int32(truncatingIfNeeded: place) }
    }
}

/// The webhooks that one look-up finds: those that match by it alone, and those whose filter asks for more.
struct Postings: Sendable {
    var always = PostingList<WebhookTarget>()
    var candidates = PostingList<Candidate>()

    var isEmpty: Bool { always.isEmpty && candidates.isEmpty }

    mutating func insert(_ target: WebhookTarget, _ filter: BoundFilter?) {
        if let filter {
            candidates.insert(Candidate(target: target, filter: filter))
        } else {
            always.insert(target)
        }
    }

    mutating func remove(_ id: Identifier, hasFilter: Bool) {
        if hasFilter { candidates.remove(id) } else { always.remove(id) }
    }
}
