import JSONText

/// A JSON object that the host hands in, described by a table.
///
/// From the one table come reading, writing, defaults, ranges, error texts and the reference page. A `null` stands for
/// the default wherever a key may be left out.
package struct Document<Root: Sendable>: Sendable {
    /// A check over several keys, run after all of them are read; nil where all is well.
    package typealias Rule = @Sendable (Root) -> DocumentError?

    package let properties: [Property<Root>]
    /// A root with every default.
    package let prototype: Root
    package let rules: [Rule]
    /// The row of each key: walking over the rows would copy each of them.
    private let rows: [String: Int]
    /// The keys of nested objects.
    private let groups: Set<String>
    private let required: [Int]

    package init(prototype: Root, rules: [Rule] = [], properties: [Property<Root>]) {
        self.properties = properties
        self.prototype = prototype
        self.rules = rules
        var rows: [String: Int] = [:]
        var groups = Set<String>()
        for (row, property) in properties.enumerated() {
            rows[property.key] = row
            let key = property.key
            for dot in key.indices where key[dot] == "." { groups.insert(String(key[..<dot])) }
        }
        self.rows = rows
        self.groups = groups
        required = properties.indices.filter { properties[$0].presence == .required }
    }

    private enum Mode {
        case create
        case update
    }

    /// How deep a document may nest: its own groups and arrays, of which a filter nests deepest, and the data of a test.
    private static var maximumDepth: Int { 24 }

    // MARK: Reading

    /// A new root: what `value` names, defaults for the rest.
    package func parse(_ value: JSONValue) throws(DocumentError) -> Root {
        var root = prototype
        let given = try apply(value, to: &root, mode: .create)
        for row in required where !given.contains(properties[row].key) {
            let property = properties[row]
            throw DocumentError(
                .missing,
                key: property.key,
                message: "\(property.key) is required: \(property.shape.accepted)"
            )
        }
        try check(root)
        return root
    }

    /// `root` with what `value` names changed; a `null` puts the default back.
    package func update(_ root: Root, with value: JSONValue) throws(DocumentError) -> Root {
        var changed = root
        _ = try apply(value, to: &changed, mode: .update)
        try check(changed)
        return changed
    }

    /// Reads a member at the top of a document, in the place of the one of its key that `root` was read with.
    func replace(_ member: JSONObject.Member, in root: inout Root) throws(DocumentError) {
        if let row = rows[member.key] { return try apply(member.value, of: properties[row], to: &root, mode: .create) }
        for property in properties where property.key.hasPrefix(member.key + ".") { property.reset(&root, prototype) }
        var object = JSONObject()
        object[member.key] = member.value
        _ = try apply(.object(object), to: &root, mode: .create)
    }

    func check(_ root: Root) throws(DocumentError) {
        for rule in rules {
            if let error = rule(root) { throw error }
        }
    }

    /// Reads a text; `isEmptyAllowed` takes one without anything but white space for an empty object.
    package static func value(
        of bytes: UnsafeRawBufferPointer,
        isEmptyAllowed: Bool = false
    ) throws(DocumentError) -> JSONValue {
        if isEmptyAllowed, bytes.allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) }) {
            return .object(JSONObject())
        }
        do throws(JSONText.Failure) {
            return try JSONValue.parse(bytes, maximumDepth: maximumDepth)
        } catch {
            throw DocumentError(error, in: bytes)
        }
    }

    /// Stores every member and answers the keys that were given.
    private func apply(_ value: JSONValue, to root: inout Root, mode: Mode) throws(DocumentError) -> Set<String> {
        guard case .object(let object) = value else {
            throw .unacceptable(.notAnObject, key: "", accepted: "an object", given: value.kindName)
        }
        var given = Set<String>()
        try apply(object, under: "", to: &root, mode: mode, given: &given)
        return given
    }

    private func apply(
        _ object: JSONObject,
        under prefix: String,
        to root: inout Root,
        mode: Mode,
        given: inout Set<String>
    ) throws(DocumentError) {
        for member in object {
            let key = prefix + member.key
            if member.key.utf8.contains(UInt8(ascii: ".")) {
                throw unknown(key, under: prefix)
            } else if let row = rows[key] {
                try apply(member.value, of: properties[row], to: &root, mode: mode)
                given.insert(key)
            } else if groups.contains(key) {
                try applyGroup(member.value, key, to: &root, mode: mode, given: &given)
            } else {
                throw unknown(key, under: prefix)
            }
        }
    }

    private func applyGroup(
        _ value: JSONValue,
        _ key: String,
        to root: inout Root,
        mode: Mode,
        given: inout Set<String>
    ) throws(DocumentError) {
        switch value {
        case .object(let inner):
            try apply(inner, under: key + ".", to: &root, mode: mode, given: &given)
        case .null:
            for property in properties where property.key.hasPrefix(key + ".") {
                try apply(.null, of: property, to: &root, mode: mode)
            }
        default:
            throw .unacceptable(.notAnObject, key: key, accepted: "an object", given: value.described)
        }
    }

    private func apply(
        _ value: JSONValue,
        of property: Property<Root>,
        to root: inout Root,
        mode: Mode
    ) throws(DocumentError) {
        switch property.presence {
        case .readOnly:
            throw DocumentError(
                .notSettable,
                key: property.key,
                message: "\(property.key) is set by Martlet and cannot be given"
            )
        case .createOnly(let instead) where mode == .update:
            throw DocumentError(
                .notSettable,
                key: property.key,
                message: "\(property.key) cannot be changed by an update; \(instead)"
            )
        case .required where value == .null:
            throw DocumentError(
                .missing,
                key: property.key,
                message: "\(property.key) is required and has no default: \(property.shape.accepted)"
            )
        default:
            if value == .null {
                property.reset(&root, prototype)
            } else {
                try property.apply(value, to: &root)
            }
        }
    }

    // MARK: Writing

    /// The members of `root` that can be shown, nested as the keys say, for the caller's open object.
    ///
    /// Secrets and the keys that Martlet sets are left out.
    package func writeMembers(of root: Root, to writer: inout JSONWriter) {
        writeMembers(of: root, under: "", to: &writer)
    }

    private func writeMembers(of root: Root, under prefix: String, to writer: inout JSONWriter) {
        var groups = Set<String>()
        for property in properties where property.key.hasPrefix(prefix) {
            guard isPrinted(property, of: root) else { continue }
            let rest = property.key.dropFirst(prefix.count)
            guard let dot = rest.firstIndex(of: ".") else {
                writer.key(String(rest))
                property.get(root).write(to: &writer)
                continue
            }
            let group = String(rest[..<dot])
            guard groups.insert(group).inserted else { continue }
            writer.key(group)
            writer.beginObject()
            writeMembers(of: root, under: prefix + group + ".", to: &writer)
            writer.endObject()
        }
    }
}

