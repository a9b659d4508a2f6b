import JSONText

/// A webhook as the engine has stored it.
///
/// What the host set is read as if it stood here: `webhook.url` is `webhook.settings.url`.
@dynamicMemberLookup
public struct Webhook: Sendable, Identifiable {
    /// The webhook's id, `wh_…`.
    public let id: String
    /// What the host set; what is nil was left to the engine.
    public let settings: Settings
    /// Why it is disabled; nil while it is enabled.
    public let disabled: Disabled?
    /// When it was made, in UTC (RFC 3339).
    public let createdAt: String
    /// When it was last changed, in UTC (RFC 3339).
    public let updatedAt: String
    /// The whole document. It shows the values of headers, but no secret.
    public let json: JSON

    /// What the host set.
    public subscript<Value>(dynamicMember path: KeyPath<Settings, Value>) -> Value {
        settings[keyPath: path]
    }

    /// Why and since when a webhook is disabled.
    public struct Disabled: Hashable, Sendable {
        /// Why.
        public let reason: DisabledReason
        /// When it was disabled, in UTC (RFC 3339).
        public let at: String
        /// When the failures began that no success has ended; nil where that is not the reason.
        public let since: String?
    }

    /// Why a webhook is disabled. New reasons may be added.
    public struct DisabledReason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The word for it in documents.
        public let rawValue: String

        /// A reason by its word, known or not.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The receiver answered 410 Gone.
        public static let gone = DisabledReason(rawValue: "gone")
        /// The receiver answered with the header `webhook-delivery: disable`.
        public static let receiverAsked = DisabledReason(rawValue: "receiver_asked")
        /// Nothing but failures for `disableAfterSeconds`.
        public static let failing = DisabledReason(rawValue: "failing")
        /// The host did it.
        public static let host = DisabledReason(rawValue: "host")

        /// The word for it in documents.
        public var description: String {
            rawValue
        }
    }

    init(_ value: JSONValue) {
        id = value.text("id")
        settings = Settings(value)
        disabled = value["disabled"].flatMap { note in
            note.optionalText("reason").map { reason in
                Disabled(
                    reason: DisabledReason(rawValue: reason),
                    at: note.text("at"),
                    since: note.optionalText("since")
                )
            }
        }
        createdAt = value.text("createdAt")
        updatedAt = value.text("updatedAt")
        json = JSON(value)
    }
}

extension Webhook {
    /// What the host decides about a webhook: what is nil keeps its default, for delivery that of the engine.
    ///
    /// The properties are the keys of the webhook document in <doc:Configuration>, which tells their ranges.
    public struct Settings: Sendable, Hashable {
        /// Where requests go. Production takes https only, and public addresses.
        public var url: String
        /// The event types to send: a name, all below a prefix as `call.*`, or `*` for all.
        public var events: [String]
        /// Whose webhook it is: it gets events of this tenant only. It cannot be changed later.
        public var tenant: String?
        /// Gets only call events whose `data.agentId` is one of these.
        public var agents: [String]?
        /// Gets only workflow events whose `data.workflowId` is one of these.
        public var workflows: [String]?
        /// Gets only events whose `data` meets these conditions, such as `["callDuration": ["$gte": 60]]`.
        public var filter: JSON?
        /// Headers to add to each request.
        public var headers: [String: String] = [:]
        /// A PEM file with the certificate to show to a receiver that asks for one.
        public var clientCertificateFile: String?
        /// A PEM file with the key of that certificate, where it does not stand in the same file.
        public var clientKeyFile: String?
        /// A webhook that is not enabled gets no new attempts; by default true.
        public var enabled: Bool?
        /// A note for people.
        public var description: String?
        /// Facts that your program keeps with the webhook. They are not sent.
        public var metadata: [String: String] = [:]
        /// The signing secret of a new webhook, `whsec_` and base64; by default a random one. It is never read back here: see
        /// ``Engine/webhookSecrets(of:)``.
        public var secret: String?
        /// The deadline of one attempt in milliseconds.
        public var timeoutMs: Int?
        /// The part of the deadline that resolving, connecting and the TLS handshake may take, in milliseconds.
        public var connectTimeoutMs: Int?
        /// How long after its push an event may still be sent, in seconds; 0 for ever.
        public var expirySeconds: Double?
        /// Requests that may be under way at once.
        public var maxInFlight: Int?
        /// Deliveries that may be pending at once; further ones fail.
        public var maxPending: Int?
        /// Find the number of requests under way that the receiver bears.
        public var adaptiveConcurrency: Bool?
        /// How fast attempts may follow each other.
        public var rateLimit = RateLimit()
        /// When and how often a delivery is tried again.
        public var retry = Retry()
        /// Which deliveries wait for which.
        public var ordering: Ordering?
        /// When attempts stop for a while because the receiver fails.
        public var breaker = Breaker()
        /// The webhook is disabled when all its attempts failed for so long, in seconds; 0 for never.
        public var disableAfterSeconds: Double?
        /// The body of a request.
        public var payloadFormat: PayloadFormat?

