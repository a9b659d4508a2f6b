import Delivery

/// A rate limit, in floating point where the core counts whole nanoseconds.
struct RateModel {
    /// A thousandth of a token: what rounding may come to.
    private static let slack = 0.001

    /// When the bucket is full again.
    private var fullAt = -Double.infinity

    /// Nothing starts before the lower bound; from the upper one it is no obstacle.
    func startable(_ limit: WebhookPolicy.RateLimit?) -> ClosedRange<Int64> {
        guard let limit, fullAt > 0 else { return Int64.min...Int64.min }
        let interval = 1e9 / limit.perSecond
        let time = fullAt - Double(max(limit.burst, 1) - 1) * interval
        let margin = interval * RateModel.slack + 1000
        return Int64(time - margin)...Int64(time + margin)
    }

    mutating func started(_ limit: WebhookPolicy.RateLimit?, at now: Int64) {
        guard let limit else { return }
        fullAt = max(fullAt, Double(now)) + 1e9 / limit.perSecond
    }
}
