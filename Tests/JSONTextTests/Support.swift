import JSONText
import Testing

/// A generator of random numbers that gives the same ones again for the same seed (SplitMix64).
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// Checks a copy that ends exactly where its memory ends, so that a sanitizer sees a read beyond it.
func check(_ bytes: [UInt8], maximumDepth: Int = 64) -> JSONText.Failure? {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    return JSONText.validate(UnsafeRawBufferPointer(copy), maximumDepth: maximumDepth)
}

func check(_ text: String, maximumDepth: Int = 64) -> JSONText.Failure? {
    check(Array(text.utf8), maximumDepth: maximumDepth)
}

/// Records an issue where the fast reader and the reference disagree.
func expectAgreement(_ bytes: [UInt8]) {
    let wanted = Reference.failure(bytes)
    let failure = check(bytes)
    if failure?.offset != wanted {
        Issue.record("\(bytes): \(String(describing: failure)), not \(String(describing: wanted))")
    }
}

/// What stands at the paths, as text; nil where nothing does.
func extract(_ text: String, _ paths: [String]) throws -> [String?] {
    let set = try JSONText.PathSet(paths)
    var extraction = JSONText.Extraction()
    return try Array(text.utf8).withUnsafeBytes { bytes in
        if let failure = JSONText.validate(bytes, extracting: set, into: &extraction) {
            throw failure
        }
        return extraction.slices.map { slice in
            slice.kind == .missing ? nil : String(decoding: slice.bytes(in: bytes), as: UTF8.self)
        }
    }
}

/// An event as receivers see it, laid out over lines, with every kind of token in it.
let sample = """
    {
      "eventType": "call.placed",
      "createdAt": "2025-12-08T10:30:00Z",
      "data": {
        "callId": "call_xyz789", "agentId": "agent_123", "callDuration": 185, "cost": -0.25e+1,
        "answered": true, "recorded": false, "recordingUrl": null,
        "transcript": "\\u00e9t\\u00E9 \\ud83d\\ude00 \\"quoted\\" back\\\\slash \\/ \\b\\f\\n\\r\\t é 中 😀",
        "analysis": { "sentiment": "positive", "customFields": {}, "tags": [ ], "scores": [1, 2.5, [3]] }
      }
    }

    """

/// Every kind of token once, short enough to try all that can happen to it.
let shortSample = #"{"key":[-10.5e+1,0,true,false,null,"a\u00e9\n é中😀, 16 bytes of text",{}] , "" :{"b":[ ]}}"#

/// Texts with all that a text may hold: white space, escapes, wide characters, repeated keys.
struct TextMaker {
    var random: Seeded

    mutating func text(depth: Int = 4) -> String {
        space() + value(depth) + space()
    }

    private mutating func space() -> String {
        let choices = ["", "", "", " ", "\n    ", "\t", "\r\n", "            \n         "]
        return choices.randomElement(using: &random) ?? ""
    }

    private mutating func value(_ depth: Int) -> String {
        switch Int.random(in: depth > 0 ? 0...7 : 2...7, using: &random) {
        case 0:
            let members = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                space() + key() + space() + ":" + space() + value(depth - 1) + space()
            }
            return "{" + (members.isEmpty ? space() : members.joined(separator: ",")) + "}"
        case 1:
            let elements = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                space() + value(depth - 1) + space()
            }
            return "[" + (elements.isEmpty ? space() : elements.joined(separator: ",")) + "]"
        case 2: return ["true", "false", "null"].randomElement(using: &random) ?? ""
        case 3: return "\(Int64.random(in: -1000...1_000_000, using: &random))"
        case 4: return "\(Double.random(in: -1e6...1e6, using: &random))"
        case 5: return ["-0", "1e9", "1E-7", "0.5e+3", "12345678901234567890"].randomElement(using: &random) ?? ""
        default: return string()
        }
    }

    /// Few different keys, so that they repeat, some of them written with escapes.
    private mutating func key() -> String {
        let keys = [
            "\"a\"", "\"b\"", "\"0\"", "\"1\"", "\"agentId\"", "\"sentiment\"", "\"sentimentScore\"", "\"\\u0061\"",
            "\"agent\\u0049d\"", "\"\"", "\"é\"", "\"\\u00e9\"", "\"x.y\"", "\"recordingUrlOfTheCall\"",
        ]
        return keys.randomElement(using: &random) ?? ""
    }

    private mutating func string() -> String {
        let pieces = [
            "a", "hello world", "é", "中文", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\ud83d\\ude00", "\\ud800",
            "\u{2028}", "\u{7F}", "\\u0000", "https://example.com/a?b=c",
        ]
        let count = Int.random(in: 0...6, using: &random)
        return "\"" + (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined() + "\""
    }
}
