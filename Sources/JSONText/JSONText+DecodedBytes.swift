extension JSONText {
    /// The bytes that a string's content stands for, escapes decoded (RFC 8259 section 7).
    ///
    /// Meant for content that passed the check; anything else is decoded somehow, within its bounds. A lone surrogate
    /// gives U+FFFD. It borrows the buffer, which must outlive it.
    struct DecodedBytes: Sequence, IteratorProtocol {
        private let content: UnsafeRawBufferPointer
        private var index = 0
        /// UTF-8 of an escape still to be given out, next byte lowest.
        private var pending: UInt32 = 0
        private var pendingCount = 0

        init(_ content: UnsafeRawBufferPointer) {
            self.content = content
        }

        var underestimatedCount: Int { 0 }

        mutating func next() -> UInt8? {
            if pendingCount == 0 {
                guard index < content.count else {
                    return nil
                }
                let byte = content[index]
                index += 1
                guard byte == Byte.backslash else {
                    return byte
                }
                decodeEscape()
            }
            let byte = UInt8(truncatingIfNeeded: pending)
            pending &>>= 8
            pendingCount -= 1
            return byte
        }

        /// Turns what follows a backslash into pending bytes, one at least.
        private mutating func decodeEscape() {
            guard index < content.count else {
                return encode(Unicode.Scalar(0xFFFD))
            }
            let letter = content[index]
            index += 1
            guard letter == Byte.smallU else {
                (pending, pendingCount) = (UInt32(escapeValue(letter)), 1)
                return
            }
            guard let high = codeUnit() else {
                return encode(Unicode.Scalar(0xFFFD))
            }
            if high & 0xFC00 == 0xD800 {
                let before = index
                if index + 1 < content.count, content[index] == Byte.backslash, content[index + 1] == Byte.smallU {
                    index += 2
                    if let low = codeUnit(), low & 0xFC00 == 0xDC00 {
                        let value = 0x10000 &+ (high & 0x3FF) &<< 10 &+ (low & 0x3FF)
                        return encode(Unicode.Scalar(value))
                    }
                }
                index = before
            }
            // Not a scalar means a lone surrogate.
            encode(Unicode.Scalar(high))
        }

        /// Four hexadecimal digits.
        private mutating func codeUnit() -> UInt32? {
            guard content.count - index >= 4 else {
                return nil
            }
            var value: UInt32 = 0
            for offset in 0..<4 {
                guard let digit = hexadecimal(content[index + offset]) else {
                    return nil
                }
                value = value &<< 4 | digit
            }
            index += 4
            return value
        }

        private mutating func encode(_ scalar: Unicode.Scalar?) {
            for byte in UTF8.encode(scalar ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter {
                pending |= UInt32(byte) &<< UInt32(pendingCount &* 8)
                pendingCount += 1
            }
        }
    }
}
