import JSONText

/// Collects the keys of a document that were given; what is nil is left out and so keeps its default.
struct SettingsDocument {
    private(set) var object = JSONObject()

    mutating func set(_ key: String, _ value: JSONValue?) {
        if let value { object[key] = value }
    }

    mutating func set(_ key: String, _ value: String?) {
        set(key, value.map { .string($0) })
    }

    mutating func set(_ key: String, _ value: Bool?) {
        set(key, value.map { .bool($0) })
    }

    mutating func set(_ key: String, _ value: Int?) {
        set(key, value.map { .integer(Int64($0)) })
    }

    mutating func set(_ key: String, _ value: Double?) {
        set(key, value.map { SettingsDocument.number($0) })
    }

    mutating func set(_ key: String, _ value: [Double]?) {
        set(key, value.map { .array($0.map(SettingsDocument.number)) })
    }

    mutating func set(_ key: String, _ value: [String]?) {
        set(key, value.map { .array($0.map { .string($0) }) })
    }

    mutating func set(_ key: String, _ value: [String: String]?) {
        // Sorted, so that equal settings give equal documents.
        set(key, value.map { JSON($0.mapValues { JSON($0) }).value })
    }

    mutating func set<Choice: RawRepresentable<String>>(_ key: String, _ value: Choice?) {
        set(key, value?.rawValue)
    }

    mutating func set<Choice: RawRepresentable<String>>(_ key: String, _ value: [Choice]?) {
        set(key, value?.map(\.rawValue))
    }

    mutating func set(_ key: String, _ value: JSON?) {
        set(key, value?.value)
    }

    /// A group of keys, left out where none of them was given.
    mutating func set(_ key: String, group: JSONObject) {
        if !group.isEmpty { object[key] = .object(group) }
    }

    /// What is no number becomes a text, which the engine refuses; JSON would make it null, which is the default.
    private static func number(_ value: Double) -> JSONValue {
        value.isFinite ? .number(value) : .string("\(value)")
    }
}

extension JSONObject {
    /// What an update has to say so that a document of `former` becomes this one: what is new or different, and null for what
    /// is gone.
    ///
    /// - Parameter groups: the members that are groups of keys; the others are replaced whole.
    func changes(since former: JSONObject, groups: Set<String>) -> JSONObject {
        var changes = JSONObject()
        for member in self where former[member.key] != member.value {
            if groups.contains(member.key), let group = member.value.objectValue,
                let formerGroup = former[member.key]?.objectValue
            {
                changes[member.key] = .object(group.changes(since: formerGroup, groups: []))
            } else {
                changes[member.key] = member.value
            }
        }
        for member in former where !contains(member.key) {
            changes[member.key] = .null
        }
        return changes
    }
}

// MARK: - Reading

// What Martlet wrote is there and of its type; the fallbacks are for what a later version may leave out.
extension JSONValue {
    func text(_ key: String) -> String {
        self[key]?.stringValue ?? ""
    }

    func optionalText(_ key: String) -> String? {
        self[key]?.stringValue
    }

    func flag(_ key: String) -> Bool? {
        self[key]?.boolValue
    }

    func integer(_ key: String) -> Int? {
        self[key]?.integerValue.flatMap { Int(exactly: $0) }
    }

    func number(_ key: String) -> Double? {
        self[key]?.numberValue
    }

    func texts(_ key: String) -> [String]? {
        self[key]?.arrayValue?.compactMap(\.stringValue)
    }

    func choice<Choice: RawRepresentable<String>>(_ key: String) -> Choice? {
        self[key]?.stringValue.flatMap { Choice(rawValue: $0) }
    }

    /// An object of strings.
    func table(_ key: String) -> [String: String] {
        var table: [String: String] = [:]
        for member in self[key]?.objectValue?.members ?? [] { table[member.key] = member.value.stringValue }
        return table
    }
}
