extension JSONText {
    /// What stands at a path.
    package enum Kind: UInt8, Hashable, Sendable {
        case missing
        case null
        case `false`
        case `true`
        case number
        case string
        case array
        case object
    }

    /// One value inside a text that was checked: where it stands and what it is.
    ///
    /// It owns nothing. Every call that reads through it takes the text again, which must be the one it was cut from;
    /// another text gives a useless answer, but never a read outside of it.
    package struct Slice: Hashable, Sendable {
        /// The value's first byte, from the start of the text; for a string that is its opening quote.
        package let offset: Int
        /// How many bytes the value has, quotes and brackets included; 0 if it is missing.
        package let length: Int
        package let kind: Kind

        package init(offset: Int, length: Int, kind: Kind) {
            self.offset = offset
            self.length = length
            self.kind = kind
        }

        /// No value.
        package static let missing = Slice(offset: 0, length: 0, kind: .missing)
    }
}

extension JSONText.Slice {
    /// The value as it stands in the text; empty if it is missing. The pointer lives as long as the text does.
    package func bytes(in text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard offset >= 0, length > 0, offset <= text.count, length <= text.count - offset else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(rebasing: text[offset..<offset + length])
    }

    /// What stands between the quotes of a string, escapes and all; nil if this is no string.
    private func content(in text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let token = bytes(in: text)
        guard kind == .string, token.count >= 2 else {
            return nil
        }
        return UnsafeRawBufferPointer(rebasing: token[1..<token.count - 1])
    }

    /// Whether this is a string with just this content, escapes decoded.
    ///
    /// Bytes are compared, not characters: the two ways to write é differ. Allocates nothing.
    package func isString(_ utf8: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer) -> Bool {
        guard let content = content(in: text) else {
            return false
        }
        // Decoding an escape always takes bytes away. So a content of the wanted length is equal byte for byte and has
        // no escape, a shorter one never is equal, and a longer one only by its escapes.
        if content.count > utf8.count {
            return JSONText.DecodedBytes(content).elementsEqual(utf8)
        }
        return content.count == utf8.count
            && content.elementsEqual(utf8)
            && !content.contains(JSONText.Byte.backslash)
    }

    /// The same for a Swift string.
    package func isString(_ wanted: String, in text: UnsafeRawBufferPointer) -> Bool {
        var wanted = wanted
        return wanted.withUTF8 { isString(UnsafeRawBufferPointer($0), in: text) }
    }

    /// The string with its escapes decoded, or nil if this is no string; a lone surrogate becomes U+FFFD.
    package func string(in text: UnsafeRawBufferPointer) -> String? {
        guard let content = content(in: text) else {
            return nil
        }
        guard content.contains(JSONText.Byte.backslash) else {
            return String(decoding: content, as: UTF8.self)
        }
        return String(unsafeUninitializedCapacity: content.count) { buffer in
            // What does not fit is left out; decoding never makes a string longer, so all of it fits.
            buffer.initialize(from: JSONText.DecodedBytes(content)).index
        }
    }

    /// The number nearest to this one, infinite beyond the range of `Double`; nil if this is no number.
    ///
    /// Allocates nothing for numbers of up to 15 digits and common exponents.
    package func double(in text: UnsafeRawBufferPointer) -> Double? {
        guard kind == .number else {
            return nil
        }
        return JSONText.Decimal(bytes(in: text)).double
    }

    /// The number if it is whole and in range, however it is written (`5`, `5.0` and `50e-1` are all 5); else nil.
    package func int64(in text: UnsafeRawBufferPointer) -> Int64? {
        guard kind == .number else {
            return nil
        }
        return JSONText.Decimal(bytes(in: text)).int64
    }

    /// True or false, or nil if this is neither.
    package var bool: Bool? {
        switch kind {
        case .true: true
        case .false: false
        default: nil
        }
    }
}
