/// The state of a rate limit. Trivial; the limit itself stands in the policy.
///
/// It keeps one time instead of a number of tokens: when the bucket would be full again (the virtual scheduling form of the
/// leaky bucket, ITU-T I.371 annex A). Nothing has to be refilled, and idle webhooks cost nothing.
struct TokenBucket: BitwiseCopyable, Sendable {
    /// Nanoseconds between two tokens; 0 for no limit.
    private var interval: Int64 = 0
    /// How far `fullAt` may lie ahead for a token to be left.
    private var tolerance: Int64 = 0
    private var fullAt = Int64.min

    /// Keeps what was taken, so that an update of the webhook is no way around its limit.
    mutating func configure(_ limit: WebhookPolicy.RateLimit?) {
        guard let limit, limit.perSecond > 0 else {
            interval = 0
            return
        }
        // Between a token a nanosecond and one in eleven days.
        interval = Int64(min(max(1e9 / limit.perSecond, 1), 1e15))
        let (spare, over) = interval.multipliedReportingOverflow(by: Int64(max(limit.burst, 1) - 1))
        tolerance = over ? .max / 4 : min(spare, .max / 4)
    }

    /// When the next token is there; in the past where there is one.
    var nextToken: Int64 {
        guard interval > 0, fullAt > .min else { return .min }
        return fullAt - tolerance
    }

    mutating func take(at now: Int64) {
        guard interval > 0 else { return }
        let (next, over) = max(fullAt, now).addingReportingOverflow(interval)
        fullAt = over ? .max : next
    }
}