extension Document {
    private func isPrinted(_ property: Property<Root>, of root: Root) -> Bool {
        guard property.exposure != .secret, property.presence != .readOnly else { return false }
        return !property.isOmittedWhenNull || property.get(root) != .null
    }
}

// MARK: - Unknown keys

extension Document {
    /// The error for a key that no row has: with the nearest one that has, else with all there are beside it.
    private func unknown(_ key: String, under prefix: String) -> DocumentError {
        let lead = "unknown key \(DocumentError.quoted(key))"
        let known = knownKeys(under: "")
        if properties.contains(where: { $0.key == key }) {
            return DocumentError(.unknownKey, key: key, message: "\(lead); write it as nested objects, not with a dot")
        }
        let groups = known.filter { group in !properties.contains { $0.key == group } }
        if let nearest = Spelling.nearest(to: key, in: properties.map(\.key) + groups) {
            return DocumentError(.unknownKey, key: key, message: "\(lead); did you mean \"\(nearest)\"?")
        }
        let place = prefix.isEmpty ? "" : " of \(prefix.dropLast())"
        let list = knownKeys(under: prefix).joined(separator: ", ")
        return DocumentError(.unknownKey, key: key, message: "\(lead); the keys\(place) are \(list)")
    }

    /// The names that may stand in the object at `prefix`, in the order of the table.
    package func knownKeys(under prefix: String) -> [String] {
        var names: [String] = []
        for property in properties where property.key.hasPrefix(prefix) {
            let name = String(property.key.dropFirst(prefix.count).prefix { $0 != "." })
            if !names.contains(name) { names.append(name) }
        }
        return names
    }
}
