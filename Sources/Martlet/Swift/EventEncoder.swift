import JSONText
import Model
import Signing

/// Encodes values as JSON for a push.
///
/// Not Foundation's encoder, which would add 7 MB to the C library. It follows `JSONEncoder` in what it writes, but for
/// types of Foundation, which it writes as other languages expect them: dates as RFC 3339, URLs as text, data as base64.
enum EventEncoder {
    static func encode<Value: Encodable>(_ value: Value) throws(MartletError) -> [UInt8] {
        if let json = value as? JSON { return json.bytes }
        do {
            let encoded = try EncodedValue(value, codingPath: [])
            if case .data = encoded {
                throw MartletError(.invalidArgument, "data is bytes: pass JSON that is ready as json:")
            }
            var writer = JSONWriter()
            writer.reserveCapacity(512)
            encoded.write(to: &writer)
            return writer.bytes
        } catch let error as MartletError {
            throw error
        } catch EncodingError.invalidValue(_, let context) {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw MartletError(.invalidArgument, "data\(path.isEmpty ? "" : ".\(path)"): \(context.debugDescription)")
        } catch {
            throw MartletError(.invalidArgument, "data cannot be encoded: \(error)")
        }
    }
}

/// What a value became.
enum EncodedValue {
    case null
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case double(Double)
    case float(Float)
    case string(String)
    /// Bytes, written as base64.
    case data([UInt8])
    /// Text that is JSON already.
    case number(String)
    case container(EncodedNode)

    init<Value: Encodable>(_ value: Value, codingPath: @autoclosure () -> [any CodingKey]) throws {
        // Elements of arrays come here whatever their type.
        if Value.self == String.self, let text = value as? String {
            self = .string(text)
            return
        }
        if Value.self == Int.self, let integer = value as? Int {
            self = .integer(Int64(integer))
            return
        }
        let codingPath = codingPath()
        let node = EncodedNode()
        try value.encode(to: NodeEncoder(node: node, codingPath: codingPath))
        self = try EncodedValue.ofFoundation(value, node, codingPath) ?? node.value
    }

    init(finite value: Double, codingPath: @autoclosure () -> [any CodingKey]) throws {
        guard value.isFinite else { throw EncodedValue.notFinite(value, codingPath()) }
        self = .double(value)
    }

    init(finite value: Float, codingPath: @autoclosure () -> [any CodingKey]) throws {
        guard value.isFinite else { throw EncodedValue.notFinite(value, codingPath()) }
        self = .float(value)
    }

    private static func notFinite(_ value: Any, _ codingPath: [any CodingKey]) -> EncodingError {
        .invalidValue(value, .init(codingPath: codingPath, debugDescription: "JSON cannot express \(value)"))
    }

    func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .integer(let value): writer.integer(value)
        case .unsigned(let value): writer.integer(value)
        case .double(let value): writer.number(value)
        case .float(let value): writer.raw(Array(value.description.utf8))
        case .string(let value): writer.string(value)
        case .data(let bytes): writer.string(Base64.encode(bytes))
        case .number(let text): writer.raw(Array(text.utf8))
        case .container(let node): node.write(to: &writer)
        }
    }
}

// MARK: - Types of Foundation

