import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Martlet

@Suite("Swift: outcomes", .timeLimit(.minutes(1)))
struct SwiftOutcomeTests {
    private func quickEngine() throws -> Engine {
        var configuration = Engine.Configuration()
        configuration.environment = .development
        configuration.outcomes = .all
        configuration.retry.delaysSeconds = []
        return try Engine(configuration)
    }

    @Test("A loop gets every outcome, waits for those to come, and ends when the engine is closed")
    func loop() async throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try quickEngine()
        let webhook = try engine.createWebhook(.init(url: server.url, events: ["call.*"]))
        let loop = Task {
            var seen: [Outcome] = []
            for await outcome in try engine.outcomes() { seen.append(outcome) }
            return seen
        }
        for tag in 1...200 { try engine.push("call.placed", json: "{}", tag: UInt64(tag)) }
        try await engine.flush(timeout: .milliseconds(patience))
        try engine.push("call.placed", json: "{}", tag: 201)
        try await engine.close()
        let seen = try await loop.value
        #expect(Set(seen.filter { $0.kind == .delivery }.map(\.tag)) == Set(1...201))
        #expect(Set(seen.filter { $0.kind == .event }.map(\.tag)) == Set(1...201))
        #expect(seen.count == 402)
        let delivery = try #require(seen.first { $0.kind == .delivery })
        #expect(delivery.webhookID == webhook.id && delivery.failure == .none && delivery.httpStatus == 200)
        // A loop that begins after the end ends too.
        for await outcome in try engine.outcomes() { Issue.record("\(outcome)") }
    }

    @Test("Who lets go of a closed engine may open its directory at once, though nobody took its outcomes")
    func reopened() async throws {
        let path = NSTemporaryDirectory() + "martlet-reopened-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var configuration = Engine.Configuration()
        configuration.outcomes = .all
        configuration.dataDirectory = path
        configuration.sync = .os
        for _ in 1...20 {
            let engine = try Engine(configuration)
            try engine.push("call.placed", json: "{}")
            try await engine.flush(timeout: .milliseconds(patience))
            try await engine.close()
        }
        // The thread that waited for the end may still be about to end itself: it holds the call's wrapping, and no engine.
        var engine: Engine? = try quickEngine()
        weak let seen = engine
        let pending = engine.map { engine in PendingCall { () throws(MartletError) in try engine.syncClose() } }
        engine = nil
        #expect(seen != nil)
        try pending?.run().get()
        #expect(seen == nil)
        try pending?.run().get()
    }

    @Test("A canceled loop ends without an outcome, and loses none")
    func cancellation() async throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try quickEngine()
        try engine.createWebhook(.init(url: server.url, events: ["call.*"]))
        let idle = Task { () -> Int in
            var count = 0
            for await _ in try engine.outcomes() { count += 1 }
            return count
        }
        idle.cancel()
        #expect(try await idle.value == 0)

        for tag in 1...10 { try engine.push("call.placed", json: "{}", tag: UInt64(tag)) }
        var tags: [UInt64] = []
        for await outcome in try engine.outcomes() where outcome.kind == .event {
            tags.append(outcome.tag)
            if tags.count == 4 { break }
        }
        for await outcome in try engine.outcomes() where outcome.kind == .event {
            tags.append(outcome.tag)
            if tags.count == 10 { break }
        }
        #expect(Set(tags) == Set(1...10))
        try await engine.close()
    }

    @Test("Several loops share the outcomes")
    func sharing() async throws {
        let engine = try quickEngine()
        let total = 3000
        let taken = try await withThrowingTaskGroup(of: [UInt64].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var tags: [UInt64] = []
                    for await outcome in try engine.outcomes() { tags.append(outcome.tag) }
                    return tags
                }
            }
            for tag in 1...total {
                try engine.push("call.placed", json: "{}", tag: UInt64(tag))
                if tag % 100 == 0 { await Task.yield() }
            }
            try await engine.close()
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(taken.count == total)
        #expect(Set(taken).count == total)
    }

    @Test("An engine that is let go of ends the loop")
    func letGo() async throws {
        let loop: Task<Int, any Error>
        do {
            let engine = try quickEngine()
            let outcomes = try engine.outcomes()
            try engine.push("call.placed", json: "{}")
            loop = Task {
                var count = 0
                for await _ in outcomes { count += 1 }
                return count
            }
        }
        #expect(try await loop.value == 1)
    }

    @Test("A thread's wait ends with the first outcome, at its deadline, and when the engine is closed")
    func threads() async throws {
        let engine = try quickEngine()
        #expect(try engine.pollOutcomes(maximum: 10, timeout: .milliseconds(1)).isEmpty)
        let gate = Gate()
        let first = Atomic<Int>(0)
        let rest = Atomic<Int>(-1)
        Thread {
            first.store((try? engine.pollOutcomes(maximum: 1, timeout: .seconds(30)).count) ?? -1, ordering: .releasing)
            gate.open()
        }.start()
        try engine.push("call.placed", json: "{}")
        gate.wait()
        #expect(first.load(ordering: .acquiring) == 1)

        let end = Gate()
        Thread {
            rest.store((try? engine.pollOutcomes(maximum: 1, timeout: .seconds(50)).count) ?? -2, ordering: .releasing)
            end.open()
        }.start()
        try await engine.close()
        end.wait()
        #expect(rest.load(ordering: .acquiring) == 0)
    }

    @Test("Where the configuration asks for no outcomes, that is said")
    func off() throws {
        let engine = try Engine(["environment": "development"])
        #expect(failure { _ = try engine.outcomes() }?.code == .wrongState)
        #expect(failure { _ = try engine.pollOutcomes(maximum: 1, timeout: .seconds(1)) }?.code == .wrongState)
    }

    @Test("A loop on the main actor stays there")
    @MainActor
    func mainActor() async throws {
        let engine = try quickEngine()
        try engine.push("call.placed", json: "{}")
        for await outcome in try engine.outcomes() {
            MainActor.assertIsolated()
            #expect(outcome.deliveries == 0)
            break
        }
        try await engine.close()
    }

    @Test("Outcomes tell in types why: a failure, and what disabled a webhook")
    func reasons() async throws {
        let server = TestServer.serve { connection, _ in connection.answer(410) }
        defer { server.stop() }
        let engine = try quickEngine()
        let gone = try engine.createWebhook(.init(url: server.url, events: ["call.placed"]))
        try engine.createWebhook(.init(url: "http://127.0.0.1:9/", events: ["call.errored"]))
        try engine.push("call.placed", json: "{}")
        try engine.push("call.errored", json: "{}")
        try await engine.close()
        var outcomes: [Outcome] = []
        for await outcome in try engine.outcomes() { outcomes.append(outcome) }
        #expect(outcomes.contains { $0.kind == .delivery && $0.failure == .connect })
        let notice = try #require(outcomes.first { $0.kind == .webhookDisabled })
        #expect(notice.reason == .gone && notice.webhookID == gone.id)
        #expect(try engine.webhook(gone.id).disabled?.reason == .gone)
    }
}
