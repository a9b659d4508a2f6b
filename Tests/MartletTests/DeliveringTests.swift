import JSONText
import Signing
import TestSupport
import Testing

@testable import Martlet

@Suite("Delivering")
struct DeliveringTests {
    @Test("The payload carries the pushed bytes untouched, in the documented frame")
    func payload() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url + "hook?x=1", #""headers":{"Authorization":"Bearer t0k"}"#)
        let data = "{ \"b\" : 1.50e0,\n\"a\":\"\\u00e9\u{e9}\", \"a\":null }"
        let receipt = try engine.push(type: "call.completed", data: data)
        try engine.flush(timeoutMilliseconds: patience)

        let request = try #require(server.seen.first)
        #expect(server.seen.count == 1)
        #expect(request.requestLine == "POST /hook?x=1 HTTP/1.1")
        let body = String(decoding: request.body, as: UTF8.self)
        #expect(body.hasPrefix(#"{"eventType":"call.completed","createdAt":"20"#))
        #expect(body.hasSuffix(#"Z","data":"# + data + "}"))
        #expect(request.value("content-type") == "application/json")
        #expect(request.value("user-agent") == "Martlet/\(Engine.version) martlet-swift/\(Engine.version)")
        #expect(request.value("authorization") == "Bearer t0k")
        #expect(request.value("webhook-id") == receipt.eventID)
        #expect(receipt.eventID.hasPrefix("evt_"))
        try engine.close(timeoutMilliseconds: patience)
    }

    @Test("Each attempt is signed anew with the webhook's secret")
    func signature() throws {
        let server = TestServer.serve { connection, request in
            connection.answer(request.value("x-first") == nil ? 503 : 200)
        }
        defer { server.stop() }
        let engine = try openEngine()
        let secret = try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        let id = try engine.addWebhook(server.url, #""secret":"\#(secret.text)""#)
        #expect(
            try engine.json(engine.webhookSecrets, id)["secrets"]?.arrayValue?.first?["secret"] == .string(secret.text)
        )
        #expect(try engine.json(engine.webhook, id)["secret"] == nil)
        try engine.push(type: "call.placed", data: "{}")
        try engine.flush(timeoutMilliseconds: patience)

        #expect(server.seen.count == 3)
        for request in server.seen {
            try verify(request, secret)
        }
        #expect(Set(server.seen.map { $0.value("webhook-id") }).count == 1)
        try engine.close(timeoutMilliseconds: patience)
    }

    private func verify(_ request: SeenRequest, _ secret: WebhookSecret) throws {
        let id = Array(try #require(request.value("webhook-id")).utf8)
        let time = Array(try #require(request.value("webhook-timestamp")).utf8)
        let signature = Array(try #require(request.value("webhook-signature")).utf8)
        let now = try #require(Int64(String(decoding: time, as: UTF8.self)))
        try id.withUnsafeBytes { id in
            try time.withUnsafeBytes { time in
                try signature.withUnsafeBytes { signature in
                    try request.body.withUnsafeBytes { body in
                        try StandardWebhooks.verify(
                            id: id,
                            timestamp: time,
                            signatureHeader: signature,
                            body: body,
                            secrets: [secret],
                            now: now
                        )
                    }
                }
            }
        }
    }

    @Test("A generated secret is shown by its own call only")
    func generatedSecret() throws {
        let engine = try openEngine()
        let id = try engine.addWebhook("http://127.0.0.1:9/")
        let secret = try #require(
            engine.json(engine.webhookSecrets, id)["secrets"]?.arrayValue?.first?["secret"]?.stringValue
        )
        #expect(try WebhookSecret(secret).bytes.count == 32)
        #expect(!(try engine.json(engine.webhook, id).description.contains("whsec_")))
        #expect(!(try engine.json(engine.webhooks).description.contains("whsec_")))
    }

    @Test("A caller's own id and time are kept, and the id is the receiver's webhook-id")
    func ownID() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url)
        let accepted = try engine.pushLines(
            """
            {"eventType":"call.placed","id":"order-17","createdAt":"2025-12-08T10:30:00Z","data":[1, 2],"tag":7}

            {"eventType":"call.errored","data":"x","tag":"18446744073709551615"}
            """
        )
        #expect(accepted == 2)
        let outcomes = try engine.waitForOutcomes(4)
        #expect(Set(outcomes.filter { $0.kind == .event }.map(\.tag)) == [7, .max])
        let request = try #require(server.seen.first { $0.value("webhook-id") == "order-17" })
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == #"{"eventType":"call.placed","createdAt":"2025-12-08T10:30:00Z","data":[1, 2]}"#
        )
    }

    @Test(
        "The payload format is the configured one",
        arguments: [
            ("standard", #"{"type":"call.placed","timestamp":"20"#, #""data":{"a":1}}"#),
            ("raw", #"{"a":1}"#, #"{"a":1}"#),
        ]
    )
    func formats(name: String, start: String, end: String) throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine(#""payloadFormat":"\#(name)""#)
        try engine.addWebhook(server.url)
        try engine.push(type: "call.placed", data: #"{"a":1}"#)
        try engine.flush(timeoutMilliseconds: patience)
        let body = String(decoding: try #require(server.seen.first).body, as: UTF8.self)
        #expect(body.hasPrefix(start) && body.hasSuffix(end))
    }

    @Test("An event goes to every webhook that wants it, and to no other")
    func matching() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        for events in [
            #"["call.*"]"#, #"["*"]"#, #"["call.placed","call.placed"]"#, #"["workflow.*"]"#, #"["call.errored"]"#,
        ] {
            try engine.createWebhook(#"{"url":"\#(server.url)","events":\#(events)}"#)
        }
        try engine.createWebhook(#"{"url":"\#(server.url)","events":["*"],"enabled":false}"#)
        try engine.push(type: "call.placed", data: "1")
        let outcomes = try engine.waitForOutcomes(4)
        let event = try #require(outcomes.last)
        #expect(event.kind == .event && event.state == .succeeded && event.deliveries == 3 && event.succeeded == 3)
        #expect(server.seen.count == 3)
    }

    @Test("A redirect is not followed, and a client error is final", arguments: [301, 302, 307, 308, 400, 404])
    func finalAnswers(status: Int) throws {
        let server = TestServer.serve { connection, _ in
            connection.answer(status, headers: ["Location: /elsewhere"], body: "no")
        }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url)
        try engine.push(type: "call.placed", data: "{}", tag: 5)
        let outcomes = try engine.waitForOutcomes(2)
        let delivery = try #require(outcomes.first { $0.kind == .delivery })
        #expect(delivery.state == .failed && delivery.attempts == 1 && Int(delivery.httpStatus) == status)
        #expect(delivery.tag == 5)
        #expect(outcomes.last?.state == .failed)
        #expect(server.seen.count == 1)
    }

    @Test("410 disables the webhook and tells the host")
    func gone() throws {
        let server = TestServer.serve { connection, _ in connection.answer(410) }
        defer { server.stop() }
        let engine = try openEngine()
        let id = try engine.addWebhook(server.url)
        try engine.push(type: "call.placed", data: "{}")
        let outcomes = try engine.waitForOutcomes(3)
        let notice = try #require(outcomes.first { $0.kind == .webhookDisabled })
        #expect(notice.webhookID == id && notice.eventID.isEmpty)
        #expect(try engine.json(engine.webhook, id)["enabled"] == .bool(false))
        let receipt = try engine.push(type: "call.placed", data: "{}")
        let unmatched = try #require(engine.waitForOutcomes(1).first)
        #expect(unmatched.eventID == receipt.eventID && unmatched.deliveries == 0)
    }
}
