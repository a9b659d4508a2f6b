import Foundation
import JSONText
import Model
import TestSupport
import Testing
import Threading

@testable import Martlet

@Suite("Deduplication")
struct DeduplicationTests {
    private func line(_ id: String, _ more: String = "") -> String {
        #"{"eventType":"call.placed","data":1,"id":"\#(id)"\#(more)}"#
    }

    @Test("An id pushed again within the window delivers nothing again; others, and events without one, do")
    func window() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url)
        let lines = [line("a"), line("b"), line("a"), #"{"eventType":"call.placed","data":1}"#, line("b"), line("c")]
        let counts = try engine.pushCounting(lines.joined(separator: "\n"))
        #expect(counts.accepted == 4 && counts.duplicates == 2)
        #expect(try engine.waitForOutcomes(8).count == 8)
        #expect(server.seen.count == 4)
        // Also once it is delivered.
        #expect(try engine.pushCounting(line("a")) == (0, 1))
        #expect(try engine.stats()["events"]?["duplicates"] == .integer(3))
        // A tenant's ids are its own.
        #expect(try engine.pushCounting(line("a", #","tenant":"acme""#)) == (1, 0))
        #expect(try engine.pushCounting(line("a", #","tenant":"acme""#)) == (0, 1))

        let off = try openEngine(#""deduplication":{"windowSeconds":0}"#)
        #expect(try off.pushCounting(line("a") + "\n" + line("a")) == (2, 0))
    }

    @Test("An id whose push was refused is not remembered")
    func refused() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine(#""queue":{"maxEvents":1}"#)
        try engine.addWebhook(server.url)
        #expect(try engine.pushCounting(line("a")) == (1, 0))
        #expect(failure { _ = try engine.pushCounting(line("b")) }?.code == .queueFull)
        gate.open()
        _ = try engine.waitForOutcomes(2)
        #expect(try engine.pushCounting(line("b")) == (1, 0))
    }

    @Test("Of pushes of the same ids on eight threads each is accepted once")
    func concurrent() throws {
        let engine = try openEngine(#""queue":{"maxEvents":100000}"#)
        let total = Locked((accepted: 0, duplicates: 0))
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for number in 0..<500 {
                guard let counts = try? engine.pushCounting(line("id\(number)")) else { continue }
                total.withLock { total in
                    total.accepted += counts.accepted
                    total.duplicates += counts.duplicates
                }
            }
        }
        let counts = total.withLock { $0 }
        #expect(counts.accepted == 500 && counts.duplicates == 3500)
    }

    @Test("No more ids are remembered than configured: the oldest go first", arguments: [3, 5000])
    func bound(maximum: Int) throws {
        let deduplicator = Deduplicator(
            try Configuration(json: #"{"deduplication":{"maxIds":\#(maximum)}}"#).deduplication,
            journal: nil
        )
        func isNew(_ key: String) throws -> Bool {
            try deduplicator.once(key) { () throws(MartletError) in true } ?? false
        }
        for number in 0..<(maximum * 4) { #expect(try isNew("\(number)")) }
        #expect(try !isNew("\(maximum * 4 - 1)"))
        #expect(try isNew("0"))
        let refusal = failure {
            _ = try deduplicator.once("x") { () throws(MartletError) in throw MartletError(.queueFull) }
        }
        #expect(refusal?.code == .queueFull)
        #expect(try isNew("x"))
    }
}

@Suite("Disabled webhooks")
struct DisabledTests {
    @Test("Why and since when a webhook is disabled is shown, and forgotten when it is enabled")
    func note() throws {
        let server = TestServer.serve { connection, _ in connection.answer(410) }
        defer { server.stop() }
        let engine = try openEngine()
        let id = try engine.addWebhook(server.url)
        #expect(try engine.json(engine.webhook, id)["disabled"] == .null)
        try engine.push(type: "call.placed", data: "{}")
        let notice = try #require(engine.waitForOutcomes(3).first { $0.kind == .webhookDisabled })
        #expect(notice.disabledReason == 1 && notice.failingSinceMilliseconds > 0)
        #expect(notice.failingSinceMilliseconds <= notice.settledAtMilliseconds)
        let gone = try #require(engine.json(engine.webhook, id)["disabled"])
        #expect(gone["reason"] == .string("gone"))
        #expect(Timestamp.parse(try #require(gone["at"]?.stringValue)) != nil)
        #expect(Timestamp.parse(try #require(gone["since"]?.stringValue)) != nil)
        #expect(try engine.json(engine.webhooks)["webhooks"]?.arrayValue?.first?["disabled"] == gone)
        // To disable what is disabled changes nothing.
        try engine.set(id, enabled: false)
        #expect(try engine.json(engine.webhook, id)["disabled"] == gone)
        try engine.set(id, enabled: true)
        #expect(try engine.json(engine.webhook, id)["disabled"] == .null)
        try engine.update(id, #"{"enabled":false}"#)
        let host = try #require(engine.json(engine.webhook, id)["disabled"])
        #expect(host["reason"] == .string("host") && host["since"] == .null)
        let made = try engine.addWebhook(server.url, #""enabled":false"#)
        #expect(try engine.json(engine.webhook, made)["disabled"]?["reason"] == .string("host"))
        #expect(failure { try engine.update(id, #"{"disabled":null}"#) }?.code == .invalidDocument)
    }
}
