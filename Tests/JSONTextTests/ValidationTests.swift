import JSONText
import Testing

@Suite("The grammar of RFC 8259")
struct ValidationTests {
    @Test(
        "accepts",
        arguments: [
            "null", "true", "false", "0", "-0", "\"\"", "[]", "{}", " [ ] ", "\t\r\n{ }\n", "\"a\"",
            "1", "-1", "10", "0.0", "-0.0", "0.5", "1.50", "123456789012345678901234567890", "1e5", "1E5", "1e+5",
            "1e-5", "0e+1", "-0e-0", "0e0", "1.5e300", "1e999999999999999999999", "-1e-999999999999999999999", "1e0001",
            "[1]", "[1,2]", "[ 1 , 2 ]", "[[],[[]],{}]", "[\"a\",null,true,false,0.1]",
            "{\"a\":1}", "{ \"a\" : 1 , \"b\" : [ { } ] }", "{\"\":0}", "{\"a\":1,\"a\":2}",
            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"", "\"\\uFFFF\\uffff\\uAbCd\"", "\"\\ud83d\\ude00\"", "\"/\"",
            "\"\u{7F}\"", "\"\u{80}\"", "\"\u{7FF}\"", "\"\u{800}\"", "\"\u{D7FF}\"", "\"\u{E000}\"", "\"\u{FEFF}\"",
            "\"\u{FFFF}\"", "\"\u{10000}\"", "\"\u{10FFFF}\"", "\"\u{2028}\u{2029}\"",
        ]
    )
    func accepts(_ text: String) {
        #expect(check(text) == nil)
    }

    @Test(
        "accepts lone surrogate escapes, which the grammar allows",
        arguments: ["\"\\ud800\"", "\"\\udfff\"", "\"\\ude00\\ud83d\"", "\"\\ud800\\n\"", "{\"\\ud800\":1}"]
    )
    func acceptsLoneSurrogates(_ text: String) {
        #expect(check(text) == nil)
    }

    struct Bad: CustomTestStringConvertible {
        let text: String
        let offset: Int
        let reason: JSONText.Reason

        init(_ text: String, _ offset: Int, _ reason: JSONText.Reason) {
            self.text = text
            self.offset = offset
            self.reason = reason
        }

        var testDescription: String { text }
    }

    static let numbers: [Bad] = [
        Bad("-", 1, .digitExpected), Bad("+1", 0, .valueExpected), Bad(".5", 0, .valueExpected),
        Bad("-.5", 1, .digitExpected), Bad("1.", 2, .digitExpected), Bad("1.e5", 2, .digitExpected),
        Bad("01", 1, .leadingZero), Bad("-01", 2, .leadingZero), Bad("00", 1, .leadingZero),
        Bad("1e", 2, .digitExpected), Bad("1e+", 3, .digitExpected), Bad("1e-", 3, .digitExpected),
        Bad("1e+-1", 3, .digitExpected), Bad("1e5.5", 3, .trailingBytes), Bad("1.2.3", 3, .trailingBytes),
        Bad("0x10", 1, .trailingBytes), Bad("1_000", 1, .trailingBytes), Bad("--1", 1, .digitExpected),
        Bad("- 1", 1, .digitExpected), Bad("1 2", 2, .trailingBytes), Bad("NaN", 0, .valueExpected),
        Bad("Infinity", 0, .valueExpected), Bad("-Infinity", 1, .digitExpected), Bad("[1.]", 3, .digitExpected),
        Bad("[-]", 2, .digitExpected), Bad("[1e]", 3, .digitExpected), Bad("\u{0661}", 0, .valueExpected),
    ]

