extension JSONText {
    /// One token read, or why it cannot be.
    struct Token {
        /// Behind the token; where `reason` is set, the byte that is wrong.
        let end: UnsafeRawPointer
        let kind: Kind
        /// Nil if the token is whole.
        let reason: Reason?
        /// Whether a string holds a backslash.
        let escaped: Bool

        @inline(__always)
        init(_ end: UnsafeRawPointer, _ kind: Kind, escaped: Bool = false) {
            self.end = end
            self.kind = kind
            self.reason = nil
            self.escaped = escaped
        }

        @inline(__always)
        init(_ end: UnsafeRawPointer, wrong reason: Reason) {
            self.end = end
            self.kind = .missing
            self.reason = reason
            self.escaped = false
        }
    }

    /// Reads a string whose opening quote is at `p` (RFC 8259 section 7).
    @inline(__always)
    static func string(_ p: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Token {
        let q = skipPlain(p + 1, end)
        if q < end, byte(q) == Byte.quote {
            return Token(q + 1, .string)
        }
        return stringWithMore(q, end)
    }

    /// Reads the rest of a string from `start`, with whatever it may hold.
    @inline(never)
    private static func stringWithMore(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Token {
        var p = start
        var escaped = false
        while p < end {
            let first = byte(p)
            if first >= 0x80 {
                p = skipSequences(p, end)
                guard p < end else {
                    break
                }
                guard byte(p) >= 0x80 else {
                    continue
                }
                // Malformed, or too near the end for a read of four bytes.
                let sequence = utf8Sequence(p, end)
                p += sequence.length
                guard sequence.isWhole else {
                    return Token(p, wrong: p < end ? .badUTF8 : .stringNotClosed)
                }
            } else if first == Byte.backslash {
                escaped = true
                p += 1
                guard p < end else {
                    break
                }
                let letter = byte(p)
                p += 1
                if letter == Byte.smallU {
                    for _ in 0..<4 {
                        guard p < end else {
                            return Token(p, wrong: .stringNotClosed)
                        }
                        guard hexadecimal(byte(p)) != nil else {
                            return Token(p, wrong: .badUnicodeEscape)
                        }
                        p += 1
                    }
                } else if escapeValue(letter) == 0 {
                    return Token(p - 1, wrong: .badEscape)
                }
            } else if first == Byte.quote {
                return Token(p + 1, .string, escaped: escaped)
            } else if first < Byte.space {
                return Token(p, wrong: .controlCharacter)
            } else {
                p = skipPlain(p + 1, end)
            }
        }
        return Token(end, wrong: .stringNotClosed)
    }

    /// The byte that a one-letter escape stands for, or 0.
    @inline(__always)
    static func escapeValue(_ letter: UInt8) -> UInt8 {
        switch letter {
        case 0x22, 0x5C, 0x2F: letter
        case 0x62: 0x08
        case 0x66: 0x0C
        case 0x6E: 0x0A
        case 0x72: 0x0D
        case 0x74: 0x09
        default: 0
        }
    }

    /// Reads a number, `true`, `false` or `null` at `p`, or says what is wrong there.
    @inline(__always)
    static func wordOrNumber(_ p: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Token {
        switch byte(p) {
        case Byte.minus, Byte.zero...Byte.nine: number(p, end)
        case 0x74: literal(p, end, .true, 0x6575_7274, 4)
        case 0x66: literal(p, end, .false, 0x65_736C_6166, 5)
        case 0x6E: literal(p, end, .null, 0x6C6C_756E, 4)
        default: Token(p, wrong: .valueExpected)
        }
    }

    /// Reads the word whose letters are packed in `letters`, the first one lowest.
    @inline(__always)
    private static func literal(
        _ start: UnsafeRawPointer,
        _ end: UnsafeRawPointer,
        _ kind: Kind,
        _ letters: UInt64,
        _ count: Int
    ) -> Token {
        // In bounds: eight bytes are left.
        if end - start >= 8, (word(start) ^ letters) &<< UInt64(64 &- count &* 8) == 0 {
            return Token(start + count, kind)
        }
        for index in 0..<count {
            let p = start + index
            guard p < end, byte(p) == UInt8(truncatingIfNeeded: letters &>> UInt64(index &* 8)) else {
                return Token(p, wrong: .badWord)
            }
        }
        return Token(start + count, kind)
    }

    /// Reads a number (RFC 8259 section 6).
    @inline(__always)
    private static func number(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Token {
        var p = start
        if byte(p) == Byte.minus {
            p += 1
        }
        guard p < end, isDigit(byte(p)) else {
            return Token(p, wrong: .digitExpected)
        }
        if byte(p) == Byte.zero {
            p += 1
            if p < end, isDigit(byte(p)) {
                return Token(p, wrong: .leadingZero)
            }
        } else {
            p = skipDigits(p + 1, end)
        }
        if p < end, byte(p) == Byte.point {
            p += 1
            guard p < end, isDigit(byte(p)) else {
                return Token(p, wrong: .digitExpected)
            }
            p = skipDigits(p + 1, end)
        }
        if p < end, byte(p) | 0x20 == Byte.smallE {
            p += 1
            if p < end, byte(p) == Byte.plus || byte(p) == Byte.minus {
                p += 1
            }
            guard p < end, isDigit(byte(p)) else {
                return Token(p, wrong: .digitExpected)
            }
            p = skipDigits(p + 1, end)
        }
        return Token(p, .number)
    }

    @inline(__always)
    private static func skipDigits(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> UnsafeRawPointer {
        var p = start
        while p < end, isDigit(byte(p)) {
            p += 1
        }
        return p
    }
}
