// What `Encodable` asks of an encoder; all of it ends in an `EncodedNode`.

struct NodeEncoder: Encoder {
    let node: EncodedNode
    let codingPath: [any CodingKey]

    var userInfo: [CodingUserInfoKey: Any] {
        [:]
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        node.beginObject()
        return KeyedEncodingContainer(KeyedContainer(node: node, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        node.beginArray()
        return UnkeyedContainer(node: node, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleContainer(node: node, codingPath: codingPath)
    }
}

/// The place of an element in an array.
private struct PlaceKey: CodingKey {
    let intValue: Int?

    init(intValue: Int) {
        self.intValue = intValue
    }

    init?(stringValue: String) {
        nil
    }

    var stringValue: String {
        intValue?.description ?? ""
    }
}

/// The member that holds a superclass.
private struct SuperKey: CodingKey {
    init() {}

    init?(stringValue: String) {
        nil
    }

    init?(intValue: Int) {
        nil
    }

    var stringValue: String { "super" }
    var intValue: Int? { nil }
}

private struct KeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: EncodedNode
    let codingPath: [any CodingKey]

    private func put(_ value: EncodedValue, _ key: some CodingKey) {
        node.set(value, forKey: key.stringValue)
    }

    func encodeNil(forKey key: Key) { put(.null, key) }
    func encode(_ value: Bool, forKey key: Key) { put(.bool(value), key) }
    func encode(_ value: String, forKey key: Key) { put(.string(value), key) }
    func encode(_ value: Double, forKey key: Key) throws {
        put(try EncodedValue(finite: value, codingPath: codingPath + [key]), key)
    }
    func encode(_ value: Float, forKey key: Key) throws {
        put(try EncodedValue(finite: value, codingPath: codingPath + [key]), key)
    }
    func encode(_ value: Int, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: Int8, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: Int16, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: Int32, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: Int64, forKey key: Key) { put(.integer(value), key) }
    func encode(_ value: UInt, forKey key: Key) { put(.unsigned(UInt64(value)), key) }
    func encode(_ value: UInt8, forKey key: Key) { put(.unsigned(UInt64(value)), key) }
    func encode(_ value: UInt16, forKey key: Key) { put(.unsigned(UInt64(value)), key) }
    func encode(_ value: UInt32, forKey key: Key) { put(.unsigned(UInt64(value)), key) }
    func encode(_ value: UInt64, forKey key: Key) { put(.unsigned(value), key) }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        put(try EncodedValue(value, codingPath: codingPath + [key]), key)
    }

    func nestedContainer<Nested: CodingKey>(keyedBy: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
        nested(key).container(keyedBy: Nested.self)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        nested(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        nested(SuperKey())
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        nested(key)
    }

    private func nested(_ key: some CodingKey) -> NodeEncoder {
        let child = EncodedNode()
        put(.container(child), key)
        return NodeEncoder(node: child, codingPath: codingPath + [key])
    }
}

private struct UnkeyedContainer: UnkeyedEncodingContainer {
    let node: EncodedNode
    let codingPath: [any CodingKey]

    var count: Int { node.count }

    private var here: [any CodingKey] { codingPath + [PlaceKey(intValue: count)] }

    func encodeNil() { node.append(.null) }
    func encode(_ value: Bool) { node.append(.bool(value)) }
    func encode(_ value: String) { node.append(.string(value)) }
    func encode(_ value: Double) throws { node.append(try EncodedValue(finite: value, codingPath: here)) }
    func encode(_ value: Float) throws { node.append(try EncodedValue(finite: value, codingPath: here)) }
    func encode(_ value: Int) { node.append(.integer(Int64(value))) }
    func encode(_ value: Int8) { node.append(.integer(Int64(value))) }
    func encode(_ value: Int16) { node.append(.integer(Int64(value))) }
    func encode(_ value: Int32) { node.append(.integer(Int64(value))) }
    func encode(_ value: Int64) { node.append(.integer(value)) }
    func encode(_ value: UInt) { node.append(.unsigned(UInt64(value))) }
    func encode(_ value: UInt8) { node.append(.unsigned(UInt64(value))) }
    func encode(_ value: UInt16) { node.append(.unsigned(UInt64(value))) }
    func encode(_ value: UInt32) { node.append(.unsigned(UInt64(value))) }
    func encode(_ value: UInt64) { node.append(.unsigned(value)) }
    func encode<Value: Encodable>(_ value: Value) throws { node.append(try EncodedValue(value, codingPath: here)) }

    func nestedContainer<Nested: CodingKey>(keyedBy: Nested.Type) -> KeyedEncodingContainer<Nested> {
        nested().container(keyedBy: Nested.self)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        nested().unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        nested()
    }

    private func nested() -> NodeEncoder {
        let child = EncodedNode()
        let path = here
        node.append(.container(child))
        return NodeEncoder(node: child, codingPath: path)
    }
}

private struct SingleContainer: SingleValueEncodingContainer {
    let node: EncodedNode
    let codingPath: [any CodingKey]

    func encodeNil() { node.set(.null) }
    func encode(_ value: Bool) { node.set(.bool(value)) }
    func encode(_ value: String) { node.set(.string(value)) }
    func encode(_ value: Double) throws { node.set(try EncodedValue(finite: value, codingPath: codingPath)) }
    func encode(_ value: Float) throws { node.set(try EncodedValue(finite: value, codingPath: codingPath)) }
    func encode(_ value: Int) { node.set(.integer(Int64(value))) }
    func encode(_ value: Int8) { node.set(.integer(Int64(value))) }
    func encode(_ value: Int16) { node.set(.integer(Int64(value))) }
    func encode(_ value: Int32) { node.set(.integer(Int64(value))) }
    func encode(_ value: Int64) { node.set(.integer(value)) }
    func encode(_ value: UInt) { node.set(.unsigned(UInt64(value))) }
    func encode(_ value: UInt8) { node.set(.unsigned(UInt64(value))) }
    func encode(_ value: UInt16) { node.set(.unsigned(UInt64(value))) }
    func encode(_ value: UInt32) { node.set(.unsigned(UInt64(value))) }
    func encode(_ value: UInt64) { node.set(.unsigned(value)) }
    func encode<Value: Encodable>(_ value: Value) throws { node.set(try EncodedValue(value, codingPath: codingPath)) }
}
