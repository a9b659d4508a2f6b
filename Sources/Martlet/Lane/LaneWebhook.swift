import Delivery
import Model
import Signing
import Transport

/// The keys of a webhook's live secrets, current first, then those that end latest.
///
/// A key past its end is left out when a request is signed: nobody has to come by and remove it.
struct SigningKeys: Sendable {
    private var keys: ContiguousArray<HMACSHA256Key> = []
    /// When each key ends, in the same order, which is descending.
    private var ends: ContiguousArray<WallTime> = []

    /// Nil as the end of the current key.
    mutating func append(_ key: HMACSHA256Key, until end: WallTime?) {
        keys.append(key)
        ends.append(end ?? WallTime(milliseconds: .max))
    }

    /// Of all keys, live or not.
    var count: Int {
        keys.count
    }

    /// Lends the keys that are live at `time`; the current one always is.
    func withLive<Result>(at time: WallTime, _ body: (UnsafeBufferPointer<HMACSHA256Key>) -> Result) -> Result {
        let count = ends.firstIndex { $0 <= time } ?? ends.count
        return keys.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[..<count])) }
    }
}

/// A webhook as its lane needs it: everything that is the same for each attempt, prepared once.
///
/// An object and not a value: an attempt reads a few fields of it, and copying all of them would count a dozen references.
final class LaneWebhook {
    /// What the engine sends to the lane; the lane makes the endpoint of it, which belongs to its thread.
    struct Specification: Sendable {
        var id: Identifier
        var endpoint: EndpointOptions
        var keys: SigningKeys
        var policy: WebhookPolicy
        /// Nil for the engine's own, which events hold ready.
        var payloadFormat: DeliverySettings.PayloadFormat?
        /// Deliveries that may be pending at once.
        var maximumPending: Int
        /// 0 for never.
        var expiryMilliseconds: Int64
        var timeoutMilliseconds: Int64
        var connectTimeoutMilliseconds: Int64
    }

    let specification: Specification
    let generation: UInt32
    /// Nil where libcurl had no memory for it; the next attempt tries to make it again.
    var endpoint: Endpoint?
    /// What the journal knows of the receiver.
    var writtenHealth = WebhookHealth()

    init(specification: Specification, generation: UInt32, endpoint: Endpoint?) {
        self.specification = specification
        self.generation = generation
        self.endpoint = endpoint
    }

    var id: Identifier {
        specification.id
    }
}
