extension JSONText {
    /// One look at the UTF-8 sequence at a place.
    struct UTF8Sequence {
        /// How many bytes from there are the start of a well-formed sequence; 0 if not even the first is.
        let length: Int
        /// Whether those bytes are a whole sequence.
        let isWhole: Bool
    }

    /// Reads one sequence that begins with a byte of 0x80 or more, by Unicode table 3-7.
    ///
    /// Safe while `p` lies inside the buffer that ends at `end`.
    static func utf8Sequence(_ p: UnsafeRawPointer, _ end: UnsafeRawPointer) -> UTF8Sequence {
        let count: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch byte(p) {
        case 0xC2...0xDF: count = 2
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: count = 3
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: count = 4
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: return UTF8Sequence(length: 0, isWhole: false)
        }
        guard p + 1 < end, second.contains(byte(p + 1)) else {
            return UTF8Sequence(length: 1, isWhole: false)
        }
        for index in 2..<max(2, count) {
            guard p + index < end, byte(p + index) & 0xC0 == 0x80 else {
                return UTF8Sequence(length: index, isWhole: false)
            }
        }
        return UTF8Sequence(length: count, isWhole: true)
    }

    /// Goes past well-formed sequences of two to four bytes, and stops at the first byte that begins none, or less than
    /// four bytes before `end`.
    ///
    /// The masks check, in one comparison each, that the first byte announces the length and the others are
    /// continuation bytes; the second condition keeps out what table 3-7 leaves out of those patterns.
    @inline(__always)
    static func skipSequences(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> UnsafeRawPointer {
        var p = start
        while end - p >= 4 {
            // In bounds: four bytes are left.
            let word = halfWord(p)
            if word & 0x00C0_C0F0 == 0x0080_80E0 {
                // Bits 0–3 are the first byte's, bit 13 the second byte's 0x20: none set is an overlong (E0 80–9F), and
                // 0x200D is a surrogate (ED A0–BF).
                let bits = word & 0x200F
                guard bits != 0, bits != 0x200D else {
                    return p
                }
                p += 3
            } else if word & 0xC0E0 == 0x80C0 {
                // C0 and C1 are overlong.
                guard word & 0x1E != 0 else {
                    return p
                }
                p += 2
            } else if word & 0xC0C0_C0F8 == 0x8080_80F0 {
                // The plane: 0 is overlong, beyond 16 is no Unicode.
                let plane = (word & 0x07) &<< 2 | (word &>> 12) & 0x03
                guard plane &- 1 < 16 else {
                    return p
                }
                p += 4
            } else {
                return p
            }
        }
        return p
    }
}
