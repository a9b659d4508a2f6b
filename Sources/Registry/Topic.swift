import Model

/// What webhooks are filed under: a subscription, split where a filter governs only a part of it.
///
/// An event looks at the few topics that cover its type. Those of one webhook never overlap, so nothing matches twice; and a
/// type that is added later needs no filing.
enum Topic: Hashable, Sendable {
    case all
    /// Every type that is neither a call's nor a workflow's.
    case others
    /// All below a prefix, which ends with a dot.
    case below(String)
    case type(String)

    /// Which of a webhook's own lists decides for a topic.
    enum Governor: Sendable {
        case none
        case agents
        case workflows
    }

    static let callPrefix = "call."
    static let workflowPrefix = "workflow."

    var governor: Governor {
        switch self {
        case .all, .others: .none
        case .below(let text), .type(let text): Topic.governor(of: text)
        }
    }

    private static func governor(of text: String) -> Governor {
        if text.utf8.starts(with: callPrefix.utf8) { return .agents }
        return text.utf8.starts(with: workflowPrefix.utf8) ? .workflows : .none
    }

    /// The topics a webhook is filed under.
    static func topics(of definition: WebhookDefinition) -> [Topic] {
        if definition.events.contains(.all) {
            let isGoverned = definition.agents != nil || definition.workflows != nil
            return isGoverned ? [.below(callPrefix), .below(workflowPrefix), .others] : [.all]
        }
        var prefixes = Set<String>()
        for case .below(let prefix) in definition.events { prefixes.insert(prefix) }
        return definition.events.compactMap { subscription in
            switch subscription {
            case .all: nil
            case .below(let prefix):
                coverings(of: prefix).contains { $0 != prefix && prefixes.contains($0) } ? nil : .below(prefix)
            case .type(let name):
                coverings(of: name).contains { prefixes.contains($0) } ? nil : .type(name)
            }
        }
    }

    /// The topics that cover a type.
    static func topics(covering name: String) -> [Topic] {
        var topics: [Topic] = [.all]
        if governor(of: name) == .none { topics.append(.others) }
        topics += coverings(of: name).map { .below($0) }
        topics.append(.type(name))
        return topics
    }

    /// Every prefix of a name that ends with a dot, the shortest first.
    private static func coverings(of name: String) -> [String] {
        name.utf8.indices.filter { name.utf8[$0] == UInt8(ascii: ".") }.map { String(name[...$0]) }
    }
}
