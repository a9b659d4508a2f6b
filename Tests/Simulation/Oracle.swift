import Delivery
import Model

/// What the core should be doing, kept by simple means: plain arrays and scans where the core has lists, a heap and a ring.
///
/// Each input is told to the oracle before the core; it notes the settlements that must follow, and nothing else may. Each
/// action of the core is then told to it too, and judged. Times are monotonic nanoseconds.
///
/// A policy of the core is one more reason in ``obstacle(to:at:)`` and ``certainStart(of:)``, and what it keeps for each
/// webhook or delivery. Where the core draws a random number the oracle knows bounds: before the first nothing may
/// happen, after the last it must.
struct Oracle {
    struct Delivery {
        enum Phase: UInt8 {
            /// Never tried, nor put back, nor delayed.
            case fresh
            /// To be tried at `due`.
            case waiting
            /// Behind another one of its key.
            case blocked
            case flying
            case settled
        }

        var id: Identifier
        var webhook: WebhookSlot
        var phase = Phase.fresh
        /// 0 where no time was set for it.
        var due: Int64 = 0
        var expiry: Int64
        var key: UInt64 = 0
        var attempts: UInt16 = 0
        /// Places of the retry schedule that are used up: attempts, and tries that the breaker turned away.
        var tries: UInt16 = 0
        var lastStatus: UInt16 = 0
        var lastError = ErrorClass.none
        var log = UInt64.max
        var isTest = false
        var isCanceled = false
        /// Counted by its webhook; not so where that was gone when the delivery came.
        var isHeld = false
        /// It could go only after its time: where it stands among the retries is left open.
        var isUnranked = false
        /// How the input just fed must settle it.
        var expected: Settlement.State?
        /// Where it stands in its webhook's `waiting`, or in `tests`.
        var place = 0
    }

    struct Webhook {
        enum Occupancy {
            case free
            case present
            case leaving
        }

        var occupancy = Occupancy.free
        var slot: WebhookSlot
        var policy = WebhookPolicy()
        var isEnabled = false
        var inFlight = 0
        var pending = 0
        var pausedUntil = Int64.min
        var breaker = BreakerModel()
        var rate = RateModel()
        /// When the failures began that no success has ended.
        var failingSince: Int64?
        /// Tokens in the order they could go; those that left are passed over, `freshCount` counts the others.
        var fresh: [Int] = []
        var firstFresh = 0
        var freshCount = 0
        var waiting: [Int] = []
        /// By key, in order of arrival; the first is the one that may be tried.
        var queues: [UInt64: [Int]] = [:]
        /// It could certainly have used a slot when the core last came to rest.
        var wasAble = false
        /// By webhook: attempts started since this one could use a slot and last got one.
        var overtaken: [Int] = []
    }

    let maximumInFlight: Int
    var inFlight = 0
    var pending = 0
    /// By token, for ever: a second settlement must be noticed.
    var deliveries: [Delivery] = []
    /// By slot index.
    var webhooks: [Webhook] = []
    /// Tests that are not in flight.
    var tests: [Int] = []
    /// Tokens of all that are not settled, and of some that are: swept now and then.
    var unsettled: [Int] = []

    var expectedSettlements = 0
    var expectedReleases: [WebhookSlot] = []
    var expectedDisables: [(slot: WebhookSlot, failingSince: Int64?)] = []

    init(maximumInFlight: Int) {
        self.maximumInFlight = maximumInFlight
    }

    func isPresent(_ slot: WebhookSlot) -> Bool {
        guard slot.index < webhooks.count else { return false }
        let webhook = webhooks[Int(slot.index)]
        return webhook.occupancy == .present && webhook.slot == slot
    }

    mutating func expect(_ token: Int, _ state: Settlement.State) {
        deliveries[token].expected = state
        expectedSettlements += 1
    }
}
