import Foundation
import JSONText
import Testing

@Suite("Damaged texts")
struct MutationTests {
    @Test("a text cut off anywhere is refused at its end")
    func truncation() {
        let bytes = Array(sample.utf8)
        let whole = bytes.lastIndex(of: UInt8(ascii: "}")) ?? 0
        #expect(check(bytes) == nil)
        for count in 0...bytes.count {
            let failure = check(Array(bytes.prefix(count)))
            #expect(failure?.offset == (count > whole ? nil : count))
        }
        // A number is whole at many places.
        for (text, valid) in [("-12.5e+3", [2, 3, 5, 8]), ("100", [1, 2, 3])] {
            for count in 0...text.utf8.count {
                #expect((check(Array(text.utf8.prefix(count))) == nil) == valid.contains(count))
            }
        }
    }

    @Test("any byte of a sample replaced by any other is judged as the reference does")
    func substitution() {
        let bytes = Array(shortSample.utf8)
        #expect(check(bytes) == nil)
        for place in bytes.indices {
            var damaged = bytes
            for byte in UInt8.min...UInt8.max {
                damaged[place] = byte
                expectAgreement(damaged)
            }
        }
    }

    @Test("any byte of a sample left out or doubled is judged as the reference does")
    func shift() {
        let bytes = Array(sample.utf8)
        for place in bytes.indices {
            var shorter = bytes
            shorter.remove(at: place)
            expectAgreement(shorter)
            var longer = bytes
            longer.insert(bytes[place], at: place)
            expectAgreement(longer)
        }
    }

    @Test("random texts, whole and damaged, are judged as the reference does", arguments: 1...4 as ClosedRange<UInt64>)
    func random(_ seed: UInt64) {
        var maker = TextMaker(random: Seeded(seed))
        for _ in 0..<500 {
            var bytes = Array(maker.text().utf8)
            #expect(check(bytes) == nil)
            for _ in 0..<3 {
                damage(&bytes, &maker.random)
                expectAgreement(bytes)
            }
        }
    }

    @Test("random bytes from the alphabet of JSON are judged as the reference does")
    func soup() {
        var random = Seeded(7)
        let alphabet = Array("{}[]:,\"\"\\u0019-+.eEtrufalsn \n\té😀".utf8) + [0xFF, 0x00, 0xED]
        for _ in 0..<50_000 {
            let count = Int.random(in: 0...12, using: &random)
            expectAgreement((0..<count).map { _ in alphabet.randomElement(using: &random) ?? 0 })
        }
    }

    @Test("Foundation agrees on random texts, whole and damaged, but for known differences")
    func foundation() {
        var maker = TextMaker(random: Seeded(11))
        var compared = 0
        for _ in 0..<1500 {
            var bytes = Array(maker.text(depth: 3).utf8)
            for _ in 0..<2 {
                if !isKnownDifference(bytes) {
                    compared += 1
                    let object = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
                    if (object != nil) != (check(bytes) == nil) {
                        Issue.record("\(String(decoding: bytes, as: UTF8.self)) \(bytes)")
                    }
                }
                damage(&bytes, &maker.random)
            }
        }
        #expect(compared > 1000)
    }

    /// Where Foundation does not follow the RFC to the letter.
    ///
    /// - It reads a zero byte near the start as a sign of UTF-16 or UTF-32.
    /// - It refuses numbers that no `Double` can hold, and lone surrogate escapes.
    private func isKnownDifference(_ bytes: [UInt8]) -> Bool {
        if bytes.contains(0) {
            return true
        }
        do throws(JSONText.Failure) {
            _ = try JSONValue.parse(bytes)
        } catch {
            guard error.reason != .numberOutOfRange else {
                return true
            }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.replacingOccurrences(of: "\\ud83d\\ude00", with: "").contains("\\ud")
    }

    private func damage(_ bytes: inout [UInt8], _ random: inout Seeded) {
        guard let place = bytes.indices.randomElement(using: &random) else {
            return
        }
        let alphabet = Array("{}[]:,\"\\0 1e".utf8) + [0x00, 0x0A, 0x80, 0xC3, 0xE4, 0xF0, 0xFF]
        switch Int.random(in: 0...3, using: &random) {
        case 0: bytes[place] = alphabet.randomElement(using: &random) ?? 0
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: place)
        default: bytes.removeLast(bytes.count - place)
        }
    }
}
