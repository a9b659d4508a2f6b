import CHardware

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
        // Most keys and many values end within 16 bytes.
        guard end - p > 16 else {
            return stringWithMore(p + 1, end, escaped: false)
        }
        // In bounds: 16 bytes are left behind the quote.
        let q = p + 1 + Int(martlet_hw_plain16(p + 1))
        if q < end, byte(q) == Byte.quote {
            return Token(q + 1, .string)
        }
        return longString(q, end)
    }

    /// Reads the rest of a string from `start`, many bytes at once where the processor can.
    @inline(never)
    private static func longString(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Token {
        let text = start.assumingMemoryBound(to: UInt8.self)
        var resume: UnsafePointer<UInt8>? = text
        var escaped: Int32 = 0
        if let quote = martlet_hw_json_string_end(text, end.assumingMemoryBound(to: UInt8.self), &resume, &escaped) {
            return Token(UnsafeRawPointer(quote) + 1, .string, escaped: escaped != 0)
        }
        return stringWithMore(resume.map { UnsafeRawPointer($0) } ?? start, end, escaped: escaped != 0)
    }

    /// Reads the rest of a string from `start`, with whatever it may hold.
    @inline(never)
    private static func stringWithMore(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer, escaped: Bool) -> Token {
        var p = start
        var escaped = escaped
        while true {
            p = skipPlain(p, end)
            guard p < end else {
                return Token(end, wrong: .stringNotClosed)
            }
            let first = byte(p)
            if first == Byte.quote {
                return Token(p + 1, .string, escaped: escaped)
            }
            if first == Byte.backslash {
                escaped = true
                p += 1
                guard p < end else {
                    return Token(end, wrong: .stringNotClosed)
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
                } else if !isEscape(letter) {
                    return Token(p - 1, wrong: .badEscape)
                }
            } else if first >= 0x80 {
                p = skipSequences(p, end)
                guard p < end else {
                    return Token(end, wrong: .stringNotClosed)
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
            } else if first < Byte.space {
                return Token(p, wrong: .controlCharacter)
            } else {
                // Plain, but too near the end for a read of eight bytes.
                p += 1
            }
        }
    }

    /// Whether the letter behind a backslash makes an escape of two bytes: one bit for each of `"`, `/`, `\\`, b, f, n, r, t.
    @inline(__always)
    private static func isEscape(_ letter: UInt8) -> Bool {
        let low: UInt64 = 1 &<< 0x22 | 1 &<< 0x2F
        let high: UInt64 = 1 &<< 0x1C | 1 &<< 0x22 | 1 &<< 0x26 | 1 &<< 0x2E | 1 &<< 0x32 | 1 &<< 0x34
        let bits = letter < 0x40 ? low : letter < 0x80 ? high : 0
        return bits &>> UInt64(letter & 63) & 1 == 1
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
