import JSONText
import Model
import TestSupport
import Testing
import Threading

@testable import Martlet

@Suite("Delivery policy")
struct PolicyTests {
    @Test("A webhook's own settings override the engine's, partly, and an update puts them back")
    func overrides() throws {
        let server = TestServer.serve { connection, _ in connection.answer(503) }
        defer { server.stop() }
        let engine = try openEngine(delays: "[0.01,0.01,0.01,0.01]")
        let id = try engine.addWebhook(server.url, #""retry":{"delaysSeconds":[0.01]}"#)
        #expect(try engine.json(engine.webhook, id)["retry"]?["delaysSeconds"] == .array([.number(0.01)]))
        try engine.push(type: "call.placed", data: "{}")
        #expect(try engine.waitForOutcomes(2).first?.attempts == 2)
        try engine.update(id, #"{"retry":null}"#)
        #expect(try engine.json(engine.webhook, id)["retry"] == nil)
        try engine.push(type: "call.placed", data: "{}")
        #expect(try engine.waitForOutcomes(2).first?.attempts == 5)
        #expect(failure { try engine.update(id, #"{"retry":{"delaysSeconds":[-1]}}"#) }?.code == .invalidDocument)
    }

    @Test("By key, deliveries never overtake or overlap, also through retries; other keys flow")
    func orderingByKey() throws {
        let bodies = Seen()
        let server = TestServer.serve { connection, request in
            let body = String(decoding: request.body, as: UTF8.self)
            let isFirst = bodies.add(body)
            return connection.answer(isFirst ? 503 : 200)
        }
        defer { server.stop() }
        let engine = try openEngine(#""payloadFormat":"raw","lanes":1"#)
        try engine.addWebhook(server.url, #""ordering":"key""#)
        var lines = ""
        for number in 0..<10 {
            for key in ["a", "b"] {
                lines += #"{"eventType":"call.placed","data":"\#(key)\#(number)","key":"\#(key)"}"# + "\n"
            }
        }
        lines += #"{"eventType":"call.placed","data":"free"}"#
        #expect(try engine.pushLines(lines) == 21)
        let outcomes = try engine.waitForOutcomes(42)
        #expect(outcomes.allSatisfy { $0.state == .succeeded })
        for key in ["a", "b"] {
            // Each body twice in a row: the refused attempt and its retry, before the next one of the key.
            let expected = (0..<10).flatMap { [#""\#(key)\#($0)""#, #""\#(key)\#($0)""#] }
            #expect(bodies.all.filter { $0.hasPrefix("\"" + key) } == expected)
        }
    }

    @Test("Strict: the whole webhook is first in, first out")
    func strictOrdering() throws {
        let bodies = Seen()
        let server = TestServer.serve { connection, request in
            _ = bodies.add(String(decoding: request.body, as: UTF8.self))
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine(#""payloadFormat":"raw","ordering":"strict""#)
        try engine.addWebhook(server.url)
        for number in 0..<50 { try engine.push(type: "call.placed", data: "\(number)") }
        try engine.flush(timeoutMilliseconds: patience)
        #expect(bodies.all == (0..<50).map { "\($0)" })
    }

    @Test("An event past its deadline is settled as expired and not sent")
    func expiry() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine(#""maxInFlightPerWebhook":1"#)
        let id = try engine.addWebhook(server.url)
        try engine.push(type: "call.placed", data: "1")
        while server.seen.isEmpty {}
        _ = try engine.pushLines(#"{"eventType":"call.placed","data":2,"expirySeconds":0.05,"tag":2}"#)
        let expired = try engine.waitForOutcomes(2)
        #expect(expired.allSatisfy { $0.tag == 2 && $0.state == .expired && $0.attempts == 0 })
        try engine.update(id, #"{"expirySeconds":0.05}"#)
        try engine.push(type: "call.placed", data: "3", tag: 3)
        #expect(try engine.waitForOutcomes(2).allSatisfy { $0.tag == 3 && $0.state == .expired })
        gate.open()
        #expect(try engine.waitForOutcomes(2).allSatisfy { $0.state == .succeeded })
        #expect(server.seen.count == 1)
        let states = try engine.deliveries().map { $0["state"] }
        #expect(states == [.string("expired"), .string("expired"), .string("succeeded")])
    }

    @Test("Each webhook gets its own payload format of the same event, and its signature fits it")
    func formats() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine(#""payloadFormat":"raw""#)
        for format in ["subverse", "standard", "raw", "standard"] {
            try engine.addWebhook(server.url + format, #""payloadFormat":"\#(format)""#)
        }
        _ = try engine.pushLines(
            #"{"eventType":"call.placed","data":{"a" : 1},"createdAt":"2025-12-08T10:30:00+01:00"}"#
        )
        try engine.flush(timeoutMilliseconds: patience)
        let bodies = Set(
            server.seen.map { $0.requestLine.split(separator: " ")[1] + " " + String(decoding: $0.body, as: UTF8.self) }
        )
        #expect(
            bodies == [
                #"/subverse {"eventType":"call.placed","createdAt":"2025-12-08T10:30:00+01:00","data":{"a" : 1}}"#,
                #"/standard {"type":"call.placed","timestamp":"2025-12-08T10:30:00+01:00","data":{"a" : 1}}"#,
                #"/raw {"a" : 1}"#,
            ]
        )
        #expect(server.seen.count == 4)
        _ = try engine.waitForOutcomes(5)
        #expect(try engine.stats()["queue"]?["bytes"] == .integer(0))
    }

    @Test("An event's own headers go with its attempts alone, under the rules of a webhook's")
    func eventHeaders() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url)
        _ = try engine.pushLines(
            #"{"eventType":"call.placed","data":1,"headers":{"traceparent":"00-ab-cd-01","X-B":"2"}}"#
        )
        try engine.push(type: "call.placed", data: "2")
        try engine.flush(timeoutMilliseconds: patience)
        let traced = server.seen.filter { $0.value("traceparent") == "00-ab-cd-01" && $0.value("x-b") == "2" }
        #expect(traced.count == 1 && server.seen.count == 2)
        let shown = try engine.deliveries().map { try engine.json(engine.delivery, $0["id"]?.stringValue ?? "") }
        #expect(shown.last?["eventHeaders"]?["traceparent"] == .string("00-ab-cd-01"))
        #expect(shown.last?["eventHeaders"]?["X-B"] == .string("2"))
        #expect(shown.first?["eventHeaders"]?.objectValue?.members.isEmpty == true)
        for bad in [#"{"Host":"x"}"#, #"{"webhook-id":"x"}"#, #"{"X":"a\nb"}"#, #"{"X":"a","x":"b"}"#, "[]"] {
            let error = failure {
                _ = try engine.pushLines(#"{"eventType":"call.placed","data":1,"headers":\#(bad)}"#)
            }
            #expect(error?.code == .invalidDocument && error?.message.contains("header") == true, "\(bad)")
        }
    }

    @Test("Retry-After pauses the whole webhook, for events that were not turned away too")
    func retryAfter() throws {
        let server = TestServer.serve { connection, request in
            request.body == Array("1".utf8) && request.value("x-n") == nil
                ? connection.answer(429, headers: ["Retry-After: 1"]) : connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine(#""payloadFormat":"raw","maxInFlightPerWebhook":1"#, delays: "[0]")
        try engine.addWebhook(server.url)
        let start = Clock.monotonic()
        try engine.push(type: "call.placed", data: "1")
        while server.seen.isEmpty {}
        try engine.push(type: "call.placed", data: "2")
        let outcomes = try engine.waitForOutcomes(4)
        // Both wait for the second that was asked for; the clock starts before the answer, so this can only be too low.
        #expect(Clock.monotonic().nanoseconds(since: start) >= 1_000_000_000)
        #expect(outcomes.contains { $0.tag == 0 && $0.state == .succeeded })
    }

    @Test("A rate limit spaces attempts; a burst goes at once")
    func rateLimit() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url, #""rateLimit":{"perSecond":20,"burst":5}"#)
        let start = Clock.monotonic()
        for _ in 0..<15 { try engine.push(type: "call.placed", data: "1") }
        try engine.flush(timeoutMilliseconds: patience)
        // Five at once, ten more at one in 50 ms.
        #expect(Clock.monotonic().nanoseconds(since: start) >= 500_000_000)
        #expect(server.seen.count == 15)
    }
}

/// Texts in the order they came.
private final class Seen: Sendable {
    private let texts = Locked<[String]>([])

    var all: [String] { texts.withLock { $0 } }

    /// True where the text comes for the first time.
    func add(_ text: String) -> Bool {
        texts.withLock { texts in
            defer { texts.append(text) }
            return !texts.contains(text)
        }
    }
}
