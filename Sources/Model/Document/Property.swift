import JSONText

/// One row of a document's table: everything there is to know about a key.
///
/// The default is not repeated here: it is what the document's prototype holds, a `Root` as its initializer makes it.
package struct Property<Root: Sendable>: Sendable {
    /// Who sets the key, and when.
    package enum Presence: Hashable, Sendable {
        case optional
        case required
        /// Refused by an update; the text says what to do instead.
        case createOnly(String)
        /// Printed by Martlet and refused in what the host hands in.
        case readOnly
    }

    /// Where the value may be seen.
    package enum Exposure: Hashable, Sendable {
        case shown
        /// Printed, but never part of an error message: those end up in logs.
        case notInMessages
        /// Neither in messages nor printed.
        case secret
    }

    /// The path in camelCase; a dot stands for a nested object.
    package let key: String
    package let shape: Shape
    package let presence: Presence
    package let exposure: Exposure
    /// The default in words, where it depends on the machine or is not a value.
    package let defaultText: String?
    /// A key that is absent from most documents is not printed as `null` in each of them.
    private(set) var isOmittedWhenNull = false
    /// One or more sentences for the reference.
    package let documentation: String

    let get: @Sendable (Root) -> JSONValue
    let set: @Sendable (inout Root, JSONValue) -> Bool
    let reset: @Sendable (inout Root, Root) -> Void

    /// A property of any Swift type.
    ///
    /// - Parameters:
    ///   - encode: the value as JSON; `.null` where it is absent.
    ///   - decode: called with values that `shape` accepts; nil refuses the value all the same.
    package init<Value>(
        _ key: String,
        _ path: WritableKeyPath<Root, Value> & Sendable,
        _ shape: Shape,
        presence: Presence = .optional,
        exposure: Exposure = .shown,
        defaultText: String? = nil,
        _ documentation: String,
        encode: @escaping @Sendable (Value) -> JSONValue,
        decode: @escaping @Sendable (JSONValue) -> Value?
    ) {
        self.key = key
        self.shape = shape
        self.presence = presence
        self.exposure = exposure
        self.defaultText = defaultText
        self.documentation = documentation
        get = { root in encode(root[keyPath: path]) }
        set = { root, value in
            guard let decoded = decode(value) else { return false }
            root[keyPath: path] = decoded
            return true
        }
        reset = { root, prototype in root[keyPath: path] = prototype[keyPath: path] }
    }

    /// A key that Martlet sets and prints by itself: it is known, so that setting it gets an error of its own.
    package init(readOnly key: String, _ shape: Shape, _ documentation: String) {
        self.key = key
        self.shape = shape
        presence = .readOnly
        exposure = .shown
        defaultText = nil
        self.documentation = documentation
        get = { _ in .null }
        set = { _, _ in false }
        reset = { _, _ in }
    }

    /// A row that takes its key's meaning from another table.
    init<Other>(
        like other: Property<Other>,
        key: String,
        defaultText: String?,
        isOmittedWhenNull: Bool,
        get: @escaping @Sendable (Root) -> JSONValue,
        set: @escaping @Sendable (inout Root, JSONValue) -> Bool,
        reset: @escaping @Sendable (inout Root, Root) -> Void
    ) {
        self.key = key
        shape = other.shape
        presence = .optional
        exposure = .shown
        self.isOmittedWhenNull = isOmittedWhenNull
        self.defaultText = defaultText
        documentation = other.documentation
        self.get = get
        self.set = set
        self.reset = reset
    }

    /// Checks `value` and stores it.
    func apply(_ value: JSONValue, to root: inout Root) throws(DocumentError) {
        let isHidden = exposure != .shown
        try shape.check(value, key: key, isHidden: isHidden)
        guard set(&root, value) else { throw shape.refusal(.outOfRange, value, key, isHidden) }
    }
}

// MARK: - Common kinds

extension Property {
    package static func boolean(
        _ key: String,
        _ path: WritableKeyPath<Root, Bool> & Sendable,
        _ documentation: String
    ) -> Property {
        Property(key, path, .boolean, documentation, encode: { .bool($0) }, decode: { $0.boolValue })
    }

    package static func integer<Number: FixedWidthInteger & Sendable>(
        _ key: String,
        _ path: WritableKeyPath<Root, Number> & Sendable,
        _ range: ClosedRange<Int64>,
        default text: String? = nil,
        _ documentation: String
    ) -> Property {
        Property(
            key,
            path,
            .integer(range),
            defaultText: text,
            documentation,
            encode: { .integer(Int64(clamping: $0)) },
            decode: { $0.integerValue.flatMap { Number(exactly: $0) } }
        )
    }

    package static func number(
        _ key: String,
        _ path: WritableKeyPath<Root, Double> & Sendable,
        _ range: ClosedRange<Double>,
        _ documentation: String
    ) -> Property {
        Property(
            key,
            path,
            .number(range),
            documentation,
            encode: { JSONValue(shortest: $0) },
            decode: { $0.numberValue }
        )
    }

    /// One of the cases of an enumeration, by its raw value.
    package static func choice<Choice: RawRepresentable & CaseIterable & Sendable>(
        _ key: String,
        _ path: WritableKeyPath<Root, Choice> & Sendable,
        _ documentation: String
    ) -> Property where Choice.RawValue == String {
        Property(
            key,
            path,
            .choice(Choice.allCases.map(\.rawValue)),
            documentation,
            encode: { .string($0.rawValue) },
            decode: { $0.stringValue.flatMap(Choice.init) }
        )
    }

    package static func text(
        _ key: String,
        _ path: WritableKeyPath<Root, String> & Sendable,
        _ form: TextForm,
        presence: Presence = .optional,
        exposure: Exposure = .shown,
        default text: String? = nil,
        _ documentation: String
    ) -> Property {
        Property(
            key,
            path,
            .text(form),
            presence: presence,
            exposure: exposure,
            defaultText: text,
            documentation,
            encode: { .string($0) },
            decode: { $0.stringValue }
        )
    }

    package static func optionalText(
        _ key: String,
        _ path: WritableKeyPath<Root, String?> & Sendable,
        _ form: TextForm,
        presence: Presence = .optional,
        exposure: Exposure = .shown,
        default text: String,
        _ documentation: String
    ) -> Property {
        Property(
            key,
            path,
            .text(form),
            presence: presence,
            exposure: exposure,
            defaultText: text,
            documentation,
            encode: { $0.map { .string($0) } ?? .null },
            // Two levels of optional: the outer one refuses.
            decode: { $0.stringValue.map { .some($0) } }
        )
    }

    /// An array of strings, kept in the given order.
    package static func texts<Item: Sendable>(
        _ key: String,
        _ path: WritableKeyPath<Root, [Item]> & Sendable,
        of form: TextForm,
        count: ClosedRange<Int>,
        presence: Presence = .optional,
        _ documentation: String,
        encode: @escaping @Sendable (Item) -> String,
        decode: @escaping @Sendable (String) -> Item?
    ) -> Property {
        Property(
            key,
            path,
            .list(of: .text(form), count: count),
            presence: presence,
            documentation,
            encode: { .array($0.map { .string(encode($0)) }) },
            decode: { value in
                guard let values = value.arrayValue else { return nil }
                let items = values.compactMap { $0.stringValue.flatMap(decode) }
                return items.count == values.count ? items : nil
            }
        )
    }
}
