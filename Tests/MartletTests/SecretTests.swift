import Foundation
import JSONText
import Model
import Registry
import Signing
import TestSupport
import Testing

@testable import Martlet

extension Engine {
    @discardableResult
    func rotate(_ id: String, _ options: String = "") throws -> [JSONValue] {
        let answer = try id.withUTF8Bytes { id throws(MartletError) in
            try options.withUTF8Bytes { options throws(MartletError) in try rotateSecret(id, options) }
        }
        return try #require(JSONValue.parse(answer)["secrets"]?.arrayValue)
    }

    func secrets(_ id: String) throws -> [JSONValue] {
        try #require(json(webhookSecrets, id)["secrets"]?.arrayValue)
    }
}

@Suite("Secrets")
struct SecretTests {
    /// One signature a secret, each checked against the request with that secret alone.
    private func check(_ request: SeenRequest, _ secrets: [String]) throws {
        let header = try #require(request.value("webhook-signature"))
        let tokens = header.split(separator: " ").map(String.init)
        #expect(tokens.count == secrets.count)
        let id = try #require(request.value("webhook-id"))
        let timestamp = try #require(request.value("webhook-timestamp"))
        for (token, secret) in zip(tokens, secrets) {
            try secret.withUTF8Bytes { secret throws(MartletError) in
                try id.withUTF8Bytes { id throws(MartletError) in
                    try timestamp.withUTF8Bytes { timestamp throws(MartletError) in
                        try token.withUTF8Bytes { token throws(MartletError) in
                            try request.body.withBytes { body throws(MartletError) in
                                try WebhookSignature.verify(
                                    secrets: secret,
                                    id: id,
                                    timestamp: timestamp,
                                    signatures: token,
                                    body: body
                                )
                            }
                        }
                    }
                }
            }
        }
    }

