import Glibc
import Journal
import Model
import Records
import Synchronization

/// An event from its push until its last delivery is settled: one payload, shared by every delivery and retry.
///
/// The engine retains it once for all its deliveries, and lanes hold it unretained: whoever settles the last delivery gives
/// that reference back. So a delivery costs one atomic operation here, not two reference counts.
///
/// Without a journal the payload is memory of its own. With one it is the event's record in the mapped file, which may
/// move: ``lend()`` tells where it is. Either goes with this object.
final class AcceptedEvent: @unchecked Sendable {
    // Sendable: the payload is written before the event is shared and never after; where it is, is guarded by the lock of
    // ``place``; `keptNumber` by the lock of `KeptPayloads`; the rest is immutable or atomic.

    /// The first is set aside for the event, each further one is a delivery's.
    let ids: IdentifierGenerator.Series
    let tag: UInt64
    let acceptedAt: WallTime
    let deliveries: UInt32
    let type: EventTypeIndex
    let isTest: Bool
    /// An earlier life of the process accepted it.
    let isRestored: Bool
    let extras: Extras?
    /// Guarded by the lock of this object's stripe where there is a journal; constant where there is none.
    var place: EventBody.Place
    /// Nil where the payload is memory of its own.
    let journal: EngineJournal?
    let bodyLength: UInt32
    let dataOffset: UInt32
    let dataLength: UInt32
    /// What the queue's budget holds for it.
    let reservedBytes: Int
    let others = OtherPayloads()
    /// What the budget holds for bodies in other formats.
    let otherBytes = Atomic<Int>(0)
    /// The place in ``KeptPayloads``, whose lock guards it.
    var keptNumber = KeptPayloads.none

    private let remaining: Atomic<UInt32>
    /// Deliveries whose end was noted; see ``noteEnd(of:_:)``.
    private let noted: Atomic<UInt32>
    private let succeededCount: Atomic<UInt32>
    /// One bit per ``Outcome/State`` that occurred.
    private let states: Atomic<UInt32>
    /// How the only delivery ended, where there is one; see ``ends``.
    private let end: Atomic<UInt8>

    /// Most events have none of this, and a million of them may wait.
    final class Extras: @unchecked Sendable {
        // Sendable: `ends` holds atomics at a fixed address, `restored` is set before the event is shared and taken by its
        // lanes, each its own deliveries; `outcome` is written before and read behind an atomic operation that orders them;
        // the rest is immutable.
        let ownID: String?
        /// Nil for the default tenant.
        let tenant: Tenant?
        let details: EventDetails?
        /// Of a redelivery.
        let redelivery: Redelivery?
        /// How each delivery ended, for the copy of an event with several.
        fileprivate let ends: UnsafeMutableBufferPointer<Atomic<UInt8>>
        /// The event's outcome as the journal holds it: written by whoever notes the last end, read by who leaves last.
        fileprivate(set) var outcome: (number: UInt64, record: Position) = (0, .none)
        /// What an earlier life of the process left of the deliveries, by number.
        let restored: [UInt32: RestoredDelivery]

        init(
            ownID: String? = nil,
            tenant: Tenant? = nil,
            details: EventDetails? = nil,
            redelivery: Redelivery? = nil,
            ends: Int = 0,
            restored: [UInt32: RestoredDelivery] = [:]
        ) {
            self.ownID = ownID
            self.tenant = tenant
            self.details = details
            self.redelivery = redelivery
            self.restored = restored
            self.ends = .allocate(capacity: ends)
            for index in 0..<ends { self.ends.initializeElement(at: index, to: Atomic(0)) }
        }

        deinit {
            ends.deinitialize()
            ends.deallocate()
        }
    }

    struct Redelivery: Sendable {
        /// The delivery that it repeats.
        let repeats: Identifier
        /// No redelivery itself.
        let source: AcceptedEvent
        let notBefore: Instant?
        let webhook: Identifier
    }

    /// How far a delivery had come when the process ended.
    struct RestoredDelivery: Sendable {
        var progress: Progress
        /// The last attempt in the log of the delivery's lane.
        var log: UInt64
    }

    /// What an event is made of.
    struct Parts {
        var ids: IdentifierGenerator.Series
        var tag: UInt64
        var acceptedAt: WallTime
        var deliveries: UInt32
        var type: EventTypeIndex
        var isTest = false
        var reservedBytes: Int
    }

    /// Takes the payload over.
    init(_ parts: Parts, body: EventBody, extras: Extras?) {
        ids = parts.ids
        tag = parts.tag
        acceptedAt = parts.acceptedAt
        deliveries = parts.deliveries
        type = parts.type
        isTest = parts.isTest
        isRestored = false
        reservedBytes = parts.reservedBytes
        place = body.place
        journal = body.journal
        bodyLength = UInt32(clamping: body.length)
        dataOffset = UInt32(clamping: body.data.lowerBound)
        dataLength = UInt32(clamping: body.data.count)
        self.extras = extras
        remaining = Atomic(parts.deliveries)
        noted = Atomic(0)
        succeededCount = Atomic(0)
        states = Atomic(0)
        end = Atomic(0)
    }

