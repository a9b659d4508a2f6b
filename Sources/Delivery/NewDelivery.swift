import Model

/// A delivery as it is handed to the core.
package struct NewDelivery: BitwiseCopyable, Sendable {
    package var id: Identifier
    /// The driver's name for the event and its payload; the core only hands it back.
    package var event: UInt64
    package var webhook: WebhookSlot
    /// It is settled as expired at this time, unless an attempt is in flight then.
    package var expiry = Instant.distantFuture
    /// Where the webhook orders by key: deliveries with the same number go one after the other. 0 for none.
    package var orderKey: UInt64 = 0
    /// The first attempt is not made before this; nil for as soon as may be.
    package var notBefore: Instant?
    /// Attempts made in an earlier life of the process.
    package var attempts: UInt16 = 0
    /// Places of the retry schedule used up then.
    package var tries: UInt16 = 0
    /// Of the last attempt then.
    package var lastStatus: UInt16 = 0
    package var lastError = ErrorClass.none
    /// Where the driver logged it.
    package var log: UInt64 = .max
    /// Sent at once whatever the webhook's state, and never tried again.
    package var isTest = false

    package init(id: Identifier, event: UInt64, webhook: WebhookSlot) {
        self.id = id
        self.event = event
        self.webhook = webhook
    }
}
