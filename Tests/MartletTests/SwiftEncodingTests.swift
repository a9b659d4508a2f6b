import Foundation
import JSONText
import Testing

@testable import Martlet

/// What `push` makes of values; Foundation's encoder is the judge where it knows no better.
@Suite("Swift: encoding of events")
struct SwiftEncodingTests {
    private func encode(_ value: some Encodable) throws -> String {
        String(decoding: try EventEncoder.encode(value), as: UTF8.self)
    }

    private func expectSame(_ value: some Encodable, _ location: SourceLocation = #_sourceLocation) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let expected = try encoder.encode(value)
        // Foundation sorts the keys, which a hash table gave in any order.
        let mine = try JSONSerialization.jsonObject(with: Data(encode(value).utf8), options: .fragmentsAllowed)
        let sorted = try JSONSerialization.data(withJSONObject: mine, options: [.sortedKeys, .fragmentsAllowed])
        let theirs = try JSONSerialization.jsonObject(with: expected, options: .fragmentsAllowed)
        let theirsSorted = try JSONSerialization.data(
            withJSONObject: theirs,
            options: [.sortedKeys, .fragmentsAllowed]
        )
        #expect(
            String(decoding: sorted, as: UTF8.self) == String(decoding: theirsSorted, as: UTF8.self),
            sourceLocation: location
        )
    }

    private struct Numbers: Encodable {
        var a = Int.min, b = Int.max, c = UInt64.max, d: Int8 = -8, e: Int16 = -16, f: Int32 = -32, g: Int64 = .min
        var h: UInt8 = 8, i: UInt16 = 16, j: UInt32 = 32, k: UInt = .max
        var l = 0.1, m: Float = 0.1, o = 1e300, p = 5.0, q = true, r: Int? = nil, s: Int? = 7
    }

    private struct Line: Encodable {
        var article: String
        var count: Int
        var options: [String?]
    }

    private enum Status: String, Encodable {
        case open
    }

    private enum Payment: Encodable {
        case card(last4: String)
        case cash
    }

    private struct Order: Encodable {
        var id = "o-1"
        var lines = [
            Line(article: "ä \"x\" \u{1}\u{2028}", count: 2, options: ["a", nil]),
            Line(article: "", count: 0, options: []),
        ]
        var status = Status.open
        var payments = [Payment.card(last4: "4242"), .cash]
        var totals = ["net": 1.5, "gross": 2.25]
        var places = [1: "one", 2: "two"]
        var nothing: [String: Int] = [:]
        var bytes: [UInt8] = [1, 2, 255]
        var nested: [[Int]] = [[1], [], [2, 3]]
        var uuid = UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F")
    }

    @Test("Values of every shape are written as JSONEncoder writes them")
    func shapes() throws {
        try expectSame(Numbers())
        try expectSame(Order())
        try expectSame([Order(), Order()])
        try expectSame("text")
        try expectSame(7)
        try expectSame(Int?.none)
        try expectSame([String]())
        try expectSame(Dictionary(uniqueKeysWithValues: (0..<1000).map { ("key\($0)", $0) }))
        #expect(try encode(Numbers()).contains(#""c":18446744073709551615,"#))
        #expect(try encode(Numbers()).contains(#""m":0.1,"#))
    }

    private class Base: Encodable {
        var base = 1
    }

    private final class Derived: Base {
        var derived = 2

        private enum Keys: String, CodingKey {
            case derived
        }

        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(derived, forKey: .derived)
            try super.encode(to: container.superEncoder())
        }
    }

    /// Fills two containers in turn, sets a key twice, and comes back to the first.
    private struct Interleaved: Encodable {
        enum Keys: String, CodingKey {
            case left, right, list, twice, more
        }

        func encode(to encoder: any Encoder) throws {
            var top = encoder.container(keyedBy: Keys.self)
            var left = top.nestedContainer(keyedBy: Keys.self, forKey: .left)
            var right = top.nestedContainer(keyedBy: Keys.self, forKey: .right)
            var list = top.nestedUnkeyedContainer(forKey: .list)
            try left.encode(1, forKey: .left)
            try list.encode("a")
            var inner = list.nestedContainer(keyedBy: Keys.self)
            try right.encode(2, forKey: .left)
            try top.encode(1, forKey: .twice)
            try top.encode("second", forKey: .twice)
            try left.encode(3, forKey: .right)
            try list.encodeNil()
            try inner.encode(Float(2), forKey: .more)
            var single = list.superEncoder().singleValueContainer()
            try single.encode(4)
            var last = top.superEncoder(forKey: .more).unkeyedContainer()
            try last.encode(UInt8(5))
        }
    }

    private struct Empty: Encodable {
        func encode(to encoder: any Encoder) {}
    }

    private struct Flat: Encodable {
        var value = ["x": Empty()]
    }

    @Test("Superclasses, containers filled in turn and keys set twice come out as with JSONEncoder")
    func containers() throws {
        try expectSame(Derived())
        try expectSame(Interleaved())
        try expectSame(Flat())
    }

    private struct Dated: Encodable {
        var at = Date(timeIntervalSince1970: 1_765_189_800.25)
        var list: [Date?] = [Date(timeIntervalSince1970: 0), nil]
        var url = URL(string: "https://example.com/a?b=1#c")
        var data = Data([0, 1, 255])
        var empty = Data()
        var price = Decimal(string: "12.30")
        var huge = Decimal(string: "123456789012345678901234567890.5")
        var plain = 5.0
    }

    @Test("Types of Foundation take the form that receivers expect")
    func foundation() throws {
        let json = try encode(Dated())
        #expect(
            json == #"{"at":"2025-12-08T10:30:00.250Z","list":["1970-01-01T00:00:00.000Z",null],"#
                + #""url":"https://example.com/a?b=1#c","data":"AAH/","empty":"","price":12.3,"#
                + #""huge":123456789012345678901234567890.5,"plain":5.0}"#
        )
    }

    @Test("What JSON cannot express is an error that names the place")
    func refused() throws {
        let message = try #require(failure { _ = try encode(["a": ["b": [1, Double.infinity]]]) }).message
        #expect(message == "data.a.b.1: JSON cannot express inf")
        #expect(failure { _ = try encode(["f": Float.nan]) }?.code == .invalidArgument)
        #expect(failure { _ = try encode(["d": Decimal.nan]) }?.code == .invalidArgument)
        // Ready JSON that was meant as such would arrive as a string of base64.
        #expect(failure { _ = try encode(Data("{}".utf8)) }?.message.contains("json:") == true)
    }

    @Test("JSON literals are written as they stand, by any encoder")
    func literals() throws {
        let text = #"{"a":[1,2.5,"x",true,null,{"b":[]}],"c":{},"big":9223372036854775807}"#
        let json: JSON = ["a": [1, 2.5, "x", true, nil, ["b": []]], "c": [:], "big": 9_223_372_036_854_775_807]
        #expect(json.description == text)
        #expect(try encode(json) == text)
        #expect(try encode(["in": json]) == #"{"in":\#(text)}"#)
        #expect(try JSON(parsing: text) == json)
        #expect(try JSON(parsing: JSONEncoder().encode(json))["a"]?[2]?.string == "x")
        #expect(json["a"]?[9] == nil)
        #expect(failure { _ = try JSON(parsing: "{\"a\":}") }?.code == .invalidJSON)
        let values = [("a", 1), ("b", 2)].map { JSON([$0.0: JSON($0.1)]) }
        #expect(JSON(values).description == #"[{"a":1},{"b":2}]"#)
    }
}
