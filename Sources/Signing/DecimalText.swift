/// Whole seconds as decimal text, the form of the `webhook-timestamp` header.
package enum DecimalText {
    /// Digits of the largest `Int64`: what a buffer has to hold.
    package static var maximumLength: Int { 19 }

    /// Writes `value`, 0 or more, without leading zeros to the start of `text`.
    ///
    /// - Returns: the number of digits, or nil, with nothing written, when `value` is negative or `text` too small.
    package static func write(_ value: Int64, into text: UnsafeMutableRawBufferPointer) -> Int? {
        guard value >= 0 else { return nil }
        var count = 1
        var rest = value / 10
        while rest != 0 {
            count += 1
            rest /= 10
        }
        guard text.count >= count else { return nil }
        rest = value
        for index in stride(from: count - 1, through: 0, by: -1) {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            text[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
        return count
    }

    /// Reads what `write` writes: digits only, no leading zeros, at most `Int64.max`; nil for anything else.
    ///
    /// One number has one text, so text that was signed cannot be respelled.
    package static func parse(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard let first = text.first, text.count <= maximumLength else { return nil }
        guard first != UInt8(ascii: "0") || text.count == 1 else { return nil }
        var value: Int64 = 0
        for character in text {
            guard case UInt8(ascii: "0")...UInt8(ascii: "9") = character else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(character - UInt8(ascii: "0")))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }
}
