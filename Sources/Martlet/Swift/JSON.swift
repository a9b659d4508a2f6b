import JSONText

/// A JSON value, for what has no type of its own: filters, samples, and whole documents with keys of any version.
///
/// Write it as a literal, `["callDuration": ["$gte": 60]]`, or read one with ``init(parsing:)-(String)``. Objects keep the order
/// of their members and compare by it.
public struct JSON: Hashable, Sendable {
    package var value: JSONValue

    package init(_ value: JSONValue) {
        self.value = value
    }

    /// Reads a JSON text (RFC 8259).
    ///
    /// A whole number that does not fit 64 bits with a sign becomes a `Double`.
    ///
    /// - Throws: ``MartletError/Code/invalidJSON`` with the place of the fault; a key that stands twice is one.
    public init(parsing text: String) throws(MartletError) {
        self = try text.withUTF8Bytes { bytes throws(MartletError) in try JSON(parsing: bytes) }
    }

    /// Reads a JSON text in UTF-8, such as `Data` or an array of bytes.
    ///
    /// - Throws: ``MartletError/Code/invalidJSON`` with the place of the fault.
    public init(parsing bytes: some Collection<UInt8>) throws(MartletError) {
        self = try bytes.withBytes { bytes throws(MartletError) in
            do throws(JSONText.Failure) {
                return JSON(try JSONValue.parse(bytes, maximumDepth: JSONText.deepestDepth))
            } catch {
                throw MartletError(.invalidJSON, error.description(in: bytes))
            }
        }
    }

    /// The value as compact JSON in UTF-8.
    public var bytes: [UInt8] {
        value.bytes
    }

    // MARK: Reading

    /// The member of an object; nil where there is none, or this is no object.
    public subscript(key: String) -> JSON? {
        value[key].map { JSON($0) }
    }

    /// The element of an array, from 0; nil where there is none, or this is no array.
    public subscript(index: Int) -> JSON? {
        guard let elements = value.arrayValue, elements.indices.contains(index) else { return nil }
        return JSON(elements[index])
    }

    /// True for `null`.
    public var isNull: Bool {
        value.isNull
    }

    /// The boolean, where it is one.
    public var bool: Bool? {
        value.boolValue
    }

    /// The number, where it is whole and fits.
    public var integer: Int64? {
        value.integerValue
    }

    /// The number, where it is one.
    public var double: Double? {
        value.numberValue
    }

    /// The string, where it is one.
    public var string: String? {
        value.stringValue
    }

    /// The elements, where it is an array.
    public var array: [JSON]? {
        value.arrayValue?.map { JSON($0) }
    }

    /// The members in their order, where it is an object.
    public var object: [(key: String, value: JSON)]? {
        value.objectValue?.map { ($0.key, JSON($0.value)) }
    }
}

extension JSON: CustomStringConvertible {
    /// The value as compact JSON.
    public var description: String {
        value.description
    }
}

// MARK: - Literals

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// `null`.
    public init(nilLiteral: ()) {
        self.init(.null)
    }

    /// A boolean.
    public init(booleanLiteral value: Bool) {
        self.init(.bool(value))
    }

    /// A whole number.
    public init(integerLiteral value: Int64) {
        self.init(.integer(value))
    }

    /// A number; one that JSON cannot express, such as infinity, is written as `null`.
    public init(floatLiteral value: Double) {
        self.init(.number(value))
    }

    /// A string.
    public init(stringLiteral value: String) {
        self.init(.string(value))
    }

    /// An array.
    public init(arrayLiteral elements: JSON...) {
        self.init(.array(elements.map(\.value)))
    }

    /// An object; of a key that stands twice the last one counts.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value.value }
        self.init(.object(object))
    }
}

extension JSON {
    /// A string that is not a literal.
    public init(_ value: some StringProtocol) {
        self.init(.string(String(value)))
    }

    /// A whole number that is not a literal; one beyond 64 bits with a sign becomes a `Double`.
    public init(_ value: some BinaryInteger) {
        self.init(Int64(exactly: value).map { .integer($0) } ?? .number(Double(value)))
    }

    /// A number that is not a literal.
    public init(_ value: Double) {
        self.init(.number(value))
    }

    /// A boolean that is not a literal.
    public init(_ value: Bool) {
        self.init(.bool(value))
    }

    /// An array of values.
    public init(_ elements: [JSON]) {
        self.init(.array(elements.map(\.value)))
    }

    /// An object of values, its keys in the order of their bytes.
    public init(_ members: [String: JSON]) {
        var object = JSONObject()
        for (key, value) in members.sorted(by: { $0.key < $1.key }) { object[key] = value.value }
        self.init(.object(object))
    }
}

// MARK: - Encoding

extension JSON: Encodable {
    private struct MemberKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) {
            self.stringValue = stringValue
        }

        init?(intValue: Int) {
            nil
        }
    }

    /// Encodes the value, with any encoder: so it may stand inside of your own types.
    public func encode(to encoder: any Encoder) throws {
        switch value {
        case .array(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(JSON(element)) }
        case .object(let object):
            var container = encoder.container(keyedBy: MemberKey.self)
            for member in object {
                try container.encode(JSON(member.value), forKey: MemberKey(stringValue: member.key))
            }
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .bool(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .integer(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .number(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .string(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        }
    }
}

extension Collection<UInt8> {
    /// Lends the bytes, without a copy where they lie in a row.
    func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The library's own methods throw untyped.
        let inPlace = withContiguousStorageIfAvailable { bytes in
            Swift.Result { () throws(Failure) in try body(UnsafeRawBufferPointer(bytes)) }
        }
        if let inPlace { return try inPlace.get() }
        return try Array(self).withUnsafeBytes { bytes in
            Swift.Result { () throws(Failure) in try body(bytes) }
        }.get()
    }
}
