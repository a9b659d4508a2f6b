/// The parts of a `user-agent` header.
enum UserAgent {
    /// A product with or without a version (RFC 9110, section 10.1.5); nil where the bytes are none or more than 64.
    static func product(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard (1...64).contains(bytes.count) else { return nil }
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isTokenCharacter) }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// RFC 9110, section 5.6.2.
    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
