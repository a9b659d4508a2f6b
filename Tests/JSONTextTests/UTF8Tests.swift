import JSONText
import Testing

@Suite("Well-formed UTF-8, Unicode table 3-7")
struct UTF8Tests {
    /// The bytes at and next to every border in the table.
    static let borders: [UInt8] = [
        0x00, 0x22, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
        0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFC, 0xFE, 0xFF,
    ]

    @Test("every two bytes of all there are")
    func pairs() {
        for first in UInt8(0x80)...0xFF {
            for second in UInt8.min...0xFF {
                // Once near the end, once far from it: the two are read in different ways.
                expectAgreement([first, second])
            }
        }
    }

    @Test("every sequence of four border bytes", arguments: borders.filter { $0 >= 0xE0 })
    func quadruples(_ first: UInt8) {
        for second in Self.borders {
            // Behind the second byte only the borders of a continuation byte matter.
            for third: UInt8 in [0x22, 0x7F, 0x80, 0xBF, 0xC0] {
                for fourth: UInt8 in [0x22, 0x7F, 0x80, 0xBF, 0xC0] {
                    expectAgreement([first, second, third, fourth])
                }
            }
        }
    }

    private func expectAgreement(_ middle: [UInt8]) {
        let short = [0x22] + middle + [0x22]
        let long = [0x22] + middle + Array("and some more text\"".utf8)
        for text in [short, long] {
            let wanted = Reference.failure(text)
            let failure = check(text)
            // A plain comparison first: the macro is slow, and there are many.
            if failure?.offset != wanted {
                Issue.record("\(text): \(String(describing: failure)), not \(String(describing: wanted))")
            }
        }
    }

    @Test("a sequence cut off by the closing quote or the end is found")
    func cut() {
        #expect(check([0x22, 0xE4, 0xB8, 0x22]) == JSONText.Failure(offset: 3, reason: .badUTF8))
        #expect(check([0x22, 0xE4, 0xB8]) == JSONText.Failure(offset: 3, reason: .stringNotClosed))
        #expect(check([0x22, 0xF0]) == JSONText.Failure(offset: 2, reason: .stringNotClosed))
    }
}
