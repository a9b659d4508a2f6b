import JSONText
import Testing

@Suite("Values read from slices")
struct SliceTests {
    /// Calls with the one value of a text.
    private func with<Value>(
        _ text: String,
        _ body: (JSONText.Slice, UnsafeRawBufferPointer) -> Value
    ) throws -> Value {
        let set = try JSONText.PathSet(["0"])
        var extraction = JSONText.Extraction()
        return try Array("[\(text)]".utf8).withUnsafeBytes { bytes in
            if let failure = JSONText.validate(bytes, extracting: set, into: &extraction) {
                throw failure
            }
            return body(extraction[0], bytes)
        }
    }

    @Test(
        "strings decode and compare with their escapes decoded",
        arguments: [
            (#""""#, ""), (#""abc""#, "abc"), (#""a\nb\t\"\\\/\b\f\r""#, "a\nb\t\"\\/\u{8}\u{C}\r"),
            (#""\u0041\u00e9\u4E2D\ud83d\ude00\u0000""#, "Aé中😀\0"), (#""é中😀""#, "é中😀"),
            (#""\ud800""#, "\u{FFFD}"), (#""\udc00\ud800x""#, "\u{FFFD}\u{FFFD}x"),
            (#""\ud800\ud83d\ude00""#, "\u{FFFD}😀"), (#""\ud800\n""#, "\u{FFFD}\n"), (#""\ud800\u0041""#, "\u{FFFD}A"),
        ]
    )
    func strings(_ json: String, _ text: String) throws {
        try with(json) { slice, bytes in
            #expect(slice.string(in: bytes) == text)
            #expect(slice.isString(text, in: bytes))
            #expect(!slice.isString(text + "x", in: bytes))
            #expect(!slice.isString(String(text.dropLast()) + "?", in: bytes))
            #expect(text.isEmpty || !slice.isString("", in: bytes))
        }
    }

    @Test("an escape is never taken for its own spelling")
    func spelling() throws {
        #expect(try with(#""\n""#) { $0.isString(#"\n"#, in: $1) } == false)
        #expect(try with(#""a\\b""#) { $0.isString(#"a\b"#, in: $1) })
        #expect(try with(#""a\\b""#) { $0.isString(#"a\\b"#, in: $1) } == false)
    }

    @Test("only strings are strings, only numbers numbers")
    func kinds() throws {
        for json in ["1", "null", "true", "[]", "{}"] {
            #expect(try with(json) { $0.string(in: $1) } == nil)
            #expect(try with(json) { $0.isString("1", in: $1) } == false)
        }
        for json in ["\"1\"", "null", "true", "[1]"] {
            #expect(try with(json) { $0.double(in: $1) } == nil)
            #expect(try with(json) { $0.int64(in: $1) } == nil)
        }
        #expect(try with("true") { slice, _ in slice.bool } == true)
        #expect(try with("false") { slice, _ in slice.bool } == false)
        #expect(try with("0") { slice, _ in slice.bool } == nil)
    }

    @Test(
        "whole numbers in range are exact, however they are written",
        arguments: [
            ("0", 0), ("-0", 0), ("7", 7), ("-7", -7), ("1.0", 1), ("50e-1", 5), ("1e3", 1000), ("1.5e1", 15),
            ("9223372036854775807", .max), ("-9223372036854775808", .min), ("9223372036854775808", nil),
            ("-9223372036854775809", nil), ("18446744073709551616", nil), ("1e18", 1_000_000_000_000_000_000),
            ("1e19", nil), ("9.223372036854775807e18", .max), ("0.5", nil), ("1e-1", nil),
            ("0e999999999999999999999", 0), ("0.000e-99999999999999999999", 0),
            ("1e9223372036854775807", nil), ("10e9223372036854775807", nil),
            ("1e99999999999999999999", nil), ("1e-99999999999999999999", nil),
            ("100000000000000000000e-20", 1), ("0.00000000000000000000001e23", 1),
            ("1000000000000000000000001e-24", nil), ("184467440737095516160e-1", nil),
        ] as [(String, Int64?)]
    )
    func integers(_ json: String, _ value: Int64?) throws {
        #expect(try with(json) { $0.int64(in: $1) } == value)
    }

    @Test(
        "numbers read as the nearest Double",
        arguments: [
            "0", "1", "-1.5", "0.1", "0.3", "1e22", "1e23", "-1e-22", "123456789012345678", "9007199254740993",
            "5e-324", "2.2250738585072011e-308", "1.7976931348623157e308", "3.141592653589793238462643383279",
            "1e-400", "1e400", "-1e400", "0.1e-9999999999999999999999", "1e00000000000000000000000000003",
            "4.9406564584124654e-324", "0.000000000000000000000000000000000000000001e42",
            "1e99999999999999999999", "0e99999999999999999999",
        ]
    )
    func doubles(_ json: String) throws {
        #expect(try with(json) { $0.double(in: $1) } == Double(json))
    }

    @Test("random numbers read as the nearest Double")
    func randomDoubles() throws {
        var random = Seeded(3)
        for _ in 0..<2000 {
            let whole = UInt64.random(in: 0...(.max >> UInt64.random(in: 0...63, using: &random)), using: &random)
            let fraction = UInt64.random(in: 0...99_999, using: &random)
            let json = "\(whole).\(fraction)e\(Int.random(in: -30...30, using: &random))"
            #expect(try with(json) { $0.double(in: $1) } == Double(json), "\(json)")
        }
    }

    @Test("negative zero keeps its sign")
    func negativeZero() throws {
        #expect(try with("-0") { $0.double(in: $1) }?.sign == .minus)
        #expect(try with("-0.0e5") { $0.double(in: $1) }?.sign == .minus)
    }

    @Test("a slice of another text reads nothing outside it")
    func foreignSlices() {
        let text: [UInt8] = Array("\"ab".utf8)
        text.withUnsafeBytes { bytes in
            for kind in [JSONText.Kind.string, .number, .missing] {
                for (offset, length) in [(0, 4), (3, 1), (4, 0), (-1, 2), (0, -1), (.max, .max), (2, .max), (0, 1)] {
                    let slice = JSONText.Slice(offset: offset, length: length, kind: kind)
                    #expect(slice.string(in: bytes) == nil)
                    #expect(!slice.isString("ab", in: bytes))
                }
            }
            let cut = JSONText.Slice(offset: 0, length: 3, kind: .string)
            #expect(cut.string(in: bytes) == "a")
        }
    }
}
