extension JSONText {
    /// The first thing wrong with a text, and where.
    package struct Failure: Error, Hashable, Sendable {
        /// The first byte that cannot continue any valid text; the number of bytes if the text ends too early.
        ///
        /// For a repeated key and for a number out of range, which the grammar allows, it is where that token begins.
        package let offset: Int

        /// What is wrong.
        package let reason: Reason

        package init(offset: Int, reason: Reason) {
            self.offset = offset
            self.reason = reason
        }
    }

    /// What can be wrong with a text.
    package enum Reason: UInt8, Hashable, Sendable, CaseIterable {
        case noValue
        case byteOrderMark
        case valueExpected
        case keyExpected
        case colonExpected
        case commaOrBracketExpected
        case commaOrBraceExpected
        case arrayNotClosed
        case objectNotClosed
        case stringNotClosed
        case controlCharacter
        case badEscape
        case badUnicodeEscape
        case badUTF8
        case badWord
        case leadingZero
        case digitExpected
        case trailingBytes
        case tooDeep
        /// Only where a tree is built.
        case duplicateKey
        /// Only where a tree is built.
        case numberOutOfRange

        /// A short sentence without a full stop, fit for an error message.
        package var message: String {
            switch self {
            case .noValue: "there is no JSON value"
            case .byteOrderMark: "the text starts with a byte order mark"
            case .valueExpected: "a value is expected"
            case .keyExpected: "a key in double quotes is expected"
            case .colonExpected: "a colon is expected after a key"
            case .commaOrBracketExpected: "a comma or a closing bracket is expected"
            case .commaOrBraceExpected: "a comma or a closing brace is expected"
            case .arrayNotClosed: "an array is not closed"
            case .objectNotClosed: "an object is not closed"
            case .stringNotClosed: "a string is not closed"
            case .controlCharacter: "a control character in a string is not escaped"
            case .badEscape: "a backslash is followed by no known escape"
            case .badUnicodeEscape: "\\u is not followed by four hexadecimal digits"
            case .badUTF8: "the text is not well-formed UTF-8"
            case .badWord: "a word is neither true, false nor null"
            case .leadingZero: "a number has a leading zero"
            case .digitExpected: "a digit is expected in a number"
            case .trailingBytes: "there is something after the value"
            case .tooDeep: "arrays and objects are nested too deep"
            case .duplicateKey: "a key appears twice in one object"
            case .numberOutOfRange: "a number is too large to hold"
            }
        }
    }

    /// A place in a text as an editor shows it.
    package struct Position: Hashable, Sendable {
        /// The line, from 1; lines end with a line feed.
        package let line: Int

        /// The column, from 1, in Unicode scalars.
        package let column: Int
    }
}

extension JSONText.Failure: CustomStringConvertible {
    package var description: String {
        "byte \(offset): \(reason.message)"
    }

    /// Where the failure is, counted anew by each call.
    ///
    /// - Parameter bytes: the text that failed; with another one the answer is of no use but safe.
    package func position(in bytes: UnsafeRawBufferPointer) -> JSONText.Position {
        var line = 1
        var column = 1
        for byte in bytes.prefix(max(0, offset)) {
            if byte == JSONText.Byte.lineFeed {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                // A continuation byte belongs to the scalar already counted.
                column += 1
            }
        }
        return JSONText.Position(line: line, column: column)
    }

    /// A sentence for people: line, column, what is wrong, and for a repeated key its name.
    ///
    /// - Parameter bytes: the text that failed.
    package func description(in bytes: UnsafeRawBufferPointer) -> String {
        let place = position(in: bytes)
        var text = "line \(place.line), column \(place.column): \(reason.message)"
        if reason == .duplicateKey, let key = key(in: bytes) {
            text += ": \"\(key)\""
        }
        return text
    }

    /// The string that begins at the failure, cut to a length fit for a message.
    private func key(in bytes: UnsafeRawBufferPointer) -> String? {
        guard offset >= 0, offset < bytes.count, bytes[offset] == JSONText.Byte.quote else {
            return nil
        }
        var end = offset + 1
        while end < bytes.count, bytes[end] != JSONText.Byte.quote {
            end += bytes[end] == JSONText.Byte.backslash ? 2 : 1
        }
        guard end < bytes.count else {
            return nil
        }
        let slice = JSONText.Slice(offset: offset, length: end + 1 - offset, kind: .string)
        guard let key = slice.string(in: bytes) else {
            return nil
        }
        return key.count > 64 ? key.prefix(64) + "…" : key
    }
}
