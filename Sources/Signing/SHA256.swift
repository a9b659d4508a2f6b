import CHardware

/// SHA-256 over bytes that arrive in pieces (FIPS 180-4).
///
/// The processor's own instructions do the work where it has them; the result is the same everywhere. A value holds no
/// heap memory, so a copy is a snapshot: copy after a common prefix and continue twice. Not to be shared between threads
/// while it is being updated, like any other value.
package struct SHA256: Sendable {
    /// Bytes in one input block of the compression function.
    package static var blockLength: Int { 64 }

    private var state: martlet_hw_sha256_state
    /// The last `length % 64` bytes, which do not fill a block yet.
    private var pending = martlet_hw_sha256_block()
    /// Bytes taken so far.
    private var length: UInt64

    /// Starts the hash of an empty message.
    package init() {
        state = .initial
        length = 0
    }

    /// Continues after `blocks` whole blocks whose chaining state is already known.
    init(resuming state: martlet_hw_sha256_state, afterBlocks blocks: UInt64) {
        self.state = state
        length = blocks &* UInt64(Self.blockLength)
    }

    /// Takes the next bytes of the message; they are borrowed for the call.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard var next = bytes.baseAddress else { return }
        var left = bytes.count
        let used = pendingCount
        // The standard stops at 2^61 bytes, more than any process can pass in.
        length &+= UInt64(left)

        // Safe: never more is copied than is left of `bytes` and of the block.
        if used != 0 {
            let head = min(left, Self.blockLength - used)
            keep(next, head, at: used)
            next += head
            left -= head
            guard used + head == Self.blockLength else { return }
            compressPending()
        }
        let blocks = left / Self.blockLength
        if blocks != 0 {
            // Whole blocks are hashed where they lie: a body is never copied.
            martlet_hw_sha256_compress(&state, next, blocks)
            next += blocks * Self.blockLength
            left -= blocks * Self.blockLength
        }
        if left != 0 { keep(next, left, at: 0) }
    }

    /// Copies `count` bytes into the block that is not full yet, which has room for them at `offset`.
    private mutating func keep(_ bytes: UnsafeRawPointer, _ count: Int, at offset: Int) {
        withUnsafeMutablePointer(to: &pending) { block in
            (UnsafeMutableRawPointer(block) + offset).copyMemory(from: bytes, byteCount: count)
        }
    }

    /// The digest of everything taken so far; the value itself can go on.
    package func finalize() -> Digest {
        var last = self
        last.pad()
        return Digest(last.state)
    }

    /// Hashes one buffer.
    package static func hash(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finalize()
    }

    private var pendingCount: Int { Int(truncatingIfNeeded: length % UInt64(Self.blockLength)) }

    private mutating func compressPending() {
        martlet_hw_sha256_compress(&state, &pending, 1)
    }

    /// Ends the message: a one bit, zeros, and the length in bits as 64 bits (FIPS 180-4 section 5.1.1).
    private mutating func pad() {
        var used = pendingCount
        let lengthOffset = Self.blockLength - MemoryLayout<UInt64>.size
        withUnsafeMutableBytes(of: &pending) { $0[used] = 0x80 }
        used += 1
        if used > lengthOffset {
            clearPending(from: used)
            compressPending()
            used = 0
        }
        clearPending(from: used)
        pending.words.7 = (length &* 8).bigEndian
        compressPending()
    }

    private mutating func clearPending(from start: Int) {
        // Safe: `start` lies within the block.
        withUnsafeMutablePointer(to: &pending) { block in
            _ = (UnsafeMutableRawPointer(block) + start)
                .initializeMemory(as: UInt8.self, repeating: 0, count: Self.blockLength - start)
        }
    }
}

extension SHA256 {
    /// A SHA-256 result: 32 bytes, held inline.
    ///
    /// Comparing takes the same time wherever the two differ, so a digest may be compared with what a stranger sent.
    package struct Digest: Equatable, Sendable {
        /// Bytes in a digest.
        package static var length: Int { 32 }

        /// The bytes in memory order, as four words.
        private(set) var words: (UInt64, UInt64, UInt64, UInt64)

        init(_ state: martlet_hw_sha256_state) {
            let h = state.words
            words = (
                Self.join(h.0, h.1), Self.join(h.2, h.3), Self.join(h.4, h.5), Self.join(h.6, h.7)
            )
        }

        /// Takes exactly 32 bytes; nil for any other count.
        package init?(_ bytes: UnsafeRawBufferPointer) {
            guard bytes.count == Self.length else { return nil }
            words = (0, 0, 0, 0)
            withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes) }
        }

        /// Lends the 32 bytes for the call.
        package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            Swift.withUnsafeBytes(of: words, body)
        }

        /// True when all 32 bytes agree; looks at every byte whatever it finds.
        package static func == (a: Digest, b: Digest) -> Bool {
            let difference =
                (a.words.0 ^ b.words.0) | (a.words.1 ^ b.words.1) | (a.words.2 ^ b.words.2) | (a.words.3 ^ b.words.3)
            return difference == 0
        }

        private static func join(_ high: UInt32, _ low: UInt32) -> UInt64 {
            (UInt64(high) << 32 | UInt64(low)).bigEndian
        }
    }
}

extension martlet_hw_sha256_state {
    /// The first 32 bits of the fractional parts of the square roots of the first eight primes (FIPS 180-4, 5.3.3).
    static var initial: martlet_hw_sha256_state {
        martlet_hw_sha256_state(
            words: (
                0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
                0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19
            )
        )
    }
}
