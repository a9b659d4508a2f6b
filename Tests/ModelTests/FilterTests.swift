import JSONText
import TestInputs
import Testing

@testable import Model

extension ContentFilter {
    /// Judges a document as the index does: by slices of its bytes.
    func holds(_ data: String) throws -> Bool {
        let set = try JSONText.PathSet(paths)
        var extraction = JSONText.Extraction()
        return try Array(data.utf8).withUnsafeBytes { bytes in
            let failure = JSONText.validate(bytes, extracting: set, into: &extraction)
            try #require(failure == nil, "\(data)")
            return matches(in: bytes) { extraction[$0] }
        }
    }
}

@Suite("Content filter")
struct FilterTests {
    private func filter(_ json: String) throws -> ContentFilter {
        try ContentFilter(JSONValue.parse(json))
    }

    // MARK: What holds

    @Test(arguments: [
        // A value, nested or by path.
        (#"{"a":"x"}"#, #"{"a":"x"}"#, true),
        (#"{"a":"x"}"#, #"{"a":"\u0078"}"#, true),
        (#"{"a":"x"}"#, #"{"a":"X"}"#, false),
        (#"{"a":{"b":1}}"#, #"{"a":{"b":1}}"#, true),
        (#"{"a.b":1}"#, #"{"a":{"b":1.0}}"#, true),
        (#"{"a\\.b":1}"#, #"{"a.b":1}"#, true),
        (#"{"\\$a":1}"#, #"{"$a":1}"#, true),
        (#"{"items.1.n":2}"#, #"{"items":[{"n":1},{"n":2}]}"#, true),
        (#"{"a":null}"#, #"{"a":null}"#, true),
        (#"{"a":null}"#, #"{}"#, false),
        (#"{"a":true,"b":false}"#, #"{"a":true,"b":false}"#, true),
        (#"{"a":1}"#, #"{"a":1,"a":2}"#, false),
        // No value turns into one of another type.
        (#"{"a":5}"#, #"{"a":"5"}"#, false),
        (#"{"a":"5"}"#, #"{"a":5}"#, false),
        (#"{"a":true}"#, #"{"a":1}"#, false),
        (#"{"a":{"$gt":"a"}}"#, #"{"a":7}"#, false),
        (#"{"a":{"$lte":7}}"#, #"{"a":"7"}"#, false),
        (#"{"a":{"$eq":"x"}}"#, #"{"a":["x"]}"#, false),
        // Whole numbers are exact, others are doubles.
        (#"{"a":9007199254740993}"#, #"{"a":9007199254740992}"#, false),
        (#"{"a":9007199254740993}"#, #"{"a":9007199254740993.0}"#, true),
        (#"{"a":{"$gt":9007199254740992}}"#, #"{"a":9007199254740993}"#, true),
        (#"{"a":9223372036854775807}"#, #"{"a":9223372036854775806}"#, false),
        (#"{"a":{"$lt":-9223372036854775807}}"#, #"{"a":-9223372036854775808}"#, true),
        (#"{"a":1e2}"#, #"{"a":100}"#, true),
        (#"{"a":0}"#, #"{"a":-0}"#, true),
        (#"{"a":{"$gt":1}}"#, #"{"a":1.5}"#, true),
        (#"{"a":{"$lt":1.5}}"#, #"{"a":1}"#, true),
        (#"{"a":{"$gt":1}}"#, #"{"a":1e400}"#, true),
        (#"{"a":{"$gte":60,"$lt":120}}"#, #"{"a":60}"#, true),
        (#"{"a":{"$gte":60,"$lt":120}}"#, #"{"a":120}"#, false),
        // Strings are ordered by their bytes.
        (#"{"a":{"$gt":"Z"}}"#, #"{"a":"a"}"#, true),
        (#"{"a":{"$lt":"b"}}"#, #"{"a":"\u0061\n"}"#, true),
        (#"{"a":{"$gte":"ab"}}"#, #"{"a":"a"}"#, false),
        // Absent fields.
        (#"{"a":{"$neq":1}}"#, "{}", true),
        (#"{"a":{"$nin":[1]}}"#, "{}", true),
        (#"{"a":{"$in":[1,null]}}"#, "{}", false),
        (#"{"a":{"$lt":1}}"#, "{}", false),
        (#"{"a":{"$startsWith":""}}"#, "{}", false),
        (#"{"a":{"$exist":true}}"#, #"{"a":null}"#, true),
        (#"{"a":{"$exist":false}}"#, #"{"a":null}"#, false),
        (#"{"a":{"$exist":false}}"#, "{}", true),
        (#"{"a.b":{"$exist":true}}"#, #"{"a":3}"#, false),
        // Lists and ends.
        (#"{"a":{"$in":["x",2,null]}}"#, #"{"a":null}"#, true),
        (#"{"a":{"$nin":["x",2]}}"#, #"{"a":2}"#, false),
        (#"{"a":{"$startsWith":"ab"}}"#, #"{"a":"abc"}"#, true),
        (#"{"a":{"$startsWith":"abc"}}"#, #"{"a":"ab"}"#, false),
        (#"{"a":{"$endsWith":"\n"}}"#, #"{"a":"x\n"}"#, true),
        (#"{"a":{"$endsWith":"b"}}"#, #"{"a":"a"}"#, false),
        // Groups.
        (#"{"$or":[{"a":1},{"b":1}]}"#, #"{"b":1}"#, true),
        (#"{"$or":[{"a":1},{"b":1}]}"#, #"{"b":2}"#, false),
        (#"{"$and":[{"a":1},{"b":1}]}"#, #"{"a":1}"#, false),
        (#"{"$not":{"a":1,"b":1}}"#, #"{"a":1}"#, true),
        (#"{"$not":{"a":1,"b":1}}"#, #"{"a":1,"b":1}"#, false),
        (#"{"a":{"$not":{"$gt":5}}}"#, "{}", true),
        (#"{"a":{"$or":[{"$lt":1},{"$gt":5},{"b":2}]}}"#, #"{"a":{"b":2}}"#, true),
        (#"{"a":1,"$or":[{"b":1},{"c":1}],"d":{"$exist":false}}"#, #"{"a":1,"c":1}"#, true),
        (#"{"a":1}"#, "17", false),
        (#"{"a":{"$neq":1}}"#, "[]", true),
    ])
    func operators(_ json: String, _ data: String, _ expected: Bool) throws {
        #expect(try filter(json).holds(data) == expected)
    }

    @Test(arguments: Inputs.each(1...8 as ClosedRange<UInt64>, orEvery: 4))
    func agreesWithAPlainEvaluator(_ seed: UInt64) throws {
        var dice = FilterDice(seed: seed)
        var matches = 0
        for round in 0..<1500 {
            let document = dice.filter()
            let filter = try ContentFilter(document)
            #expect(filter.document == document)
            for _ in 0..<4 {
                let data = dice.document()
                let expected = FilterOracle.holds(document, data)
                if expected { matches += 1 }
                try #require(
                    filter.holds(data.description) == expected,
                    "seed \(seed), round \(round): \(document) on \(data)"
                )
                if let access = filter.access, expected {
                    // What the index finds the filter by must never hide a match.
                    let path = filter.paths[access.path]
                    #expect(FilterOracle.holds(try decoded("{\"\(path)\":{\"$in\":\(list(access.strings))}}"), data))
                }
            }
        }
        #expect(matches > 400, "too few matches to tell anything")
    }

    private func list(_ strings: [String]) -> JSONValue {
        .array(strings.map { .string($0) })
    }

    @Test func foreignSlicesGiveNoTrap() throws {
        let filter = try filter(#"{"a":"x","$or":[{"b":{"$gt":1}},{"c":{"$endsWith":"y"}}]}"#)
        let bytes = Array(#"{"a":"x\"#.utf8)
        bytes.withUnsafeBytes { bytes in
            for kind in [JSONText.Kind.string, .number, .object, .missing] {
                for offset in -2..<10 {
                    for length in -2..<10 {
                        let slice = JSONText.Slice(offset: offset, length: length, kind: kind)
                        _ = filter.matches(in: bytes) { _ in slice }
                    }
                }
            }
        }
    }

    // MARK: What it is found by

    @Test(arguments: [
        (#"{"a":"x"}"#, "a", ["x"], true),
        (#"{"a":{"b":{"$in":["x","y","x"]}}}"#, "a.b", ["x", "y"], true),
        (#"{"a":{"$in":["x","y"]},"b":"z"}"#, "b", ["z"], false),
        (#"{"$and":[{"n":1},{"$and":[{"b":"z"}]}]}"#, "b", ["z"], false),
    ])
    func access(_ json: String, _ path: String, _ strings: [String], _ isWhole: Bool) throws {
        let filter = try filter(json)
        let access = try #require(filter.access)
        #expect(filter.paths[access.path] == path)
        #expect(access.strings == strings)
        #expect(access.isWhole == isWhole)
    }

    @Test(arguments: [
        #"{"a":1}"#, #"{"a":{"$in":["x",1]}}"#, #"{"$or":[{"a":"x"},{"b":"y"}]}"#, #"{"$not":{"a":"x"}}"#,
        #"{"a":{"$neq":"x"}}"#, #"{"a":{"$startsWith":"x"}}"#,
    ])
    func noAccess(_ json: String) throws {
        #expect(try filter(json).access == nil)
    }
}
