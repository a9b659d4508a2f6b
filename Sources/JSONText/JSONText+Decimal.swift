extension JSONText {
    /// A number token taken apart: sign, significant digits and a power of ten.
    ///
    /// The token must have passed the check; anything else gives a meaningless number.
    struct Decimal {
        private let token: UnsafeRawBufferPointer
        private var isNegative = false
        /// The digits from the first to the last one that is not zero; meaningless unless `isExact`.
        private var digits: UInt64 = 0
        private var exponent = 0
        /// Whether digits and exponent fit, so that the value is exactly ±digits × 10^exponent.
        private var isExact = true

        /// The token is borrowed and must outlive this.
        init(_ token: UnsafeRawBufferPointer) {
            self.token = token
            var zeros = 0
            var inFraction = false
            for (index, byte) in token.enumerated() {
                switch byte {
                case Byte.minus:
                    isNegative = true
                case Byte.point:
                    inFraction = true
                case Byte.zero...Byte.nine:
                    exponent -= inFraction ? 1 : 0
                    if byte == Byte.zero {
                        zeros += digits == 0 ? 0 : 1
                    } else {
                        append(byte &- Byte.zero, afterZeros: zeros)
                        zeros = 0
                    }
                default:
                    // The e; the rest is the exponent.
                    exponent += zeros
                    addExponent(UnsafeRawBufferPointer(rebasing: token[(index + 1)...]))
                    return
                }
            }
            exponent += zeros
        }

        private mutating func append(_ digit: UInt8, afterZeros zeros: Int) {
            guard isExact else {
                return
            }
            for _ in 0...zeros {
                let (product, overflow) = digits.multipliedReportingOverflow(by: 10)
                guard !overflow else {
                    isExact = false
                    return
                }
                digits = product
            }
            let (sum, overflow) = digits.addingReportingOverflow(UInt64(digit))
            digits = sum
            isExact = !overflow
        }

        private mutating func addExponent(_ text: UnsafeRawBufferPointer) {
            var value = 0
            for byte in text where isDigit(byte) {
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.addingReportingOverflow(Int(byte &- Byte.zero))
                guard !overflow, !carry else {
                    // Zero stays zero whatever its exponent.
                    isExact = isExact && digits == 0
                    return
                }
                value = sum
            }
            let (sum, overflow) = exponent.addingReportingOverflow(text.first == Byte.minus ? -value : value)
            exponent = sum
            isExact = isExact && (!overflow || digits == 0)
        }

        /// The value if it is whole and in range.
        var int64: Int64? {
            guard isExact else {
                return nil
            }
            guard digits != 0 else {
                return 0
            }
            // The last digit is not zero, so a negative exponent leaves a fraction.
            guard (0...18).contains(exponent) else {
                return nil
            }
            var magnitude = digits
            for _ in 0..<exponent {
                let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
                guard !overflow else {
                    return nil
                }
                magnitude = product
            }
            guard isNegative else {
                return Int64(exactly: magnitude)
            }
            return magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
        }

        /// The nearest value, infinite beyond the range.
        var double: Double {
            guard isExact, digits <= 1 << 53, digits == 0 || (-22...22).contains(exponent) else {
                return Double(String(decoding: token, as: UTF8.self)) ?? .nan
            }
            // Digits up to 2^53 and powers of ten up to 10^22 are exact, so the one operation rounds once, correctly.
            var value = Double(digits)
            if digits != 0 {
                var power = 1.0
                for _ in 0..<abs(exponent) {
                    power *= 10
                }
                value = exponent < 0 ? value / power : value * power
            }
            return isNegative ? -value : value
        }

        /// Whether the token is written without a fraction or an exponent and is not `-0`, which no integer holds.
        var isPlainInteger: Bool {
            let hasOthers = token.contains { $0 == Byte.point || $0 | 0x20 == Byte.smallE }
            return !hasOthers && !(isNegative && isExact && digits == 0)
        }
    }
}
