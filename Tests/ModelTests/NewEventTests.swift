import JSONText
import Testing

@testable import Model

@Suite("Event document")
struct NewEventTests {
    private func data(of json: String) throws -> String {
        let value = try event(json)
        return String(decoding: Array(json.utf8)[value.data], as: UTF8.self)
    }

    @Test func theLeastThatIsNeeded() throws {
        let json = #"{"eventType":"call.placed","data":{"a": [1, 2 ] }}"#
        let value = try event(json)
        #expect(value.type == EventCatalog.builtIn.index(of: "call.placed"))
        #expect(value.id == nil)
        #expect(value.createdAt == nil)
        #expect(value.tag == 0)
        #expect(try data(of: json) == #"{"a": [1, 2 ] }"#)
    }

    @Test func everyKeyInAnyOrder() throws {
        let value = try event(
            #" { "tag" : 7 , "data":1,"id":"my-Id_9","createdAt":"2025-12-08T10:30:00+05:30" ,"#
                + #""eventType":"call.placed" } "#
        )
        #expect(value.id == .own("my-Id_9"))
        #expect(value.createdAt == "2025-12-08T10:30:00+05:30")
        #expect(value.tag == 7)
    }

    @Test(arguments: [
        "null", "true", "-0.0e+1", #""text \" , } ]""#, "[]", "{}", #"{"data":{"eventType":1},"x":[{"tag":"\\"}]}"#,
        "[[[]]]",
        #""\ud83d\ude00 é""#,
    ])
    func dataIsFoundByteForByte(_ data: String) throws {
        for json in [
            #"{"eventType":"call.placed","data":\#(data)}"#, #"{"data":\#(data),"eventType":"call.placed"}"#,
            "\t{ \"data\" :\n \(data) \r, \"eventType\": \"call.placed\" }\n",
        ] {
            #expect(try self.data(of: json) == data)
        }
    }

    @Test func escapesInNamesAndStringsAreRead() throws {
        let value = try event(
            #"{"event\u0054ype":"call\u002eplaced","d\u0061ta":1,"createdAt":"2025-12-08T10:30:00\u002b05:30","#
                + #""id":"\u0061"}"#
        )
        #expect(value.type == EventCatalog.builtIn.index(of: "call.placed"))
        #expect(value.createdAt == "2025-12-08T10:30:00+05:30")
        #expect(value.id == .own("a"))
    }

