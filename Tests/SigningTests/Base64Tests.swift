import Dispatch
import Testing

@testable import Signing

@Suite("Base64")
struct Base64Tests {
    /// RFC 4648 section 10.
    static let vectors: [(bytes: String, text: String)] = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test("RFC 4648", arguments: vectors)
    func rfc4648(bytes: String, text: String) {
        #expect(Base64.encode(Array(bytes.utf8)) == text)
        #expect(decode(text) == Array(bytes.utf8))
    }

    @Test("every value of six bits has its character of the alphabet")
    func alphabet() {
        let text = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        let bytes = stride(from: UInt32(0), to: 64, by: 4).flatMap { value -> [UInt8] in
            let group = value << 18 | (value + 1) << 12 | (value + 2) << 6 | (value + 3)
            return [UInt8(group >> 16), UInt8(group >> 8 & 255), UInt8(group & 255)]
        }
        #expect(Base64.encode(bytes) == text)
        #expect(decode(text) == bytes)
    }

    @Test("what is written is read back")
    func roundTrip() {
        for count in 0...200 {
            let text = Base64.encode(pattern(count))
            #expect(text.utf8.count == Base64.encodedLength(of: count))
            #expect(decode(text) == pattern(count))
        }
    }

    @Test(
        "anything but strict base64 is refused",
        arguments: [
            "Z", "Zg", "Zg=", "Zg===", "=", "==", "====", "Zg==Zg==", "Z===", "=g==", "Zm9v=", "Zm9vZg", " Zg==",
            "Zg== ",
            "Zg==\n", "Zm\n9v", "Zm9-", "Zm9_", "Zm9é", "Zm=v", "Z=9v", "ZmA=Zm9v",
            // Bits behind the last byte that are not zero.
            "Zh==", "Zm9=", "Zg=A", "Z/==",
        ]
    )
    func refused(text: String) {
        #expect(decode(text) == nil)
        #expect(decode("Zm9\0" + text) == nil)
    }

    @Test("only one text decodes to a given byte string")
    func canonical() {
        // All 64 last characters of a two-byte group: just the 16 with zero bits behind the value are text.
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        #expect(alphabet.filter { decode("AA\($0)=") != nil }.count == 16)
        #expect(alphabet.filter { decode("A\($0)==") != nil }.count == 4)
    }

    @Test("a buffer that is too small is refused, one that fits is enough")
    func buffers() {
        let bytes = pattern(32)
        for size in 0...45 {
            var text = [UInt8](repeating: 0, count: size)
            let written = bytes.withUnsafeBytes { bytes in
                text.withUnsafeMutableBytes { Base64.encode(bytes, into: $0) }
            }
            #expect(written == (size >= 44 ? 44 : nil))
        }
        let text = Array(Base64.encode(bytes).utf8)
        for size in 0...33 {
            var room = [UInt8](repeating: 0, count: size)
            let read = text.withUnsafeBytes { text in room.withUnsafeMutableBytes { Base64.decode(text, into: $0) } }
            #expect(read == (size >= 32 ? 32 : nil))
        }
        #expect(Base64.encodedLength(of: -1) == nil)
        #expect(Base64.encodedLength(of: .max) == nil)
    }

    /// Seen by ThreadSanitizer only: an empty result must not be written, as all threads share the empty array.
    @Test("texts too short for a byte are decoded by many threads at once")
    func shortTextsFromManyThreads() {
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<100 { #expect(decode("") == [] && decode("Z") == nil && decode("Zg") == nil) }
        }
    }

    private func decode(_ text: String) -> [UInt8]? {
        Array(text.utf8).withUnsafeBytes { Base64.decode($0) }
    }
}
