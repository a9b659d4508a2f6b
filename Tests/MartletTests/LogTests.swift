import Dispatch
import Glibc
import JSONText
import Model
import TestSupport
import Testing
import Threading

@testable import Martlet

@Suite("Log and figures")
struct LogTests {
    @Test("The log tells every attempt with number, start, duration, status, error and snippet")
    func attempts() throws {
        let server = TestServer.serve { connection, request in
            let first = request.value("webhook-id") == "retried"
            return connection.answer(
                first ? 500 : 200,
                body: "bad \u{1} \"quote\" " + String(repeating: "x", count: 50)
            )
        }
        defer { server.stop() }
        let engine = try openEngine(#""responseBodyBytes":20"#)
        let id = try engine.addWebhook(server.url)
        _ = try engine.pushLines(#"{"eventType":"call.placed","data":{},"id":"retried","tag":9}"#)
        try engine.flush(timeoutMilliseconds: patience)
        let delivery = try #require(engine.deliveries(#"{"eventId":"retried"}"#).first)
        #expect(delivery["state"] == .string("failed"))
        #expect(delivery["webhookId"] == .string(id))
        #expect(delivery["eventType"] == .string("call.placed"))
        #expect(delivery["tag"] == .integer(9))
        #expect(delivery["attemptCount"] == .integer(3))
        let attempts = try #require(delivery["attempts"]?.arrayValue)
        #expect(attempts.map { $0["number"] } == [.integer(1), .integer(2), .integer(3)])
        for attempt in attempts {
            #expect(attempt["status"] == .integer(500))
            #expect(attempt["errorClass"] == .string("http_status"))
            #expect(attempt["response"] == .string("bad \u{1} \"quote\" xxxxxx"))
            #expect(Timestamp.parse(try #require(attempt["startedAt"]?.stringValue)) != nil)
            #expect(try #require(attempt["durationMs"]?.numberValue) > 0)
        }
        let text = try #require(delivery["id"]?.stringValue)
        let single = try engine.json(engine.delivery, text)
        let members = try #require(delivery.objectValue?.members)
        #expect(members.allSatisfy { single[$0.key] == $0.value })
        #expect(single.objectValue?.members.count == members.count + 2 && single["payload"]?.stringValue != nil)
        #expect(failure { _ = try engine.json(engine.delivery, "dlv_00000000000000000000000000") }?.code == .notFound)
    }

    @Test("A connection that is refused has its class and a text")
    func connectionError() throws {
        let (descriptor, port) = TestServer.listen(backlog: nil)
        defer { close(descriptor) }
        let engine = try openEngine(delays: "[]")
        try engine.addWebhook("http://127.0.0.1:\(port)/")
        try engine.push(type: "call.placed", data: "{}")
        let outcome = try #require(engine.waitForOutcomes(2).first)
        #expect(outcome.failure == .connect)
        let attempt = try #require(engine.deliveries().first?["attempts"]?.arrayValue?.first)
        #expect(attempt["errorClass"] == .string("connect"))
        #expect(attempt["status"] == .null)
        #expect(try #require(attempt["error"]?.stringValue).isEmpty == false)
    }

    @Test("Queries filter and page, newest first, over all lanes")
    func queries() throws {
        let server = TestServer.serve { connection, request in
            connection.answer(request.requestLine.contains("/bad") ? 404 : 200)
        }
        defer { server.stop() }
        let engine = try openEngine(#""lanes":3"#)
        let good = try engine.addWebhook(server.url)
        let bad = try engine.addWebhook(server.url + "bad")
        for number in 0..<30 {
            try engine.push(type: number % 3 == 0 ? "call.placed" : "call.errored", data: "\(number)")
        }
        try engine.flush(timeoutMilliseconds: patience)
        #expect(try engine.deliveries(#"{"webhookId":"\#(good)"}"#).count == 30)
        #expect(try engine.deliveries(#"{"state":"failed"}"#).allSatisfy { $0["webhookId"] == .string(bad) })
        #expect(try engine.deliveries(#"{"state":"failed","eventType":"call.placed"}"#).count == 10)
        #expect(failure { _ = try engine.deliveries(#"{"state":"lost"}"#) }?.code == .invalidDocument)
        #expect(failure { _ = try engine.deliveries(#"{"eventType":"call.none"}"#) }?.code == .unknownEventType)

        var ids: [String] = []
        var query = #"{"limit":7}"#
        while true {
            let page = try engine.json(engine.deliveries, query)
            ids += try #require(page["deliveries"]?.arrayValue).compactMap { $0["id"]?.stringValue }
            guard let cursor = page["cursor"]?.stringValue else { break }
            query = #"{"limit":7,"cursor":"\#(cursor)"}"#
        }
        #expect(ids.count == 60)
        #expect(ids == Set(ids).sorted(by: >))
    }

    @Test("The log keeps as much as configured, the newest")
    func retention() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine(#""lanes":1,"logRetention":{"attempts":10},"maxInFlightPerWebhook":1"#)
        try engine.addWebhook(server.url)
        for number in 0..<25 { _ = try engine.pushLines(#"{"eventType":"call.placed","data":0,"id":"e\#(number)"}"#) }
        try engine.flush(timeoutMilliseconds: patience)
        let kept = try engine.deliveries().compactMap { $0["eventId"]?.stringValue }
        #expect(kept == (15..<25).reversed().map { "e\($0)" })
        #expect(try engine.deliveries().allSatisfy { $0["attempts"]?.arrayValue?.count == 1 })

        let silent = try openEngine(#""logRetention":{"attempts":0}"#)
        try silent.addWebhook(server.url)
        try silent.push(type: "call.placed", data: "{}")
        try silent.flush(timeoutMilliseconds: patience)
        #expect(try silent.deliveries().isEmpty)
    }

    @Test("Texts of the log give way to newer ones, whole")
    func textRing() {
        var ring = TextRing(capacity: 10)
        func append(_ text: String) -> TextRing.Position {
            text.withUTF8Bytes { ring.append($0) }
        }
        func text(_ position: TextRing.Position) -> String {
            String(decoding: ring.text(at: position), as: UTF8.self)
        }
        let first = append("abcd")
        let second = append("efgh")
        #expect(text(first) == "abcd" && text(second) == "efgh")
        // Does not fit behind the second, so the rest of the block is skipped and the first overwritten.
        let third = append("ijkl")
        #expect(text(first) == "" && text(second) == "efgh" && text(third) == "ijkl")
        let fourth = append("0123456789ABC")
        #expect(text(third) == "" && text(fourth) == "0123456789")
        #expect(text(append("")) == "")
    }

    @Test("Statistics and Prometheus text agree with what happened")
    func figures() throws {
        let server = TestServer.serve { connection, request in
            connection.answer(request.requestLine.contains("/bad") ? 500 : 200)
        }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url)
        try engine.addWebhook(server.url + "bad")
        for _ in 0..<10 { try engine.push(type: "call.placed", data: "{}") }
        try engine.push(type: "workflow.failed", data: "{}")
        try engine.flush(timeoutMilliseconds: patience)
        let stats = try engine.stats()
        #expect(stats["events"]?["accepted"] == .integer(11))
        #expect(stats["events"]?["unmatched"] == .integer(1))
        #expect(stats["deliveries"]?["succeeded"] == .integer(10))
        #expect(stats["deliveries"]?["failed"] == .integer(10))
        #expect(stats["deliveries"]?["attempts"] == .integer(40))
        #expect(stats["deliveries"]?["retries"] == .integer(20))
        #expect(stats["outcomesWaiting"] == .integer(31))
        let text = String(decoding: try engine.metricsText(), as: UTF8.self)
        #expect(text.contains("martlet_deliveries_settled_total{state=\"succeeded\"} 10\n"))
        #expect(text.contains("martlet_attempts_total{error_class=\"http_status\"} 30\n"))
        #expect(text.contains("martlet_attempt_duration_seconds_bucket{le=\"+Inf\"} 40\n"))
        #expect(text.hasSuffix("\n"))
    }

    @Test("The host hears notices at the level it chose, and nothing after it stopped listening")
    func log() throws {
        let server = TestServer.serve { connection, _ in connection.answer(410) }
        defer { server.stop() }
        let engine = try openEngine()
        let heard = Heard()
        try engine.setLog(minimumLevel: 2) { level, message in
            heard.add("\(level) " + String(decoding: message, as: UTF8.self))
        }
        let id = try engine.addWebhook(server.url)
        try engine.push(type: "call.placed", data: "{}")
        #expect(try engine.waitForOutcomes(3).count == 3)
        try engine.close(timeoutMilliseconds: patience)
        // Registering is a notice and not heard at level 2.
        #expect(heard.all == ["2 webhook \(id) is disabled: the receiver answered 410 Gone"])
        #expect(failure { try engine.setLog(minimumLevel: 9) { _, _ in } }?.code == .invalidArgument)
        try engine.setLog(minimumLevel: 0, nil)
    }
}

@Suite("Log without a callback")
struct LogRingTests {
    private func isReadable(_ descriptor: Int32) -> Bool {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, 0) == 1
    }

    @Test("The descriptor is readable exactly while messages wait, and for good after the end")
    func readable() throws {
        let ring = try #require(LogRing())
        #expect(!isReadable(ring.descriptor))
        ring.append(.info, "a", at: Clock.wall())
        ring.append(.error, "b", at: Clock.wall())
        #expect(isReadable(ring.descriptor))
        let batch = ring.take()
        #expect(batch.messages.map(\.text) == ["a", "b"])
        #expect(batch.messages.map(\.level) == [.info, .error])
        #expect(batch.dropped == 0 && !batch.hasEnded)
        #expect(!isReadable(ring.descriptor))
        #expect(ring.take().messages.isEmpty)
        ring.append(.info, "c", at: Clock.wall())
        ring.end()
        ring.end()
        #expect(isReadable(ring.descriptor))
        #expect(ring.take().messages.map(\.text) == ["c"])
        #expect(ring.take().hasEnded && isReadable(ring.descriptor))
        ring.append(.info, "late", at: Clock.wall())
        #expect(ring.take().messages.map(\.text) == ["late"])
    }

    @Test("The newest messages are kept, bounded by their number and bytes, and the others counted")
    func bounds() throws {
        let ring = try #require(LogRing())
        for number in 0..<5_000 { ring.append(.debug, "\(number)", at: Clock.wall()) }
        let batch = ring.take()
        #expect(batch.messages.map(\.text) == (5_000 - LogRing.maximumCount..<5_000).map { "\($0)" })
        #expect(batch.dropped == 5_000 - UInt64(LogRing.maximumCount))
        #expect(ring.take().dropped == 0)

        let long = String(repeating: "x", count: 100 << 10)
        for _ in 0..<3 { ring.append(.debug, long, at: Clock.wall()) }
        let bounded = ring.take()
        #expect(bounded.messages.count == 2 && bounded.dropped == 1)
        ring.append(.debug, String(repeating: "y", count: 1 << 20), at: Clock.wall())
        #expect(ring.take().messages.count == 1)
        #expect(!isReadable(ring.descriptor))
    }

    @Test("Threads append while others take: none is lost, and the pipe stays true")
    func threads() throws {
        let ring = try #require(LogRing())
        let taken = Locked<[String]>([])
        let dropped = Locked<UInt64>(0)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for number in 0..<2_000 {
                if thread < 4 {
                    ring.append(.info, "\(thread) \(number)", at: Clock.wall())
                } else if number % 4 == 0 {
                    let batch = ring.take()
                    taken.withLock { $0 += batch.messages.map(\.text) }
                    dropped.withLock { $0 += batch.dropped }
                }
            }
        }
        let rest = ring.take()
        let all = taken.withLock { $0 } + rest.messages.map(\.text)
        #expect(all.count == Set(all).count)
        #expect(UInt64(all.count) + dropped.withLock { $0 } + rest.dropped == 8_000)
        #expect(!isReadable(ring.descriptor))
    }

    @Test("Handler and ring have levels of their own; what is polled is a document")
    func levels() throws {
        let engine = try openEngine()
        let heard = Heard()
        #expect(failure { _ = try engine.pollLog() }?.code == .wrongState)
        let descriptor = try engine.logDescriptor(minimumLevel: 2)
        try engine.setLog(minimumLevel: 3) { _, message in heard.add(String(decoding: message, as: UTF8.self)) }
        let id = try engine.addWebhook("http://127.0.0.1:9/")
        #expect(heard.all.count == 1 && heard.all[0].hasPrefix("webhook \(id) is registered on lane "))
        #expect(!isReadable(descriptor))
        #expect(try engine.logDescriptor(minimumLevel: 3) == descriptor)
        try engine.setLog(minimumLevel: 0, nil)
        let second = try engine.addWebhook("http://127.0.0.1:9/")
        let text = String(decoding: try engine.pollLog(), as: UTF8.self)
        #expect(text.hasPrefix(#"{"messages":[{"level":"info","time":"20"#))
        #expect(text.contains("\(second) is registered") && text.hasSuffix(#"],"dropped":0,"ended":false}"#))
        #expect(try engine.logDescriptor(minimumLevel: 0) == descriptor)
        try engine.addWebhook("http://127.0.0.1:9/")
        #expect(!isReadable(descriptor))
        for level: Int32 in [-1, 5] {
            #expect(failure { _ = try engine.logDescriptor(minimumLevel: level) }?.code == .invalidArgument)
        }
        try engine.close(timeoutMilliseconds: patience)
        #expect(isReadable(descriptor))
        #expect(String(decoding: try engine.pollLog(), as: UTF8.self) == #"{"messages":[],"dropped":0,"ended":true}"#)
    }
}

private final class Heard: Sendable {
    private let lines = Locked<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) {
        lines.withLock { $0.append(line) }
    }
}
