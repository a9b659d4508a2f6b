/// What a journal record says. The numbers are stored: they keep their meaning, and new ones are only added.
package enum RecordKind: UInt8, CaseIterable, Sendable {
    /// An accepted event with its deliveries and its payload.
    case event = 1
    /// One more delivery of an event whose record stands elsewhere.
    case redelivery = 2
    /// A try of a delivery that is to be tried again: what came of it, and when the next one is due.
    case attempt = 3
    /// A delivery is settled.
    case settled = 4
    /// Something the host is to be told.
    case outcome = 5
    /// Numbers of outcomes that the host was told.
    case told = 6
    /// An id that the host gave an event, for the detection of duplicates.
    case seen = 7
    /// A webhook as it is from here on.
    case webhook = 8
    /// A webhook is deleted.
    case webhookRemoved = 9
    /// What a webhook's receiver was last seen to do.
    case health = 10
    /// An event type that was added while the engine ran.
    case eventType = 11

    /// A word for people who look into a journal.
    package var name: String {
        switch self {
        case .event: "event"
        case .redelivery: "redelivery"
        case .attempt: "attempt"
        case .settled: "settled"
        case .outcome: "outcome"
        case .told: "told"
        case .seen: "seen"
        case .webhook: "webhook"
        case .webhookRemoved: "webhook_removed"
        case .health: "health"
        case .eventType: "event_type"
        }
    }
}