    static let strings: [Bad] = [
        Bad("\"", 1, .stringNotClosed), Bad("\"abc", 4, .stringNotClosed), Bad("\"\\\"", 3, .stringNotClosed),
        Bad("\"\\", 2, .stringNotClosed), Bad("\"\\u", 3, .stringNotClosed), Bad("\"\\u00e", 6, .stringNotClosed),
        Bad("\"\\u00e\"", 6, .badUnicodeEscape), Bad("\"\\u00G0\"", 5, .badUnicodeEscape),
        Bad("\"\\u 041\"", 3, .badUnicodeEscape), Bad("\"\\u+041\"", 3, .badUnicodeEscape),
        Bad("\"\\u00\u{661}\"", 5, .badUnicodeEscape), Bad("\"\\U0041\"", 2, .badEscape),
        Bad("\"\\x41\"", 2, .badEscape),
        Bad("\"\\a\"", 2, .badEscape), Bad("\"\\'\"", 2, .badEscape), Bad("\"\\0\"", 2, .badEscape),
        Bad("\"\\é\"", 2, .badEscape), Bad("\"\\\n\"", 2, .badEscape), Bad("'a'", 0, .valueExpected),
        Bad("\"a\nb\"", 2, .controlCharacter), Bad("\"a\tb\"", 2, .controlCharacter),
        Bad("\"\u{0}\"", 1, .controlCharacter), Bad("\"0123456789\u{1F}\"", 11, .controlCharacter),
        Bad("\"\\ud83d\\\"", 9, .stringNotClosed), Bad("\"a\"\"b\"", 3, .trailingBytes),
    ]

    static let structure: [Bad] = [
        Bad("", 0, .noValue), Bad(" \n\t", 3, .noValue), Bad("[", 1, .arrayNotClosed), Bad("{", 1, .objectNotClosed),
        Bad("]", 0, .valueExpected), Bad("}", 0, .valueExpected), Bad(",", 0, .valueExpected),
        Bad("[1", 2, .arrayNotClosed), Bad("[1,", 3, .arrayNotClosed), Bad("[1,]", 3, .valueExpected),
        Bad("[,1]", 1, .valueExpected), Bad("[1,,2]", 3, .valueExpected), Bad("[1 2]", 3, .commaOrBracketExpected),
        Bad("[1}", 2, .commaOrBracketExpected), Bad("[1:2]", 2, .commaOrBracketExpected), Bad("[}", 1, .valueExpected),
        Bad("{]", 1, .keyExpected), Bad("{\"a\"", 4, .objectNotClosed), Bad("{\"a\":", 5, .objectNotClosed),
        Bad("{\"a\":1", 6, .objectNotClosed), Bad("{\"a\":1,", 7, .objectNotClosed), Bad("{\"a\":1,}", 7, .keyExpected),
        Bad("{\"a\"}", 4, .colonExpected), Bad("{\"a\",1}", 4, .colonExpected), Bad("{\"a\" 1}", 5, .colonExpected),
        Bad("{\"a\"::1}", 5, .valueExpected), Bad("{\"a\":}", 5, .valueExpected), Bad("{a:1}", 1, .keyExpected),
        Bad("{1:1}", 1, .keyExpected), Bad("{null:1}", 1, .keyExpected), Bad("{'a':1}", 1, .keyExpected),
        Bad("{,}", 1, .keyExpected), Bad("{\"a\":1]", 6, .commaOrBraceExpected),
        Bad("{\"a\":1 \"b\":2}", 7, .commaOrBraceExpected), Bad("[]]", 2, .trailingBytes),
        Bad("{}{}", 2, .trailingBytes), Bad("[] x", 3, .trailingBytes), Bad("null null", 5, .trailingBytes),
        Bad("tru", 3, .badWord), Bad("trUe", 2, .badWord), Bad("True", 0, .valueExpected), Bad("nul", 3, .badWord),
        Bad("fals", 4, .badWord), Bad("falsy     ", 4, .badWord), Bad("nulll", 4, .trailingBytes),
        Bad("[nul]", 4, .badWord), Bad("// a\n1", 0, .valueExpected), Bad("1 // a", 2, .trailingBytes),
        Bad("/**/1", 0, .valueExpected), Bad("\u{FEFF}1", 0, .byteOrderMark), Bad("1\u{FEFF}", 1, .trailingBytes),
        Bad(" \u{FEFF}1", 1, .valueExpected), Bad("\u{A0}1", 0, .valueExpected), Bad("\u{B}1", 0, .valueExpected),
        Bad("\u{C}1", 0, .valueExpected), Bad("1\u{0}", 1, .trailingBytes), Bad("\u{2028}1", 0, .valueExpected),
    ]