extension EncodedValue {
    /// Another form for a type of Foundation that encodes itself in a way only Swift reads; nil for all others.
    ///
    /// They are known by name, since the core does not import Foundation. A name is only looked at where a value encoded
    /// itself as those do.
    private static func ofFoundation<Value: Encodable>(
        _ value: Value,
        _ node: EncodedNode,
        _ codingPath: [any CodingKey]
    ) throws -> EncodedValue? {
        switch node.content {
        case .scalar(.double(let seconds)) where isFoundation(Value.self, "Date"):
            // Since 2001. Times outside of the years that RFC 3339 can write are clamped below.
            let milliseconds = ((seconds + 978_307_200) * 1000).rounded()
            guard abs(milliseconds) < 1e15 else { throw notFinite(value, codingPath) }
            return .string(Timestamp.text(WallTime(milliseconds: Int64(milliseconds))))
        case .object(let members) where members.first?.key == "relative" && isFoundation(Value.self, "URL"):
            // The description of one with a base tells both.
            guard members.count == 1, case .string(let text)? = members.first?.value else { return nil }
            return .string(text)
        case .object(let members) where members.first?.key == "exponent" && isFoundation(Value.self, "Decimal"):
            let text = String(describing: value)
            guard text.withUTF8Bytes({ JSONText.validate($0) == nil }) else { throw notFinite(value, codingPath) }
            return .number(text)
        case .array(let elements):
            guard elements.allSatisfy(\.isByte), isFoundation(Value.self, "Data") else { return nil }
            return .data(elements.compactMap(\.byte))
        default:
            return nil
        }
    }

    private static func isFoundation<Value>(_ type: Value.Type, _ name: String) -> Bool {
        let full = String(reflecting: type)
        return full == "Foundation.\(name)" || full == "FoundationEssentials.\(name)"
    }

    private var byte: UInt8? {
        if case .unsigned(let value) = self { UInt8(exactly: value) } else { nil }
    }

    private var isByte: Bool {
        byte != nil
    }
}

// MARK: - Containers

/// A container while it is being filled: several may be open at once, and in any order.
final class EncodedNode {
    enum Content {
        case none
        case scalar(EncodedValue)
        case object([(key: String, value: EncodedValue)])
        case array([EncodedValue])
    }

    private(set) var content = Content.none
    /// The place of each key, once there are more than a walk is good for.
    private var places: [String: Int] = [:]

    private static var walkLimit: Int { 16 }

    /// What to keep of the node: a scalar needs none.
    var value: EncodedValue {
        switch content {
        case .none: .container(self)
        case .scalar(let value): value
        case .object, .array: .container(self)
        }
    }

    var count: Int {
        if case .array(let elements) = content { elements.count } else { 0 }
    }

    func beginObject() {
        guard case .none = content else { return }
        var members: [(key: String, value: EncodedValue)] = []
        members.reserveCapacity(EncodedNode.walkLimit)
        content = .object(members)
    }

    func beginArray() {
        if case .none = content { content = .array([]) }
    }

    func set(_ value: EncodedValue) {
        content = .scalar(value)
    }

    func append(_ value: EncodedValue) {
        guard case .array(var elements) = content else { return }
        // Taken out, so that the array is not copied.
        content = .none
        elements.append(value)
        content = .array(elements)
    }

    /// A key that is there already gets the new value, as with `JSONEncoder`.
    func set(_ value: EncodedValue, forKey key: String) {
        guard case .object(var members) = content else { return }
        content = .none
        if let place = place(of: key, in: members) {
            members[place].value = value
        } else {
            members.append((key, value))
            if members.count > EncodedNode.walkLimit {
                if places.isEmpty {
                    for (place, member) in members.enumerated() { places[member.key] = place }
                } else {
                    places[key] = members.count - 1
                }
            }
        }
        content = .object(members)
    }

    private func place(of key: String, in members: [(key: String, value: EncodedValue)]) -> Int? {
        places.isEmpty ? members.firstIndex { $0.key == key } : places[key]
    }

    func write(to writer: inout JSONWriter) {
        switch content {
        // A value that encoded nothing; `JSONEncoder` writes the same.
        case .none:
            writer.beginObject()
            writer.endObject()
        case .scalar(let value):
            value.write(to: &writer)
        case .object(let members):
            writer.beginObject()
            for member in members {
                writer.key(member.key)
                member.value.write(to: &writer)
            }
            writer.endObject()
        case .array(let elements):
            writer.beginArray()
            for element in elements { element.write(to: &writer) }
            writer.endArray()
        }
    }
}
