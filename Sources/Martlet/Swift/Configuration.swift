import JSONText

extension Engine {
    /// What the host decides when it opens an engine: what is nil keeps its default.
    ///
    /// The properties are the keys of the engine's document in <doc:Configuration>, which tells their ranges and defaults.
    /// ``Engine/init(configuration:)`` takes the document itself, with any key.
    public struct Configuration: Sendable, Hashable {
        /// The directory of the journal; nil keeps nothing beyond the process. See <doc:Durability>.
        public var dataDirectory: String?
        /// When a power failure can no longer take what was accepted; a crash of the process never can.
        public var sync: Sync?
        /// Milliseconds between two writes to the disk where `sync` is `interval`.
        public var syncIntervalMs: Int?
        /// How much disk the journal may take.
        public var journal = Journal()
        /// Production accepts https URLs to public addresses only; development also http, and receivers on this machine.
        public var environment: Environment?
        /// Address blocks that webhooks may reach although they are not public, such as `10.0.0.0/8`.
        public var allowedNetworks: [String]?
        /// A PEM file of certificate authorities to trust instead of the system's.
        public var caFile: String?
        /// Threads that deliver.
        public var lanes: Int?
        /// Requests that may be under way at once in the engine.
        public var maxInFlight: Int?
        /// How much may wait.
        public var queue = Queue()
        /// The largest `data` of one event, in bytes.
        public var maxEventBytes: Int?
        /// How deep arrays and objects may nest in a pushed JSON text.
        public var jsonDepth: Int?
        /// The deadline of one attempt in milliseconds.
        public var timeoutMs: Int?
        /// The part of the deadline that resolving, connecting and the TLS handshake may take, in milliseconds.
        public var connectTimeoutMs: Int?
        /// How long after its push an event may still be sent, in seconds; 0 for ever.
        public var expirySeconds: Double?
        /// Requests that may be under way at once to one webhook.
        public var maxInFlightPerWebhook: Int?
        /// Deliveries of one webhook that may be pending at once; further ones fail.
        public var maxPendingPerWebhook: Int?
        /// Find the number of requests under way that each receiver bears.
        public var adaptiveConcurrency: Bool?
        /// How fast attempts to one webhook may follow each other.
        public var rateLimit = Webhook.RateLimit()
        /// When and how often a delivery is tried again.
        public var retry = Webhook.Retry()
        /// Which deliveries of a webhook wait for which.
        public var ordering: Webhook.Ordering?
        /// When attempts stop for a while because a receiver fails.
        public var breaker = Webhook.Breaker()
        /// A webhook is disabled when all its attempts failed for so long, in seconds; 0 for never.
        public var disableAfterSeconds: Double?
        /// The body of a request.
        public var payloadFormat: Webhook.PayloadFormat?
        /// Event types of your own, beside the built-in ones.
        public var eventTypes: [EventTypeDescription]?
        /// The `user-agent` header of every request, to which `martlet-swift` and its version are added.
        public var userAgent: String?
        /// What is reported when it is settled; by default nothing. What is switched on must be drained.
        public var outcomes: Reports?
        /// How much of a receiver's answer the delivery log keeps, in bytes.
        public var responseBodyBytes: Int?
        /// What the delivery log keeps.
        public var logRetention = LogRetention()
        /// For how long the ids that you give your events are remembered.
        public var deduplication = Deduplication()

        /// Every default.
        public init() {}
    }
}

extension Engine.Configuration {
    /// Whom an engine may call.
    public enum Environment: String, CaseIterable, Sendable {
        /// https URLs to public addresses only.
        case production
        /// Also http, and receivers on this machine.
        case development
    }

    /// When what was accepted is on the disk.
    public enum Sync: String, CaseIterable, Sendable {
        /// Before the call returns, which waits for it.
        case always
        /// Within `syncIntervalMs`.
        case interval
        /// When the operating system likes.
        case os
    }

    /// How much disk the journal may take. What is nil keeps its default.
    public struct Journal: Hashable, Sendable {
        /// Bytes of all its files; pushes that need more are refused.
        public var maxBytes: Int?
        /// Bytes of one file.
        public var segmentBytes: Int?

        /// Every default.
        public init() {}

        var document: JSONObject {
            var document = SettingsDocument()
            document.set("maxBytes", maxBytes)
            document.set("segmentBytes", segmentBytes)
            return document.object
        }
    }

    /// Which outcomes are reported.
    public enum Reports: String, CaseIterable, Sendable {
        /// None.
        case off
        /// One for each event, once all its deliveries are settled.
        case events
        /// One for each delivery.
        case deliveries
        /// Both.
        case all
    }

