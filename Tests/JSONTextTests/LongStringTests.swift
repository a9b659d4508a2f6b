import CHardware
import JSONText
import TestInputs
import Testing

/// Long strings are read many bytes at once where the processor can; what a block of them may hold, and at which place in
/// it, must make no difference.
@Suite("Long strings")
struct LongStringTests {
    /// Right and wrong pieces of a string, most of them harmless.
    private static let pieces: [[UInt8]] =
        [
            "a", "plain text ", "0123456789abcdef", #"\""#, #"\\"#, #"\/\b\f\n\r\t"#, #"\\\\\\\\"#, #"\u00e9"#,
            #"\ud83d\ude00"#,
            "é", "–", "中", "😀", "{}[]:,", "\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10FFFF}",
        ].map { Array($0.utf8) }
        + [
            [0x5C], [0x22], [0x1F], [0x00], [0x5C, 0x78], [0x5C, 0x75, 0x31], [0x80], [0xBF, 0xBF], [0xC3],
            [0xC0, 0x80],
            [0xC1, 0xBF], [0xE2, 0x80], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xEF, 0xBF], [0xF0, 0x9F, 0x98],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xE2, 0x28, 0xA1],
        ]

    @Test(
        "right and wrong pieces at any place are judged as the reference does",
        arguments: Inputs.each(1...8 as ClosedRange<UInt64>, orEvery: 4)
    )
    func pieces(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<1500 {
            var text = Array(#"{"k":""#.utf8)
            // One wrong piece in a few texts, and any number of right ones.
            let wanted = Int.random(in: 0...300, using: &random)
            while text.count < wanted {
                text += LongStringTests.pieces[Int.random(in: 0..<15, using: &random)]
            }
            if Bool.random(using: &random) {
                let wrong = LongStringTests.pieces[Int.random(in: 15..<LongStringTests.pieces.count, using: &random)]
                text.insert(contentsOf: wrong, at: Int.random(in: 6...max(6, text.count), using: &random))
            }
            text += Array(#"","after":"\"x""#.utf8)
            if Bool.random(using: &random) { text += Array("}".utf8) }
            expectAgreement(text)
        }
    }

    @Test("a quote, an escape or a sequence at each place of a long string is found", arguments: 0...200)
    func places(offset: Int) throws {
        let filling = String(repeating: "x", count: offset)
        for piece in [#"\""#, #"\\"#, "é", "中", "😀", #"\u0041"#] {
            let string = filling + piece + String(repeating: "y", count: 200 - offset)
            #expect(
                try extract(#"{"a":"\#(string)","b":"\#(piece)"}"#, ["a", "b"]) == ["\"\(string)\"", "\"\(piece)\""]
            )
            // The same as a key, which is compared decoded.
            let key = filling + piece
            let name = key.replacing(#"\""#, with: "\"").replacing(#"\u0041"#, with: "A").replacing(#"\\"#, with: "\\")
            let path = name.replacing("\\", with: #"\\"#)
            #expect(try extract(#"{"\#(key)":"found"}"#, [path]) == ["\"found\""])
        }
    }

    @Test("16 bytes are looked at alike with and without the processor's help")
    func sixteen() {
        var random = Seeded(7)
        let interesting: [UInt8] = [0x00, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7F, 0x80, 0xFF]
        for _ in 0..<2000 {
            var bytes = (0..<16).map { _ in UInt8.random(in: 0x23...0x5B, using: &random) }
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 0..<16, using: &random)] = interesting.randomElement(using: &random) ?? 0
            }
            let plain = bytes.firstIndex { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C || $0 >= 0x80 } ?? 16
            #expect(Int(martlet_hw_plain16(bytes)) == plain)
            #expect(Int(martlet_hw_plain16_portable(bytes)) == plain)
        }
    }
}
