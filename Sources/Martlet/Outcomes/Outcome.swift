import Journal
import Model
import Records

/// What became of a delivery or an event: exactly one for each that was accepted, where the configuration's `outcomes`
/// asks for them.
public struct Outcome: Sendable {
    /// What the outcome speaks of.
    public enum Kind: Int32, Sendable {
        /// One delivery is settled.
        case delivery = 1
        /// All deliveries of an event are settled, or it matched no webhook.
        case event = 2
        /// Martlet disabled a webhook.
        case webhookDisabled = 3
    }

    /// How it ended.
    public enum State: Int32, CaseIterable, Sendable {
        /// The receiver answered 2xx; for an event: every delivery succeeded, or there was none.
        case succeeded = 1
        /// Given up: no retry was left or the failure was final. For an event: at least one delivery.
        case failed = 2
        /// The deadline of the event passed. For an event: at least one delivery expired and none failed.
        case expired = 3
        /// The host canceled it, deleted the webhook or closed the engine first. For an event: at least one was, none failed or
        /// expired.
        case canceled = 4

        /// The word for it in documents and metrics.
        public var name: String {
            switch self {
            case .succeeded: "succeeded"
            case .failed: "failed"
            case .expired: "expired"
            case .canceled: "canceled"
            }
        }
    }

    /// What the outcome speaks of.
    public var kind: Kind
    /// How it ended.
    public var state: State
    /// The caller's own number, given at the push.
    public var tag: UInt64
    /// When it was settled, milliseconds since 1970.
    public var settledAtMilliseconds: Int64
    /// Attempts made; for an event 0.
    public var attempts: UInt32
    /// The last HTTP status, 0 where there was none; for an event 0.
    public var httpStatus: UInt16
    /// Why the last attempt failed, as the numbers of the C ABI's `MARTLET_FAILURE_…`; 0 for a success and for an event.
    package var failureCode: UInt8
    /// For an event: how many deliveries it had; for a delivery 1.
    public var deliveries: UInt32
    /// For an event: how many of them succeeded; for a delivery 1 or 0.
    public var succeeded: UInt32

    /// For a notice about a webhook: why it was disabled, as the numbers of the C ABI's `MARTLET_DISABLED_…`; else 0.
    package var disabledReason: UInt32
    /// For a notice about a webhook: when the failures began that no success has ended, milliseconds since 1970; 0 where
    /// there were none.
    public var failingSinceMilliseconds: Int64

    /// In the journal: its number and its record, 0 for none.
    var number: UInt64 = 0
    var record = Position.none
    /// What the record ends; nil for a notice, and for an event that nobody wanted.
    var subject: DeliveryKey?

    package var event: EventID
    package var delivery: Identifier
    package var webhook: Identifier

    package init(
        kind: Kind,
        state: State,
        tag: UInt64,
        settledAtMilliseconds: Int64,
        attempts: UInt32,
        httpStatus: UInt16,
        failure: UInt8,
        deliveries: UInt32,
        succeeded: UInt32,
        disabledReason: UInt32 = 0,
        failingSinceMilliseconds: Int64 = 0,
        event: EventID,
        delivery: Identifier,
        webhook: Identifier
    ) {
        self.kind = kind
        self.state = state
        self.tag = tag
        self.settledAtMilliseconds = settledAtMilliseconds
        self.attempts = attempts
        self.httpStatus = httpStatus
        failureCode = failure
        self.deliveries = deliveries
        self.succeeded = succeeded
        self.disabledReason = disabledReason
        self.failingSinceMilliseconds = failingSinceMilliseconds
        self.event = event
        self.delivery = delivery
        self.webhook = webhook
    }

    /// The event's id: the caller's own, or `evt_…`; empty for a notice about a webhook.
    public var eventID: String {
        event.text
    }

    /// The delivery's id, `dlv_…`; empty where the outcome is not about a delivery.
    public var deliveryID: String {
        delivery == .zero ? "" : delivery.text(.delivery)
    }

    /// The webhook's id, `wh_…`; empty for an event.
    public var webhookID: String {
        webhook == .zero ? "" : webhook.text(.webhook)
    }
}
