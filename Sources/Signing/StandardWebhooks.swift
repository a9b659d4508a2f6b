import JSONText

/// Signatures of the Standard Webhooks specification 1.0.0, version `v1` (HMAC-SHA256).
///
/// The signed content is `{id}.{timestamp}.{body}`, where the timestamp is the second of the attempt and the body is the
/// bytes that are sent. Every function may be called from any thread. Buffers are borrowed for the call.
package enum StandardWebhooks {
    /// Characters of one signature, `v1,` and the base64 of 32 bytes.
    static var tokenLength: Int { 47 }

    /// Bytes that `sign` writes for `count` keys (47 each and the spaces between); 0 for none.
    package static func signatureLength(keyCount count: Int) -> Int {
        // Cannot overflow: a key takes 64 bytes of memory and its signature 48.
        count > 0 ? count * (tokenLength + 1) - 1 : 0
    }

    /// Writes the `webhook-signature` value of one attempt: `v1,<base64>`, one per key, joined by single spaces.
    ///
    /// Allocates nothing. Each key costs one pass over the content, so a webhook whose secret is being rotated pays twice.
    /// - Parameters:
    ///   - id: the `webhook-id`: not empty, without a dot.
    ///   - timestamp: the `webhook-timestamp`, unix seconds, 0 or more.
    ///   - body: the exact bytes of the request body; may be empty.
    ///   - keys: the keys of all live secrets, current first; at least one.
    ///   - header: receives the value, without a terminating NUL; `signatureLength(keyCount:)` bytes are enough.
    /// - Returns: the number of bytes written. Nothing is written when it throws.
    package static func sign(
        id: UnsafeRawBufferPointer,
        timestamp: Int64,
        body: UnsafeRawBufferPointer,
        keys: UnsafeBufferPointer<HMACSHA256Key>,
        into header: UnsafeMutableRawBufferPointer
    ) throws(SigningFailure) -> Int {
        guard timestamp >= 0 else { throw .malformedTimestamp }
        // Safe: the digits fit any Int64.
        return try withUnsafeTemporaryAllocation(byteCount: DecimalText.maximumLength, alignment: 1) { digits in
            Result { () throws(SigningFailure) in
                let count = DecimalText.write(timestamp, into: digits) ?? 0
                let timestamp = UnsafeRawBufferPointer(rebasing: digits[..<count])
                return try sign(id: id, timestamp: timestamp, body: body, keys: keys, into: header)
            }
        }.get()
    }

    /// The same with the timestamp as the text that is sent: decimal digits.
    package static func sign(
        id: UnsafeRawBufferPointer,
        timestamp: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        keys: UnsafeBufferPointer<HMACSHA256Key>,
        into header: UnsafeMutableRawBufferPointer
    ) throws(SigningFailure) -> Int {
        guard isID(id) else { throw .malformedID }
        guard !timestamp.isEmpty else { throw .malformedTimestamp }
        guard !keys.isEmpty else { throw .noKeys }
        let length = signatureLength(keyCount: keys.count)
        guard header.count >= length else { throw .bufferTooSmall(needed: length) }

        // Safe: the header was just found long enough for all tokens.
        var at = 0
        for key in keys {
            if at != 0 {
                header[at] = UInt8(ascii: " ")
                at += 1
            }
            header[at] = UInt8(ascii: "v")
            header[at + 1] = UInt8(ascii: "1")
            header[at + 2] = UInt8(ascii: ",")
            let place = UnsafeMutableRawBufferPointer(rebasing: header[(at + 3)..<(at + tokenLength)])
            digest(id: id, timestamp: timestamp, body: body, key: key).withUnsafeBytes { digest in
                _ = Base64.encode(digest, into: place)
            }
            at += tokenLength
        }
        return length
    }

    /// The same with the keys in an array.
    package static func sign(
        id: UnsafeRawBufferPointer,
        timestamp: Int64,
        body: UnsafeRawBufferPointer,
        keys: [HMACSHA256Key],
        into header: UnsafeMutableRawBufferPointer
    ) throws(SigningFailure) -> Int {
        try keys.withUnsafeBufferPointer { keys throws(SigningFailure) in
            try sign(id: id, timestamp: timestamp, body: body, keys: keys, into: header)
        }
    }

    /// True for what can stand in front of the first dot of the signed content.
    ///
    /// With a dot inside, the id `a.1` at second 2 and the id `a` at second 1 with a body that starts with `2.` would be
    /// the same signed content.
    static func isID(_ id: UnsafeRawBufferPointer) -> Bool {
        !id.isEmpty && !id.contains(UInt8(ascii: "."))
    }

    static func digest(
        id: UnsafeRawBufferPointer,
        timestamp: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        key: HMACSHA256Key
    ) -> SHA256.Digest {
        // What stands in front of the body in one piece, for each piece costs as much as a few dozen bytes.
        withUnsafeTemporaryAllocation(byteCount: id.count + timestamp.count + 2, alignment: 1) { front in
            // Safe: the parts are copied to where the lengths above make room for them.
            front.copyMemory(from: id)
            front[id.count] = UInt8(ascii: ".")
            UnsafeMutableRawBufferPointer(rebasing: front[(id.count + 1)...]).copyMemory(from: timestamp)
            front[id.count + 1 + timestamp.count] = UInt8(ascii: ".")
            var code = key.begin()
            code.update(UnsafeRawBufferPointer(front))
            code.update(body)
            return code.finalize()
        }
    }
}

/// Why nothing was signed.
package enum SigningFailure: Error, Equatable, Sendable {
    /// The id is empty or contains a dot.
    case malformedID
    /// The timestamp is before 1970.
    case malformedTimestamp
    /// No key was given.
    case noKeys
    /// The caller's buffer is too small; it has to hold this many bytes.
    case bufferTooSmall(needed: Int)
}

extension SigningFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformedID: "the webhook id is empty or contains a dot"
        case .malformedTimestamp: "the timestamp is negative; unix seconds are expected"
        case .noKeys: "there is no secret to sign with"
        case .bufferTooSmall(let needed): "the buffer is too small for the signatures: \(needed) bytes are needed"
        }
    }
}
