import CHardware

extension JSONText {
    /// The bytes that mean something in JSON.
    enum Byte {
        static let tab: UInt8 = 0x09
        static let lineFeed: UInt8 = 0x0A
        static let carriageReturn: UInt8 = 0x0D
        static let space: UInt8 = 0x20
        static let quote: UInt8 = 0x22
        static let comma: UInt8 = 0x2C
        static let minus: UInt8 = 0x2D
        static let plus: UInt8 = 0x2B
        static let point: UInt8 = 0x2E
        static let zero: UInt8 = 0x30
        static let nine: UInt8 = 0x39
        static let colon: UInt8 = 0x3A
        static let openBracket: UInt8 = 0x5B
        static let backslash: UInt8 = 0x5C
        static let closeBracket: UInt8 = 0x5D
        static let smallE: UInt8 = 0x65
        static let smallU: UInt8 = 0x75
        static let openBrace: UInt8 = 0x7B
        static let closeBrace: UInt8 = 0x7D
    }

    /// Eight bytes at once, the first one lowest whatever the machine.
    ///
    /// Safe while the caller has shown that eight bytes from `p` lie inside the buffer.
    @inline(__always)
    static func word(_ p: UnsafeRawPointer) -> UInt64 {
        UInt64(littleEndian: p.loadUnaligned(as: UInt64.self))
    }

    /// Four bytes at once, the first one lowest; the same rule holds for four bytes.
    @inline(__always)
    static func halfWord(_ p: UnsafeRawPointer) -> UInt32 {
        UInt32(littleEndian: p.loadUnaligned(as: UInt32.self))
    }

    /// One byte; the caller has shown that `p` lies inside the buffer.
    @inline(__always)
    static func byte(_ p: UnsafeRawPointer) -> UInt8 {
        p.load(as: UInt8.self)
    }

    /// Goes past plain string content, which is ASCII without quotes, backslashes and control characters; stops at the
    /// first other byte or less than eight bytes before `end`.
    @inline(__always)
    static func skipPlain(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> UnsafeRawPointer {
        var p = start
        while end - p >= 16 {
            // In bounds: 16 bytes are left.
            let count = martlet_hw_plain16(p)
            p += Int(count)
            if count < 16 { return p }
        }
        // In bounds: eight bytes are left.
        if end - p >= 8 { p += Int(martlet_hw_plain8(word(p))) }
        return p
    }

    /// Goes past white space (RFC 8259 section 2).
    @inline(__always)
    static func skipSpace(_ p: UnsafeRawPointer, _ end: UnsafeRawPointer) -> UnsafeRawPointer {
        // Most often there is none, or the one space after a colon.
        guard p < end, byte(p) <= Byte.space else {
            return p
        }
        return skipSpaceRun(p, end)
    }

    @inline(__always)
    private static func skipSpaceRun(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> UnsafeRawPointer {
        var p = start
        while end - p >= 8 {
            // In bounds: eight bytes are left, and the byte looked at below is one of them.
            let others = word(p) ^ 0x2020_2020_2020_2020
            if others == 0 {
                p += 8
                continue
            }
            p += others.trailingZeroBitCount &>> 3
            guard isLineSpace(byte(p)) else {
                return p
            }
            p += 1
        }
        while p < end, byte(p) == Byte.space || isLineSpace(byte(p)) {
            p += 1
        }
        return p
    }

    /// White space other than the space itself.
    @inline(__always)
    private static func isLineSpace(_ byte: UInt8) -> Bool {
        byte == Byte.lineFeed || byte == Byte.carriageReturn || byte == Byte.tab
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool {
        byte &- Byte.zero < 10
    }

    /// The value of a hexadecimal digit, or nil.
    @inline(__always)
    static func hexadecimal(_ byte: UInt8) -> UInt32? {
        if isDigit(byte) {
            return UInt32(byte &- Byte.zero)
        }
        // Setting this bit turns A–F into a–f and takes nothing else there.
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? UInt32(letter) &+ 10 : nil
    }
}
