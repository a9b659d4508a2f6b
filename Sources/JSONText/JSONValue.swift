/// A JSON value as a tree, for documents that are read now and then: configuration, webhooks, queries.
///
/// Payloads on the way to a receiver never become a tree; see ``JSONText``. Strings compare by their bytes, not by
/// Unicode equivalence, as JSON keys do.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    /// A number written without a fraction or an exponent that fits 64 bits, `-0` excepted.
    case integer(Int64)
    /// Any other number. A parsed one is finite.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue: Hashable {
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        case .number(let value): hasher.combine(value)
        case .string(let value): hasher.combine(value)
        case .array(let value): hasher.combine(value)
        case .object(let value): hasher.combine(value)
        }
    }
}

extension JSONValue {
    package var isNull: Bool {
        if case .null = self { true } else { false }
    }

    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The number if it is whole and fits, be it written `5` or `5.0`.
    package var integerValue: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): JSONValue.exactInteger(value)
        default: nil
        }
    }

    /// What `Int64(exactly:)` gives, which needs the C mathematics library linked in a debug build.
    private static func exactInteger(_ value: Double) -> Int64? {
        guard value >= -0x1p63, value < 0x1p63 else {
            return nil
        }
        let integer = Int64(value)
        return Double(integer) == value ? integer : nil
    }

    /// The number, rounded if it is an integer beyond 2^53.
    package var numberValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var arrayValue: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The member of an object; nil if there is none or this is no object.
    package subscript(key: String) -> JSONValue? {
        objectValue?[key]
    }

    /// What this is, with an article, for messages such as "a number is expected, not a string".
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
