/// The id of an event: made by Martlet, or the caller's own.
package enum EventID: Hashable, Sendable {
    case generated(Identifier)
    /// 1 to 64 of `A-Z a-z 0-9 _ -`, as the caller gave it.
    case own(String)

    /// The longest text, in bytes.
    package static let maximumTextLength = 64

    package var text: String {
        switch self {
        case .generated(.zero): ""
        case .generated(let identifier): identifier.text(.event)
        case .own(let text): text
        }
    }

    /// Writes the text to `buffer`, which should hold ``maximumTextLength`` bytes; answers how many were written.
    package func write(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        switch self {
        case .generated(.zero):
            return 0
        case .generated(let identifier):
            return identifier.write(.event, into: buffer)
        case .own(let text):
            var copy = text
            return copy.withUTF8 { bytes in
                let count = min(bytes.count, buffer.count)
                buffer.copyBytes(from: bytes.prefix(count))
                return count
            }
        }
    }

    /// The caller's own id; nil where it is empty, longer than 64 bytes or has another character.
    package init?(own bytes: UnsafeRawBufferPointer) {
        let accepted = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard accepted, (1...EventID.maximumTextLength).contains(bytes.count) else { return nil }
        self = .own(String(decoding: bytes, as: UTF8.self))
    }
}