    @Test("refuses malformed texts with the place and the reason", arguments: numbers + strings + structure)
    func refuses(_ bad: Bad) {
        #expect(check(bad.text) == JSONText.Failure(offset: bad.offset, reason: bad.reason))
        #expect(Reference.failure(Array(bad.text.utf8)) == bad.offset)
    }

    @Test("no bytes at all are no value, even without an address")
    func nilBuffer() {
        let failure = JSONText.Failure(offset: 0, reason: .noValue)
        #expect(JSONText.validate(UnsafeRawBufferPointer(start: nil, count: 0)) == failure)
        #expect(throws: failure) { try JSONValue.parse(UnsafeRawBufferPointer(start: nil, count: 0)) }
    }

    @Test("every byte alone is judged as the grammar says")
    func singleBytes() {
        for byte in UInt8.min...UInt8.max {
            #expect(check([byte])?.offset == Reference.failure([byte]), "byte \(byte)")
            let quoted: [UInt8] = [0x22, byte, 0x22]
            #expect(check(quoted)?.offset == Reference.failure(quoted), "quoted byte \(byte)")
        }
    }

    @Test(
        "nesting is allowed up to the bound and not beyond",
        arguments: [0, 1, 2, 63, 64, 65, 128, 129, 448, 511, 512]
    )
    func depth(_ depth: Int) {
        func nested(_ count: Int) -> String {
            // Arrays and objects by turns, so that the closers must come in the right order.
            let opened = (0..<count).map { $0 % 3 == 1 ? "{\"a\":" : "[" }.joined()
            let closed = (0..<count).reversed().map { $0 % 3 == 1 ? "}" : "]" }.joined()
            return opened + "1" + closed
        }
        #expect(check(nested(depth), maximumDepth: depth) == nil)
        let tooDeep = nested(depth + 1)
        let failure = check(tooDeep, maximumDepth: depth)
        #expect(failure?.reason == .tooDeep)
        #expect(failure?.offset == Reference.failure(Array(tooDeep.utf8), maximumDepth: depth))
        // A closer of the wrong kind is found at every level.
        for index in nested(depth).indices.suffix(depth) {
            var wrong = nested(depth)
            wrong.replaceSubrange(index...index, with: wrong[index] == "]" ? "}" : "]")
            let offset = wrong.utf8.distance(from: wrong.startIndex, to: index)
            #expect(check(wrong, maximumDepth: depth)?.offset == offset)
        }
    }

    @Test("a bound out of range is moved into it")
    func depthIsClamped() {
        #expect(check("[]", maximumDepth: -1)?.reason == .tooDeep)
        #expect(check("1", maximumDepth: .min) == nil)
        let text = String(repeating: "[", count: 513) + String(repeating: "]", count: 513)
        #expect(check(text, maximumDepth: .max) == JSONText.Failure(offset: 512, reason: .tooDeep))
    }

    @Test("ten million open brackets do not hurt")
    func deepBomb() {
        #expect(check([UInt8](repeating: 0x5B, count: 10_000_000), maximumDepth: 512)?.offset == 512)
    }

    @Test("line and column count from 1, columns in characters")
    func position() {
        let text = Array("{\n  \"é😀\": x\n}".utf8)
        text.withUnsafeBytes { bytes in
            let failure = JSONText.validate(bytes)
            #expect(failure?.position(in: bytes).line == 2)
            #expect(failure?.position(in: bytes).column == 9)
            #expect(failure?.description(in: bytes) == "line 2, column 9: a value is expected")
        }
    }

    @Test("every reason has its own text")
    func messages() {
        #expect(Set(JSONText.Reason.allCases.map(\.message)).count == JSONText.Reason.allCases.count)
    }
}
