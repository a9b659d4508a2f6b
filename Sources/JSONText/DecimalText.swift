/// Whole numbers as decimal text, the form of the headers `webhook-timestamp` and `content-length`.
package enum DecimalText {
    /// Digits of the largest `Int64`: what a buffer has to hold.
    package static var maximumLength: Int { 19 }

    /// Writes `value`, 0 or more, without leading zeros to the start of `text`.
    ///
    /// - Returns: the number of digits, or nil, with nothing written, when `value` is negative or `text` too small.
    package static func write(_ value: Int64, into text: UnsafeMutableRawBufferPointer) -> Int? {
        guard value >= 0 else { return nil }
        // From the last digit to the first, into a place that holds the longest number.
        return withUnsafeTemporaryAllocation(byteCount: maximumLength, alignment: 1) { digits in
            var start = maximumLength
            var rest = UInt64(value)
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest != 0
            let count = maximumLength - start
            guard text.count >= count else { return nil }
            text.copyMemory(from: UnsafeRawBufferPointer(rebasing: digits[start...]))
            return count
        }
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
