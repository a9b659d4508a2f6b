import JSONText

/// A header that the host adds to the requests of a webhook.
package struct HeaderField: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    package static let nameForm = TextForm(.token, bytes: 1...128)
    package static let valueForm = TextForm(.fieldValue, bytes: 1...4096)
    package static let maximumCount = 32
    /// Names and values of one webhook together, so that a request stays within what receivers read (commonly 16 KiB).
    package static let maximumTotalBytes = 16_384

    /// Why a header of this name cannot be set by the host; nil where it can.
    package static func refusal(of name: String) -> String? {
        let name = name.lowercased()
        if let reason = reserved[name] { return reason.rawValue }
        if name.hasPrefix("webhook-") { return Reason.signature.rawValue }
        if name.hasPrefix("proxy-") { return Reason.hopByHop.rawValue }
        return nil
    }

    private enum Reason: String {
        case hopByHop = "it concerns the connection, not the request (RFC 9110 section 7.6.1)"
        case framing = "Martlet sets it from the body"
        case target = "it follows from the URL"
        case signature = "names that start with webhook- belong to Standard Webhooks"
        case ending = "Martlet ends the head of each request with it"
        case userAgent = "it is set for the whole engine by the key userAgent"
    }

    private static let reserved: [String: Reason] = [
        "connection": .hopByHop,
        "keep-alive": .hopByHop,
        "te": .hopByHop,
        "trailer": .hopByHop,
        "transfer-encoding": .hopByHop,
        "upgrade": .hopByHop,
        "http2-settings": .hopByHop,
        "expect": .hopByHop,
        "content-length": .framing,
        "content-type": .framing,
        "content-encoding": .framing,
        "host": .target,
        "sent-over": .ending,
        "user-agent": .userAgent,
    ]

    /// Checks what a table's row cannot: names that are reserved or given twice, and the size of all together.
    ///
    /// No message repeats a value: values are often credentials.
    static func fault(in headers: [HeaderField], key: String) -> DocumentError? {
        var names = Set<String>()
        var total = 0
        for header in headers {
            if let reason = refusal(of: header.name) {
                return DocumentError(
                    .notSettable,
                    key: key,
                    message: "the header \(DocumentError.quoted(header.name)) cannot be set: \(reason)"
                )
            }
            guard names.insert(header.name.lowercased()).inserted else {
                return DocumentError(
                    .conflict,
                    key: key,
                    message: "\(key) has \(DocumentError.quoted(header.name)) twice: upper and lower case do not count"
                )
            }
            // At most 32 of at most 4224 bytes.
            total &+= header.name.utf8.count &+ header.value.utf8.count
        }
        guard total > maximumTotalBytes else { return nil }
        return .unacceptable(
            .outOfRange,
            key: key,
            accepted: "at most \(maximumTotalBytes) bytes of names and values together",
            given: "\(total)"
        )
    }
}
