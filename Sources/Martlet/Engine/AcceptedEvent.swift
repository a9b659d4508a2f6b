import Glibc
import Model
import Synchronization

/// An event from its push until its last delivery is settled: one payload, shared by every delivery and retry.
///
/// The engine retains it once for all its deliveries, and lanes hold it unretained: whoever settles the last delivery gives
/// that reference back. So a delivery costs one atomic operation here, not two reference counts.
final class AcceptedEvent: @unchecked Sendable {
    // Sendable: the payload is written before the event is shared and never after; `keptNumber` is guarded by the lock of
    // `KeptPayloads`; the rest is immutable or atomic.
    let id: EventID
    let type: EventTypeIndex
    /// Nil for the default tenant.
    let tenant: Tenant?
    let tag: UInt64
    let acceptedAt: WallTime
    let deliveries: UInt32
    /// The first is set aside for the event, each further one is a delivery's.
    private let ids: IdentifierGenerator.Series
    /// What the queue's budget holds for it.
    let reservedBytes: Int
    /// The body in the engine's own format.
    let payload: UnsafeRawBufferPointer
    /// Where the pushed bytes stand in it.
    private let dataOffset: Int
    private let dataLength: Int
    let details: EventDetails?
    private let others = OtherPayloads()
    /// What the budget holds for bodies in other formats.
    private let otherBytes = Atomic<Int>(0)
    /// Why there is this event.
    let origin: Origin
    /// The place in ``KeptPayloads``, whose lock guards it.
    var keptNumber = KeptPayloads.none

    enum Origin {
        case push
        case test
        /// The payload is that of `source`, which is no redelivery itself.
        case redelivery(of: Identifier, source: AcceptedEvent, notBefore: Instant?)
    }

    private let remaining: Atomic<UInt32>
    private let succeededCount = Atomic<UInt32>(0)
    /// One bit per ``Outcome/State`` that occurred.
    private let states = Atomic<UInt32>(0)

    /// Takes `payload` over, which malloc gave.
    init(
        id: EventID,
        type: EventTypeIndex,
        tenant: Tenant?,
        tag: UInt64,
        acceptedAt: WallTime,
        deliveries: UInt32,
        ids: IdentifierGenerator.Series,
        reservedBytes: Int,
        payload: UnsafeRawBufferPointer,
        data: Range<Int>,
        details: EventDetails?,
        isTest: Bool = false
    ) {
        self.id = id
        self.type = type
        self.tenant = tenant
        self.tag = tag
        self.acceptedAt = acceptedAt
        self.deliveries = deliveries
        self.ids = ids
        self.reservedBytes = reservedBytes
        self.payload = payload
        dataOffset = data.lowerBound
        dataLength = data.count
        self.details = details
        origin = isTest ? .test : .push
        remaining = Atomic(deliveries)
    }

    /// One more delivery of `source`'s payload under its id.
    init(
        redelivering source: AcceptedEvent,
        delivery: Identifier,
        tag: UInt64,
        notBefore: Instant?,
        acceptedAt: WallTime,
        ids: IdentifierGenerator.Series,
        reservedBytes: Int
    ) {
        let source = source.original
        id = source.id
        type = source.type
        tenant = source.tenant
        self.tag = tag
        self.acceptedAt = acceptedAt
        deliveries = 1
        self.ids = ids
        self.reservedBytes = reservedBytes
        payload = source.payload
        dataOffset = source.dataOffset
        dataLength = source.dataLength
        details = source.details
        origin = .redelivery(of: delivery, source: source, notBefore: notBefore)
        remaining = Atomic(1)
    }

    deinit {
        // The payload of a redelivery is its source's.
        if case .redelivery = origin { return }
        free(UnsafeMutableRawPointer(mutating: payload.baseAddress))
    }

    /// The id of delivery `number`, from 0.
    func deliveryID(_ number: Int) -> Identifier {
        ids[number &+ 1]
    }

    /// The event whose payload this is.
    var original: AcceptedEvent {
        if case .redelivery(_, let source, _) = origin { source } else { self }
    }

    var isPush: Bool {
        if case .push = origin { true } else { false }
    }

    var isTest: Bool {
        if case .test = origin { true } else { false }
    }

    /// The delivery that this one repeats; zero where it repeats none.
    var redeliveryOf: Identifier {
        if case .redelivery(let delivery, _, _) = origin { delivery } else { .zero }
    }

    /// The first attempt is not made before this.
    var notBefore: Instant? {
        if case .redelivery(_, _, let notBefore) = origin { notBefore } else { nil }
    }

    /// What the event's bytes cost once it is settled.
    var payloadBytes: Int {
        payload.count &+ (details?.memorySize ?? 0) &+ otherBytes.load(ordering: .relaxed)
    }

    /// The bytes as they were pushed.
    var data: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: payload[dataOffset..<(dataOffset + dataLength)])
    }

    /// The body in a format other than the engine's own; nil where there is no memory for it.
    ///
    /// - Parameter grew: told how many bytes were added to the event, for the budget.
    func body(
        _ format: DeliverySettings.PayloadFormat,
        typeName: String,
        grew: (Int) -> Void
    ) -> UnsafeRawBufferPointer? {
        if format == .raw { return data }
        let source = original
        let made = source.others.body(format) {
            PayloadFrame(format).build(
                PayloadFrame.Content(
                    typeName: typeName,
                    createdAt: details?.createdAt,
                    acceptedAt: source.acceptedAt,
                    data: data
                )
            )
        }
        guard let made else { return nil }
        if made.isNew {
            otherBytes.wrappingAdd(made.body.count, ordering: .relaxed)
            grew(made.body.count)
        }
        return made.body
    }

    /// What the queue's budget holds for the event in all.
    var heldBytes: Int {
        reservedBytes &+ otherBytes.load(ordering: .relaxed)
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
