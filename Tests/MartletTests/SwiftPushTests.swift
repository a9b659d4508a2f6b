import JSONText
import TestSupport
import Testing

@testable import Martlet

@Suite("Swift: push")
struct SwiftPushTests {
    private struct Call: Encodable {
        var callId: String
        var callDuration: Int
    }

    @Test("Encodable values, text, bytes and literals reach the receiver; ready JSON untouched")
    func forms() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine(#""payloadFormat":"raw","ordering":"strict""#)
        try engine.addWebhook(server.url)
        let receipt = try engine.push("call.completed", Call(callId: "c1", callDuration: 3), tag: 5)
        try engine.push("call.completed", json: #"{ "callId" : "ü" }"#)
        try engine.push("call.completed", json: Array(#"[1.0e0]"#.utf8))
        // Not in one piece of memory.
        try engine.push("call.completed", json: Array(#""lazy""#.utf8).lazy.map { $0 })
        try engine.push("call.completed", ["callId": "c2"] as JSON)
        try engine.syncFlush(timeout: .milliseconds(patience))
        let bodies = server.seen.map { String(decoding: $0.body, as: UTF8.self) }
        #expect(
            bodies == [
                #"{"callId":"c1","callDuration":3}"#, #"{ "callId" : "ü" }"#, "[1.0e0]", #""lazy""#,
                #"{"callId":"c2"}"#,
            ]
        )
        #expect(server.seen.first?.value("webhook-id") == receipt.eventID)
        #expect(!receipt.isDuplicate)
    }

    @Test("A full event carries its id, time, headers, tag and tenant")
    func fullEvent() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        var settings = Webhook.Settings(url: server.url, events: ["*"])
        settings.tenant = "acme"
        try engine.createWebhook(settings)
        var event = try Event("call.completed", Call(callId: "c1", callDuration: 3))
        event.id = "call-1"
        event.createdAt = "2025-12-08T10:30:00Z"
        event.tag = .max
        event.tenant = "acme"
        event.key = "customer"
        event.expirySeconds = 60
        event.headers = ["Traceparent": "00-1"]
        #expect(try engine.push(event).eventID == "call-1")
        let again = try engine.push(event)
        #expect(again.isDuplicate && again.eventID == "call-1")
        // Lines may break inside of the data.
        var other = Event("call.placed", json: "{\n}")
        other.tenant = "acme"
        #expect(try engine.push(other).eventID.hasPrefix("evt_"))
        try engine.syncFlush(timeout: .milliseconds(patience))
        let request = try #require(server.seen.first { $0.value("webhook-id") == "call-1" })
        #expect(server.seen.count == 2)
        #expect(request.value("traceparent") == "00-1")
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == #"{"eventType":"call.completed","createdAt":"2025-12-08T10:30:00Z","data":{"callId":"c1","callDuration":3}}"#
        )
        let delivery = try #require(engine.deliveries(.init(state: .any)).first { $0.eventID == "call-1" })
        #expect(delivery.tag == .max)
        #expect(delivery.tenant == "acme")
    }

    @Test("Data cannot bring keys of its own into an event's document")
    func smuggling() throws {
        let engine = try openEngine()
        let error = failure { try engine.push(Event("call.placed", json: #"1,"tenant":"other""#)) }
        #expect(error?.code == .invalidJSON)
        #expect(failure { try engine.push(Event("call.placed", json: "")) }?.code == .invalidJSON)
        #expect(try engine.statistics().events.accepted == 0)
    }

    @Test("A batch stops at the first event that is refused, and tells what went before")
    func batch() throws {
        let engine = try openEngine()
        var twice = Event("call.placed", json: "1")
        twice.id = "one"
        let receipt = try engine.push(contentsOf: [twice, twice, Event("call.placed", json: "2")])
        #expect(receipt.accepted == 2 && receipt.duplicates == 1)
        do {
            try engine.push(contentsOf: [Event("call.placed", json: "1"), Event("call.plced", json: "1")])
            Issue.record("accepted")
        } catch {
            #expect(error.receipt.accepted == 1)
            #expect(error.error.code == .unknownEventType)
            #expect(error.error.message.hasPrefix("event 2: "))
        }
        do {
            try engine.push(lines: #"{"eventType":"call.placed","data":1}"#.utf8 + Array("\nx".utf8))
            Issue.record("accepted")
        } catch {
            #expect(error.receipt.accepted == 1)
            #expect(error.description.contains("line 2: "))
        }
    }

    @Test("A full queue, a closed engine and an unknown type are told apart by their codes")
    func codes() throws {
        let engine = try openEngine(#""queue":{"maxEvents":1}"#)
        try engine.addWebhook("http://127.0.0.1:9/", #""enabled":false"#)
        try engine.addWebhook("http://127.0.0.1:9/", #""retry":{"delaysSeconds":[60]}"#)
        try engine.push("call.placed", json: "{}")
        #expect(failure { try engine.push("call.placed", json: "{}") }?.code == .queueFull)
        #expect(failure { try engine.push("call.plced", Call(callId: "", callDuration: 0)) }?.code == .unknownEventType)
        #expect(failure { try engine.syncClose(timeout: .zero) }?.code == .timedOut)
        #expect(failure { try engine.push("call.placed", json: "{}") }?.code == .closed)
        #expect(failure { try engine.push(Event("call.placed", json: "{}")) }?.code == .closed)
        #expect(failure { try engine.syncClose() } == nil)
    }
}
