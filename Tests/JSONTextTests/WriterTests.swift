import JSONText
import Testing

@Suite("The writer")
struct WriterTests {
    private func write(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("sets commas and colons by itself")
    func separators() {
        let text = write { writer in
            writer.beginObject()
            writer.key("a")
            writer.beginArray()
            writer.integer(1)
            writer.beginArray()
            writer.endArray()
            writer.beginObject()
            writer.endObject()
            writer.null()
            writer.endArray()
            writer.key("b")
            writer.bool(true)
            writer.key("c")
            writer.raw(Array("{\"x\":[1]}".utf8))
            writer.key("d")
            writer.string("x")
            writer.endObject()
        }
        #expect(text == #"{"a":[1,[],{},null],"b":true,"c":{"x":[1]},"d":"x"}"#)
    }

    @Test("appends to what is there and starts anew")
    func reuse() {
        var writer = JSONWriter(appendingTo: Array("data: ".utf8))
        writer.integer(1)
        #expect(writer.bytes == Array("data: 1".utf8))
        writer.removeAll()
        writer.bool(false)
        #expect(writer.bytes == Array("false".utf8))
    }

    @Test("escapes what must be escaped and nothing else")
    func escapes() {
        #expect(write { $0.string("\"\\/\u{8}\u{C}\n\r\t") } == #""\"\\/\b\f\n\r\t""#)
        #expect(write { $0.string("\u{0}\u{1F}\u{10}\u{7F}") } == "\"\\u0000\\u001f\\u0010\u{7F}\"")
        #expect(write { $0.string("é中😀\u{2028}\u{2029}") } == "\"é中😀\u{2028}\u{2029}\"")
        #expect(write { $0.key("a\"b") } == "\"a\\\"b\":")
    }

    @Test("every ASCII character reads back, at every distance from the ends")
    func ascii() throws {
        for value in 0..<UInt8(0x80) {
            for padding in [0, 1, 7, 8, 17] {
                let pad = String(repeating: "x", count: padding)
                let text = pad + String(Unicode.Scalar(value)) + pad
                #expect(try JSONValue.parse(write { $0.string(text) }) == .string(text))
            }
        }
    }

    @Test("bytes that are not UTF-8 are replaced, as the standard library replaces them")
    func invalid() throws {
        let cases: [[UInt8]] = [
            [], [0xFF], [0x61, 0x80, 0x62], [0xC3], [0xC3, 0x28], [0xE4, 0xB8], [0xE4, 0xB8, 0x22], [0xED, 0xA0, 0x80],
            [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x98, 0x80, 0xF0], [0xF4, 0x90, 0x80, 0x80], [0xC0, 0x80],
            [0xE0, 0x80, 0xAF],
        ]
        var random = Seeded(5)
        let borders = UTF8Tests.borders
        let noise = (0..<3000).map { _ in
            (0..<Int.random(in: 0...24, using: &random)).map { _ in borders.randomElement(using: &random) ?? 0 }
        }
        for bytes in cases + noise {
            var writer = JSONWriter()
            bytes.withUnsafeBytes { writer.string(bytes: $0) }
            #expect(try JSONValue.parse(writer.bytes) == .string(String(decoding: bytes, as: UTF8.self)), "\(bytes)")
        }
        var writer = JSONWriter()
        writer.string(bytes: UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(writer.bytes == Array("\"\"".utf8))
    }

    @Test("integers of every size")
    func integers() {
        let text = write { writer in
            writer.beginArray()
            writer.integer(0)
            writer.integer(-1)
            writer.integer(Int64.min)
            writer.integer(Int64.max)
            writer.integer(UInt64.max)
            writer.endArray()
        }
        #expect(text == "[0,-1,-9223372036854775808,9223372036854775807,18446744073709551615]")
    }

    @Test("a Double is its shortest form and reads back the same; what JSON lacks is null")
    func doubles() throws {
        let values = [0.1, 1, -0.0, 1e21, 1e-7, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .pi, 1.0 / 3]
        var random = Seeded(9)
        for value in values + (0..<2000).map({ _ in Double(bitPattern: random.next()) }) where value.isFinite {
            let text = write { $0.number(value) }
            #expect(check(text) == nil, "\(text)")
            let back = try JSONValue.parse(text).numberValue
            #expect(back?.bitPattern == value.bitPattern, "\(text)")
        }
        #expect(write { $0.number(0.1) } == "0.1")
        #expect(write { $0.number(.nan) } == "null")
        #expect(write { $0.number(-.infinity) } == "null")
    }

    @Test("random trees read back equal from what they wrote", arguments: 31...34 as ClosedRange<UInt64>)
    func roundTrip(_ seed: UInt64) throws {
        var random = Seeded(seed)
        for _ in 0..<300 {
            let value = tree(5, &random)
            let text = value.description
            #expect(check(text) == nil)
            #expect(try JSONValue.parse(text) == value)
            #expect(try JSONValue.parse(text).description == text)
        }
    }

    private func tree(_ depth: Int, _ random: inout Seeded) -> JSONValue {
        switch Int.random(in: depth > 0 ? 0...7 : 2...7, using: &random) {
        case 0:
            return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in tree(depth - 1, &random) })
        case 1:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0...20, using: &random) {
                object[string(&random)] = tree(depth - 2, &random)
            }
            return .object(object)
        case 2: return .null
        case 3: return .bool(Bool.random(using: &random))
        case 4: return .integer(Int64(bitPattern: random.next()) >> Int64.random(in: 0...63, using: &random))
        case 5:
            let value = Double(bitPattern: random.next())
            return .number(value.isFinite ? value : 0.5)
        default: return .string(string(&random))
        }
    }

    private func string(_ random: inout Seeded) -> String {
        let pieces = ["a", "key", "\"", "\\", "\n", "\u{0}", "é", "e\u{301}", "中", "😀", "\u{2028}", "longer text here"]
        let count = Int.random(in: 0...5, using: &random)
        return (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
    }
}
