import JSONText

/// What is wrong with a document that the host handed in: one fault, named so that it can be put right.
///
/// The message is a single line for people; ``code`` and ``key`` are for programs.
package struct DocumentError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, CaseIterable, Sendable {
        /// The text is not JSON (RFC 8259).
        case invalidJSON
        /// The document, or a key that groups others, is not an object.
        case notAnObject
        /// No such key.
        case unknownKey
        /// The value is of another kind than the key takes.
        case wrongType
        /// The value is of the right kind and outside what is accepted.
        case outOfRange
        /// A required key is absent.
        case missing
        /// The key cannot be set, or not by this call.
        case notSettable
        /// Two values of the document contradict each other.
        case conflict
        /// An event type that the catalog does not hold.
        case unknownEventType
    }

    package let code: Code
    /// The path of the key, such as `queue.maxEvents`; empty where the whole document is meant.
    package let key: String
    package let message: String

    package init(_ code: Code, key: String, message: String) {
        self.code = code
        self.key = key
        self.message = message
    }

    package var description: String { message }

    /// A failed parse as a document error; `bytes` is the text that failed.
    package init(_ failure: JSONText.Failure, in bytes: UnsafeRawBufferPointer) {
        self.init(.invalidJSON, key: "", message: "invalid JSON at \(failure.description(in: bytes))")
    }
}

// MARK: - Wording

extension DocumentError {
    /// The most characters of a caller's own text that a message repeats.
    static let maximumQuotedLength = 64

    /// `text` in double quotes on one line: control characters escaped, a long text cut.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars.prefix(maximumQuotedLength) {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where TextForm.isControl(scalar) || TextForm.isLineSeparator(scalar):
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        // Counting all scalars of a long text is not needed to know that there are more.
        let isLonger = text.unicodeScalars.dropFirst(maximumQuotedLength).isEmpty == false
        return result + (isLonger ? "…\"" : "\"")
    }

    /// The path of an array's item.
    static func path(_ key: String, item index: Int) -> String {
        "\(key)[\(index)]"
    }

    /// The path of a map's member, whose name the caller chose.
    static func path(_ key: String, member name: String) -> String {
        "\(key)[\(quoted(name))]"
    }

    /// "`key` must be `accepted`, not `given`".
    static func unacceptable(_ code: Code, key: String, accepted: String, given: String) -> DocumentError {
        let subject = key.isEmpty ? "the document" : key
        return DocumentError(code, key: key, message: "\(subject) must be \(accepted), not \(given)")
    }
}

extension JSONValue {
    /// The value as a message names it: short ones as they are, long ones by their kind.
    var described: String {
        switch self {
        case .null: "null"
        case .array: "an array"
        case .object: "an object"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .number(let value): String(value)
        case .string(let value): DocumentError.quoted(value)
        }
    }

    /// A number as JSON prints it best: without a fraction where there is none.
    init(shortest value: Double) {
        if let whole = Int64(exactly: value) {
            self = .integer(whole)
        } else {
            self = .number(value)
        }
    }
}
