import JSONText
import Testing

@Suite("The tree")
struct ValueTests {
    @Test("reads every kind of value")
    func kinds() throws {
        let value = try JSONValue.parse(#" {"a":[null,true,false,1,-2.5,"x\u00e9"],"b":{"c":{}}} "#)
        var inner = JSONObject()
        inner["c"] = .object(JSONObject())
        var outer = JSONObject()
        outer["a"] = .array([.null, .bool(true), .bool(false), .integer(1), .number(-2.5), .string("xé")])
        outer["b"] = .object(inner)
        #expect(value == .object(outer))
        #expect(value["b"]?["c"]?.objectValue?.isEmpty == true)
        #expect(value["a"]?.arrayValue?.count == 6)
        #expect(value["x"] == nil)
        #expect(try JSONValue.parse(Array("7".utf8)) == .integer(7))
    }

    @Test("integers stay exact, what they cannot hold becomes a Double")
    func numbers() throws {
        #expect(try JSONValue.parse("9223372036854775807") == .integer(.max))
        #expect(try JSONValue.parse("-9223372036854775808") == .integer(.min))
        #expect(try JSONValue.parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
        #expect(try JSONValue.parse("1.0") == .number(1))
        #expect(try JSONValue.parse("1e2") == .number(100))
        #expect(try JSONValue.parse("-0").description == "-0.0")
        #expect(try JSONValue.parse("1.0").integerValue == 1)
        #expect(try JSONValue.parse("1.5").integerValue == nil)
        #expect(JSONValue.number(0x1p63).integerValue == nil)
        #expect(JSONValue.number(-0x1p63).integerValue == .min)
        #expect(JSONValue.number(.nan).integerValue == nil)
        #expect(JSONValue.number(.infinity).integerValue == nil)
        #expect(try JSONValue.parse("3").numberValue == 3)
    }

    @Test("a number no Double can hold is an error at its first byte")
    func range() {
        #expect(throws: JSONText.Failure(offset: 1, reason: .numberOutOfRange)) { try JSONValue.parse("[1e999]") }
        #expect(throws: Never.self) { try JSONValue.parse("[1e-999]") }
    }

    @Test("a repeated key is an error at the second one, which the message names")
    func duplicates() {
        let text = Array(#"{"a":1,"events":{"a":2},"b":{},"ev\u0065nts":[]}"#.utf8)
        let failure = JSONText.Failure(offset: 31, reason: .duplicateKey)
        #expect(throws: failure) { try JSONValue.parse(text) }
        let message = text.withUnsafeBytes { failure.description(in: $0) }
        #expect(message == "line 1, column 32: a key appears twice in one object: \"events\"")
        // Two spellings of é are two keys, in a small object and in a large one.
        let many = (0..<40).map { ",\"k\($0)\":0" }.joined()
        #expect(throws: Never.self) { try JSONValue.parse("{\"\u{E9}\":1\(many),\"e\u{301}\":2}") }
        #expect(throws: JSONText.Failure.self) { try JSONValue.parse("{\"a\":1\(many),\"k20\":2}") }
    }

    @Test("malformed texts fail as in the check", arguments: ["", "[1,]", "{\"a\":01}", "\"\\x\"", "\u{FEFF}1", "[[]"])
    func failures(_ text: String) throws {
        let failure = try #require(check(text))
        #expect(throws: failure) { try JSONValue.parse(text) }
        #expect(throws: failure) { try JSONValue.parse(Array(text.utf8)) }
    }

    @Test("depth is bounded here too")
    func depth() {
        let text = String(repeating: "[", count: 513) + String(repeating: "]", count: 513)
        #expect(throws: JSONText.Failure(offset: 64, reason: .tooDeep)) { try JSONValue.parse(text) }
        #expect(throws: JSONText.Failure(offset: 512, reason: .tooDeep)) {
            try JSONValue.parse(text, maximumDepth: 600)
        }
    }

    @Test("members keep their order and are found by key, few or many", arguments: [3, 16, 17, 1000])
    func objects(_ count: Int) throws {
        let keys = (0..<count).map { "key\($0 * 7919 % 1009)" }
        var object = JSONObject()
        for (index, key) in keys.enumerated() {
            let isNew = object.append(key, .integer(Int64(index)))
            #expect(isNew)
        }
        #expect(object.keys == keys)
        let isNew = object.append(keys[1], .null)
        #expect(!isNew)
        for (index, key) in keys.enumerated() {
            #expect(object[key] == .integer(Int64(index)))
        }
        #expect(object["key"] == nil)
        object[keys[0]] = .null
        #expect(object.keys == keys)
        object[keys[1]] = nil
        #expect(object.keys == [keys[0]] + keys.dropFirst(2))
        #expect(object[keys[count - 1]] == .integer(Int64(count - 1)))
        #expect(try JSONValue.parse(JSONValue.object(object).description) == .object(object))
    }

    @Test("strings compare by their bytes")
    func equality() {
        #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
        #expect(JSONValue.string("é") == .string("é"))
        #expect(Set([JSONValue.integer(1), .integer(1), .number(1), .bool(true), .null, .array([])]).count == 5)
    }
}
