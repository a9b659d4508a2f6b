/// A 128-bit identifier in UUIDv7 layout (RFC 9562 section 5.7): 48 bits of milliseconds, then version, a sequence and
/// random bits, so that ids sort by the time they were made.
///
/// The text form is a prefix that names the kind, an underscore and 26 lower-case Crockford base32 digits:
/// `evt_01jh5yz4m7e8x9q2v3t4w5y6z7`. It never contains a dot, which Standard Webhooks forbids in `webhook-id`.
package struct Identifier: BitwiseCopyable, Hashable, Comparable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static let zero = Identifier(high: 0, low: 0)

    package static func < (left: Identifier, right: Identifier) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// The time the id was made, from its first 48 bits.
    package var wallTime: WallTime {
        WallTime(milliseconds: Int64(high >> 16))
    }

    /// What an id names. The raw value is the prefix with its underscore, as four bytes in memory order.
    package enum Kind: Sendable {
        case event
        case delivery
        case webhook

        /// The text in front of the 26 digits.
        package var prefix: StaticString {
            switch self {
            case .event: "evt_"
            case .delivery: "dlv_"
            case .webhook: "wh_"
            }
        }
    }
}

// MARK: - Text

extension Identifier {
    /// Digits of the text form without its prefix: 26 × 5 bits hold the 128 bits.
    package static let digitCount = 26

    /// The longest text form, prefix included.
    package static let maximumTextLength = 4 + digitCount

    private static let alphabet: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"

    /// Writes the text form to `buffer`, which must hold ``maximumTextLength`` bytes; answers how many were written, or 0
    /// where it does not fit.
    package func write(_ kind: Kind, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let prefix = kind.prefix
        let length = prefix.utf8CodeUnitCount + Identifier.digitCount
        guard buffer.count >= length else { return 0 }
        let prefixBytes = UnsafeRawBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
        for (index, byte) in prefixBytes.enumerated() {
            buffer[index] = byte
        }
        let digits = Identifier.alphabet.utf8Start
        // From the last digit to the first, five bits each; `digits` has 32 entries and the mask keeps below that.
        var high = high
        var low = low
        var index = length - 1
        while index >= prefixBytes.count {
            buffer[index] = digits[Int(low & 31)]
            low = low >> 5 | high << 59
            high >>= 5
            index -= 1
        }
        return length
    }

    /// The text form, for cold paths.
    package func text(_ kind: Kind) -> String {
        String(unsafeUninitializedCapacity: Identifier.maximumTextLength) { buffer in
            write(kind, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// Reads a text form of `kind`; nil where the prefix, the length or a digit is wrong.
    package init?(_ text: some StringProtocol, kind: Kind) {
        var text = String(text)
        let parsed = text.withUTF8 { Identifier(utf8: UnsafeRawBufferPointer($0), kind: kind) }
        guard let parsed else { return nil }
        self = parsed
    }

    /// Reads a text form of `kind` from UTF-8 bytes; nil where the prefix, the length or a digit is wrong.
    package init?(utf8 bytes: UnsafeRawBufferPointer, kind: Kind) {
        let prefix = kind.prefix
        let prefixBytes = UnsafeRawBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
        guard bytes.count == prefixBytes.count + Identifier.digitCount,
            bytes.starts(with: prefixBytes)
        else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (position, byte) in bytes.dropFirst(prefixBytes.count).enumerated() {
            guard let value = Identifier.value(ofDigit: byte) else { return nil }
            // 26 digits are 130 bits: the first digit may only use three of its five.
            if position == 0 && value > 7 { return nil }
            high = high << 5 | low >> 59
            low = low << 5 | value
        }
        self.init(high: high, low: low)
    }

    private static func value(ofDigit byte: UInt8) -> UInt64? {
        let digits = UnsafeRawBufferPointer(start: alphabet.utf8Start, count: alphabet.utf8CodeUnitCount)
        return digits.firstIndex(of: byte).map { UInt64($0) }
    }
}
