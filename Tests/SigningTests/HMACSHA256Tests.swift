import Testing

@testable import Signing

@Suite("HMAC-SHA256")
struct HMACSHA256Tests {
    struct Vector: Sendable {
        let key: [UInt8]
        let message: [UInt8]
        let code: String
    }

    /// RFC 4231 section 4, cases 1 to 7; case 5 gives the first 128 bits only.
    static let vectors: [Vector] = [
        Vector(
            key: [UInt8](repeating: 0x0b, count: 20),
            message: Array("Hi There".utf8),
            code: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        Vector(
            key: Array("Jefe".utf8),
            message: Array("what do ya want for nothing?".utf8),
            code: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        Vector(
            key: [UInt8](repeating: 0xaa, count: 20),
            message: [UInt8](repeating: 0xdd, count: 50),
            code: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        Vector(
            key: Array(1...25),
            message: [UInt8](repeating: 0xcd, count: 50),
            code: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        Vector(
            key: [UInt8](repeating: 0x0c, count: 20),
            message: Array("Test With Truncation".utf8),
            code: "a3b6167473100ee06e0c796c2955552b"
        ),
        Vector(
            key: [UInt8](repeating: 0xaa, count: 131),
            message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            code: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        Vector(
            key: [UInt8](repeating: 0xaa, count: 131),
            message: Array(
                ("This is a test using a larger than block-size key and a larger than block-size data. "
                    + "The key needs to be hashed before being used by the HMAC algorithm.").utf8
            ),
            code: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
    ]

    @Test("RFC 4231", arguments: vectors)
    func rfc4231(vector: Vector) {
        let code = HMACSHA256Key(vector.key).sign(vector.message).hexText
        #expect(code.hasPrefix(vector.code))
    }

    @Test("a key signs again and again, whole or in pieces, with one result")
    func reuse() {
        let key = HMACSHA256Key(pattern(32))
        let message = pattern(500)
        let whole = key.sign(message)
        for cut in stride(from: 0, through: 500, by: 7) {
            var code = key.begin()
            Array(message[..<cut]).withUnsafeBytes { code.update($0) }
            Array(message[cut...]).withUnsafeBytes { code.update($0) }
            #expect(code.finalize() == whole, "cut at \(cut)")
        }
        #expect(key.sign(message) == whole)
    }

    @Test("a secret of a full block, one less and one more each sign differently")
    func blockSizedSecrets() {
        let codes = [63, 64, 65].map { HMACSHA256Key(pattern($0)).sign([1, 2, 3]).hexText }
        #expect(Set(codes).count == 3)
        // RFC 2104 section 2: a secret longer than a block stands for its hash.
        #expect(HMACSHA256Key(SHA256.hash(pattern(65)).bytes).sign([1, 2, 3]).hexText == codes[2])
    }

    @Test("a key holds no heap memory")
    func trivial() {
        #expect(_isPOD(HMACSHA256Key.self))
        #expect(_isPOD(HMACSHA256.self))
        #expect(MemoryLayout<HMACSHA256Key>.stride == 64)
    }
}
