import Foundation
import JSONText
import TestSupport
import Testing
import Threading

@testable import Martlet

@Suite("Swift: deliveries")
struct SwiftDeliveryTests {
    @Test("The log is read over all pages, with attempts, exact tags and the payload of one")
    func log() throws {
        let server = TestServer.serve { connection, request in
            connection.answer(request.requestLine.contains("/bad") ? 400 : 200)
        }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.createWebhook(.init(url: server.url + "good", events: ["*"]))
        let bad = try engine.createWebhook(.init(url: server.url + "bad", events: ["*"]))
        let tags = [0, 1, UInt64(Int64.max) + 1, .max, 7]
        // The data imitates what the reader of tags looks for.
        for tag in tags { try engine.push("call.placed", json: #"{"tag":99,"x":"\"tag\":98"}"#, tag: tag) }
        try engine.syncFlush(timeout: .milliseconds(patience))

        let all = try engine.deliveries(pageSize: 3)
        #expect(all.count { _ in true } == 10)
        #expect(all.map(\.id) == all.map(\.id).sorted(by: >))
        let failed = Array(try engine.deliveries(.init(state: .failed)))
        #expect(failed.map(\.tag) == tags.reversed())
        #expect(failed.allSatisfy { $0.webhookID == bad.id && $0.state == .failed && $0.settledAt != nil })
        let attempt = try #require(failed.first?.attempts.first)
        #expect(attempt.status == 400 && attempt.failure == .httpStatus && attempt.number == 1)

        let one = try engine.delivery(try #require(failed.dropFirst().first).id)
        #expect(one.tag == .max)
        #expect(one.payload?.contains(#""data":{"tag":99,"#) == true)
        #expect(one.json["eventType"] == "call.placed")
        var query = Webhook.Delivery.Query(webhookID: bad.id)
        query.eventID = one.eventID
        #expect(try engine.deliveries(query).map(\.id) == [one.id])
        #expect(try engine.deliveries(["state": "succeeded", "limit": 2]).count { _ in true } == 5)
        #expect(failure { _ = try engine.deliveries(["state": "lost"]) }?.code == .invalidDocument)
    }

    @Test("Deliveries are sent again, one or many, and canceled")
    func again() throws {
        let server = TestServer.serve { connection, request in
            connection.answer(request.requestLine.contains("/bad") ? 400 : 200)
        }
        defer { server.stop() }
        let engine = try openEngine()
        let id = try engine.createWebhook(.init(url: server.url + "bad", events: ["*"])).id
        try engine.push("call.placed", json: "{}")
        try engine.push("call.placed", json: "{}")
        try engine.syncFlush(timeout: .milliseconds(patience))
        let failed = Array(try engine.deliveries(.init(state: .failed)))
        #expect(failed.count == 2)
        try engine.updateWebhook(id) { $0.url = server.url + "good" }
        let second = try engine.redeliver(try #require(failed.first).id)
        try engine.syncFlush(timeout: .milliseconds(patience))
        #expect(try engine.delivery(second).redeliveryOf == failed.first?.id)
        #expect(try engine.delivery(second).state == .succeeded)
        let replay = try engine.replay(perSecond: 1000)
        #expect(replay.replayed == 1 && replay.skipped == 0)
        try engine.syncFlush(timeout: .milliseconds(patience))
        #expect(failure { _ = try engine.redeliver("dlv_nothing") }?.code == .notFound)

        try engine.disableWebhook(id)
        try engine.enableWebhook(id)
        try engine.updateWebhook(id) {
            $0.url = "http://127.0.0.1:9/"
            $0.retry = Webhook.Retry(delaysSeconds: [60])
        }
        try engine.push("call.placed", json: "{}")
        try engine.push("call.placed", json: "{}")
        let waiting = Array(try engine.deliveries(.init(state: .undelivered)))
        #expect(waiting.count == 2)
        try engine.cancelDelivery(try #require(waiting.first).id)
        // One in flight is settled when its attempt has ended.
        #expect(try engine.cancelDeliveries(.init(webhookID: id)) >= 1)
        try engine.syncFlush(timeout: .milliseconds(patience))
        #expect(try engine.deliveries(.init(state: .canceled)).count { _ in true } == 2)
        try engine.deleteWebhook(id)
        #expect(failure { try engine.deleteWebhook(id) }?.code == .notFound)
    }

    @Test("A test delivery sends the sample, or data of the host's")
    func testDelivery() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine(#""payloadFormat":"raw""#)
        let id = try engine.createWebhook(.init(url: server.url, events: ["call.placed"])).id
        let receipt = try engine.testWebhook(id, eventType: "workflow.completed")
        try engine.testWebhook(id, eventType: "call.placed", data: ["mine": 1])
        try engine.syncFlush(timeout: .milliseconds(patience))
        #expect(try engine.delivery(receipt.deliveryID).isTest)
        #expect(try engine.delivery(receipt.deliveryID).eventID == receipt.eventID)
        #expect(server.seen.contains { $0.body == Array(#"{"mine":1}"#.utf8) })
        #expect(failure { try engine.testWebhook(id, eventType: "no.type") }?.code == .unknownEventType)
    }

    @Test("A data directory's figures tell what opening found; its errors have codes of their own")
    func journal() throws {
        #expect(try openEngine().statistics().journal == nil)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        var configuration = Engine.Configuration()
        configuration.environment = .development
        configuration.dataDirectory = folder.path
        do {
            let engine = try Engine(configuration)
            try engine.createWebhook(.init(url: "http://127.0.0.1:9/", events: ["*"]))
            try engine.push("call.placed", json: "{}")
            #expect(failure { _ = try Engine(configuration) }?.code == .inUse)
            #expect(failure { try engine.syncClose(timeout: .zero) }?.code == .timedOut)
        }
        let engine = try Engine(configuration)
        let journal = try #require(engine.statistics().journal)
        #expect(journal.segments > 0 && journal.maxBytes == 4 << 30 && journal.syncFailures == 0)
        #expect(journal.recovery.webhooks == 1 && journal.recovery.deliveries == 1 && journal.recovery.events == 1)
        #expect(journal.recovery.quarantined == 0 && journal.recovery.lostRecords == 0)
        try? engine.syncClose(timeout: .zero)
        configuration.dataDirectory = "/dev/null/martlet"
        #expect(failure { _ = try Engine(configuration) }?.code == .storage)
    }

    @Test("Statistics count what was pushed and how it ended")
    func statistics() throws {
        let engine = try openEngine(delays: "[]")
        try engine.createWebhook(.init(url: "http://127.0.0.1:9/", events: ["call.placed"]))
        try engine.push("call.placed", json: "{}")
        try engine.push("call.errored", json: "{}")
        try engine.syncFlush(timeout: .milliseconds(patience))
        let statistics = try engine.statistics()
        #expect(statistics.state == "open" && statistics.webhooks == 1)
        #expect(statistics.events.accepted == 2 && statistics.events.unmatched == 1)
        #expect(statistics.deliveries.failed == 1)
        #expect(statistics.deliveries.attemptsByFailure[.connect] == 1)
        #expect(statistics.lanes.map(\.failed).reduce(0, +) == 1)
        #expect(statistics.outcomesWaiting == 3)
        #expect(statistics.queue.maxEvents == 100_000)
        #expect(try engine.metrics().contains("martlet_events_accepted_total 2"))
    }

    @Test("Event types are added and listed, and the log is heard")
    func typesAndLog() throws {
        let engine = try openEngine()
        let lines = TextLog()
        try engine.setLog(level: .info) { level, message in lines.append("\(level) \(message)") }
        try engine.addEventType(EventTypeDescription("order.paid", title: "Paid", sample: ["id": "o1"]))
        let type = try #require(engine.eventTypes().first { $0.name == "order.paid" })
        #expect(type.title == "Paid" && type.sample == ["id": "o1"])
        let id = try engine.createWebhook(.init(url: "http://127.0.0.1:9/", events: ["order.*"])).id
        #expect(lines.all.contains { $0.hasPrefix("info ") && $0.contains(id) })
        try engine.setLog(nil)
        try engine.deleteWebhook(id)
        #expect(!lines.all.contains { $0.contains("delet") })
    }

    @Test("Receivers verify what was sent, by headers")
    func signatures() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        let id = try engine.createWebhook(.init(url: server.url, events: ["*"])).id
        try engine.push("call.placed", json: "{}")
        try engine.syncFlush(timeout: .milliseconds(patience))
        let request = try #require(server.seen.first)
        let secrets = try engine.webhookSecrets(of: id).map(\.secret)
        try WebhookSignature.verify(body: request.body, secrets: secrets) { request.value($0) }
        #expect(
            failure {
                try WebhookSignature.verify(body: request.body + [0x20], secrets: secrets) { request.value($0) }
            }?.code
                == .verificationFailed
        )
        #expect(
            failure { try WebhookSignature.verify(body: request.body, secrets: secrets) { _ in nil } }?.code
                == .verificationFailed
        )
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let signature = try WebhookSignature.sign(secrets: [secret], id: "a", timestamp: 9, body: "{}".utf8)
        try WebhookSignature.verify(
            secrets: [secret],
            id: "a",
            timestamp: "9",
            signatures: signature,
            body: "{}".utf8,
            now: 10
        )
        #expect(failure { _ = try WebhookSignature.sign(secrets: [], id: "a", timestamp: 9, body: []) } != nil)
    }
}

/// Lines that any thread may add.
private final class TextLog: Sendable {
    private let lines = Locked<[String]>([])

    func append(_ line: String) {
        lines.withLock { $0.append(line) }
    }

    var all: [String] {
        lines.withLock { $0 }
    }
}
