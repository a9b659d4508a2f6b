/// One entry of a webhook's `events`: a type, all types below a prefix, or every type.
package enum EventSubscription: Hashable, Sendable {
    /// `*`
    case all
    /// `call.*`, held as `call.` with its dot: every type that starts so, however many segments follow.
    case below(String)
    /// `call.completed`
    case type(String)

    /// Nil where `text` is none of the three; whether a type exists is for the catalog to say.
    package init?(_ text: String) {
        guard 1...TextForm.eventType.bytes.upperBound ~= text.utf8.count else { return nil }
        if text == "*" {
            self = .all
        } else if text.hasSuffix(".*"), TextForm.isEventType(text.utf8.dropLast(2)) {
            self = .below(String(text.dropLast()))
        } else if TextForm.isEventType(text.utf8) {
            self = .type(text)
        } else {
            return nil
        }
    }

    package var text: String {
        switch self {
        case .all: "*"
        case .below(let prefix): prefix + "*"
        case .type(let name): name
        }
    }

    package func matches(_ name: String) -> Bool {
        switch self {
        case .all: true
        case .below(let prefix): name.utf8.starts(with: prefix.utf8)
        case .type(let type): name == type
        }
    }
}
