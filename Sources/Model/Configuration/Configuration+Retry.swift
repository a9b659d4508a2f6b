import JSONText

extension Configuration {
    /// The longest single wait, a week: what waits longer is better kept by the host.
    private static let maximumDelaySeconds = 604_800.0

    static let retryRules: [Property<Configuration>] = [
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
        .integer(
            "retry.retryAfterCapSeconds",
            \.retryAfterCapSeconds,
            0...604_800,
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

    /// The cap in the unit of its key; the range of the key keeps the product small.
    private var retryAfterCapSeconds: Int64 {
        get { retry.retryAfterCapMilliseconds / 1000 }
        set { retry.retryAfterCapMilliseconds = newValue &* 1000 }
    }
}
