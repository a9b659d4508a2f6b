import Testing

@testable import JSONText

@Suite("Whole numbers as text")
struct DecimalTextTests {
    @Test(
        "seconds are written and read back",
        arguments: [0, 1, 9, 10, 99, 100, 1_614_265_330, 9_999_999_999, Int64.max - 1, Int64.max]
    )
    func roundTrip(value: Int64) {
        #expect(write(value, capacity: DecimalText.maximumLength) == String(value))
        #expect(parse(String(value)) == value)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", " ", "-1", "+1", "01", "00", "1 ", " 1", "1.0", "1e9", "0x10", "1_000", "１",
            "9223372036854775808", "9999999999999999999", "18446744073709551617", "100000000000000000000",
        ]
    )
    func refused(text: String) {
        #expect(parse(text) == nil)
        #expect(parse(text + "\0") == nil)
    }

    @Test("a number of any length is refused without overflow")
    func tooLong() {
        for count in [19, 20, 21, 64, 100_000] {
            #expect(parse(String(repeating: "9", count: count)) == nil)
        }
    }

    @Test("a negative number and a buffer that is too small are refused")
    func notWritten() {
        #expect(write(-1, capacity: 20) == nil)
        #expect(write(100, capacity: 2) == nil)
        #expect(write(0, capacity: 0) == nil)
        #expect(write(100, capacity: 3) == "100")
    }

    private func parse(_ text: String) -> Int64? {
        Array(text.utf8).withUnsafeBytes { DecimalText.parse($0) }
    }

    private func write(_ value: Int64, capacity: Int) -> String? {
        var text = [UInt8](repeating: 0, count: capacity)
        let count = text.withUnsafeMutableBytes { DecimalText.write(value, into: $0) }
        return count.map { String(decoding: text.prefix($0), as: UTF8.self) }
    }
}
