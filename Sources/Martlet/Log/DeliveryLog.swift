import Journal
import Model

/// What the log keeps of one attempt.
struct LoggedAttempt: BitwiseCopyable {
    /// Position of the delivery's attempt before this one; ``DeliveryLog/none`` for the first.
    var previous: UInt64
    var startedAt: WallTime
    var durationMicroseconds: Int64
    var number: UInt16
    var status: UInt16
    var errorClass: ErrorClass
    var snippet: TextRing.Position
    var error: TextRing.Position
    /// Of a try that was followed by another one; none without a journal.
    var record = Position.none
}

/// What the log keeps of a settled delivery.
struct LoggedDelivery {
    var id: Identifier
    var event: EventID
    var type: EventTypeIndex
    var tag: UInt64
    var webhook: Identifier
    var state: Outcome.State
    var attempts: UInt16
    var settledAt: WallTime
    /// Position of the last attempt; ``DeliveryLog/none`` where there was none.
    var lastAttempt: UInt64
    var isTest = false
    /// The delivery that this one repeats; zero where it repeats none.
    var redeliveryOf = Identifier.zero
    /// Nil for the default tenant.
    var tenant: Tenant?
    /// The event's number in ``KeptPayloads``.
    var payload = KeptPayloads.none
    /// None without a journal.
    var record = Position.none
}

/// The attempts and settled deliveries of one lane, newest kept: two rings of a fixed number of entries and a ring of
/// texts, so that logging allocates nothing once they are full and memory is bounded.
struct DeliveryLog: ~Copyable {
    static var none: UInt64 { .max }

    private let capacity: Int
    private var attempts: ContiguousArray<LoggedAttempt> = []
    private var settled: ContiguousArray<LoggedDelivery> = []
    private var texts: TextRing
    /// Positions count every entry ever written.
    private(set) var attemptCount: UInt64 = 0
    private(set) var settledCount: UInt64 = 0
    /// What is older has been dropped for its age.
    private var oldestAttempt: UInt64 = 0
    private var oldestSettled: UInt64 = 0
    /// Records of entries that gave way: nobody needs them any more.
    private var displaced: ContiguousArray<Position> = []

    /// Keeps `capacity` attempts and as many settled deliveries; `textBytes` of snippets and error texts.
    init(capacity: Int, textBytes: Int) {
        self.capacity = max(capacity, 0)
        texts = TextRing(capacity: capacity > 0 ? textBytes : 0)
    }

    /// Answers the attempt's position, for the next attempt's `previous`.
    mutating func append(
        _ result: AttemptResult,
        number: UInt16,
        startedAt: WallTime,
        previous: UInt64,
        snippet: UnsafeRawBufferPointer,
        error: UnsafeRawBufferPointer
    ) -> UInt64 {
        guard capacity > 0 else { return DeliveryLog.none }
        let entry = LoggedAttempt(
            previous: previous,
            startedAt: startedAt,
            durationMicroseconds: result.durationMicroseconds,
            number: number,
            status: result.status,
            errorClass: result.errorClass,
            snippet: texts.append(snippet),
            error: texts.append(error)
        )
        let position = attemptCount
        attemptCount += 1
        if attempts.count < capacity {
            attempts.append(entry)
        } else {
            displace(attempts[Int(position % UInt64(capacity))].record)
            attempts[Int(position % UInt64(capacity))] = entry
        }
        return position
    }

    /// Names the journal's record of an attempt; answers the one it replaces, or `record` itself where the attempt is gone.
    mutating func setRecord(_ record: Position, ofAttempt position: UInt64) -> Position {
        guard attempt(at: position) != nil else { return record }
        let index = Int(position % UInt64(capacity))
        defer { attempts[index].record = record }
        return attempts[index].record
    }

    /// The same for a settled delivery.
    mutating func setRecord(_ record: Position, ofSettled position: UInt64) -> Position {
        guard settled(at: position) != nil else { return record }
        let index = Int(position % UInt64(capacity))
        defer { settled[index].record = record }
        return settled[index].record
    }

    /// Forgets the records that stand in segments up to `segment`, and answers them.
    mutating func dropRecords(upTo segment: UInt32) -> [Position] {
        var gone: [Position] = []
        for index in settled.indices where settled[index].record != .none && settled[index].record.segment <= segment {
            gone.append(settled[index].record)
            settled[index].record = .none
        }
        for index in attempts.indices where attempts[index].record != .none && attempts[index].record.segment <= segment
        {
            gone.append(attempts[index].record)
            attempts[index].record = .none
        }
        return gone
    }

    private mutating func displace(_ record: Position) {
        if record != .none { displaced.append(record) }
    }

    /// Takes the records that nobody needs any more, to be released without the lock.
    mutating func takeDisplaced() -> ContiguousArray<Position> {
        guard !displaced.isEmpty else { return [] }
        defer { displaced = [] }
        return displaced
    }

    mutating func append(_ delivery: consuming LoggedDelivery) {
        guard capacity > 0 else { return displace(delivery.record) }
        if settled.count < capacity {
            settled.append(delivery)
        } else {
            displace(settled[Int(settledCount % UInt64(capacity))].record)
            settled[Int(settledCount % UInt64(capacity))] = delivery
        }
        settledCount += 1
    }

    /// The oldest position of a settled delivery that is still kept.
    var firstSettled: UInt64 {
        max(settledCount - UInt64(settled.count), oldestSettled)
    }

    var firstAttempt: UInt64 {
        max(attemptCount - UInt64(attempts.count), oldestAttempt)
    }

    /// Drops what was settled, and attempts that began, before `time`.
    mutating func expire(before time: WallTime) {
        // Read in place: a copy of an entry would count references, for each delivery that is settled.
        while firstSettled < settledCount, settled[Int(firstSettled % UInt64(capacity))].settledAt < time {
            displace(settled[Int(firstSettled % UInt64(capacity))].record)
            settled[Int(firstSettled % UInt64(capacity))].record = .none
            oldestSettled = firstSettled + 1
        }
        while firstAttempt < attemptCount, attempts[Int(firstAttempt % UInt64(capacity))].startedAt < time {
            displace(attempts[Int(firstAttempt % UInt64(capacity))].record)
            attempts[Int(firstAttempt % UInt64(capacity))].record = .none
            oldestAttempt = firstAttempt + 1
        }
    }

    /// The settled delivery at `position`; nil once it was overwritten.
    func settled(at position: UInt64) -> LoggedDelivery? {
        guard position >= firstSettled, position < settledCount else { return nil }
        return settled[Int(position % UInt64(capacity))]
    }

    /// The attempt at `position`; nil once it was overwritten.
    func attempt(at position: UInt64) -> LoggedAttempt? {
        guard position != DeliveryLog.none, position < attemptCount, position >= firstAttempt else { return nil }
        return attempts[Int(position % UInt64(capacity))]
    }

    func text(at position: TextRing.Position) -> UnsafeRawBufferPointer {
        texts.text(at: position)
    }
}
