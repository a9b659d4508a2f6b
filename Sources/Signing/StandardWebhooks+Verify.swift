import JSONText

extension StandardWebhooks {
    /// How far a timestamp may be from the receiver's clock, either way, when nothing else is asked for: 5 minutes, as the
    /// reference libraries have it.
    package static var defaultToleranceSeconds: Int64 { 300 }

    /// Checks what a receiver got: returns when a signature matches, throws why not otherwise.
    ///
    /// Everything but `secrets`, `now` and the tolerance is taken for hostile: no input traps or allocates, and the cost is
    /// bounded by one pass over the content and one over the header per secret, and one more over the header. Signatures of other versions (`v1a`
    /// and what may come) and tokens that are no signature are passed over. Digests are compared in constant time.
    /// - Parameters:
    ///   - id: the `webhook-id` header as received.
    ///   - timestamp: the `webhook-timestamp` header as received; empty when it was missing.
    ///   - signatureHeader: the `webhook-signature` header as received; empty when it was missing.
    ///   - body: the raw request body as received.
    ///   - secrets: those that are accepted; more than one while a secret is being rotated.
    ///   - now: the receiver's clock, unix seconds.
    ///   - toleranceSeconds: the greatest difference that is accepted, itself included; negative counts as 0.
    package static func verify(
        id: UnsafeRawBufferPointer,
        timestamp: UnsafeRawBufferPointer,
        signatureHeader: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        secrets: [WebhookSecret],
        now: Int64,
        toleranceSeconds: Int64 = defaultToleranceSeconds
    ) throws(VerificationFailure) {
        guard isID(id) else { throw .malformedID }
        guard !timestamp.isEmpty else { throw .missingTimestamp }
        guard let seconds = DecimalText.parse(timestamp) else { throw .malformedTimestamp }
        try check(seconds, against: now, tolerance: max(0, toleranceSeconds))

        switch SignatureTokens(signatureHeader).best {
        case .malformed: throw .malformedSignatureHeader
        case .otherVersion: throw .noMatchingSignature
        case .v1: break
        }
        for secret in secrets {
            let expected = digest(id: id, timestamp: timestamp, body: body, key: secret.key)
            for case .v1(let digest) in SignatureTokens(signatureHeader) where digest == expected { return }
        }
        throw .noMatchingSignature
    }

    private static func check(
        _ seconds: Int64,
        against now: Int64,
        tolerance: Int64
    ) throws(VerificationFailure) {
        // A difference too great for an Int64 is greater than any tolerance.
        let (age, ageOverflow) = now.subtractingReportingOverflow(seconds)
        if seconds < now {
            guard !ageOverflow, age <= tolerance else { throw .timestampTooOld }
        } else {
            let (lead, leadOverflow) = seconds.subtractingReportingOverflow(now)
            guard !leadOverflow, lead <= tolerance else { throw .timestampTooNew }
        }
    }
}

/// Why a request is not to be believed.
package enum VerificationFailure: Error, Equatable, Sendable {
    /// The id is missing, or contains a dot, which no sender may put there.
    case malformedID
    /// There is no timestamp.
    case missingTimestamp
    /// The timestamp is not a plain count of seconds.
    case malformedTimestamp
    /// The timestamp is further in the past than the tolerance: a replay, or a clock that runs ahead.
    case timestampTooOld
    /// The timestamp is further in the future than the tolerance: the sender's or the receiver's clock is wrong.
    case timestampTooNew
    /// The signature header is missing, or holds nothing of the form `version,signature`.
    case malformedSignatureHeader
    /// No `v1` signature was made with one of the secrets over this id, timestamp and body.
    case noMatchingSignature
}

extension VerificationFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformedID: "webhook-id is missing or contains a dot"
        case .missingTimestamp: "webhook-timestamp is missing"
        case .malformedTimestamp: "webhook-timestamp is not a count of unix seconds"
        case .timestampTooOld: "webhook-timestamp is too old"
        case .timestampTooNew: "webhook-timestamp is too far in the future"
        case .malformedSignatureHeader: "webhook-signature is missing or malformed; expected: v1,<base64>"
        case .noMatchingSignature: "no signature in webhook-signature matches"
        }
    }
}

/// The tokens of a `webhook-signature` header, which spaces separate; read in place, one at a time.
struct SignatureTokens: Sequence, IteratorProtocol {
    /// What a token turned out to be.
    enum Token {
        /// A `v1` signature of the right length.
        case v1(SHA256.Digest)
        /// A signature of a version that is not checked here.
        case otherVersion
        /// Not of the form `version,signature`, or a `v1` signature that is not strict base64 of 32 bytes.
        case malformed
    }

    private var rest: Slice<UnsafeRawBufferPointer>

    init(_ header: UnsafeRawBufferPointer) {
        rest = header[...]
    }

    /// The most useful kind of token in the header; `.malformed` when it is empty.
    var best: Token {
        var best = Token.malformed
        for token in self {
            switch token {
            case .v1: return token
            case .otherVersion: best = token
            case .malformed: break
            }
        }
        return best
    }

    mutating func next() -> Token? {
        let space = UInt8(ascii: " ")
        rest = rest.drop { $0 == space }
        guard !rest.isEmpty else { return nil }
        let token = rest.prefix { $0 != space }
        rest = rest.dropFirst(token.count)
        return Self.read(UnsafeRawBufferPointer(rebasing: token))
    }

    private static func read(_ token: UnsafeRawBufferPointer) -> Token {
        guard let comma = token.firstIndex(of: UInt8(ascii: ",")), comma > 0, comma + 1 < token.count else {
            return .malformed
        }
        guard comma == 2, token[0] == UInt8(ascii: "v"), token[1] == UInt8(ascii: "1") else { return .otherVersion }
        guard token.count == StandardWebhooks.tokenLength else { return .malformed }
        return withUnsafeTemporaryAllocation(byteCount: SHA256.Digest.length, alignment: 8) { bytes in
            let text = UnsafeRawBufferPointer(rebasing: token[(comma + 1)...])
            guard let count = Base64.decode(text, into: bytes) else { return .malformed }
            guard let digest = SHA256.Digest(UnsafeRawBufferPointer(rebasing: bytes[..<count])) else {
                return .malformed
            }
            return .v1(digest)
        }
    }
}