        /// What a webhook must have.
        public init(url: String, events: [String]) {
            self.url = url
            self.events = events
        }
    }
}

extension Webhook.Settings {
    /// The members that are groups of keys and not one value.
    static let groups: Set<String> = ["rateLimit", "retry", "breaker"]

    var document: JSONObject {
        var document = SettingsDocument()
        document.set("url", url)
        document.set("events", events)
        document.set("tenant", tenant)
        document.set("agents", agents)
        document.set("workflows", workflows)
        document.set("filter", filter)
        document.set("headers", headers.isEmpty ? nil : headers)
        document.set("clientCertificateFile", clientCertificateFile)
        document.set("clientKeyFile", clientKeyFile)
        document.set("enabled", enabled)
        document.set("description", description)
        document.set("metadata", metadata.isEmpty ? nil : metadata)
        document.set("secret", secret)
        document.set("timeoutMs", timeoutMs)
        document.set("connectTimeoutMs", connectTimeoutMs)
        document.set("expirySeconds", expirySeconds)
        document.set("maxInFlight", maxInFlight)
        document.set("maxPending", maxPending)
        document.set("adaptiveConcurrency", adaptiveConcurrency)
        document.set("rateLimit", group: rateLimit.document)
        document.set("retry", group: retry.document)
        document.set("ordering", ordering)
        document.set("breaker", group: breaker.document)
        document.set("disableAfterSeconds", disableAfterSeconds)
        document.set("payloadFormat", payloadFormat)
        return document.object
    }

    init(_ value: JSONValue) {
        self.init(url: value.text("url"), events: value.texts("events") ?? [])
        tenant = value.optionalText("tenant")
        agents = value.texts("agents")
        workflows = value.texts("workflows")
        filter = value["filter"].flatMap { $0.isNull ? nil : JSON($0) }
        headers = value.table("headers")
        clientCertificateFile = value.optionalText("clientCertificateFile")
        clientKeyFile = value.optionalText("clientKeyFile")
        enabled = value.flag("enabled")
        description = value.optionalText("description")
        metadata = value.table("metadata")
        timeoutMs = value.integer("timeoutMs")
        connectTimeoutMs = value.integer("connectTimeoutMs")
        expirySeconds = value.number("expirySeconds")
        maxInFlight = value.integer("maxInFlight")
        maxPending = value.integer("maxPending")
        adaptiveConcurrency = value.flag("adaptiveConcurrency")
        rateLimit = Webhook.RateLimit(value["rateLimit"])
        retry = Webhook.Retry(value["retry"])
        ordering = value.choice("ordering")
        breaker = Webhook.Breaker(value["breaker"])
        disableAfterSeconds = value.number("disableAfterSeconds")
        payloadFormat = value.choice("payloadFormat")
    }
}
