/// A kind of event that webhooks subscribe to.
package struct EventType: Hashable, Sendable {
    /// Segments of letters, digits and underscores joined by dots, at most 128 bytes.
    package let name: String
    /// A short name for people.
    package let title: String
    /// When the event happens.
    package let description: String
    /// An example of `data`, as JSON without blanks; `{}` where nobody gave one.
    package let sample: String

    package init(name: String, title: String = "", description: String = "", sample: String = "{}") {
        self.name = name
        self.title = title.isEmpty ? name : title
        self.description = description
        self.sample = sample
    }

    /// The first segment of the name, by which lists are grouped.
    package var category: String {
        String(name.prefix { $0 != "." })
    }
}

/// A type's place in the catalog: dense from 0, and the same for as long as the engine is open.
package struct EventTypeIndex: Hashable, Comparable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    package static func < (left: EventTypeIndex, right: EventTypeIndex) -> Bool {
        left.rawValue < right.rawValue
    }
}
