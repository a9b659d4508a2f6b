import Journal
import Model
import Records
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

    private struct Entry {
        var id: String
        var until: Instant
        /// In the journal; none without one.
        var record: Position
    }

    private struct Recent {
        var ids: Set<String> = []
        /// The same ids in the order they came.
        var order: ContiguousArray<Entry> = []
        /// Entries before this index are forgotten.
        var head = 0
        /// Entries that stood before the first of `order`.
        var removed = 0
    }

    /// Below this many ids there is one shard, so that a small bound is exact.
    private static var smallestSharded: Int { 4096 }

    /// Of records in the journal; nil without one.
    private let journal: EngineJournal?

    init(_ configuration: Configuration.Deduplication, journal: EngineJournal?) {
        self.journal = journal
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
        guard let shard = shard(of: key) else { return try accept() }
        return try shard.recent.withLock { recent in
            Swift.Result { () throws(MartletError) -> Result? in
                // Read with the lock held, so that the times in `order` ascend.
                let now = Clock.monotonic()
                forget(&recent, at: now)
                guard !recent.ids.contains(key) else { return nil }
                let result = try accept()
                remember(key, until: now.advanced(milliseconds: windowMilliseconds), write(key), in: &recent)
                forget(&recent, at: now)
                return result
            }
        }.get()
    }

    private func shard(of key: String) -> Shard? {
        shards.isEmpty ? nil : shards[Int(UInt(bitPattern: key.hashValue) % UInt(shards.count))]
    }

    private func remember(_ key: String, until: Instant, _ record: Position, in recent: inout Recent) {
        recent.ids.insert(key)
        recent.order.append(Entry(id: key, until: until, record: record))
    }

    private func write(_ key: String, acceptedAt: WallTime = Clock.wall(), copied: Bool = false) -> Position {
        guard let journal else { return .none }
        let record = SeenRecord(acceptedAt: acceptedAt, key: key)
        return journal.note(.seen, length: SeenRecord.maximumLength, copied: copied) { record.put(into: &$0) }
    }

    private func forget(_ recent: inout Recent, at now: Instant) {
        while recent.head < recent.order.count,
            recent.order[recent.head].until <= now || recent.ids.count > maximumPerShard
        {
            recent.ids.remove(recent.order[recent.head].id)
            journal?.release(recent.order[recent.head].record)
            recent.order[recent.head].record = .none
            recent.order[recent.head].id = ""
            recent.head += 1
        }
        if recent.head == recent.order.count {
            recent.removed += recent.head
            recent.order.removeAll(keepingCapacity: recent.order.capacity <= 1024)
            recent.head = 0
        } else if recent.head >= 1024, recent.head * 2 >= recent.order.count {
            recent.order.removeSubrange(0..<recent.head)
            recent.removed += recent.head
            recent.head = 0
        }
    }

    // MARK: Restarts

    /// Remembers an id that an earlier life of the process accepted, in the order of their acceptance.
    func restore(_ key: String, acceptedAt: WallTime, record: Position) {
        // A clock that was set back since must not make it last longer than the window.
        let age = max(Clock.wall().milliseconds &- acceptedAt.milliseconds, 0)
        guard let shard = shard(of: key), age < windowMilliseconds else {
            journal?.release(record)
            return
        }
        shard.recent.withLock { recent in
            guard !recent.ids.contains(key) else { return }
            let now = Clock.monotonic()
            let record = record == .none ? write(key, acceptedAt: acceptedAt) : record
            remember(key, until: now.advanced(milliseconds: windowMilliseconds - age), record, in: &recent)
            forget(&recent, at: now)
        }
    }

    /// How many entries are looked at while pushes wait.
    private static var entriesPerHold: Int { 256 }

    /// Writes anew what stands in segments up to `segment`.
    func moveRecords(upTo segment: UInt32) {
        for shard in shards {
            // Counted from the first entry there ever was, for those in front may go between two parts.
            var next: Int? = 0
            while let start = next {
                next = shard.recent.withLock { moveRecords(&$0, from: start, upTo: segment) }
            }
        }
    }

    /// Moves a part; answers where the next one begins, or nil where there is none or the disk has no room.
    private func moveRecords(_ recent: inout Recent, from start: Int, upTo segment: UInt32) -> Int? {
        guard let journal else { return nil }
        let wall = Clock.wall()
        let now = Clock.monotonic()
        forget(&recent, at: now)
        let first = max(start - recent.removed, recent.head)
        let end = min(first + Deduplicator.entriesPerHold, recent.order.count)
        guard first < end else { return nil }
        for index in first..<end {
            let entry = recent.order[index]
            guard entry.record != .none, entry.record.segment <= segment else { continue }
            let left = entry.until.nanoseconds(since: now) / 1_000_000
            let acceptedAt = WallTime(milliseconds: wall.milliseconds &- (windowMilliseconds &- left))
            let copy = write(entry.id, acceptedAt: acceptedAt, copied: true)
            guard copy != .none else { return nil }
            recent.order[index].record = copy
            journal.release(entry.record)
        }
        return end == recent.order.count ? nil : end + recent.removed
    }
}

extension EngineState {
    /// Accepts the event unless its own id was accepted a short while ago.
    func acceptOnce(
        _ pushed: borrowing PushedEvent,
        tenant: String
    ) throws(MartletError) -> (id: EventID, isDuplicate: Bool) {
        guard let id = pushed.ownID else { return (try accept(pushed, isLazy: true), false) }
        let accepted = try recentIDs.once(SeenRecord.key(id: id, tenant: tenant)) { () throws(MartletError) in
            try accept(pushed, isLazy: true)
        }
        if accepted == nil { counters.duplicates.wrappingAdd(1, ordering: .relaxed) }
        return (.own(id), accepted == nil)
    }
}
