import Model
import Threading

/// Remembers the ids that the host gave its events, for a time and up to a number.
///
/// An id is remembered when its push is accepted, not before: a push that is refused can be repeated. Pushes of one id are
/// taken one after the other, so of two at the same time exactly one is accepted.
struct Deduplicator: ~Copyable, Sendable {
    private let windowMilliseconds: Int64
    private let maximumPerShard: Int
    /// Each with a lock of its own, so that pushes of different ids seldom wait for each other.
    private let shards: [Shard]

    private final class Shard: Sendable {
        let recent = Locked(Recent())
    }

    private struct Recent {
        var ids: Set<String> = []
        /// The same ids in the order they came.
        var order: ContiguousArray<(id: String, until: Instant)> = []
        /// Entries before this index are forgotten.
        var head = 0
    }

    /// Below this many ids there is one shard, so that a small bound is exact.
    private static var smallestSharded: Int { 4096 }

    init(_ configuration: Configuration.Deduplication) {
        windowMilliseconds = configuration.windowSeconds &* 1000
        let count = configuration.maximumIDs < Deduplicator.smallestSharded ? 1 : 16
        maximumPerShard = configuration.maximumIDs / count
        shards = configuration.windowSeconds == 0 ? [] : (0..<count).map { _ in Shard() }
    }

    /// Runs `accept` unless the id is remembered, and remembers it unless that throws; nil for a duplicate.
    ///
    /// - Parameter key: the id, with whatever else makes it one: the tenant's name in front.
    func once<Result>(
        _ key: String,
        _ accept: () throws(MartletError) -> Result
    ) throws(MartletError) -> Result? {
        guard !shards.isEmpty else { return try accept() }
        let place = Int(UInt(bitPattern: key.hashValue) % UInt(shards.count))
        return try shards[place].recent.withLock { recent in
            Swift.Result { () throws(MartletError) -> Result? in
                // Read with the lock held, so that the times in `order` ascend.
                let now = Clock.monotonic()
                Deduplicator.forget(&recent, at: now, keeping: maximumPerShard)
                guard !recent.ids.contains(key) else { return nil }
                let result = try accept()
                recent.ids.insert(key)
                recent.order.append((key, now.advanced(milliseconds: windowMilliseconds)))
                Deduplicator.forget(&recent, at: now, keeping: maximumPerShard)
                return result
            }
        }.get()
    }

    private static func forget(_ recent: inout Recent, at now: Instant, keeping maximum: Int) {
        while recent.head < recent.order.count,
            recent.order[recent.head].until <= now || recent.ids.count > maximum
        {
            recent.ids.remove(recent.order[recent.head].id)
            recent.order[recent.head].id = ""
            recent.head += 1
        }
        if recent.head == recent.order.count {
            recent.order.removeAll(keepingCapacity: recent.order.capacity <= 1024)
            recent.head = 0
        } else if recent.head >= 1024, recent.head * 2 >= recent.order.count {
            recent.order.removeSubrange(0..<recent.head)
            recent.head = 0
        }
    }
}

extension EngineState {
    /// Accepts the event unless its own id was accepted a short while ago; false for such a duplicate.
    func acceptOnce(_ pushed: PushedEvent, tenant: String) throws(MartletError) -> Bool {
        guard case .own(let id)? = pushed.id else {
            _ = try accept(pushed)
            return true
        }
        // An id holds no slash, so the two cannot be taken for another pair.
        let key = tenant.isEmpty ? id : "\(tenant)/\(id)"
        let accepted = try recentIDs.once(key) { () throws(MartletError) in try accept(pushed) }
        if accepted == nil { duplicateEvents.wrappingAdd(1, ordering: .relaxed) }
        return accepted != nil
    }
}
