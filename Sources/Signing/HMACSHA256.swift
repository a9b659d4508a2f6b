import CHardware

/// A secret made ready for HMAC-SHA256 (RFC 2104): the two hash states after the padded secret.
///
/// Signing then costs the message's own blocks plus one, and the secret is never read again. 64 bytes, no heap memory: it
/// can be stored in arrays and copied without reference counting. Safe to use from several threads at once.
package struct HMACSHA256Key: Sendable {
    private let inner: martlet_hw_sha256_state
    private let outer: martlet_hw_sha256_state

    /// Prepares a secret of any length; one longer than a block (64 bytes) is hashed first, as RFC 2104 says.
    package init(_ secret: UnsafeRawBufferPointer) {
        guard secret.count <= SHA256.blockLength else {
            self = SHA256.hash(secret).withUnsafeBytes { HMACSHA256Key($0) }
            return
        }
        inner = Self.state(of: secret, paddedWith: 0x36)
        outer = Self.state(of: secret, paddedWith: 0x5c)
    }

    /// Starts the authentication code of a message that comes in pieces.
    package func begin() -> HMACSHA256 {
        HMACSHA256(inner: inner, outer: outer)
    }

    /// The authentication code of one buffer.
    package func sign(_ message: UnsafeRawBufferPointer) -> SHA256.Digest {
        var code = begin()
        code.update(message)
        return code.finalize()
    }

    /// `secret` has at most 64 bytes.
    private static func state(of secret: UnsafeRawBufferPointer, paddedWith pad: UInt8) -> martlet_hw_sha256_state {
        var state = martlet_hw_sha256_state.initial
        var block = martlet_hw_sha256_block()
        withUnsafeMutableBytes(of: &block) { bytes in
            for index in bytes.indices {
                bytes[index] = pad ^ (index < secret.count ? secret[index] : 0)
            }
        }
        martlet_hw_sha256_compress(&state, &block, 1)
        return state
    }
}

/// An HMAC-SHA256 under way; made by `HMACSHA256Key.begin()`.
///
/// Several buffers are authenticated as one message without being joined: call `update` for each. No heap memory.
package struct HMACSHA256: Sendable {
    private var message: SHA256
    private let outer: martlet_hw_sha256_state

    init(inner: martlet_hw_sha256_state, outer: martlet_hw_sha256_state) {
        message = SHA256(resuming: inner, afterBlocks: 1)
        self.outer = outer
    }

    /// Takes the next bytes of the message; they are borrowed for the call.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        message.update(bytes)
    }

    /// The authentication code of everything taken so far; the value itself can go on.
    package func finalize() -> SHA256.Digest {
        // The outer message is always one padded secret and one digest, so its last block is known but for the digest.
        let digest = message.finalize().words
        let bits = UInt64((SHA256.blockLength + SHA256.Digest.length) * 8)
        var block = martlet_hw_sha256_block(
            words: (digest.0, digest.1, digest.2, digest.3, (UInt64(0x80) << 56).bigEndian, 0, 0, bits.bigEndian)
        )
        var state = outer
        martlet_hw_sha256_compress(&state, &block, 1)
        return SHA256.Digest(state)
    }
}
