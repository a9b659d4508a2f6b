import Delivery
import Journal
import Model
import Records

/// An accepted event as an engine holds it. Its record is needed as long as this object lives.
final class StoredEvent {
    unowned let store: Store
    let key: EventKey
    /// Its number in the ledger.
    let number: Int
    var position: Position
    /// How each delivery ended, for a copy; 0 where it has not.
    var ends: [UInt8]
    /// Grows before anything is written of one of its deliveries.
    var changes = 0
    /// Deliveries whose end is being written or was.
    var noted = 0
    let head: EventRecord
    /// The event whose payload this one sends; nil where it has its own.
    let source: StoredEvent?
    let repeats: Identifier

    init(
        _ store: Store,
        _ head: EventRecord,
        number: Int,
        position: Position,
        source: StoredEvent? = nil,
        repeats: Identifier = .zero
    ) {
        self.store = store
        key = head.key
        self.number = number
        self.position = position
        self.head = head
        self.source = source
        self.repeats = repeats
        ends = Array(repeating: 0, count: Int(head.deliveries))
    }

    deinit {
        store.release(position)
    }

    var original: StoredEvent { source ?? self }

    var id: EventID {
        original.head.ownID.map { .own($0) } ?? .generated(original.key[0])
    }

    /// The payload that a number stands for.
    static func payload(_ number: UInt64) -> [UInt8] {
        var random = RandomSource(seed: number)
        let length = [3, 40, 200, 1500][random.next(below: 4)] + random.next(below: 30)
        return (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
}

/// A delivery that the core has.
struct StoredDelivery {
    var event: StoredEvent?
    var number: Int
    var webhook: Identifier

    var key: DeliveryKey? {
        event.map { DeliveryKey(event: $0.key, number: UInt32(number)) }
    }
}

struct StoredWebhook {
    var slot: WebhookSlot
    /// Its number among the versions.
    var version: Int
    var position: Position
}

struct WebhookVersion {
    var policy: WebhookPolicy
    var isEnabled: Bool
}

struct WaitingOutcome {
    var number: UInt64
    var position: Position
}
