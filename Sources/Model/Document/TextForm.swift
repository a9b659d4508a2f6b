/// What a string of a document may be: its length in UTF-8 bytes and its characters.
package struct TextForm: Hashable, Sendable {
    package enum Characters: Hashable, Sendable {
        /// Any text.
        case any
        /// No control characters, line ends among them.
        case noControls
        /// Space to tilde.
        case printableASCII
        /// A header name (RFC 9110 section 5.6.2, `token`).
        case token
        /// A header value (RFC 9110 section 5.5): no control characters but tab, no blank at either end.
        case fieldValue
        /// The characters of an address block in CIDR notation (RFC 4632, RFC 4291 section 2.3); the rest is the
        /// address guard's to judge.
        case network
        /// An event type: segments of letters, digits and underscores, joined by dots (Standard Webhooks).
        case eventType
        /// An event type, `prefix.*` or `*`.
        case subscription
        /// Letters, digits, underscore and hyphen.
        case identifier
        /// Letters, digits, underscore, hyphen and dot; or nothing.
        case tenant
        /// A date and time of RFC 3339.
        case timestamp
    }

    package let bytes: ClosedRange<Int>
    package let characters: Characters

    package init(_ characters: Characters = .any, bytes: ClosedRange<Int>) {
        self.characters = characters
        self.bytes = bytes
    }

    /// The event types and what names them in documents.
    package static let eventType = TextForm(.eventType, bytes: 1...128)

    /// Whether the characters are accepted; the length is judged apart, so that a message can name it.
    package func acceptsCharacters(of text: String) -> Bool {
        switch characters {
        case .any: true
        case .noControls: !text.unicodeScalars.contains(where: TextForm.isControl)
        case .printableASCII: text.utf8.allSatisfy { 0x20...0x7E ~= $0 }
        case .token: !text.isEmpty && text.utf8.allSatisfy(TextForm.isTokenByte)
        case .fieldValue: TextForm.isFieldValue(text)
        case .network: !text.isEmpty && text.utf8.allSatisfy(TextForm.isNetworkByte)
        case .eventType: TextForm.isEventType(text.utf8)
        case .subscription: EventSubscription(text) != nil
        case .identifier: !text.isEmpty && text.utf8.allSatisfy(TextForm.isIdentifierByte)
        case .tenant: text.utf8.allSatisfy { TextForm.isIdentifierByte($0) || $0 == UInt8(ascii: ".") }
        case .timestamp: Timestamp.parse(text) != nil
        }
    }

    /// What is accepted, fit to follow "must be".
    package var accepted: String {
        let length = bytes.lowerBound == 0 ? "at most \(bytes.upperBound)" : bytesText
        return switch characters {
        case .any: "a string of \(length) bytes"
        case .noControls: "a string of \(length) bytes without control characters"
        case .printableASCII: "a string of \(length) printable ASCII characters"
        case .token: "a header name of \(length) bytes (RFC 9110 token)"
        case .fieldValue: "a string of \(length) bytes without control characters or blanks at either end"
        case .network: "a network such as \"10.0.0.0/8\" or \"fd00::/8\""
        case .eventType:
            "an event type of \(length) bytes such as \"order.shipped\": "
                + "letters, digits and underscores in segments joined by dots"
        case .subscription: "an event type, a wildcard such as \"call.*\", or \"*\""
        case .identifier: "a string of \(length) letters, digits, underscores or hyphens"
        case .tenant: "a string of \(length) letters, digits, underscores, hyphens or dots"
        case .timestamp: "a date and time of RFC 3339 such as \"2025-12-08T10:30:00Z\""
        }
    }

    private var bytesText: String {
        bytes.lowerBound == bytes.upperBound ? "\(bytes.lowerBound)" : "\(bytes.lowerBound) to \(bytes.upperBound)"
    }
}

// MARK: - Characters

extension TextForm {
    /// The controls of ASCII and of Latin 1 (Unicode general category Cc).
    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value
    }

    /// What some programs take for a line end beside the controls: U+2028 and U+2029.
    static func isLineSeparator(_ scalar: Unicode.Scalar) -> Bool {
        0x2028...0x2029 ~= scalar.value
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    static func isIdentifierByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    static func isNetworkByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "/")
    }

    static func isTokenByte(_ byte: UInt8) -> Bool {
        if isAlphanumeric(byte) { return true }
        return switch byte {
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func isFieldValue(_ text: String) -> Bool {
        func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 }
        return !isBlank(text.utf8.first) && !isBlank(text.utf8.last)
            && !text.unicodeScalars.contains { $0 != "\t" && isControl($0) }
    }

    /// Whether `bytes` are one or more segments of letters, digits and underscores, joined by single dots.
    static func isEventType(_ bytes: some Sequence<UInt8>) -> Bool {
        var isInSegment = false
        for byte in bytes {
            if isAlphanumeric(byte) || byte == UInt8(ascii: "_") {
                isInSegment = true
            } else if byte == UInt8(ascii: "."), isInSegment {
                isInSegment = false
            } else {
                return false
            }
        }
        return isInSegment
    }
}
