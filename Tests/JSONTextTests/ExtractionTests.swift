import JSONText
import Testing

@Suite("Members read out while checking")
struct ExtractionTests {
    @Test("finds members of the sample at every level")
    func sampleMembers() throws {
        let paths = [
            "eventType", "data.agentId", "data.analysis.sentiment", "data.callDuration", "data.cost", "data.answered",
            "data.recordingUrl", "data.analysis.customFields", "data.analysis.scores.1", "data.analysis.scores.2.0",
            "data.analysis.scores", "data.analysis.tags", "data.analysis.tags.0", "data.missing", "missing.at.all",
        ]
        #expect(
            try extract(sample, paths) == [
                "\"call.placed\"", "\"agent_123\"", "\"positive\"", "185", "-0.25e+1", "true", "null", "{}", "2.5", "3",
                "[1, 2.5, [3]]", "[ ]", nil, nil, nil,
            ]
        )
    }

    @Test("tells the kinds apart")
    func kinds() throws {
        let text = Array(#"{"a":null,"b":false,"c":true,"d":0,"e":"","f":[],"g":{}}"#.utf8)
        let set = try JSONText.PathSet(["a", "b", "c", "d", "e", "f", "g", "h"])
        var extraction = JSONText.Extraction()
        let failure = text.withUnsafeBytes { JSONText.validate($0, extracting: set, into: &extraction) }
        #expect(failure == nil)
        let wanted: [JSONText.Kind] = [.null, .false, .true, .number, .string, .array, .object, .missing]
        #expect(extraction.slices.map(\.kind) == wanted)
        #expect(extraction[99] == .missing)
        #expect(extraction[-1] == .missing)
    }

    @Test("of a key that is there twice the last one counts, and all below the first is forgotten")
    func duplicates() throws {
        #expect(try extract(#"{"a":1,"a":2}"#, ["a"]) == ["2"])
        #expect(try extract(#"{"a":{"b":1},"a":{}}"#, ["a.b", "a"]) == [nil, "{}"])
        #expect(try extract(#"{"a":{"b":1},"a":7}"#, ["a.b", "a"]) == [nil, "7"])
        #expect(try extract(#"{"a":{"b":1},"x":2,"a":{"b":[3]}}"#, ["a.b", "a.b.0"]) == ["[3]", "3"])
        #expect(try extract(#"{"a":[1,2],"a":[3]}"#, ["a.0", "a.1"]) == ["3", nil])
        #expect(try extract(#"{"a":1,"\u0061":2}"#, ["a"]) == ["2"])
    }

    @Test("keys written with escapes are the keys they stand for")
    func escapedKeys() throws {
        #expect(try extract(#"{"agent\u0049d":1}"#, ["agentId"]) == ["1"])
        #expect(try extract(#"{"\ud83d\ude00":{"\"":2}}"#, ["😀.\""]) == ["2"])
        #expect(try extract(#"{"a\/b":3,"\\":4}"#, ["a/b", "\\\\"]) == ["3", "4"])
        #expect(try extract(#"{"agent\u0049":1,"agent\n":1}"#, ["agentId", "agent\\\\n"]) == [nil, nil])
    }

    @Test("keys compare byte for byte, whatever their length")
    func keyComparison() throws {
        for length in 1...20 {
            let key = String(repeating: "k", count: length)
            #expect(try extract("{\"\(key)\":1}", [key, key + "k", key + "x"]) == ["1", nil, nil])
            #expect(try extract("{\"\(key)x\":1}", [key, key + "y", key + "x"]) == [nil, nil, "1"])
        }
        // é in one piece and in two.
        #expect(try extract("{\"\u{E9}\":1,\"e\u{301}\":2}", ["e\u{301}", "\u{E9}"]) == ["2", "1"])
        // A zero byte cannot stand for the missing end of a short name.
        #expect(try extract(#"{"a\u0000":1}"#, ["a", "a\0"]) == [nil, "1"])
        #expect(try extract("{\"\":1}", ["a"]) == [nil])
    }

    @Test("a number in a path is an index in an array and a key in an object")
    func indexes() throws {
        #expect(try extract(#"{"items":[{"name":"x"},{"name":"y"}]}"#, ["items.1.name"]) == ["\"y\""])
        #expect(try extract(#"{"items":{"1":{"name":"z"}}}"#, ["items.1.name"]) == ["\"z\""])
        #expect(try extract("[[1,2],[3,[4]]]", ["1.1.0", "0.1", "2", "01", "0.-1"]) == ["4", "2", nil, nil, nil])
        let eleven = "[" + Array(repeating: "0", count: 11).joined(separator: ",") + "]"
        #expect(try extract(eleven, ["10", "11"]) == ["0", nil])
    }

    @Test("a dot or backslash inside a name is written with a backslash")
    func escapedPaths() throws {
        #expect(try extract(#"{"a.b":1,"a":{"b":2}}"#, [#"a\.b"#, "a.b"]) == ["1", "2"])
    }

    @Test("what is not the asked-for shape is missing")
    func otherShapes() throws {
        #expect(try extract("5", ["a"]) == [nil])
        #expect(try extract("[]", ["a", "0"]) == [nil, nil])
        #expect(try extract(#"{"a":"b"}"#, ["a.b", "b"]) == [nil, nil])
        #expect(try extract(#"{"x":{"a":1},"y":[{"a":2}]}"#, ["a"]) == [nil])
    }

    @Test("the same path twice gives its value twice, a path and its beginning both give theirs")
    func overlapping() throws {
        #expect(try extract(#"{"a":{"b":1}}"#, ["a.b", "a", "a.b"]) == ["1", "{\"b\":1}", "1"])
    }

    @Test("64 paths work, 65 are refused")
    func limits() throws {
        let paths = (0..<64).map { "key\($0)" }
        let text = "{" + paths.map { "\"\($0)\":\"\($0)\"" }.joined(separator: ",") + "}"
        #expect(try extract(text, paths) == paths.map { "\"\($0)\"" })
        #expect(throws: JSONText.PathSet.Refusal.tooMany(65)) { try JSONText.PathSet(paths + ["one"]) }
    }

    @Test("malformed paths are refused by name", arguments: ["", ".", "a.", ".a", "a..b"])
    func emptyNames(_ path: String) {
        #expect(throws: JSONText.PathSet.Refusal.emptyName(path: path)) { try JSONText.PathSet(["ok", path]) }
    }

    @Test("a stray backslash in a path is refused", arguments: ["a\\", "a\\b"])
    func badEscapes(_ path: String) {
        #expect(throws: JSONText.PathSet.Refusal.badEscape(path: path)) { try JSONText.PathSet([path]) }
    }

    @Test("a failure leaves nothing of this text or the one before")
    func failures() throws {
        let set = try JSONText.PathSet(["a"])
        var extraction = JSONText.Extraction()
        for (text, kind) in [(#"{"a":1}"#, JSONText.Kind.number), (#"{"a":1"#, .missing), ("{}", .missing)] {
            let failure = Array(text.utf8).withUnsafeBytes {
                JSONText.validate($0, extracting: set, into: &extraction)
            }
            #expect(failure == check(text))
            #expect(extraction[0].kind == kind)
        }
    }

    @Test("one buffer serves sets of any size by turns")
    func reuse() throws {
        var extraction = JSONText.Extraction()
        for paths in [["a"], [], ["b", "a.0", "c.d.e"], ["a"]] {
            let set = try JSONText.PathSet(paths)
            let failure = Array(#"{"a":[7]}"#.utf8).withUnsafeBytes {
                JSONText.validate($0, extracting: set, into: &extraction)
            }
            #expect(failure == nil)
            #expect(extraction.slices.count == paths.count)
        }
        #expect(extraction[0] == JSONText.Slice(offset: 5, length: 3, kind: .array))
    }

    @Test("random texts give what a walk through a tree gives", arguments: 21...24 as ClosedRange<UInt64>)
    func random(_ seed: UInt64) throws {
        var maker = TextMaker(random: Seeded(seed))
        let names = ["a", "b", "0", "1", "agentId", "sentiment", "sentimentScore", "é", "recordingUrlOfTheCall"]
        var found = 0
        for _ in 0..<400 {
            let text = maker.text(depth: 5)
            let paths = (0..<Int.random(in: 1...40, using: &maker.random)).map { _ in
                (0..<Int.random(in: 1...3, using: &maker.random)).map { _ in
                    names.randomElement(using: &maker.random) ?? "a"
                }
            }
            let tree = try Reference.read(Array(text.utf8))
            let wanted = paths.map { path in
                tree.find(path[...]).map { String(decoding: bytes(of: text, $0.range), as: UTF8.self) }
            }
            let got = try extract(text, paths.map { $0.joined(separator: ".") })
            #expect(got == wanted, "\(text) \(paths)")
            found += got.compactMap(\.self).count
        }
        #expect(found > 100)
    }

    private func bytes(of text: String, _ range: Range<Int>) -> ArraySlice<UInt8> {
        Array(text.utf8)[range]
    }
}
