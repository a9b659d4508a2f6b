import Testing

@testable import Signing

@Suite("Standard Webhooks: verifying")
struct VerifyTests {
    let now: Int64 = 1_700_000_000
    let secret: WebhookSecret
    let other: WebhookSecret
    let genuine: Request

    init() throws {
        secret = try WebhookSecret(bytes: pattern(32))
        other = try WebhookSecret(bytes: pattern(40))
        let body = Array(#"{"eventType":"user.created","data":{"n":1}}"#.utf8)
        genuine = Request(
            id: "evt_01",
            timestamp: "1700000000",
            signature: try signature(id: "evt_01", timestamp: 1_700_000_000, body: body, secrets: [secret]),
            body: body
        )
    }

    @Test("a genuine request is believed")
    func believed() {
        #expect(genuine.failure(secrets: [secret], now: now) == nil)
    }

    @Test("each failure has its own kind")
    func failures() throws {
        func failure(_ change: (inout Request) -> Void) -> VerificationFailure? {
            var request = genuine
            change(&request)
            return request.failure(secrets: [secret], now: now)
        }
        #expect(failure { $0.id = "" } == .malformedID)
        #expect(failure { $0.id = "evt.01" } == .malformedID)
        #expect(failure { $0.timestamp = "" } == .missingTimestamp)
        #expect(failure { $0.timestamp = "yesterday" } == .malformedTimestamp)
        #expect(failure { $0.timestamp = "-1700000000" } == .malformedTimestamp)
        #expect(failure { $0.timestamp = "1699999699" } == .timestampTooOld)
        #expect(failure { $0.timestamp = "1700000301" } == .timestampTooNew)
        #expect(failure { $0.signature = "" } == .malformedSignatureHeader)
        #expect(failure { $0.signature = "v1" } == .malformedSignatureHeader)
        #expect(failure { $0.body.append(0) } == .noMatchingSignature)
        #expect(genuine.failure(secrets: [other], now: now) == .noMatchingSignature)
        #expect(genuine.failure(secrets: [], now: now) == .noMatchingSignature)
    }

    @Test("the tolerance includes its own edges and nothing beyond")
    func tolerance() {
        for distance in [Int64(0), 1, 299, 300] {
            #expect(genuine.failure(secrets: [secret], now: now + distance) == nil)
            #expect(genuine.failure(secrets: [secret], now: now - distance) == nil)
        }
        #expect(genuine.failure(secrets: [secret], now: now + 301) == .timestampTooOld)
        #expect(genuine.failure(secrets: [secret], now: now - 301) == .timestampTooNew)
        #expect(genuine.failure(secrets: [secret], now: now + 10, toleranceSeconds: 10) == nil)
        #expect(genuine.failure(secrets: [secret], now: now + 11, toleranceSeconds: 10) == .timestampTooOld)
        #expect(genuine.failure(secrets: [secret], now: now, toleranceSeconds: 0) == nil)
        #expect(genuine.failure(secrets: [secret], now: now + 1, toleranceSeconds: 0) == .timestampTooOld)
        #expect(genuine.failure(secrets: [secret], now: now, toleranceSeconds: -5) == nil)
    }

    @Test("clocks and timestamps at the ends of their range neither trap nor pass")
    func extremeClocks() {
        var request = genuine
        #expect(request.failure(secrets: [secret], now: .max) == .timestampTooOld)
        #expect(request.failure(secrets: [secret], now: .min) == .timestampTooNew)
        #expect(request.failure(secrets: [secret], now: .max, toleranceSeconds: .max) == nil)
        #expect(request.failure(secrets: [secret], now: .min, toleranceSeconds: .max) == .timestampTooNew)
        request.timestamp = String(Int64.max)
        #expect(request.failure(secrets: [secret], now: now) == .timestampTooNew)
        #expect(request.failure(secrets: [secret], now: .min) == .timestampTooNew)
        request.timestamp = "0"
        #expect(request.failure(secrets: [secret], now: now) == .timestampTooOld)
        #expect(request.failure(secrets: [secret], now: now, toleranceSeconds: .min) == .timestampTooOld)
    }

    @Test("any of several signatures and any of several secrets may match")
    func rotation() throws {
        let theirs = try signature(id: genuine.id, timestamp: now, body: genuine.body, secrets: [other])
        var request = genuine
        request.signature = "\(theirs) \(genuine.signature)"
        #expect(request.failure(secrets: [secret], now: now) == nil)
        #expect(request.failure(secrets: [other], now: now) == nil)
        request.signature = theirs
        #expect(request.failure(secrets: [secret, other], now: now) == nil)
        #expect(request.failure(secrets: [secret], now: now) == .noMatchingSignature)
    }

    @Test(
        "tokens of other versions and tokens that are none are passed over",
        arguments: [
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
            "v2,anything,at,all", "v10,AAAA", "v1,AAAA", "v1,", ",", "v1", "v1,,", "nonsense", " ", "  ", "V1,AAAA",
        ]
    )
    func passedOver(token: String) {
        var request = genuine
        request.signature = "\(token) \(genuine.signature)"
        #expect(request.failure(secrets: [secret], now: now) == nil)
        request.signature = "\(genuine.signature) \(token)"
        #expect(request.failure(secrets: [secret], now: now) == nil)
    }

    @Test(
        "a header without any signature is malformed",
        arguments: [
            "", " ", "    ", "v1", "v1,", ",", ",,", ", ,", ",AAAA", "v1 g0hM9SsE", "v1,AAAA", "v1,not base64",
            "v1, g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=",
            "v1,\tg0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,g0hM9SsE-OTPJTGt_tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=,v1",
        ]
    )
    func malformed(header: String) {
        var request = genuine
        request.signature = header
        #expect(request.failure(secrets: [secret], now: now) == .malformedSignatureHeader)
    }

    @Test("signatures of other versions alone do not match")
    func otherVersionsOnly() {
        var request = genuine
        for version in ["v1a", "v2", "V1", "v", "v01", "1", "v1\0", "v1\t"] {
            request.signature = genuine.signature.replacingPrefix("v1", with: version)
            #expect(request.failure(secrets: [secret], now: now) == .noMatchingSignature, "\(version)")
        }
    }

    @Test("one flipped bit anywhere fails")
    func tampering() throws {
        func flipped(_ bytes: [UInt8]) -> [[UInt8]] {
            (0..<(bytes.count * 8)).map { bit in
                var copy = bytes
                copy[bit / 8] ^= 1 << UInt8(bit % 8)
                return copy
            }
        }
        func verify(
            id: [UInt8]? = nil,
            timestamp: [UInt8]? = nil,
            signature: [UInt8]? = nil,
            body: [UInt8]? = nil
        ) throws(VerificationFailure) {
            let id = id ?? Array(genuine.id.utf8)
            let timestamp = timestamp ?? Array(genuine.timestamp.utf8)
            let signature = signature ?? Array(genuine.signature.utf8)
            let body = body ?? genuine.body
            let result = id.withUnsafeBytes { id in
                timestamp.withUnsafeBytes { timestamp in
                    signature.withUnsafeBytes { signature in
                        body.withUnsafeBytes { body in
                            Result { () throws(VerificationFailure) in
                                try StandardWebhooks.verify(
                                    id: id,
                                    timestamp: timestamp,
                                    signatureHeader: signature,
                                    body: body,
                                    secrets: [secret],
                                    now: now,
                                    toleranceSeconds: .max
                                )
                            }
                        }
                    }
                }
            }
            try result.get()
        }
        try verify()
        for id in flipped(Array(genuine.id.utf8)) {
            #expect(throws: VerificationFailure.self) { try verify(id: id) }
        }
        for timestamp in flipped(Array(genuine.timestamp.utf8)) {
            #expect(throws: VerificationFailure.self) { try verify(timestamp: timestamp) }
        }
        for signature in flipped(Array(genuine.signature.utf8)) {
            #expect(throws: VerificationFailure.self) { try verify(signature: signature) }
        }
        for body in flipped(genuine.body) {
            #expect(throws: VerificationFailure.noMatchingSignature) { try verify(body: body) }
        }
        for key in flipped(secret.bytes) {
            #expect(genuine.failure(secrets: [try WebhookSecret(bytes: key)], now: now) == .noMatchingSignature)
        }
    }

    @Test("a boundary cannot be moved between id, timestamp and body")
    func movedBoundaries() throws {
        let body = Array("1700000000.5".utf8)
        let header = try signature(id: "evt_1", timestamp: 1_000, body: body, secrets: [secret])
        let moved = Request(id: "evt_1.1000", timestamp: "1700000000", signature: header, body: Array("5".utf8))
        #expect(moved.failure(secrets: [secret], now: now) == .malformedID)
    }

    @Test("huge headers are read to the end")
    func hugeHeaders() {
        var request = genuine
        request.signature = String(repeating: "v1,AAAA ", count: 100_000) + genuine.signature
        #expect(request.failure(secrets: [secret], now: now) == nil)
        request.signature = String(repeating: "v1,", count: 300_000)
        #expect(request.failure(secrets: [secret], now: now) == .malformedSignatureHeader)
        request.signature = String(repeating: " ", count: 1_000_000)
        #expect(request.failure(secrets: [secret], now: now) == .malformedSignatureHeader)
        request.signature = genuine.signature
        request.timestamp = String(repeating: "1", count: 1_000_000)
        #expect(request.failure(secrets: [secret], now: now) == .malformedTimestamp)
    }

    @Test("random headers never trap and never pass")
    func randomHeaders() {
        var random = SplitMix(state: 42)
        let characters = Array("v1,a =+/AZ09\0é".unicodeScalars.map(Character.init))
        for _ in 0..<3_000 {
            var request = genuine
            let length = Int(random.next() % 80)
            request.signature = String((0..<length).map { _ in characters[Int(random.next() % 13)] })
            #expect(request.failure(secrets: [secret], now: now) != nil)
        }
    }

    @Test("every failure has a text that names the header")
    func texts() {
        for failure in [
            VerificationFailure.malformedID, .missingTimestamp, .malformedTimestamp, .timestampTooOld,
            .timestampTooNew, .malformedSignatureHeader, .noMatchingSignature,
        ] {
            #expect(failure.description.contains("webhook-"))
        }
    }
}

/// A small generator whose sequence depends on its seed alone.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String, with other: String) -> String {
        hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
    }
}
