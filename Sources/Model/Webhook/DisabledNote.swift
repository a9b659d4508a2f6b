import JSONText

/// Why a webhook is disabled, and since when.
package struct DisabledNote: Hashable, Sendable {
    package enum Reason: String, CaseIterable, Sendable {
        /// The receiver answered 410.
        case gone
        /// The receiver answered with the header `webhook-delivery: disable`.
        case receiverAsked = "receiver_asked"
        /// Nothing but failures for the configured time.
        case failing
        /// The engine was opened with a configuration that does not accept its URL.
        case refused
        /// The host did it.
        case host
    }

    package var reason: Reason
    package var at: WallTime
    /// When the failures began that no success has ended; nil where that is not known or not the reason.
    package var since: WallTime?

    package init(reason: Reason, at: WallTime, since: WallTime? = nil) {
        self.reason = reason
        self.at = at
        self.since = since
    }

    package func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("reason")
        writer.string(reason.rawValue)
        writer.key("at")
        writer.string(Timestamp.text(at))
        writer.key("since")
        if let since { writer.string(Timestamp.text(since)) } else { writer.null() }
        writer.endObject()
    }
}
