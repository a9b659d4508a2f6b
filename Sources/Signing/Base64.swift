/// Base64 with the standard alphabet and padding (RFC 4648 section 4).
///
/// Characters are computed rather than looked up, so the time taken to write a secret does not depend on its bytes.
package enum Base64 {
    private static var padding: UInt8 { UInt8(ascii: "=") }

    /// Characters that `count` bytes take, padding included; nil when that does not fit an `Int`.
    package static func encodedLength(of count: Int) -> Int? {
        guard count >= 0, count <= Int.max / 4 * 3 - 2 else { return nil }
        return (count + 2) / 3 * 4
    }

    /// Writes the text form of `bytes` to the start of `text`.
    ///
    /// - Returns: the number of characters written, or nil, with nothing written, when `text` is too small.
    package static func encode(_ bytes: UnsafeRawBufferPointer, into text: UnsafeMutableRawBufferPointer) -> Int? {
        guard let length = encodedLength(of: bytes.count), text.count >= length else { return nil }
        // Safe: `text` holds `length` characters, four for each three bytes begun.
        var from = 0
        var to = 0
        while bytes.count - from >= 8 {
            // Six of eight bytes, big endian so that the first character is in the highest byte.
            let bits = bytes.loadUnaligned(fromByteOffset: from, as: UInt64.self).bigEndian >> 16
            text.storeBytes(of: characters(bits).bigEndian, toByteOffset: to, as: UInt64.self)
            from += 6
            to += 8
        }
        while bytes.count - from >= 3 {
            let group = UInt32(bytes[from]) << 16 | UInt32(bytes[from + 1]) << 8 | UInt32(bytes[from + 2])
            text[to] = character(group >> 18)
            text[to + 1] = character(group >> 12)
            text[to + 2] = character(group >> 6)
            text[to + 3] = character(group)
            from += 3
            to += 4
        }
        let left = bytes.count - from
        if left > 0 {
            let group = UInt32(bytes[from]) << 16 | (left == 2 ? UInt32(bytes[from + 1]) << 8 : 0)
            text[to] = character(group >> 18)
            text[to + 1] = character(group >> 12)
            text[to + 2] = left == 2 ? character(group >> 6) : padding
            text[to + 3] = padding
        }
        return length
    }

    /// The eight characters for 48 bits, one in each byte: what ``character(_:)`` does, for all of them at once.
    private static func characters(_ bits: UInt64) -> UInt64 {
        // Six bits to a byte, by halves.
        var values = (bits & 0xFFFF_FF00_0000) << 8 | bits & 0xFF_FFFF
        values = (values & 0x00FF_F000_00FF_F000) << 4 | values & 0x0000_0FFF_0000_0FFF
        values = (values & 0x0FC0_0FC0_0FC0_0FC0) << 2 | values & 0x003F_003F_003F_003F
        let ones: UInt64 = 0x0101_0101_0101_0101
        // 1 in each byte whose value is `limit` or more: values have six bits, so nothing is carried into the next byte.
        func from(_ limit: UInt64) -> UInt64 {
            (values &+ ones &* (128 - limit)) >> 7 & ones
        }
        // A…Z is 65 + value, a…z 71 + value, 0…9 value - 4, then + and /; no byte ever leaves 0…255.
        let letters = values &+ ones &* 65 &+ from(26) &* 6
        return letters &- from(52) &* 75 &- from(62) &* 15 &+ from(63) &* 3
    }

    /// The text form of `bytes`.
    package static func encode(_ bytes: [UInt8]) -> String {
        bytes.withUnsafeBytes { bytes in
            String(unsafeUninitializedCapacity: encodedLength(of: bytes.count) ?? 0) { text in
                encode(bytes, into: UnsafeMutableRawBufferPointer(text)) ?? 0
            }
        }
    }

    /// Reads `text` strictly and writes the bytes to the start of `bytes`.
    ///
    /// Padding must be complete, the bits behind the last byte zero, and nothing else may occur, white space included
    /// (RFC 4648 sections 3.3 and 3.5): every byte string has exactly one text form.
    /// - Returns: the number of bytes, or nil when `text` is not base64 or `bytes` is too small; `bytes` may then have
    ///   been written to.
    package static func decode(_ text: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) -> Int? {
        guard text.count % 4 == 0 else { return nil }
        guard !text.isEmpty else { return 0 }
        let paddings = text[text.count - 1] != padding ? 0 : text[text.count - 2] != padding ? 1 : 2
        let length = text.count / 4 * 3 - paddings
        guard bytes.count >= length else { return nil }

        // Safe: four characters are read and at most three bytes written per step, `length` in all.
        var from = 0
        var to = 0
        while from < text.count {
            let isLast = from == text.count - 4
            let present = isLast ? 4 - paddings : 4
            var group: UInt32 = 0
            for offset in 0..<4 {
                var bits: UInt32 = 0
                if offset < present {
                    guard let value = value(of: text[from + offset]) else { return nil }
                    bits = value
                }
                group = group << 6 | bits
            }
            // What the padding stands for has to be zero.
            if isLast, group & ((1 << UInt32(8 * paddings)) - 1) != 0 { return nil }
            bytes[to] = UInt8(truncatingIfNeeded: group >> 16)
            if present > 2 { bytes[to + 1] = UInt8(truncatingIfNeeded: group >> 8) }
            if present > 3 { bytes[to + 2] = UInt8(truncatingIfNeeded: group) }
            from += 4
            to += 3
        }
        return length
    }

    /// The bytes that `text` stands for, or nil when it is not strict base64.
    package static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        // An array of no capacity is the one that all threads share, and this way of making one writes its count.
        if text.count < 4 { return text.isEmpty ? [] : nil }
        var isBase64 = true
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3) { buffer, count in
            let decoded = decode(text, into: UnsafeMutableRawBufferPointer(buffer))
            isBase64 = decoded != nil
            count = decoded ?? 0
        }
        return isBase64 ? bytes : nil
    }

    /// The character for the lowest six bits.
    @inline(__always)
    private static func character(_ bits: UInt32) -> UInt8 {
        // Start from "A" and add the step to the next range of the alphabet for each limit passed. A limit is passed when
        // the subtraction leaves bits above the eighth.
        let value = bits & 63
        var code = value &+ 65
        code = code &+ (((25 &- value) >> 8) & 6)
        code = code &- (((51 &- value) >> 8) & 75)
        code = code &- (((61 &- value) >> 8) & 15)
        code = code &+ (((62 &- value) >> 8) & 3)
        return UInt8(truncatingIfNeeded: code)
    }

    @inline(__always)
    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character) + 4
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