    @Test(arguments: [
        ("0", 0), ("18446744073709551615", .max), ("9223372036854775808", 1 << 63), ("5.0", 5), ("5e3", 5000),
        (#""18446744073709551615""#, .max), (#""0""#, 0), (#""007""#, 7), ("null", 0), ("-0", 0),
    ])
    func tags(_ json: String, _ tag: UInt64) throws {
        #expect(try event(#"{"eventType":"call.placed","data":1,"tag":\#(json)}"#).tag == tag)
    }

    @Test(arguments: [
        "-1", "1.5", "18446744073709551616", "1e30", #""18446744073709551616""#, #""""#, #""-1""#, #""1 ""#, #""0x1""#,
        "true",
        "[1]", "{}", #""123456789012345678901""#, "1e99999",
    ])
    func tagsThatAreNone(_ json: String) throws {
        let message = try #require(eventFault(#"{"eventType":"call.placed","data":1,"tag":\#(json)}"#))
        #expect(message.hasPrefix("tag must be a whole number from 0 to 18446744073709551615, or the same as a string"))
    }

    @Test(arguments: [
        (#"{"data":1}"#, DocumentError.Code.missing),
        (#"{"eventType":"call.placed"}"#, .missing),
        (#"{"eventType":null,"data":1}"#, .missing),
        (#"{"eventType":5,"data":1}"#, .wrongType),
        (#"{"eventType":"nope","data":1}"#, .unknownEventType),
        (#"{"eventType":"call.placed","data":1,"id":""}"#, .outOfRange),
        (#"{"eventType":"call.placed","data":1,"id":"a.b"}"#, .outOfRange),
        (#"{"eventType":"call.placed","data":1,"id":"a b"}"#, .outOfRange),
        (#"{"eventType":"call.placed","data":1,"id":5}"#, .wrongType),
        (#"{"eventType":"call.placed","data":1,"createdAt":"2025-02-30T00:00:00Z"}"#, .outOfRange),
        (#"{"eventType":"call.placed","data":1,"createdAt":1765189800}"#, .wrongType),
        (#"{"eventType":"call.placed","data":1,"data":2}"#, .conflict),
        (#"{"eventType":"call.placed","data":1,"d\u0061ta":2}"#, .conflict),
        (#"{"eventType":"call.placed","data":{"a":1},"eventType":"call.placed"}"#, .conflict),
        (#"{"eventType":"call.placed","data":1,"Data":2}"#, .unknownKey),
        (#"{"eventType":"call.placed","data":1,"":2}"#, .unknownKey),
        (#"[]"#, .notAnObject),
        ("5", .notAnObject),
        ("", .invalidJSON),
        (#"{"eventType":"call.placed","data":1"#, .invalidJSON),
        (#"{"eventType":"call.placed","data":01}"#, .invalidJSON),
        (#"{"eventType":"call.placed","data":1} {}"#, .invalidJSON),
    ])
    func refusals(_ json: String, _ code: DocumentError.Code) {
        #expect(fault { () throws(DocumentError) in try event(json) }?.code == code)
    }

    @Test func errorTexts() {
        #expect(
            eventFault(#"{"eventType":"call.placed","data":1,"createdat":""}"#)
                == #"unknown key "createdat"; did you mean "createdAt"?"#
        )
        #expect(
            eventFault(#"{"eventType":"call.placed","payload":1}"#)
                == #"unknown key "payload"; the keys are eventType, data, id, createdAt, tag, tenant, "#
                + "key, expirySeconds, headers"
        )
        #expect(eventFault(#"{"eventType":"call.placed"}"#) == "data is required: any JSON value")
        #expect(
            eventFault(#"{"eventType":"call.placd","data":1}"#)
                == #"unknown event type "call.placd"; did you mean "call.placed"?"#
        )
        #expect(
            eventFault(#"{"eventType":"call.placed","data":1,"id":"a.b"}"#)
                == #"id must be a string of 1 to 64 letters, digits, underscores or hyphens, not "a.b""#
        )
        #expect(
            eventFault(#"{"eventType":"call.placed","data":1,"createdAt":"2025-12-08"}"#)
                == #"createdAt must be a date and time of RFC 3339 such as "2025-12-08T10:30:00Z", not one of 10 bytes"#
        )
    }

    @Test func depthCountsTheDocumentItself() throws {
        let json = #"{"eventType":"call.placed","data":[[1]]}"#
        #expect(try event(json, depth: 3).data.count == 5)
        #expect(fault { () throws(DocumentError) in try event(json, depth: 2) }?.code == .invalidJSON)
    }

    @Test func oneExtractionServesManyLines() throws {
        var extraction = JSONText.Extraction()
        let lines = [
            (#"{"eventType":"call.placed","data":1,"tag":9}"#, 9), (#"{"data":2,"eventType":"call.placed"}"#, 0),
        ]
        for (line, tag) in lines {
            let value = try Array(line.utf8).withUnsafeBytes { bytes in
                Result { () throws(DocumentError) in
                    try NewEvent(json: bytes, catalog: .builtIn, maximumDepth: 8, extraction: &extraction)
                }
            }.get()
            #expect(value.tag == tag)
        }
    }

    /// Lines cut, doubled and mixed at random: an error or an event whose data is JSON, and never a trap.
    @Test func damagedLinesNeverTrap() throws {
        var random = RandomSource(seed: 3)
        let json =
            #"{"eventType":"call.placed","data":{"a":["\u00e9",1e5,{}]},"id":"x_1","#
            + #""createdAt":"2025-12-08T10:30:00Z","tag":"7"}"#
        let line = Array(json.utf8)
        let extra = Array(#"{}[]",:\null0"#.utf8)
        var extraction = JSONText.Extraction()
        for _ in 0..<20_000 {
            var damaged = line
            for _ in 0...random.next(below: 3) {
                let place = random.next(below: damaged.count)
                switch random.next(below: 3) {
                case 0: damaged.remove(at: place)
                case 1: damaged.insert(extra[random.next(below: extra.count)], at: place)
                default: damaged[place] = UInt8(truncatingIfNeeded: random.next())
                }
            }
            damaged.withUnsafeBytes { bytes in
                let value = try? NewEvent(json: bytes, catalog: .builtIn, maximumDepth: 8, extraction: &extraction)
                guard let value else { return }
                let data = UnsafeRawBufferPointer(rebasing: bytes[value.data])
                #expect(JSONText.validate(data) == nil)
            }
        }
    }
}
