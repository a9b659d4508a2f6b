import JSONText
import Model
import TestSupport
import Testing
import Threading

@testable import Martlet

extension Engine {
    func redeliver(_ id: String) throws -> String {
        try id.withUTF8Bytes { id throws(MartletError) in try redeliver(id) }
    }

    func replay(_ query: String = "") throws -> JSONValue {
        try json(replay, query)
    }
}

/// A receiver whose answer a test can change.
final class Moody: Sendable {
    private let current: Locked<Int>

    init(_ status: Int) {
        current = Locked(status)
    }

    var status: Int {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }
}

@Suite("Redelivery and replay")
struct RedeliveryTests {
    @Test("The payload is shown while a delivery is pending and after it, byte for byte, in get alone")
    func payload() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url)
        let receipt = try engine.push(type: "call.placed", data: #"{ "a" : 1.0 }"#)
        let query = #"{"eventId":"\#(receipt.eventID)"}"#
        // Asked at once: a push that returned is found.
        let pending = try #require(engine.deliveries(query).first)
        let id = try #require(pending["id"]?.stringValue)
        #expect(pending["payload"] == nil)
        let early = try #require(engine.json(engine.delivery, id)["payload"]?.stringValue)
        gate.open()
        _ = try engine.waitForOutcomes(2)
        let body = String(decoding: try #require(server.seen.first).body, as: UTF8.self)
        #expect(early == body)
        #expect(try engine.json(engine.delivery, id)["payload"]?.stringValue == body)
        #expect(try engine.deliveries(query).first?["payload"] == nil)
    }

    @Test("A redelivery is a new delivery of the same event, with outcomes of its own")
    func redeliver() throws {
        let moody = Moody(500)
        let server = TestServer.serve { connection, _ in connection.answer(moody.status) }
        defer { server.stop() }
        let engine = try openEngine(delays: "[]")
        let id = try engine.addWebhook(server.url)
        try engine.addWebhook(server.url)
        let event = try engine.push(type: "call.placed", data: #"{"n":1}"#, tag: 11)
        let failed = try #require(engine.waitForOutcomes(3).first { $0.webhookID == id })
        #expect(failed.state == .failed)
        moody.status = 200
        let new = try engine.redeliver(failed.deliveryID)
        #expect(new != failed.deliveryID && new.hasPrefix("dlv_"))
        let outcomes = try engine.waitForOutcomes(2)
        #expect(outcomes.map(\.kind) == [.delivery, .event])
        #expect(outcomes[0].deliveryID == new && outcomes[0].state == .succeeded && outcomes[0].webhookID == id)
        #expect(outcomes.allSatisfy { $0.eventID == event.eventID && $0.tag == 11 })
        #expect(outcomes[1].deliveries == 1 && outcomes[1].succeeded == 1)
        #expect(server.seen.count == 3)
        #expect(Set(server.seen.map(\.body)).count == 1)
        #expect(Set(server.seen.compactMap { $0.value("webhook-id") }) == [event.eventID])
        let document = try engine.json(engine.delivery, new)
        #expect(document["redeliveryOf"] == .string(failed.deliveryID))
        #expect(try engine.json(engine.delivery, failed.deliveryID)["redeliveryOf"] == .null)
        // One of a redelivery, and of a success.
        _ = try engine.redeliver(new)
        #expect(try engine.waitForOutcomes(2).allSatisfy { $0.state == .succeeded })
        #expect(try engine.stats()["queue"]?["events"] == .integer(0))
        #expect(try engine.stats()["queue"]?["bytes"] == .integer(0))
        #expect(server.seen.count == 4)
    }

    @Test("A webhook's own format and an event's own headers stay with a redelivery")
    func details() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url, #""payloadFormat":"standard""#)
        _ = try engine.pushLines(
            #"{"eventType":"call.placed","data":[1],"createdAt":"2025-01-01T00:00:00Z","headers":{"traceparent":"00-1"}}"#
        )
        let first = try #require(engine.waitForOutcomes(2).first)
        let shown = try engine.json(engine.delivery, first.deliveryID)["payload"]?.stringValue
        #expect(shown == #"{"type":"call.placed","timestamp":"2025-01-01T00:00:00Z","data":[1]}"#)
        _ = try engine.redeliver(first.deliveryID)
        _ = try engine.waitForOutcomes(2)
        #expect(server.seen.count == 2)
        for request in server.seen {
            #expect(String(decoding: request.body, as: UTF8.self) == shown)
            #expect(request.value("traceparent") == "00-1")
        }
        #expect(try engine.stats()["queue"]?["bytes"] == .integer(0))
    }

    @Test("Why a delivery cannot be sent again is said")
    func refusals() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine(#""queue":{"maxEvents":2}"#)
        let id = try engine.addWebhook(server.url)
        try engine.push(type: "call.placed", data: "{}")
        let delivery = try #require(engine.deliveries().first?["id"]?.stringValue)
        #expect(failure { _ = try engine.redeliver(delivery) }?.code == .wrongState)
        #expect(failure { _ = try engine.redeliver("dlv_00000000000000000000000000") }?.code == .notFound)
        #expect(failure { _ = try engine.redeliver("nonsense") }?.code == .notFound)
        gate.open()
        _ = try engine.waitForOutcomes(2)
        try engine.set(id, enabled: false)
        let disabled = try #require(failure { _ = try engine.redeliver(delivery) })
        #expect(disabled.code == .wrongState && disabled.message.contains(id))
        try engine.set(id, enabled: true)
        _ = try engine.redeliver(delivery)
        _ = try engine.redeliver(delivery)
        #expect(failure { _ = try engine.redeliver(delivery) }?.code == .queueFull)
        _ = try engine.waitForOutcomes(4)
        try engine.delete(id)
        #expect(failure { _ = try engine.redeliver(delivery) }?.code == .notFound)
        try engine.close(timeoutMilliseconds: patience)
        #expect(failure { _ = try engine.redeliver(delivery) }?.code == .closed)
    }

    @Test("Payloads are kept within their bytes, the newest; none where there are 0", arguments: [0, 4096])
    func budget(bytes: Int) throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine(#""logRetention":{"payloadBytes":\#(bytes)},"maxInFlightPerWebhook":1,"lanes":1"#)
        try engine.addWebhook(server.url)
        let data = "\"" + String(repeating: "x", count: 1000) + "\""
        for _ in 0..<6 { try engine.push(type: "call.placed", data: data) }
        _ = try engine.waitForOutcomes(12)
        let kept = try engine.deliveries().map { delivery in
            try engine.json(engine.delivery, delivery["id"]?.stringValue ?? "")["payload"] != .null
        }
        #expect(engine.state.payloads.bytes <= bytes)
        #expect(kept == (bytes == 0 ? Array(repeating: false, count: 6) : [true, true, true, false, false, false]))
        let oldest = try #require(engine.deliveries().last?["id"]?.stringValue)
        let refusal = try #require(failure { _ = try engine.redeliver(oldest) })
        #expect(refusal.code == .wrongState && refusal.message.contains("payloadBytes"))
        let replay = try engine.replay(#"{"state":"succeeded"}"#)
        #expect(replay["skipped"] == .integer(bytes == 0 ? 6 : 3))
        #expect(replay["replayed"] == .integer(bytes == 0 ? 0 : 3))
    }

    @Test("Replay sends what failed, the oldest first, paced, and not again what was sent again")
    func replay() throws {
        let moody = Moody(500)
        let server = TestServer.serve { connection, request in
            connection.answer(request.requestLine.contains("/good") ? 200 : moody.status)
        }
        defer { server.stop() }
        let engine = try openEngine(#""lanes":2,"maxInFlightPerWebhook":1"#, delays: "[]")
        try engine.addWebhook(server.url + "good")
        let bad = try engine.addWebhook(server.url + "bad")
        let worse = try engine.addWebhook(server.url + "worse")
        for number in 0..<5 {
            _ = try engine.pushLines(#"{"eventType":"call.placed","data":\#(number),"id":"e\#(number)"}"#)
        }
        _ = try engine.waitForOutcomes(20)
        #expect(try engine.replay(#"{"eventId":"e9"}"#)["replayed"] == .integer(0))
        moody.status = 503
        let first = try engine.replay(#"{"webhookId":"\#(worse)","perSecond":100}"#)
        #expect(first["replayed"] == .integer(5) && first["skipped"] == .integer(0))
        #expect(first["durationSeconds"]?.numberValue == 0.04)
        let outcomes = try engine.waitForOutcomes(10).filter { $0.kind == .delivery }
        #expect(outcomes.map(\.eventID) == (0..<5).map { "e\($0)" })
        #expect(outcomes.allSatisfy { $0.webhookID == worse && $0.httpStatus == 503 })

        // The failed redeliveries stand for the first ones: five and five, not fifteen.
        moody.status = 200
        let second = try engine.replay(#"{"perSecond":10000}"#)
        #expect(second["replayed"] == .integer(10))
        let rest = try engine.waitForOutcomes(20)
        #expect(rest.allSatisfy { $0.state == .succeeded })
        #expect(rest.filter { $0.webhookID == bad }.count == 5)
        #expect(try engine.replay()["replayed"] == .integer(0))
        #expect(failure { _ = try engine.replay(#"{"state":"pending"}"#) }?.code == .invalidDocument)
        #expect(failure { _ = try engine.replay(#"{"limit":3}"#) }?.code == .invalidDocument)
    }

    @Test("The pace holds in time: each delivery waits for its turn")
    func pace() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url)
        for number in 0..<3 { try engine.push(type: "call.placed", data: "\(number)") }
        _ = try engine.waitForOutcomes(6)
        let start = Clock.wall()
        #expect(try engine.replay(#"{"state":"any","perSecond":0.1}"#)["durationSeconds"]?.numberValue == 20)
        _ = try engine.waitForOutcomes(2)
        let waiting = try engine.deliveries(#"{"state":"pending"}"#)
        let turns = try waiting.map { delivery in
            try #require(delivery["nextAttemptAt"]?.stringValue.flatMap { Timestamp.parse($0) }).milliseconds
        }
        #expect(turns.count == 2)
        #expect(turns[0] - start.milliseconds >= 19_990 && turns[1] - start.milliseconds >= 9_990)
        // Those on their way are not replayed a second time.
        #expect(try engine.replay(#"{"state":"any"}"#)["replayed"] == .integer(1))
    }

    @Test("A replay that the queue cuts short says how many went in, and is taken up by the next")
    func fullQueue() throws {
        let moody = Moody(500)
        let server = TestServer.serve { connection, _ in connection.answer(moody.status) }
        defer { server.stop() }
        let engine = try openEngine(#""queue":{"maxEvents":4}"#, delays: "[]")
        let id = try engine.addWebhook(server.url)
        for _ in 0..<3 {
            for _ in 0..<2 { try engine.push(type: "call.placed", data: "{}") }
            _ = try engine.waitForOutcomes(4)
        }
        moody.status = 200
        let error = try #require(failure { _ = try engine.replay() })
        #expect(error.code == .queueFull && error.message.hasPrefix("4 replayed and 2 left: "))
        #expect(try engine.waitForOutcomes(8).allSatisfy { $0.state == .succeeded })
        #expect(try engine.replay()["replayed"] == .integer(2))
        #expect(try engine.waitForOutcomes(4).allSatisfy { $0.state == .succeeded })
        moody.status = 500
        try engine.push(type: "call.placed", data: "{}")
        _ = try engine.waitForOutcomes(2)
        try engine.set(id, enabled: false)
        let skipped = try engine.replay()
        #expect(skipped["replayed"] == .integer(0) && skipped["skipped"] == .integer(1))
    }

    @Test("What is older than logRetention.days is not shown and drops its payload")
    func age() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine(#""lanes":1"#)
        try engine.addWebhook(server.url)
        for _ in 0..<3 { try engine.push(type: "call.placed", data: "{}") }
        _ = try engine.waitForOutcomes(6)
        #expect(try engine.deliveries().count == 3)
        let lane = engine.state.lanes[0]
        let newest = lane.report.withLock { report in report.log.settled(at: 2)?.settledAt }
        lane.report.withLock { $0.log.expire(before: WallTime(milliseconds: (newest?.milliseconds ?? 0) + 1)) }
        #expect(try engine.deliveries().isEmpty)
        engine.state.payloads.expire(before: WallTime(milliseconds: (newest?.milliseconds ?? 0) + 1))
        #expect(engine.state.payloads.bytes == 0)
        try engine.push(type: "call.placed", data: "{}")
        _ = try engine.waitForOutcomes(2)
        #expect(try engine.deliveries().count == 1)
        #expect(failure { _ = try openEngine(#""logRetention":{"days":0}"#) }?.code == .invalidDocument)
    }
}
