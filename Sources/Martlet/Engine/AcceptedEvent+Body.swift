import Glibc
import Journal
import Model
import Threading

/// What a new event takes over: where its payload is.
struct EventBody {
    struct Place {
        /// The first byte of the payload; nil for a redelivery, which has none of its own.
        var address: UnsafeRawPointer?
        var position = Position.none
        /// Keeps a record's bytes mapped.
        var owner: AnyObject?
    }

    var place: Place
    /// Nil for memory of its own.
    var journal: EngineJournal?
    var length: Int
    /// Where the pushed bytes stand.
    var data: Range<Int>

    /// Memory of a ``PayloadPool``.
    init(memory: UnsafeRawBufferPointer, data: Range<Int>) {
        place = Place(address: memory.baseAddress)
        length = memory.count
        self.data = data
    }

    /// A record of `journal`.
    init(_ place: Place, length: Int, data: Range<Int>, in journal: EngineJournal) {
        self.place = place
        self.journal = journal
        self.length = length
        self.data = data
    }

    /// A redelivery: a record of `journal` where there is one.
    init(redelivery position: Position, in journal: EngineJournal?) {
        place = Place(position: position)
        self.journal = journal
        length = 0
        data = 0..<0
    }
}

/// Bytes of an event, and what keeps them where they are. They are valid as long as the event itself and `owner` live.
struct LentBytes {
    var bytes: UnsafeRawBufferPointer
    /// Nil where the event alone is enough.
    var owner: AnyObject?
}

extension AcceptedEvent {
    /// Where the event's record stands; none without a journal.
    var position: Position {
        journal == nil ? .none : withPlaceLocked { place.position }
    }

    /// The same bytes with another record.
    func placed(at position: Position) -> EventBody.Place {
        withPlaceLocked { EventBody.Place(address: place.address, position: position, owner: place.owner) }
    }

    /// The record was written anew at another place: its bytes are read from there, and the old place is given up.
    func move(to new: EventBody.Place) {
        let old = withPlaceLocked {
            let old = place
            place = new
            return old
        }
        journal?.release(old.position)
    }

    /// The body in the engine's own format, lent for as long as this object and the answer's owner live.
    func lend() -> LentBytes {
        // Not by way of ``original``, which would count a reference to this object in each attempt.
        guard let source = extras?.redelivery?.source else { return lendOwn() }
        return source.lendOwn()
    }

    /// The bytes as they were pushed, lent likewise.
    func lendData() -> LentBytes {
        let source = original
        var lent = source.lendOwn()
        lent.bytes = UnsafeRawBufferPointer(rebasing: lent.bytes[source.dataRange])
        return lent
    }

    var payloadLength: Int {
        Int(original.bodyLength)
    }

    /// Where the pushed bytes stand in the payload.
    var dataRange: Range<Int> {
        // Both lie within the payload, whose length has 32 bits.
        Int(original.dataOffset)..<(Int(original.dataOffset) + Int(original.dataLength))
    }

    /// What the event's bytes cost once it is settled.
    var payloadBytes: Int {
        Int(bodyLength) &+ (details?.memorySize ?? 0) &+ otherBytes.load(ordering: .relaxed)
    }

    /// The body in a format other than the engine's own; nil where there is no memory for it.
    ///
    /// - Parameter grew: told how many bytes were added to the event, for the budget.
    func lend(
        _ format: DeliverySettings.PayloadFormat,
        typeName: String,
        grew: (Int) -> Void
    ) -> LentBytes? {
        if format == .raw { return lendData() }
        let source = original
        let made = source.others.body(format) {
            let data = lendData()
            return withExtendedLifetime(data.owner) {
                PayloadFrame(format).build(
                    PayloadFrame.Content(
                        typeName: typeName,
                        createdAt: details?.createdAt,
                        acceptedAt: source.acceptedAt,
                        data: data.bytes
                    )
                )
            }
        }
        guard let made else { return nil }
        if made.isNew {
            otherBytes.wrappingAdd(made.body.count, ordering: .relaxed)
            grew(made.body.count)
        }
        return LentBytes(bytes: made.body, owner: nil)
    }

    /// What the queue's budget holds for the event in all.
    var heldBytes: Int {
        reservedBytes &+ otherBytes.load(ordering: .relaxed)
    }

    private func lendOwn() -> LentBytes {
        // Memory of its own never moves.
        guard journal != nil else { return LentBytes(bytes: placedBytes, owner: nil) }
        return withPlaceLocked { LentBytes(bytes: placedBytes, owner: place.owner) }
    }

    private var placedBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: place.address, count: place.address == nil ? 0 : Int(bodyLength))
    }

    // MARK: Locks

    private final class Stripe: Sendable {
        let lock = Locked<Void>(())
    }

    /// A lock in each event would cost more than what it guards, and only a move ever waits.
    private static let stripes = (0..<64).map { _ in Stripe() }

    @inline(__always)
    private func withPlaceLocked<Result>(_ body: () -> Result) -> Result {
        let address = UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque())
        // The count is a power of two, and allocations of this size stand 16 bytes apart at least.
        return AcceptedEvent.stripes[Int(address >> 8 & 63)].lock.withLock { _ in body() }
    }
}
