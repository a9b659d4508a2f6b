import JSONText

// Groups of settings that an engine has for all webhooks, and a webhook may have of its own.
extension Webhook {
    /// When and how often a delivery is tried again. What is nil keeps its default.
    public struct Retry: Hashable, Sendable {
        /// The wait before each retry, in seconds; there are as many retries as numbers. Default: 1, 5, 25.
        public var delaysSeconds: [Double]?
        /// Each wait is multiplied by a random factor between 1 - jitter and 1 + jitter; 0 to 1, by default 0.1.
        public var jitter: Double?
        /// Which failures are tried again; by default all that are listed.
        public var retryOn: [Reason]?
        /// The longest wait that a receiver's `Retry-After` can ask for, in seconds; by default 3600.
        public var retryAfterCapSeconds: Double?

        /// A failure that may be tried again.
        public enum Reason: String, CaseIterable, Sendable {
            /// The deadline passed.
            case timeout
            /// Name resolution, connecting, TLS, a lost connection, an answer that is not HTTP.
            case connection
            /// Status 408 and 425.
            case requestTimeout
            /// Status 429.
            case tooManyRequests
            /// Status 500 to 599.
            case serverError
        }

        /// Every default.
        public init() {}

        /// Retries after these waits, in seconds.
        public init(delaysSeconds: [Double]) {
            self.delaysSeconds = delaysSeconds
        }

        var document: JSONObject {
            var document = SettingsDocument()
            document.set("delaysSeconds", delaysSeconds)
            document.set("jitter", jitter)
            document.set("retryOn", retryOn)
            document.set("retryAfterCapSeconds", retryAfterCapSeconds)
            return document.object
        }

        init(_ value: JSONValue?) {
            delaysSeconds = value?["delaysSeconds"]?.arrayValue?.compactMap(\.numberValue)
            jitter = value?.number("jitter")
            retryOn = value?.texts("retryOn")?.compactMap { Reason(rawValue: $0) }
            retryAfterCapSeconds = value?.number("retryAfterCapSeconds")
        }
    }

    /// How fast attempts may follow each other. What is nil keeps its default.
    public struct RateLimit: Hashable, Sendable {
        /// Attempts a second, fractions allowed; 0, the default, for no limit.
        public var perSecond: Double?
        /// Attempts that may go at once after a pause; by default 10.
        public var burst: Int?

        /// Every default.
        public init() {}

        /// So many attempts a second.
        public init(perSecond: Double) {
            self.perSecond = perSecond
        }

        var document: JSONObject {
            var document = SettingsDocument()
            document.set("perSecond", perSecond)
            document.set("burst", burst)
            return document.object
        }

        init(_ value: JSONValue?) {
            perSecond = value?.number("perSecond")
            burst = value?.integer("burst")
        }
    }

    /// When attempts to a receiver that fails stop for a while. What is nil keeps its default.
    public struct Breaker: Hashable, Sendable {
        /// Failures in a row; by default 20, 0 for no breaker.
        public var failures: Int?
        /// How long the failures must have lasted at least, in seconds; by default 10.
        public var afterSeconds: Double?
        /// How long attempts stop the first time, in seconds; by default 5. Each further stop in a row is twice as long.
        public var openSeconds: Double?
        /// The longest stop, in seconds; by default 60.
        public var maxOpenSeconds: Double?

        /// Every default.
        public init() {}

        var document: JSONObject {
            var document = SettingsDocument()
            document.set("failures", failures)
            document.set("afterSeconds", afterSeconds)
            document.set("openSeconds", openSeconds)
            document.set("maxOpenSeconds", maxOpenSeconds)
            return document.object
        }

        init(_ value: JSONValue?) {
            failures = value?.integer("failures")
            afterSeconds = value?.number("afterSeconds")
            openSeconds = value?.number("openSeconds")
            maxOpenSeconds = value?.number("maxOpenSeconds")
        }
    }

    /// Which deliveries of a webhook wait for which.
    public enum Ordering: String, CaseIterable, Sendable {
        /// None waits for another.
        case none
        /// Those of events with the same ``Event/key`` go one after the other, in the order of their pushes.
        case key
        /// All of them do.
        case strict
    }

    /// The body of a request.
    public enum PayloadFormat: String, CaseIterable, Sendable {
        /// `{"eventType","createdAt","data"}`
        case subverse
        /// `{"type","timestamp","data"}`, as Standard Webhooks recommends.
        case standard
        /// The pushed data alone.
        case raw
    }
}
