import Model

/// What the core must know of a webhook to decide when an attempt may start and what its result means.
package struct WebhookPolicy: Hashable, Sendable {
    /// Attempts of this webhook that may be in flight at once, at least 1.
    package var maximumInFlight: Int
    package var retry: RetryPolicy

    package init(maximumInFlight: Int = 64, retry: RetryPolicy = RetryPolicy()) {
        self.maximumInFlight = maximumInFlight
        self.retry = retry
    }
}

/// Why Martlet disabled a webhook by itself.
package enum DisableReason: UInt8, Hashable, Sendable {
    /// The receiver answered 410 Gone (Standard Webhooks 1.0.0: the sender should disable the endpoint).
    case gone = 1
    /// The receiver answered with the header `webhook-delivery: disable`.
    case receiverAsked = 2

    package var text: StaticString {
        switch self {
        case .gone: "the receiver answered 410 Gone"
        case .receiverAsked: "the receiver answered webhook-delivery: disable"
        }
    }
}
