import Testing

@testable import Signing

/// Bytes that repeat only after 256, so that a misplaced block shows.
func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3) }
}

func bytes(hex: String) -> [UInt8] {
    var result: [UInt8] = []
    var high: UInt8?
    for character in hex where !character.isWhitespace {
        guard let digit = character.hexDigitValue.map(UInt8.init) else {
            Issue.record("not a hexadecimal digit: \(character)")
            return []
        }
        if let first = high {
            result.append(first << 4 | digit)
            high = nil
        } else {
            high = digit
        }
    }
    return result
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}

extension SHA256 {
    static func hash(_ bytes: [UInt8]) -> Digest {
        bytes.withUnsafeBytes { hash($0) }
    }

    mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }
}

extension SHA256.Digest {
    var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
    var hexText: String { hex(bytes) }
}

extension HMACSHA256Key {
    init(_ secret: [UInt8]) {
        self = secret.withUnsafeBytes { HMACSHA256Key($0) }
    }

    func sign(_ message: [UInt8]) -> SHA256.Digest {
        message.withUnsafeBytes { sign($0) }
    }
}

/// A request as a receiver sees it.
struct Request {
    var id: String
    var timestamp: String
    var signature: String
    var body: [UInt8]

    /// Verifies it; nil when it is believed.
    func failure(
        secrets: [WebhookSecret],
        now: Int64,
        toleranceSeconds: Int64 = StandardWebhooks.defaultToleranceSeconds
    ) -> VerificationFailure? {
        Array(id.utf8).withUnsafeBytes { id in
            Array(timestamp.utf8).withUnsafeBytes { timestamp in
                Array(signature.utf8).withUnsafeBytes { signature in
                    body.withUnsafeBytes { body in
                        do throws(VerificationFailure) {
                            try StandardWebhooks.verify(
                                id: id,
                                timestamp: timestamp,
                                signatureHeader: signature,
                                body: body,
                                secrets: secrets,
                                now: now,
                                toleranceSeconds: toleranceSeconds
                            )
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
            }
        }
    }
}

/// The header value for a message, written into a buffer of exactly `capacity` bytes, or of the announced size.
func signature(
    id: String,
    timestamp: Int64,
    body: [UInt8],
    secrets: [WebhookSecret],
    capacity: Int? = nil
) throws -> String {
    let keys = secrets.map(\.key)
    var header = [UInt8](
        repeating: 0,
        count: capacity ?? StandardWebhooks.signatureLength(keyCount: keys.count)
    )
    let length = try Array(id.utf8).withUnsafeBytes { id in
        try body.withUnsafeBytes { body in
            try header.withUnsafeMutableBytes { header in
                try StandardWebhooks.sign(id: id, timestamp: timestamp, body: body, keys: keys, into: header)
            }
        }
    }
    return String(decoding: header.prefix(length), as: UTF8.self)
}
