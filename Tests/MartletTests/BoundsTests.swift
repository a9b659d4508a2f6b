import JSONText
import Model
import TestSupport
import Testing

@testable import Martlet

@Suite("Bounds")
struct BoundsTests {
    @Test("A full queue refuses by events, holds what it has, and takes more once outcomes are drained")
    func events() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine(#""queue":{"maxEvents":3}"#)
        try engine.addWebhook(server.url)
        for tag in 0..<3 { try engine.push(type: "call.placed", data: "{}", tag: UInt64(tag)) }
        #expect(failure { try engine.push(type: "call.placed", data: "{}") }?.code == .queueFull)
        gate.open()
        try engine.flush(timeoutMilliseconds: patience)
        // Settled, but not told yet: still counted.
        #expect(failure { try engine.push(type: "call.placed", data: "{}") }?.code == .queueFull)
        #expect(try engine.waitForOutcomes(6).count == 6)
        try engine.push(type: "call.placed", data: "{}")
        #expect(try engine.stats()["events"]?["refused"] == .integer(2))
    }

    @Test("A full queue refuses by bytes, and an event that can never fit is told so")
    func bytes() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine(#""queue":{"maxBytes":65536},"maxEventBytes":32768"#)
        try engine.addWebhook(server.url)
        let data = "\"" + String(repeating: "x", count: 20_000) + "\""
        var accepted = 0
        var refusal: MartletError?
        while refusal == nil, accepted < 100 {
            refusal = failure { try engine.push(type: "call.placed", data: data) }
            if refusal == nil { accepted += 1 }
        }
        #expect(refusal?.code == .queueFull)
        #expect(refusal?.message.contains("queue.maxBytes = 65536") == true)
        #expect(accepted == 3)
        let large = "\"" + String(repeating: "x", count: 40_000) + "\""
        #expect(failure { try engine.push(type: "call.placed", data: large) }?.code == .tooLarge)
        gate.open()
        #expect(try engine.waitForOutcomes(accepted * 2).count == accepted * 2)
        #expect(try engine.stats()["queue"]?["bytes"] == .integer(0))
        #expect(try engine.stats()["queue"]?["events"] == .integer(0))
    }

    @Test("A webhook that falls behind fills its share of the queue and no more")
    func share() throws {
        let gate = Gate()
        let slow = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        let quick = TestServer.serve { connection, _ in connection.answer() }
        defer {
            slow.stop()
            quick.stop()
        }
        let engine = try openEngine(#""maxInFlightPerWebhook":1"#)
        let behind = try engine.addWebhook(slow.url, #""maxPending":2"#)
        try engine.addWebhook(quick.url)
        for tag in 0..<5 { try engine.push(type: "call.placed", data: "{}", tag: UInt64(tag)) }
        // Three deliveries to the slow one and their events fail at once, all to the quick one succeed.
        let outcomes = try engine.waitForOutcomes(11)
        let refused = outcomes.filter { $0.kind == .delivery && $0.state == .failed }
        #expect(refused.count == 3)
        #expect(refused.allSatisfy { $0.webhookID == behind && $0.attempts == 0 })
        #expect(refused.allSatisfy { $0.failure == .backlogFull })
        #expect(try engine.deliveries(#"{"state":"failed"}"#).count == 3)
        gate.open()
        #expect(try engine.waitForOutcomes(4).allSatisfy { $0.state == .succeeded })
    }

    @Test("A waiting retry counts against the queue")
    func retries() throws {
        let server = TestServer.serve { connection, _ in connection.answer(503) }
        defer { server.stop() }
        let engine = try openEngine(#""queue":{"maxEvents":1}"#, delays: "[600]")
        try engine.addWebhook(server.url)
        try engine.push(type: "call.placed", data: "{}")
        while try engine.deliveries().first?["attemptCount"] != .integer(1) {}
        #expect(try engine.stats()["deliveries"]?["inFlight"] == .integer(0))
        #expect(failure { try engine.push(type: "call.placed", data: "{}") }?.code == .queueFull)
        let delivery = try #require(engine.deliveries().first)
        #expect(delivery["state"] == .string("pending"))
        #expect(delivery["nextAttemptAt"]?.stringValue != nil)
        #expect(failure { try engine.close(timeoutMilliseconds: 0) }?.code == .timedOut)
        let states = try engine.waitForOutcomes(2).map(\.state)
        #expect(states == [.canceled, .canceled])
    }

    @Test("In flight stays within the webhook's and the engine's limits")
    func inFlight() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine(#""lanes":2,"maxInFlight":5,"maxInFlightPerWebhook":2"#)
        for _ in 0..<4 { try engine.addWebhook(server.url) }
        for _ in 0..<10 { try engine.push(type: "call.placed", data: "{}") }
        while server.seen.count < 5 {}
        #expect(try engine.deliveries(#"{"state":"inFlight"}"#).count == 5)
        let busy = try engine.deliveries(#"{"state":"inFlight"}"#).compactMap { $0["webhookId"]?.stringValue }
        #expect(Dictionary(grouping: busy) { $0 }.values.allSatisfy { $0.count <= 2 })
        gate.open()
        try engine.flush(timeoutMilliseconds: patience)
        #expect(server.seen.count == 40)
    }

    @Test(
        "Bad data is refused with the place of the fault",
        arguments: ["", "{", "{\"a\":01}", "nul", "\"\u{1}\"", "[1,]", "{} {}"]
    )
    func badJSON(data: String) throws {
        let engine = try openEngine()
        try engine.addWebhook("http://127.0.0.1:9/")
        let error = try #require(failure { try engine.push(type: "call.placed", data: data) })
        #expect(error.code == .invalidJSON)
        #expect(error.message.contains("data is not valid JSON"))
    }

    @Test("Nesting is bounded by jsonDepth, for a push of one and of many")
    func depth() throws {
        let engine = try openEngine(#""jsonDepth":3"#)
        try engine.push(type: "call.placed", data: "[[[]]]")
        #expect(failure { try engine.push(type: "call.placed", data: "[[[[]]]]") }?.code == .invalidJSON)
        #expect(try engine.pushLines(#"{"eventType":"call.placed","data":[[[]]]}"#) == 1)
        #expect(
            failure { _ = try engine.pushLines(#"{"eventType":"call.placed","data":[[[[]]]]}"#) }?.code == .invalidJSON
        )
    }

    @Test("An unknown type is refused with the nearest name")
    func unknownType() throws {
        let engine = try openEngine()
        let error = try #require(failure { try engine.push(type: "call.complete", data: "{}") })
        #expect(error.code == .unknownEventType)
        #expect(error.message.contains("call.completed"))
    }

    @Test("A refused line ends a push of many and says which; the lines before it are accepted")
    func refusedLine() throws {
        let engine = try openEngine()
        var accepted = 0
        var duplicates = 0
        let lines = #"{"eventType":"call.placed","data":1}"# + "\n" + #"{"eventType":"call.placed","dat":1}"# + "\n"
        let error = try #require(
            failure {
                try lines.withUTF8Bytes { bytes throws(MartletError) in
                    try engine.pushJSON(bytes, accepted: &accepted, duplicates: &duplicates)
                }
            }
        )
        #expect(accepted == 1)
        #expect(error.message.hasPrefix("line 2: "))
        #expect(error.message.contains("dat"))
    }
}
