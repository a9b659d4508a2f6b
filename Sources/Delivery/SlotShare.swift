/// How the slots of a lane are shared when they run short.
///
/// Handing them round is not enough: a receiver that hangs keeps a slot until its deadline, and a few dozen such receivers
/// would collect them all, one round after the other. So a webhook that has its share takes more only while plenty are
/// free: the last quarter goes to webhooks below their share, which is an equal part of seven eighths of the slots for each
/// webhook that has any. The last eighth therefore is there for webhooks that have nothing in flight yet.
package enum SlotShare {
    /// Slots of one webhook that it may hold when slots are short, at least 1.
    package static func share(slots: Int, flyingWebhooks: Int) -> Int {
        max(1, (slots - slots / 8) / max(flyingWebhooks, 1))
    }

    /// True where only the last quarter of the slots is free.
    static func areShort(slots: Int, taken: Int) -> Bool {
        slots - taken <= slots / 4
    }

    /// True where a webhook with `inFlight` attempts has to leave the next slot to others.
    package static func isShort(slots: Int, taken: Int, flyingWebhooks: Int, inFlight: Int) -> Bool {
        areShort(slots: slots, taken: taken) && inFlight >= share(slots: slots, flyingWebhooks: flyingWebhooks)
    }
}
