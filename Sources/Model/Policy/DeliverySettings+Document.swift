import JSONText

extension DeliverySettings {
    /// The table of all keys, in the order of the reference page.
    static let properties: [Property<DeliverySettings>] = time + load + retryRules + order + health + body

    /// A week: what waits longer is better kept by the host.
    private static let maximumDelaySeconds = 604_800.0
    /// A year.
    private static let maximumAgeSeconds = 31_536_000.0

    private static let time: [Property<DeliverySettings>] = [
        .integer(
            "timeoutMs",
            \.timeoutMilliseconds,
            100...300_000,
            "The deadline of one attempt in milliseconds, from name resolution to the last byte of the answer."
        ),
        .integer(
            "connectTimeoutMs",
            \.connectTimeoutMilliseconds,
            100...300_000,
            "The part of the deadline that resolving, connecting and the TLS handshake may take, in milliseconds. "
                + "Where it is larger than `timeoutMs`, that applies."
        ),
        .seconds(
            "expirySeconds",
            \.expiryMilliseconds,
            0...maximumAgeSeconds,
            "How long after its push an event may still be sent, in seconds; then its delivery is settled as expired. 0 "
                + "for ever. An event may have a deadline of its own."
        ),
    ]

    private static let load: [Property<DeliverySettings>] = [
        .integer(
            "maxInFlightPerWebhook",
            \.maximumInFlight,
            1...4096,
            "Requests that may be under way at once to one webhook."
        ),
        Property(
            "maxPendingPerWebhook",
            \.maximumPending,
            .integer(1...100_000_000),
            defaultText: "half of `queue.maxEvents`, at least 1000",
            "Deliveries of one webhook that may be pending at once. Further ones are settled as failed, with the failure "
                + "`backlog_full`, so that one slow receiver does not fill the queue for all.",
            encode: { $0.map { .integer(Int64($0)) } ?? .null },
            // Two levels of optional: the outer one refuses.
            decode: { $0.integerValue.flatMap { Int(exactly: $0) }.map { .some($0) } }
        ),
        .boolean(
            "adaptiveConcurrency",
            \.isAdaptive,
            "Find the number of requests under way that the receiver bears, up to the bound: one more after a round "
                + "without trouble, a tenth less after a timeout, 429, 5xx or a slower round."
        ),
        .number(
            "rateLimit.perSecond",
            \.rateLimit.perSecond,
            0...1_000_000,
            "Attempts a second to one webhook; 0 for no limit. Fractions are possible: 0.1 is one in ten seconds."
        ),
        .integer(
            "rateLimit.burst",
            \.rateLimit.burst,
            1...1_000_000,
            "Attempts that may go at once after a pause, where there is a rate limit."
        ),
    ]

    private static let order: [Property<DeliverySettings>] = [
        .choice(
            "ordering",
            \.ordering,
            "`key`: deliveries of events with the same `key` go one after the other, in the order of their pushes, each "
                + "settled before the next is tried. `strict`: all deliveries of the webhook do. A change applies to "
                + "events pushed after it."
        )
    ]

    private static let health: [Property<DeliverySettings>] = [
        .integer(
            "breaker.failures",
            \.breaker.failures,
            0...10_000,
            "Timeouts, lost connections, 429 and 5xx in a row after which attempts stop for a while; 0 for no breaker. A "
                + "delivery whose time comes meanwhile uses up that try without a request."
        ),
        .seconds(
            "breaker.afterSeconds",
            \.breaker.afterMilliseconds,
            0...3600,
            "The failures in a row must have lasted at least so long, in seconds."
        ),
        .seconds(
            "breaker.openSeconds",
            \.breaker.openMilliseconds,
            0.01...3600,
            "How long attempts stop the first time, in seconds; then a single one probes the receiver. Each further stop "
                + "in a row is twice as long."
        ),
        .seconds(
            "breaker.maxOpenSeconds",
            \.breaker.maximumOpenMilliseconds,
            0.01...86_400,
            "The longest stop, in seconds."
        ),
        .seconds(
            "disableAfterSeconds",
            \.disableAfterMilliseconds,
            0...maximumAgeSeconds,
            "A webhook is disabled when all its attempts failed for so long, in seconds; 0 for never. 5 days by default."
        ),
    ]

    private static let body: [Property<DeliverySettings>] = [
        .choice(
            "payloadFormat",
            \.payloadFormat,
            "The body of a request: `subverse` is `{\"eventType\",\"createdAt\",\"data\"}`, `standard` is "
                + "`{\"type\",\"timestamp\",\"data\"}`, `raw` is the pushed data alone."
        )
    ]
}

// MARK: - Retry

extension DeliverySettings {
    private static let retryRules: [Property<DeliverySettings>] = [
        Property(
            "retry.delaysSeconds",
            \.retry.delaysMilliseconds,
            .list(of: .number(0...maximumDelaySeconds), count: 0...32),
            "The wait before each retry, in seconds, to the millisecond; there are as many retries as numbers. An "
                + "empty array means a single attempt.",
            encode: { .array($0.map { JSONValue(shortest: Double($0) / 1000) }) },
            decode: { value in
                // The shape bounds each number, so the product fits 64 bits.
                value.arrayValue?.compactMap { $0.numberValue.map { Int64(($0 * 1000).rounded()) } }
            }
        ),
        .number(
            "retry.jitter",
            \.retry.jitter,
            0...1,
            "Each wait is multiplied by a random factor between 1 - jitter and 1 + jitter."
        ),
        Property(
            "retry.retryOn",
            \.retry.retryOn,
            .list(of: .choice(retryReasons.map(\.name)), count: 0...retryReasons.count),
            "Which failures are tried again: `timeout` (the deadline passed), `connection` (name resolution, "
                + "connecting, TLS, a lost connection, an answer that is not HTTP), `requestTimeout` (408 and 425), "
                + "`tooManyRequests` (429), `serverError` (500 to 599).",
            encode: { reasons in
                .array(retryReasons.filter { reasons.contains($0.reason) }.map { .string($0.name) })
            },
            decode: { value in
                guard let names = value.arrayValue?.compactMap(\.stringValue) else { return nil }
                let given = retryReasons.filter { names.contains($0.name) }
                return RetryPolicy.RetryOn(given.map(\.reason))
            }
        ),
        .seconds(
            "retry.retryAfterCapSeconds",
            \.retry.retryAfterCapMilliseconds,
            0...maximumDelaySeconds,
            "The longest wait that a receiver's `Retry-After` can ask for, in seconds."
        ),
    ]

    private static let retryReasons: [(name: String, reason: RetryPolicy.RetryOn)] = [
        ("timeout", .timeout),
        ("connection", .connection),
        ("requestTimeout", .requestTimeout),
        ("tooManyRequests", .tooManyRequests),
        ("serverError", .serverError),
    ]
}

extension Property {
    /// A time that documents give in seconds, fractions allowed, and the program holds in milliseconds.
    static func seconds(
        _ key: String,
        _ path: WritableKeyPath<Root, Int64> & Sendable,
        _ range: ClosedRange<Double>,
        _ documentation: String
    ) -> Property {
        Property(
            key,
            path,
            .number(range),
            documentation,
            encode: { JSONValue(shortest: Double($0) / 1000) },
            // The range bounds the number, so the product fits 64 bits.
            decode: { $0.numberValue.map { Int64(($0 * 1000).rounded()) } }
        )
    }
}