    @Test("A rotated secret signs first, the former one beside it")
    func rotation() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        let id = try engine.addWebhook(server.url)
        let first = try engine.secrets(id)
        #expect(first.count == 1 && first[0]["expiresAt"] == .null)
        let after = try engine.rotate(id)
        #expect(after.count == 2)
        #expect(after[0]["expiresAt"] == .null && after[1]["secret"] == first[0]["secret"])
        let created = try #require(after[0]["createdAt"]?.stringValue.flatMap { Timestamp.parse($0) })
        let end = try #require(after[1]["expiresAt"]?.stringValue.flatMap { Timestamp.parse($0) })
        #expect(end.milliseconds - created.milliseconds == 86_400_000)
        #expect(try engine.secrets(id) == after)
        try engine.push(type: "call.placed", data: "{}")
        _ = try engine.waitForOutcomes(2)
        try check(#require(server.seen.first), after.compactMap { $0["secret"]?.stringValue })

        // An update of something else keeps them.
        try engine.update(id, #"{"description":"x"}"#)
        try engine.push(type: "call.placed", data: "{}")
        _ = try engine.waitForOutcomes(2)
        try check(#require(server.seen.last), after.compactMap { $0["secret"]?.stringValue })
    }

    @Test("Without overlap only the new secret is live, and a secret of one's own is taken")
    func ownSecret() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        let id = try engine.addWebhook(server.url)
        let own = "whsec_" + Data(repeating: 7, count: 32).base64EncodedString()
        let after = try engine.rotate(id, #"{"secret":"\#(own)","overlapSeconds":0}"#)
        #expect(after.map { $0["secret"] } == [.string(own)])
        try engine.push(type: "call.placed", data: "{}")
        _ = try engine.waitForOutcomes(2)
        try check(#require(server.seen.first), [own])

        let again = try #require(failure { try engine.rotate(id, #"{"secret":"\#(own)"}"#) })
        #expect(again.code == .invalidDocument && !again.message.contains(own))
        #expect(failure { try engine.rotate(id, #"{"secret":"whsec_x"}"#) }?.code == .invalidDocument)
        #expect(failure { try engine.rotate(id, #"{"overlapSeconds":604801}"#) }?.code == .invalidDocument)
        #expect(failure { try engine.rotate(id, #"{"overlap":1}"#) }?.message.contains("overlapSeconds") == true)
        #expect(failure { try engine.rotate("wh_00000000000000000000000000") }?.code == .notFound)
        #expect(try engine.secrets(id) == after)
    }

    @Test("At most five secrets are live: the oldest gives way")
    func atMostFive() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        let id = try engine.addWebhook(server.url)
        let original = try #require(engine.secrets(id).first?["secret"]?.stringValue)
        var made = [original]
        for _ in 0..<6 { made.append(try #require(engine.rotate(id).first?["secret"]?.stringValue)) }
        let live = try engine.secrets(id).compactMap { $0["secret"]?.stringValue }
        #expect(live.count == 5 && live.first == made.last)
        #expect(Set(live) == Set(made.suffix(5)))
        try engine.push(type: "call.placed", data: "{}")
        _ = try engine.waitForOutcomes(2)
        try check(#require(server.seen.first), live)
    }

    @Test("A secret past its end is left out of signatures and listings; one that ends sooner keeps its end")
    func ends() throws {
        func at(_ seconds: Int64) -> WallTime { WallTime(milliseconds: seconds * 1000) }
        var webhook = StoredWebhook(
            id: .zero,
            definition: WebhookDefinition(url: "", events: []),
            createdAt: at(0),
            secrets: [StoredSecret(text: "a", createdAt: at(0))],
            target: WebhookTarget(id: .zero, slot: WebhookSlot(index: 0, generation: 0), lane: 0)
        )
        webhook.rotate(to: "b", at: at(10), overlapEnd: at(1000))
        webhook.rotate(to: "c", at: at(20), overlapEnd: at(100))
        #expect(webhook.secrets.map(\.text) == ["c", "b", "a"])
        #expect(webhook.secrets.map(\.expiresAt) == [nil, at(100), at(100)])
        // A former one comes back.
        webhook.rotate(to: "a", at: at(30), overlapEnd: at(50))
        #expect(webhook.secrets.map(\.text) == ["a", "c", "b"])
        #expect(webhook.secrets.map(\.expiresAt) == [nil, at(50), at(50)])
        webhook.rotate(to: "d", at: at(60), overlapEnd: at(60))
        #expect(webhook.secrets.map(\.text) == ["d"])

        var keys = SigningKeys()
        let key = HMACSHA256Key(UnsafeRawBufferPointer(start: nil, count: 0))
        keys.append(key, until: nil)
        keys.append(key, until: at(100))
        keys.append(key, until: at(50))
        #expect([49, 50, 99, 100].map { keys.withLive(at: at($0)) { $0.count } } == [3, 2, 2, 1])
    }

    @Test("Signing and verifying without an engine")
    func signatures() throws {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let other = "whsec_" + Data(repeating: 1, count: 24).base64EncodedString()
        let body = #"{"test": 2432232314}"#
        func sign(_ secrets: String, _ id: String = "msg_p5jXN8AQM9LWM0D4loKWxJek") throws -> String {
            try secrets.withUTF8Bytes { secrets throws(MartletError) in
                try id.withUTF8Bytes { id throws(MartletError) in
                    try body.withUTF8Bytes { body throws(MartletError) in
                        try WebhookSignature.sign(secrets: secrets, id: id, timestamp: 1_614_265_330, body: body)
                    }
                }
            }
        }
        func verify(_ secrets: String, _ signatures: String, now: Int64 = 1_614_265_330, tolerance: Int64 = 300) throws
        {
            try secrets.withUTF8Bytes { secrets throws(MartletError) in
                try "msg_p5jXN8AQM9LWM0D4loKWxJek".withUTF8Bytes { id throws(MartletError) in
                    try "1614265330".withUTF8Bytes { timestamp throws(MartletError) in
                        try signatures.withUTF8Bytes { signatures throws(MartletError) in
                            try body.withUTF8Bytes { body throws(MartletError) in
                                try WebhookSignature.verify(
                                    secrets: secrets,
                                    id: id,
                                    timestamp: timestamp,
                                    signatures: signatures,
                                    body: body,
                                    now: now,
                                    toleranceSeconds: tolerance
                                )
                            }
                        }
                    }
                }
            }
        }
        let one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        #expect(try sign(secret) == one)
        let both = try sign("\(other)\n\(secret)")
        #expect(both.hasSuffix(" " + one))
        try verify(secret, both)
        try verify("\(other) \(secret)", one, now: 1_614_265_630, tolerance: -1)
        #expect(failure { try verify(other, one) }?.code == .verificationFailed)
        #expect(failure { try verify(secret, one, now: 1_614_265_335, tolerance: 4) }?.code == .verificationFailed)
        #expect(failure { try verify("", one) }?.code == .invalidArgument)
        #expect(failure { _ = try sign(secret, "a.b") }?.code == .invalidArgument)
    }
}

extension [UInt8] {
    fileprivate func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafeBytes { bytes in
            Swift.Result { () throws(Failure) in try body(bytes) }
        }.get()
    }
}
