import Model

/// What the core wants done. The driver drains them in order.
package enum Action: Sendable {
    /// Start an attempt of this delivery now, and answer with `attemptEnded`.
    case start(delivery: UInt32)
    /// A try is over and the delivery waits for the next one: its record tells how far it has come, and when that is, unless
    /// it was settled since.
    case scheduled(delivery: UInt32, generation: UInt32)
    /// The delivery is settled and its record is gone.
    case settled(Settlement)
    /// The core disabled the webhook; the instant is when the failures began that no success has ended, nil where there
    /// were none.
    case webhookDisabled(WebhookSlot, DisableReason, failingSince: Instant?)
    /// The last attempt of a removed webhook has ended: its index may be given out again.
    case webhookReleased(WebhookSlot)
}

/// How a delivery ended.
package struct Settlement: Sendable {
    package enum State: UInt8, Sendable {
        case succeeded
        case failed
        case expired
        case canceled
    }

    package var state: State
    package var id: Identifier
    package var event: UInt64
    package var webhook: WebhookSlot
    package var attempts: UInt16
    package var lastStatus: UInt16
    package var lastError: ErrorClass
    /// As the driver set it with `setLog`.
    package var log: UInt64
}

extension Settlement {
    /// A delivery whose webhook was gone before anything could be tried.
    package init(canceled id: Identifier, event: UInt64, webhook: WebhookSlot) {
        self.init(
            state: .canceled,
            id: id,
            event: event,
            webhook: webhook,
            attempts: 0,
            lastStatus: 0,
            lastError: .none,
            log: .max
        )
    }
}
