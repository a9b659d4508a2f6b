import CHardware
import Testing

@testable import Signing

@Suite("SHA-256")
struct SHA256Tests {
    /// Messages and digests of the NIST examples for FIPS 180; made anew by each test, as those of CRC32C.
    static var vectors: [(message: [UInt8], digest: String)] {
        [
            ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                Array(
                    ("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                        + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu").utf8
                ),
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
            ),
            (
                [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ]
    }

    @Test("NIST examples", arguments: 0..<5)
    func nistExamples(number: Int) throws {
        let vectors = Self.vectors
        try #require(vectors.count == 5)
        let (message, digest) = vectors[number]
        #expect(SHA256.hash(message).hexText == digest)
    }

    @Test("every length from 0 to 300 agrees with another library")
    func lengths() {
        // The hash of the 301 digests, computed with Python's hashlib.
        var all = SHA256()
        for count in 0...300 { all.update(SHA256.hash(pattern(count)).bytes) }
        #expect(all.finalize().hexText == "7d917fbd2cf49ddff9ad0a8706bba32d204e92e71d2e369c5a03d6af29278c9f")
    }

    @Test("a message in pieces has the digest of the whole")
    func pieces() {
        let message = pattern(200)
        let whole = SHA256.hash(message)
        for first in 0...200 {
            for second in stride(from: first, through: 200, by: 13) {
                var hash = SHA256()
                hash.update(Array(message[..<first]))
                hash.update(Array(message[first..<second]))
                hash.update(Array(message[second...]))
                #expect(hash.finalize() == whole, "cut at \(first) and \(second)")
            }
        }
    }

    @Test("asking for the digest does not end the message")
    func finalizeTwice() {
        var hash = SHA256()
        hash.update(Array("ab".utf8))
        let early = hash.finalize()
        #expect(early == hash.finalize())
        hash.update(Array("c".utf8))
        #expect(hash.finalize() == SHA256.hash(Array("abc".utf8)))
        #expect(hash.finalize() != early)
    }

    @Test(
        "each implementation gives the digest, for lengths 0 to 300 at every alignment",
        arguments: [MARTLET_HW_PORTABLE, MARTLET_HW_INSTRUCTIONS]
    )
    func implementations(implementation: Int32) throws {
        for count in 0...300 {
            let message = pattern(count)
            let expected = SHA256.hash(message)
            guard let digest = digest(of: message, shiftedBy: count % 17, with: implementation) else {
                #expect(implementation == MARTLET_HW_INSTRUCTIONS, "the portable code has to run everywhere")
                return
            }
            #expect(digest == expected, "length \(count)")
        }
    }

    @Test("an unknown implementation is refused and changes nothing")
    func unknownImplementation() {
        var state = martlet_hw_sha256_state.initial
        let block = pattern(64)
        #expect(martlet_hw_sha256_compress_with(7, &state, block, 1) == 0)
        #expect(SHA256.Digest(state) == SHA256.Digest(.initial))
    }

    @Test("a digest that differs in any one bit is another digest")
    func comparison() throws {
        let digest = SHA256.hash(pattern(10))
        for bit in 0..<256 {
            var bytes = digest.bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let other = try #require(bytes.withUnsafeBytes { SHA256.Digest($0) })
            #expect(other != digest, "bit \(bit)")
        }
        #expect(pattern(31).withUnsafeBytes { SHA256.Digest($0) } == nil)
        #expect(pattern(33).withUnsafeBytes { SHA256.Digest($0) } == nil)
    }

    /// Pads on its own (FIPS 180-4 section 5.1.1), so that the padding under test is checked as well.
    private func digest(of message: [UInt8], shiftedBy shift: Int, with implementation: Int32) -> SHA256.Digest? {
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        let bits = UInt64(message.count) * 8
        for place in stride(from: 56, through: 0, by: -8) { padded.append(UInt8(truncatingIfNeeded: bits >> place)) }
        let shifted = [UInt8](repeating: 0xff, count: shift) + padded
        var state = martlet_hw_sha256_state.initial
        let ran = shifted.withUnsafeBytes { bytes in
            let blocks = UnsafeRawBufferPointer(rebasing: bytes[shift...])
            return martlet_hw_sha256_compress_with(implementation, &state, blocks.baseAddress, blocks.count / 64)
        }
        return ran == 1 ? SHA256.Digest(state) : nil
    }
}
