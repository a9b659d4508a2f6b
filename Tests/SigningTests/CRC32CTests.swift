import CHardware
import Testing

@testable import Signing

@Suite("CRC32C")
struct CRC32CTests {
    /// RFC 3720 appendix B.4, and the usual check value.
    ///
    /// Made anew by each test: ThreadSanitizer does not see that a static value is complete before others read it, and C
    /// code that reads what Swift wrote looks like a race to it then.
    static var vectors: [(bytes: [UInt8], crc: UInt32)] {
        [
            ([], 0),
            (Array("123456789".utf8), 0xe306_9283),
            ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
            ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
            (Array(0...31), 0x46dd_794e),
            (Array((0...31).reversed()), 0x113f_db5c),
            (
                bytes(
                    hex: """
                        01c00000 00000000 00000000 00000000 14000000 00000400
                        00000014 00000018 28000000 00000000 02000000 00000000
                        """
                ),
                0xd996_3a56
            ),
        ]
    }

    @Test("RFC 3720", arguments: 0..<7)
    func rfc3720(number: Int) throws {
        let vectors = Self.vectors
        try #require(vectors.count == 7)
        let (bytes, crc) = vectors[number]
        #expect(martlet_hw_crc32c(0, bytes, bytes.count) == crc)
        var portable: UInt32 = 0
        #expect(martlet_hw_crc32c_with(MARTLET_HW_PORTABLE, 0, bytes, bytes.count, &portable) == 1)
        #expect(portable == crc)
    }

    @Test("the implementations agree for lengths 0 to 4100 at every alignment")
    func agreement() {
        let buffer = pattern(4100 + 8)
        buffer.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            var differences = 0
            for length in 0...4100 {
                let bytes = start + length % 8
                let seed = UInt32(truncatingIfNeeded: length &* 0x9e37_79b1)
                var portable: UInt32 = 0
                var instructions: UInt32 = 0
                _ = martlet_hw_crc32c_with(MARTLET_HW_PORTABLE, seed, bytes, length, &portable)
                let ran = martlet_hw_crc32c_with(MARTLET_HW_INSTRUCTIONS, seed, bytes, length, &instructions)
                if ran == 1, instructions != portable { differences += 1 }
                if martlet_hw_crc32c(seed, bytes, length) != portable { differences += 1 }
            }
            #expect(differences == 0)
        }
    }

    @Test("a checksum continues where another ended")
    func continuation() {
        let bytes = pattern(5000)
        let whole = martlet_hw_crc32c(0, bytes, bytes.count)
        for cut in stride(from: 0, through: 5000, by: 97) {
            let head = Array(bytes[..<cut])
            let tail = Array(bytes[cut...])
            let crc = martlet_hw_crc32c(martlet_hw_crc32c(0, head, head.count), tail, tail.count)
            #expect(crc == whole, "cut at \(cut)")
        }
        #expect(martlet_hw_crc32c(whole, nil, 0) == whole)
    }

    @Test("any one flipped bit changes the checksum")
    func flippedBits() {
        var bytes = pattern(1100)
        let crc = martlet_hw_crc32c(0, bytes, bytes.count)
        var missed = 0
        for bit in 0..<(bytes.count * 8) {
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            if martlet_hw_crc32c(0, bytes, bytes.count) == crc { missed += 1 }
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        #expect(missed == 0)
    }

    @Test("an unknown implementation is refused")
    func unknownImplementation() {
        var crc: UInt32 = 5
        #expect(martlet_hw_crc32c_with(7, 0, [1, 2, 3], 3, &crc) == 0)
        #expect(crc == 5)
    }
}
