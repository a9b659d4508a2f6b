import Glibc
import Model
import Synchronization

/// An event from its push until its last delivery is settled: one payload, shared by every delivery and retry.
///
/// The engine retains it once for all its deliveries, and lanes hold it unretained: whoever settles the last delivery gives
/// that reference back. So a delivery costs one atomic operation here, not two reference counts.
final class AcceptedEvent: @unchecked Sendable {
    // Sendable: the payload is written before the event is shared and never after; the rest is immutable or atomic.
    let id: EventID
    let type: EventTypeIndex
    let tag: UInt64
    let acceptedAt: WallTime
    let deliveries: UInt32
    /// The first is set aside for the event, each further one is a delivery's.
    private let ids: IdentifierGenerator.Series
    /// What the queue's budget holds for it.
    let reservedBytes: Int
    let payload: UnsafeRawBufferPointer

    private let remaining: Atomic<UInt32>
    private let succeededCount = Atomic<UInt32>(0)
    /// One bit per ``Outcome/State`` that occurred.
    private let states = Atomic<UInt32>(0)

    /// Takes `payload` over, which malloc gave.
    init(
        id: EventID,
        type: EventTypeIndex,
        tag: UInt64,
        acceptedAt: WallTime,
        deliveries: UInt32,
        ids: IdentifierGenerator.Series,
        reservedBytes: Int,
        payload: UnsafeRawBufferPointer
    ) {
        self.id = id
        self.type = type
        self.tag = tag
        self.acceptedAt = acceptedAt
        self.deliveries = deliveries
        self.ids = ids
        self.reservedBytes = reservedBytes
        self.payload = payload
        remaining = Atomic(deliveries)
    }

    deinit {
        free(UnsafeMutableRawPointer(mutating: payload.baseAddress))
    }

    /// The id of delivery `number`, from 0.
    func deliveryID(_ number: Int) -> Identifier {
        ids[number &+ 1]
    }

    /// Notes the end of one delivery; true for the last one, exactly once.
    func settleOne(_ state: Outcome.State) -> Bool {
        if state == .succeeded { succeededCount.wrappingAdd(1, ordering: .relaxed) }
        states.bitwiseOr(1 << UInt32(state.rawValue), ordering: .relaxed)
        // Releases what this thread noted, and lets the last one see what all others did.
        return remaining.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0
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