    /// An event that an earlier life of the process accepted, some of whose deliveries are settled.
    init(restoring parts: Parts, body: EventBody, extras: Extras?, ends: [(number: UInt32, state: Outcome.State)]) {
        ids = parts.ids
        tag = parts.tag
        acceptedAt = parts.acceptedAt
        deliveries = parts.deliveries
        type = parts.type
        isTest = parts.isTest
        isRestored = true
        reservedBytes = parts.reservedBytes
        place = body.place
        journal = body.journal
        bodyLength = UInt32(clamping: body.length)
        dataOffset = UInt32(clamping: body.data.lowerBound)
        dataLength = UInt32(clamping: body.data.count)
        self.extras = extras
        let settled = UInt32(clamping: ends.count)
        remaining = Atomic(parts.deliveries - min(settled, parts.deliveries))
        noted = Atomic(settled)
        succeededCount = Atomic(UInt32(clamping: ends.count { $0.state == .succeeded }))
        states = Atomic(ends.reduce(0) { $0 | 1 << UInt32($1.state.rawValue) })
        end = Atomic(parts.deliveries == 1 ? ends.first.map { UInt8($0.state.rawValue) } ?? 0 : 0)
        guard let extras else { return }
        for (number, state) in ends where number < extras.ends.count {
            extras.ends[Int(number)].store(UInt8(state.rawValue), ordering: .relaxed)
        }
    }

    deinit {
        if let journal {
            journal.release(place.position)
        } else {
            PayloadPool.free(place.address, count: Int(bodyLength))
        }
    }

    /// The id of delivery `number`, from 0.
    func deliveryID(_ number: Int) -> Identifier {
        ids[number &+ 1]
    }

    var id: EventID {
        guard let extras else { return .generated(ids[0]) }
        if let source = extras.redelivery?.source { return source.id }
        return extras.ownID.map { .own($0) } ?? .generated(ids[0])
    }

    var tenant: Tenant? {
        extras?.tenant
    }

    var details: EventDetails? {
        extras?.details
    }

    /// The event whose payload this is.
    var original: AcceptedEvent {
        extras?.redelivery?.source ?? self
    }

    var isPush: Bool {
        !isTest && extras?.redelivery == nil
    }

    var redelivery: Redelivery? {
        extras?.redelivery
    }

    /// The delivery that this one repeats; zero where it repeats none.
    var redeliveryOf: Identifier {
        extras?.redelivery?.repeats ?? .zero
    }

    /// The first attempt is not made before this.
    var notBefore: Instant? {
        extras?.redelivery?.notBefore
    }

    func restored(_ number: UInt32) -> RestoredDelivery? {
        extras?.restored[number]
    }

    // MARK: Ends

    /// Notes how a delivery ended, before anything is told of it; true for the last one, exactly once.
    func noteEnd(of delivery: Identifier, _ state: Outcome.State) -> Bool {
        if state == .succeeded { succeededCount.wrappingAdd(1, ordering: .relaxed) }
        states.bitwiseOr(1 << UInt32(state.rawValue), ordering: .relaxed)
        setEnd(of: delivery, to: UInt8(state.rawValue) | AcceptedEvent.isEnding)
        // Releases what this thread noted, and lets the last one see what all others did.
        return noted.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == deliveries
    }

    /// Remembers what was written of the event's outcome, for whoever leaves last.
    func keepOutcome(number: UInt64, record: Position) {
        extras?.outcome = (number, record)
    }

    /// One delivery needs the event no longer; true for the last one, exactly once, which gives the reference of all back.
    func leaveOne() -> Bool {
        remaining.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0
    }

    /// The records of a delivery's end are written: from here on a copy may tell of it.
    func wroteEnd(of delivery: Identifier, _ state: Outcome.State) {
        setEnd(of: delivery, to: UInt8(state.rawValue))
    }

    private func setEnd(of delivery: Identifier, to end: UInt8) {
        guard journal != nil else { return }
        if deliveries == 1 {
            self.end.store(end, ordering: .sequentiallyConsistent)
        } else if let extras, let number = ids.index(of: delivery), number >= 1, number <= extras.ends.count {
            extras.ends[number - 1].store(end, ordering: .sequentiallyConsistent)
        }
    }

    /// Set beside an end whose records are being written.
    static var isEnding: UInt8 { 0x80 }

    /// How each delivery ended, 0 for those that have not; for the event's copy. Waits while records of an end are being
    /// written, which is but an append: a copy between them could take one for the other.
    var ends: [UInt8] {
        while true {
            let ends = currentEnds
            if ends.allSatisfy({ $0 & AcceptedEvent.isEnding == 0 }) { return ends }
            sched_yield()
        }
    }

    private var currentEnds: [UInt8] {
        if deliveries == 1 { return [end.load(ordering: .sequentiallyConsistent)] }
        guard let extras, extras.ends.count == Int(deliveries) else {
            return Array(repeating: 0, count: Int(deliveries))
        }
        return extras.ends.indices.map { extras.ends[$0].load(ordering: .sequentiallyConsistent) }
    }

    var succeeded: UInt32 {
        succeededCount.load(ordering: .relaxed)
    }

    /// The event's own state once its last delivery is settled: the worst that occurred.
    var state: Outcome.State {
        let bits = states.load(ordering: .relaxed)
        for state in [Outcome.State.failed, .expired, .canceled] where bits & 1 << UInt32(state.rawValue) != 0 {
            return state
        }
        return .succeeded
    }
}
