import Testing

@testable import Signing

@Suite("Standard Webhooks: signing")
struct StandardWebhooksTests {
    struct Vector: Sendable {
        let secret: String
        let id: String
        let timestamp: Int64
        let body: String
        let signature: String
    }

    /// Published `v1` vectors of the specification's reference libraries.
    static let vectors: [Vector] = [
        Vector(
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: 1_614_265_330,
            body: #"{"test": 2432232314}"#,
            signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        ),
        Vector(
            secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            timestamp: 1_649_367_553,
            body: #"{"email":"test@example.com","username":"test_user"}"#,
            signature: "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        ),
    ]

    @Test("published vectors are signed and verified", arguments: vectors)
    func published(vector: Vector) throws {
        let secret = try WebhookSecret(vector.secret)
        let body = Array(vector.body.utf8)
        let header = try signature(id: vector.id, timestamp: vector.timestamp, body: body, secrets: [secret])
        #expect(header == vector.signature)
        let request = Request(
            id: vector.id,
            timestamp: String(vector.timestamp),
            signature: vector.signature,
            body: body
        )
        #expect(request.failure(secrets: [secret], now: vector.timestamp) == nil)
    }

    @Test("one signature per key, current first, single spaces between")
    func severalKeys() throws {
        let secrets = try (0..<4).map { try WebhookSecret(bytes: pattern(24 + $0)) }
        let each = try secrets.map { try signature(id: "evt_1", timestamp: 1, body: [1], secrets: [$0]) }
        let all = try signature(id: "evt_1", timestamp: 1, body: [1], secrets: secrets)
        #expect(all == each.joined(separator: " "))
        #expect(all.utf8.count == StandardWebhooks.signatureLength(keyCount: 4))
        #expect(Set(each).count == 4)
    }

    @Test("verify believes what sign wrote, for all kinds of bodies, by each secret alone")
    func roundTrip() throws {
        let secrets = try [WebhookSecret.generate(), WebhookSecret.generate()]
        for count in [0, 1, 31, 32, 63, 64, 65, 1000, 20_000] {
            let header = try signature(id: "evt_x", timestamp: 1_700_000_000, body: pattern(count), secrets: secrets)
            let request = Request(id: "evt_x", timestamp: "1700000000", signature: header, body: pattern(count))
            for secret in secrets {
                #expect(request.failure(secrets: [secret], now: 1_700_000_000) == nil)
            }
        }
    }

    @Test("what cannot be signed is refused and leaves the buffer alone")
    func refused() throws {
        let secret = try WebhookSecret(bytes: pattern(32))
        #expect(throws: SigningFailure.malformedID) { try signature(id: "", timestamp: 1, body: [], secrets: [secret]) }
        #expect(throws: SigningFailure.malformedID) {
            try signature(id: "evt.1", timestamp: 1, body: [], secrets: [secret])
        }
        #expect(throws: SigningFailure.malformedTimestamp) {
            try signature(id: "evt_1", timestamp: -1, body: [], secrets: [secret])
        }
        #expect(throws: SigningFailure.noKeys) { try signature(id: "evt_1", timestamp: 1, body: [], secrets: []) }
        #expect(throws: SigningFailure.bufferTooSmall(needed: 47)) {
            try signature(id: "evt_1", timestamp: 1, body: [], secrets: [secret], capacity: 46)
        }
        #expect(throws: SigningFailure.bufferTooSmall(needed: 95)) {
            try signature(id: "evt_1", timestamp: 1, body: [], secrets: [secret, secret], capacity: 94)
        }

        var header = [UInt8](repeating: 7, count: 46)
        _ = try? header.withUnsafeMutableBytes { header in
            try "evt_1".utf8.withContiguousStorageIfAvailable { id in
                try StandardWebhooks.sign(
                    id: UnsafeRawBufferPointer(id),
                    timestamp: 1,
                    body: UnsafeRawBufferPointer(start: nil, count: 0),
                    keys: [secret.key],
                    into: header
                )
            }
        }
        #expect(header == [UInt8](repeating: 7, count: 46))
    }

    @Test("the greatest and smallest timestamps are signed as they are written", arguments: [0, Int64.max])
    func extremeTimestamps(timestamp: Int64) throws {
        let secret = try WebhookSecret(bytes: pattern(32))
        let header = try signature(id: "evt_1", timestamp: timestamp, body: [5], secrets: [secret])
        let content = Array("evt_1.\(timestamp).".utf8) + [5]
        #expect(header == "v1," + Base64.encode(secret.key.sign(content).bytes))
    }
}
