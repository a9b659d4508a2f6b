import Model

/// What the core must know of a webhook to decide when an attempt may start and what its result means.
package struct WebhookPolicy: Hashable, Sendable {
    /// Attempts of this webhook that may be in flight at once, at least 1.
    package var maximumInFlight: Int
    package var retry: RetryPolicy
    package var ordering = Ordering.none
    package var rate: RateLimit?
    /// Finds the number of attempts in flight that the receiver bears, up to ``maximumInFlight``.
    package var isAdaptive = true
    /// Nil: no circuit breaker.
    package var breaker: BreakerPolicy? = BreakerPolicy()
    /// The webhook is disabled after nothing but failures for so long; nil for never.
    package var disableAfterMilliseconds: Int64?

    package init(maximumInFlight: Int = 64, retry: RetryPolicy = RetryPolicy()) {
        self.maximumInFlight = maximumInFlight
        self.retry = retry
    }

    package typealias Ordering = DeliverySettings.Ordering

    /// A token bucket: it fills with `perSecond` tokens a second up to `burst`, and each attempt takes one.
    package struct RateLimit: Hashable, Sendable {
        package var perSecond: Double
        package var burst: Int

        package init(perSecond: Double, burst: Int) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    /// When attempts stop for a while, because a receiver only fails.
    package struct BreakerPolicy: Hashable, Sendable {
        /// Failures in a row that open the breaker, at least 1 …
        package var failures: Int
        /// … where the first of them is at least so long ago: a burst that fails together is no dead receiver.
        package var afterMilliseconds: Int64
        /// How long it stays open the first time; each further time in a row twice as long.
        package var openMilliseconds: Int64
        package var maximumOpenMilliseconds: Int64

        package init(
            failures: Int = 20,
            afterMilliseconds: Int64 = 10_000,
            openMilliseconds: Int64 = 5_000,
            maximumOpenMilliseconds: Int64 = 60_000
        ) {
            self.failures = failures
            self.afterMilliseconds = afterMilliseconds
            self.openMilliseconds = openMilliseconds
            self.maximumOpenMilliseconds = maximumOpenMilliseconds
        }
    }
}

extension WebhookPolicy {
    /// What of a webhook's settings concerns the core.
    package init(_ settings: DeliverySettings) {
        self.init(maximumInFlight: settings.maximumInFlight, retry: settings.retry)
        ordering = settings.ordering
        isAdaptive = settings.isAdaptive
        let rate = settings.rateLimit
        self.rate = rate.perSecond > 0 ? RateLimit(perSecond: rate.perSecond, burst: rate.burst) : nil
        let breaker = settings.breaker
        self.breaker =
            breaker.failures == 0
            ? nil
            : BreakerPolicy(
                failures: breaker.failures,
                afterMilliseconds: breaker.afterMilliseconds,
                openMilliseconds: breaker.openMilliseconds,
                maximumOpenMilliseconds: breaker.maximumOpenMilliseconds
            )
        disableAfterMilliseconds = settings.disableAfterMilliseconds > 0 ? settings.disableAfterMilliseconds : nil
    }
}

/// One policy for many webhooks.
final class SharedPolicy: Sendable {
    let policy: WebhookPolicy

    init(_ policy: WebhookPolicy) {
        self.policy = policy
    }
}

/// Why Martlet disabled a webhook by itself.
package enum DisableReason: UInt8, Hashable, Sendable {
    /// The receiver answered 410 Gone (Standard Webhooks 1.0.0: the sender should disable the endpoint).
    case gone = 1
    /// The receiver answered with the header `webhook-delivery: disable`.
    case receiverAsked = 2
    /// Nothing but failures for the configured time.
    case failing = 3

    package var text: StaticString {
        switch self {
        case .gone: "the receiver answered 410 Gone"
        case .receiverAsked: "the receiver answered webhook-delivery: disable"
        case .failing: "nothing but failures for the configured time"
        }
    }
}