    /// How much may wait. What is nil keeps its default.
    public struct Queue: Hashable, Sendable {
        /// Events that may wait or be under way; a push beyond them is refused.
        public var maxEvents: Int?
        /// Bytes of memory that waiting events may take; a push beyond them is refused.
        public var maxBytes: Int?

        /// Every default.
        public init() {}

        var document: JSONObject {
            var document = SettingsDocument()
            document.set("maxEvents", maxEvents)
            document.set("maxBytes", maxBytes)
            return document.object
        }
    }

    /// What the delivery log keeps. What is nil keeps its default.
    public struct LogRetention: Hashable, Sendable {
        /// Attempts; the oldest go first.
        public var attempts: Int?
        /// For how many days; parts of a day count.
        public var days: Double?
        /// Bytes of memory for the payloads of settled deliveries, which redelivery and replay need.
        public var payloadBytes: Int?

        /// Every default.
        public init() {}

        var document: JSONObject {
            var document = SettingsDocument()
            document.set("attempts", attempts)
            document.set("days", days)
            document.set("payloadBytes", payloadBytes)
            return document.object
        }
    }

    /// For how long the ids that you give your events are remembered. What is nil keeps its default.
    public struct Deduplication: Hashable, Sendable {
        /// An event pushed again within so many seconds delivers nothing; 0 switches it off.
        public var windowSeconds: Int?
        /// How many ids are remembered at the most; the oldest go first.
        public var maxIDs: Int?

        /// Every default.
        public init() {}

        var document: JSONObject {
            var document = SettingsDocument()
            document.set("windowSeconds", windowSeconds)
            document.set("maxIds", maxIDs)
            return document.object
        }
    }

    var document: JSONObject {
        var document = SettingsDocument()
        document.set("dataDirectory", dataDirectory)
        document.set("sync", sync)
        document.set("syncIntervalMs", syncIntervalMs)
        document.set("journal", group: journal.document)
        document.set("environment", environment)
        document.set("allowedNetworks", allowedNetworks)
        document.set("caFile", caFile)
        document.set("lanes", lanes)
        document.set("maxInFlight", maxInFlight)
        document.set("queue", group: queue.document)
        document.set("maxEventBytes", maxEventBytes)
        document.set("jsonDepth", jsonDepth)
        document.set("timeoutMs", timeoutMs)
        document.set("connectTimeoutMs", connectTimeoutMs)
        document.set("expirySeconds", expirySeconds)
        document.set("maxInFlightPerWebhook", maxInFlightPerWebhook)
        document.set("maxPendingPerWebhook", maxPendingPerWebhook)
        document.set("adaptiveConcurrency", adaptiveConcurrency)
        document.set("rateLimit", group: rateLimit.document)
        document.set("retry", group: retry.document)
        document.set("ordering", ordering)
        document.set("breaker", group: breaker.document)
        document.set("disableAfterSeconds", disableAfterSeconds)
        document.set("payloadFormat", payloadFormat)
        document.set("eventTypes", eventTypes.map { .array($0.map(\.document)) })
        document.set("userAgent", userAgent)
        document.set("outcomes", outcomes)
        document.set("responseBodyBytes", responseBodyBytes)
        document.set("logRetention", group: logRetention.document)
        document.set("deduplication", group: deduplication.document)
        return document.object
    }
}

extension Engine {
    /// Opens an engine.
    ///
    /// - Throws: ``MartletError/Code/invalidDocument`` names the key that is wrong, ``MartletError/Code/outOfResources`` what
    ///   the process ran out of.
    public convenience init(_ configuration: Configuration) throws(MartletError) {
        try self.init(JSON(.object(configuration.document)))
    }

    /// Opens an engine from a JSON document: `try Engine(["environment": "development"])`.
    ///
    /// - Throws: ``MartletError/Code/invalidDocument`` names the key that is wrong, ``MartletError/Code/outOfResources`` what
    ///   the process ran out of.
    public convenience init(_ configuration: JSON) throws(MartletError) {
        try self.init(configuration: configuration.description)
    }
}

/// A kind of event that webhooks subscribe to.
public struct EventTypeDescription: Hashable, Sendable {
    /// Segments of letters, digits and underscores joined by dots, such as `order.shipped`.
    public var name: String
    /// A short name for people; nil for the name.
    public var title: String?
    /// When the event happens.
    public var description: String?
    /// An example of `data`, which a test delivery sends; nil for `{}`.
    public var sample: JSON?

    /// A type by its name.
    public init(_ name: String, title: String? = nil, description: String? = nil, sample: JSON? = nil) {
        self.name = name
        self.title = title
        self.description = description
        self.sample = sample
    }

    var document: JSONValue {
        var document = SettingsDocument()
        document.set("name", name)
        document.set("title", title)
        document.set("description", description)
        document.set("sample", sample)
        return .object(document.object)
    }
}
