import CHardware

/// The symmetric secret of a webhook, as the Standard Webhooks specification writes it: `whsec_` and base64.
///
/// Holds the bytes, for the text form, and the prepared key, for signing. Describing it, also by reflection, shows its
/// length only, so that a secret does not reach a log by accident.
package struct WebhookSecret: Sendable {
    /// What the text form starts with.
    package static var prefix: String { "whsec_" }
    /// How many bytes a secret may have (Standard Webhooks, "Signature scheme").
    package static var acceptedLengths: ClosedRange<Int> { 24...64 }
    /// Bytes in a generated secret: the digest's size, the length RFC 2104 section 3 asks for and beyond which no strength
    /// is gained; within the specification's 24 to 64.
    package static var generatedLength: Int { 32 }

    /// The secret itself.
    package let bytes: [UInt8]
    /// Ready for signing; free to copy.
    package let key: HMACSHA256Key

    /// Takes 24 to 64 raw bytes.
    package init(bytes: [UInt8]) throws(WebhookSecretError) {
        guard Self.acceptedLengths.contains(bytes.count) else { throw .wrongLength(bytes.count) }
        self.bytes = bytes
        key = bytes.withUnsafeBytes { HMACSHA256Key($0) }
    }

    /// Reads `whsec_` and base64, or the base64 alone, which the reference libraries accept too.
    ///
    /// The base64 is read strictly: padded, standard alphabet, no white space. `text` is borrowed for the call.
    package init(utf8 text: UnsafeRawBufferPointer) throws(WebhookSecretError) {
        var encoded = text[...]
        if encoded.starts(with: Self.prefix.utf8) {
            encoded = encoded.dropFirst(Self.prefix.utf8.count)
        } else if encoded.starts(with: "whsk_".utf8) || encoded.starts(with: "whpk_".utf8) {
            throw .asymmetric
        }
        guard let bytes = Base64.decode(UnsafeRawBufferPointer(rebasing: encoded)) else { throw .notBase64 }
        try self.init(bytes: bytes)
    }

    /// Reads the text form; see `init(utf8:)`.
    package init(_ text: String) throws(WebhookSecretError) {
        let result = Array(text.utf8).withUnsafeBytes { text in
            Result { () throws(WebhookSecretError) in try WebhookSecret(utf8: text) }
        }
        self = try result.get()
    }

    /// Makes a new secret of 32 bytes from the system's generator, getrandom(2).
    package static func generate() throws(WebhookSecretError) -> WebhookSecret {
        var bytes = [UInt8](repeating: 0, count: generatedLength)
        let code = bytes.withUnsafeMutableBytes { martlet_hw_random($0.baseAddress, $0.count) }
        guard code == 0 else { throw .noRandomBytes(errno: code) }
        return try WebhookSecret(bytes: bytes)
    }

    /// The text form, `whsec_` and padded base64. Show it to the owner of the webhook only.
    package var text: String { Self.prefix + Base64.encode(bytes) }
}

extension WebhookSecret: Equatable {
    /// True when the bytes agree; the time taken depends on the lengths only.
    package static func == (a: WebhookSecret, b: WebhookSecret) -> Bool {
        guard a.bytes.count == b.bytes.count else { return false }
        return zip(a.bytes, b.bytes).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

extension WebhookSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "\(Self.prefix)(\(bytes.count) bytes, not shown)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a text or a byte string is no usable webhook secret. Never carries any part of the secret.
package enum WebhookSecretError: Error, Equatable, Sendable {
    /// Not padded base64 with the standard alphabet.
    case notBase64
    /// Base64, but of this many bytes.
    case wrongLength(Int)
    /// An ed25519 key, `whsk_` or `whpk_`, which signs `v1a`.
    case asymmetric
    /// The system gave no random bytes.
    case noRandomBytes(errno: Int32)
}

extension WebhookSecretError: CustomStringConvertible {
    package var description: String {
        let form = "\(WebhookSecret.prefix) followed by padded standard base64 of 24 to 64 bytes"
        switch self {
        case .notBase64: return "the secret is not valid base64; accepted: \(form)"
        case .wrongLength(let count): return "the secret has \(count) bytes; accepted: \(form)"
        case .asymmetric: return "ed25519 keys (whsk_, whpk_) are not supported; accepted: \(form)"
        case .noRandomBytes(let errno): return "the system gave no random bytes for a secret (errno \(errno))"
        }
    }
}
