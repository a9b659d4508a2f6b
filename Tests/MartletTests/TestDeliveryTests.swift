import JSONText
import TestSupport
import Testing

@testable import Martlet

extension Engine {
    func test(_ id: String, _ request: String) throws -> (event: String, delivery: String) {
        let answer = try id.withUTF8Bytes { id throws(MartletError) in
            try request.withUTF8Bytes { request throws(MartletError) in try testWebhook(id, request) }
        }
        let value = try JSONValue.parse(answer)
        return (try #require(value["eventId"]?.stringValue), try #require(value["deliveryId"]?.stringValue))
    }
}

@Suite("Test deliveries")
struct TestDeliveryTests {
    @Test("A test sends the catalog's sample, marked, whatever the webhook has subscribed to")
    func sample() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        let id = try engine.addWebhook(server.url)
        let sent = try engine.test(id, #"{"eventType":"workflow.failed"}"#)
        let outcomes = try engine.waitForOutcomes(2)
        #expect(outcomes.map(\.kind) == [.delivery, .event])
        #expect(outcomes[0].deliveryID == sent.delivery && outcomes[0].state == .succeeded)
        #expect(outcomes[1].eventID == sent.event && outcomes[1].deliveries == 1 && outcomes[1].succeeded == 1)
        let request = try #require(server.seen.first)
        #expect(request.value("webhook-test") == "true")
        #expect(request.value("webhook-id") == sent.event)
        let body = try JSONValue.parse(request.body)
        let type = try #require(engine.state.catalog.index(of: "workflow.failed"))
        let sample = try #require(engine.state.catalog[type]?.sample)
        #expect(body["eventType"] == .string("workflow.failed"))
        #expect(body["data"] == (try JSONValue.parse(Array(sample.utf8))))
        let delivery = try engine.json(engine.delivery, sent.delivery)
        #expect(delivery["test"] == .bool(true) && delivery["state"] == .string("succeeded"))
        #expect(delivery["payload"]?.stringValue == String(decoding: request.body, as: UTF8.self))

        try engine.push(type: "call.placed", data: "{}")
        _ = try engine.waitForOutcomes(2)
        #expect(server.seen.last?.value("webhook-test") == nil)
        #expect(try engine.deliveries().map { $0["test"] } == [.bool(false), .bool(true)])
    }

    @Test("Given data goes out byte for byte, in the webhook's format, also to a disabled webhook and past its limits")
    func data() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, request in
            if request.value("webhook-test") == nil { gate.wait() }
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine(#""maxInFlightPerWebhook":1"#)
        let id = try engine.addWebhook(server.url, #""payloadFormat":"raw""#)
        try engine.push(type: "call.placed", data: "1")
        while server.seen.isEmpty {}
        _ = try engine.test(id, "{ \"data\" : [ 1.50e1, \"\\u0041\" ] , \"eventType\" : \"call.placed\"}")
        #expect(try engine.waitForOutcomes(2).allSatisfy { $0.state == .succeeded })
        #expect(server.seen.last.map { String(decoding: $0.body, as: UTF8.self) } == #"[ 1.50e1, "\u0041" ]"#)
        try engine.set(id, enabled: false)
        _ = try engine.test(id, #"{"eventType":"call.placed","data":{}}"#)
        #expect(try engine.waitForOutcomes(2).allSatisfy { $0.state == .succeeded })
        gate.open()
        #expect(try engine.waitForOutcomes(2).count == 2)
    }

    @Test("A test is not tried again, and its 410 disables nothing", arguments: [500, 410])
    func failing(status: Int) throws {
        let server = TestServer.serve { connection, _ in connection.answer(status) }
        defer { server.stop() }
        let engine = try openEngine()
        let id = try engine.addWebhook(server.url)
        let sent = try engine.test(id, #"{"eventType":"call.placed"}"#)
        let outcomes = try engine.waitForOutcomes(2)
        #expect(outcomes.allSatisfy { $0.state == .failed && $0.kind != .webhookDisabled })
        #expect(server.seen.count == 1)
        #expect(try engine.json(engine.webhook, id)["enabled"] == .bool(true))
        #expect(try engine.json(engine.delivery, sent.delivery)["attempts"]?.arrayValue?.count == 1)
        #expect(failure { _ = try engine.redeliver(sent.delivery) }?.code == .wrongState)
        #expect(try engine.replay()["replayed"] == .integer(0))
    }

    @Test("What is wrong with a request is named")
    func errors() throws {
        let engine = try openEngine(#""jsonDepth":4,"maxEventBytes":1024"#)
        let id = try engine.addWebhook("http://127.0.0.1:9/")
        func code(_ request: String, _ webhook: String? = nil) -> MartletError.Code? {
            failure { _ = try engine.test(webhook ?? id, request) }?.code
        }
        #expect(code(#"{"eventType":"call.place"}"#) == .unknownEventType)
        #expect(code("{}") == .invalidDocument)
        #expect(code(#"{"eventType":"call.placed","dat":1}"#) == .invalidDocument)
        #expect(code(#"{"eventType":"call.placed","data":[[[[[]]]]]}"#) == .invalidJSON)
        #expect(code(#"{"eventType":"call.placed","data":}"#) == .invalidJSON)
        let long = String(repeating: "x", count: 1100)
        #expect(code(#"{"eventType":"call.placed","data":"\#(long)"}"#) == .tooLarge)
        #expect(code(#"{"eventType":"call.placed"}"#, "wh_00000000000000000000000000") == .notFound)
    }
}
