import Delivery
import Model
import Registry
import Signing
import Transport

/// The keys of a webhook's live secrets, current first, then those that end latest.
///
/// A key past its end is left out when a request is signed: nobody has to come by and remove it.
struct SigningKeys: Sendable {
    private var keys: ContiguousArray<HMACSHA256Key> = []
    /// When each key ends, in the same order, which is descending.
    private var ends: ContiguousArray<WallTime> = []

    init() {}

    init(_ secrets: [StoredSecret]) {
        for secret in secrets {
            // Stored secrets were parsed when they came in.
            guard let key = try? WebhookSecret(secret.text).key else { continue }
            append(key, until: secret.expiresAt)
        }
    }

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

/// A webhook as its lane needs it: what is the same for each attempt is prepared once, by the first one. Of many webhooks
/// most have nothing to send for a long time, and cost little until then.
///
/// An object and not a value: an attempt reads a few fields of it, and copying all of them would count a dozen references.
final class LaneWebhook {
    /// What the engine sends to the lane. Texts and lists are those that the registry holds too.
    struct Specification: Sendable {
        var id: Identifier
        var url: String
        /// Nil for nothing.
        var extras: EndpointExtras?
        /// The current one first.
        var secrets: [StoredSecret]
        var settings: LaneSettings
    }

    /// What only some receivers want.
    final class EndpointExtras: Sendable {
        let headers: [HeaderField]
        let clientCertificateFile: String?
        let clientKeyFile: String?

        init?(_ definition: WebhookDefinition) {
            // A key is of no use without a certificate.
            guard !definition.headers.isEmpty || definition.clientCertificateFile != nil else { return nil }
            headers = definition.headers
            clientCertificateFile = definition.clientCertificateFile
            clientKeyFile = definition.clientKeyFile
        }
    }

    let specification: Specification
    let generation: UInt32
    /// Nil before the first attempt, and where libcurl had no memory for it: the next attempt tries again.
    var endpoint: Endpoint?
    private(set) lazy var keys = SigningKeys(specification.secrets)
    /// What the journal knows of the receiver.
    var writtenHealth = WebhookHealth()

    init(specification: Specification, generation: UInt32) {
        self.specification = specification
        self.generation = generation
    }

    var id: Identifier {
        specification.id
    }

    /// What the endpoint is made of.
    var endpointOptions: EndpointOptions {
        let extras = specification.extras
        return EndpointOptions(
            url: specification.url,
            headers: extras?.headers.map { ($0.name, $0.value) } ?? [],
            clientCertificateFile: extras?.clientCertificateFile,
            clientKeyFile: extras?.clientKeyFile
        )
    }
}
