import Delivery
import Model
import Signing
import Transport

/// The keys of a webhook's live secrets, current first, then those that end latest.
///
/// A key past its end is left out when a request is signed: nobody has to come by and remove it.
struct SigningKeys: Sendable {
    /// Most webhooks have one secret, which needs no list.
    private var only: HMACSHA256Key?
    /// Empty, or all of them.
    private var keys: ContiguousArray<HMACSHA256Key> = []
    /// When each key ends, in the same order, which is descending.
    private var ends: ContiguousArray<WallTime> = []

    /// Nil as the end of the current key, which comes first.
    mutating func append(_ key: HMACSHA256Key, until end: WallTime?) {
        if only == nil, end == nil {
            only = key
            return
        }
        if keys.isEmpty, let only {
            keys.append(only)
            ends.append(WallTime(milliseconds: .max))
        }
        keys.append(key)
        ends.append(end ?? WallTime(milliseconds: .max))
    }

    /// Of all keys, live or not.
    var count: Int {
        keys.count
    }

    /// Lends the keys that are live at `time`; the current one always is.
    func withLive<Result>(at time: WallTime, _ body: (UnsafeBufferPointer<HMACSHA256Key>) -> Result) -> Result {
        if keys.isEmpty, let only {
            return withUnsafePointer(to: only) { body(UnsafeBufferPointer(start: $0, count: 1)) }
        }
        let count = ends.firstIndex { $0 <= time } ?? ends.count
        return keys.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[..<count])) }
    }
}

/// How a webhook's deliveries are made: one object for all webhooks that have no settings of their own.
final class LaneSettings: Sendable {
    let policy: WebhookPolicy
    /// Nil for the engine's own, which events hold ready.
    let payloadFormat: DeliverySettings.PayloadFormat?
    /// Deliveries that may be pending at once.
    let maximumPending: Int
    /// 0 for never.
    let expiryMilliseconds: Int64
    let timeoutMilliseconds: Int64
    let connectTimeoutMilliseconds: Int64

    /// - Parameter engine: the engine's configuration.
    init(_ settings: DeliverySettings, engine: Configuration) {
        policy = WebhookPolicy(settings)
        payloadFormat = settings.payloadFormat == engine.delivery.payloadFormat ? nil : settings.payloadFormat
        maximumPending = settings.maximumPending ?? engine.queue.defaultShare
        expiryMilliseconds = settings.expiryMilliseconds
        timeoutMilliseconds = settings.timeoutMilliseconds
        connectTimeoutMilliseconds = settings.effectiveConnectTimeoutMilliseconds
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
        var settings: LaneSettings
    }

    let specification: Specification
    let generation: UInt32
    /// Made by the first attempt: most webhooks of many get none for a long time. Nil also where libcurl had no memory for
    /// it; the next attempt tries again.
    var endpoint: Endpoint?
    /// What the journal knows of the receiver.
    var writtenHealth = WebhookHealth()

    init(specification: Specification, generation: UInt32) {
        self.specification = specification
        self.generation = generation
    }

    var id: Identifier {
        specification.id
    }
}
