import Foundation
import JSONText
import Model
import TestSupport
import Testing
import Threading

@testable import Martlet

@Suite("Life cycle", .serialized)
struct LifeCycleTests {
    @Test("Every accepted delivery and event has exactly one outcome, also when close races eight pushing threads")
    func closeRacesPushes() throws {
        let server = TestServer.serve { connection, request in
            connection.answer(request.body.count % 3 == 0 ? 503 : 200)
        }
        defer { server.stop() }
        for timeout in [Int64(0), 5, 2_000] {
            let engine = try openEngine(#""lanes":2,"queue":{"maxEvents":1000000}"#)
            try engine.addWebhook(server.url)
            try engine.addWebhook(server.url)
            let accepted = Locked<Set<UInt64>>([])
            let enough = Gate()
            let group = DispatchGroup()
            for thread in UInt64(0)..<8 {
                let pusher = Thread {
                    for number in UInt64(0)..<400 {
                        let tag = thread * 1_000 + number
                        let data = String(repeating: "1", count: Int(number % 5) + 1)
                        do {
                            try engine.push(type: "call.placed", data: data, tag: tag)
                        } catch {
                            break
                        }
                        accepted.withLock { _ = $0.insert(tag) }
                        if number == 50 { enough.open() }
                    }
                    enough.open()
                    group.leave()
                }
                group.enter()
                pusher.start()
            }
            enough.wait()
            let closed = failure { try engine.close(timeoutMilliseconds: timeout) }
            group.wait()
            #expect(closed == nil || closed?.code == .timedOut)
            #expect(failure { try engine.push(type: "call.placed", data: "1") }?.code == .closed)

            let tags = accepted.withLock { $0 }
            let outcomes = try engine.waitForOutcomes(tags.count * 3)
            let events = outcomes.filter { $0.kind == .event }
            #expect(events.count == tags.count)
            #expect(Set(events.map(\.tag)) == tags)
            let deliveries = outcomes.filter { $0.kind == .delivery }
            #expect(deliveries.count == tags.count * 2)
            #expect(Set(deliveries.map(\.deliveryID)).count == deliveries.count)
            #expect(try engine.stats()["queue"]?["events"] == .integer(0))
            #expect(try engine.stats()["queue"]?["bytes"] == .integer(0))
        }
    }

    @Test("Flush waits for retries, and gives up at its time without harm")
    func flush() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url)
        try engine.flush(timeoutMilliseconds: 0)
        try engine.push(type: "call.placed", data: "{}")
        #expect(failure { try engine.flush(timeoutMilliseconds: 1) }?.code == .timedOut)
        #expect(failure { try engine.flush(timeoutMilliseconds: -1) }?.code == .invalidArgument)
        gate.open()
        try engine.flush(timeoutMilliseconds: patience)
        try engine.close(timeoutMilliseconds: patience)
        try engine.close(timeoutMilliseconds: 0)
        try engine.flush(timeoutMilliseconds: 0)
    }

    @Test("A closed engine still answers what became of its events, and takes nothing new")
    func afterClose() throws {
        let server = TestServer.serve { connection, _ in connection.answer(body: "thanks") }
        defer { server.stop() }
        let engine = try openEngine()
        let id = try engine.addWebhook(server.url)
        try engine.push(type: "call.placed", data: "{}")
        try engine.close(timeoutMilliseconds: patience)
        #expect(try engine.pollOutcomes(maximum: 10).count == 2)
        #expect(try engine.deliveries().first?["attempts"]?.arrayValue?.first?["response"] == .string("thanks"))
        #expect(try engine.json(engine.webhook, id)["id"] == .string(id))
        #expect(try engine.stats()["state"] == .string("closed"))
        #expect(failure { try engine.addWebhook(server.url) }?.code == .closed)
        #expect(failure { try engine.set(id, enabled: false) }?.code == .closed)
        #expect(failure { try engine.delete(id) }?.code == .closed)
    }

    @Test("An engine that is closed with much pending gives its memory back, though the host keeps it")
    func closedWithMuchPending() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer {
            gate.open()
            server.stop()
        }
        let engine = try openEngine(#""logRetention":{"payloadBytes":0},"queue":{"maxEvents":100000}"#)
        try engine.addWebhook(server.url)
        let data = "\"\(String(repeating: "x", count: 1500))\""
        for _ in 0..<30_000 { try engine.push(type: "call.placed", data: data) }
        #expect(engine.state.payloadPool.regionCount > 20)
        #expect(failure { try engine.close(timeoutMilliseconds: 0) }?.code == .timedOut)
        for lane in engine.state.lanes { #expect(lane.waitForEnd(until: .distantFuture)) }
        #expect(engine.state.payloadPool.regionCount == 0)
        #expect(try engine.waitForOutcomes(60_000).count == 60_000)
    }

    @Test("Letting go of an engine ends its threads")
    func released() throws {
        var engine: Engine? = try openEngine(#""lanes":3"#)
        let lanes = try #require(engine?.state.lanes)
        engine = nil
        for lane in lanes {
            #expect(lane.waitForEnd(until: .distantFuture))
        }
    }

    @Test("Two engines know nothing of each other")
    func twoEngines() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let first = try openEngine()
        let second = try openEngine()
        let id = try first.addWebhook(server.url)
        #expect(failure { try second.delete(id) }?.code == .notFound)
        try second.push(type: "call.placed", data: "{}")
        #expect(try second.waitForOutcomes(1).first?.deliveries == 0)
        try second.close(timeoutMilliseconds: patience)
        try first.push(type: "call.placed", data: "{}")
        #expect(try first.waitForOutcomes(2).last?.succeeded == 1)
    }

    @Test("Outcomes: readable while any wait, none where they are off, chosen kinds only")
    func outcomes() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        for (kinds, count) in [("events", 2), ("deliveries", 2), ("all", 4)] {
            let engine = try Engine(configuration: #"{"environment":"development","outcomes":"\#(kinds)"}"#)
            try engine.addWebhook(server.url)
            #expect(!(try engine.isReadable()))
            for _ in 0..<2 { try engine.push(type: "call.placed", data: "{}") }
            try engine.flush(timeoutMilliseconds: patience)
            #expect(try engine.isReadable())
            #expect(try engine.pollOutcomes(maximum: 0).isEmpty)
            #expect(try engine.pollOutcomes(maximum: 1).count == 1)
            #expect(try engine.isReadable())
            #expect(try engine.pollOutcomes(maximum: 100).count == count - 1)
            #expect(!(try engine.isReadable()))
            #expect(try engine.stats()["queue"]?["bytes"] == .integer(0))
        }
        let silent = try Engine(configuration: "")
        #expect(failure { _ = try silent.outcomesDescriptor() }?.code == .wrongState)
        #expect(failure { _ = try silent.pollOutcomes(maximum: 1) }?.code == .wrongState)
    }

    @Test("An engine under load uses all its lanes, and wakes them seldom")
    func lanes() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine(#""lanes":4"#)
        for _ in 0..<8 { try engine.addWebhook(server.url) }
        for _ in 0..<100 { try engine.push(type: "call.placed", data: "{}") }
        try engine.flush(timeoutMilliseconds: patience)
        let lanes = try #require(engine.stats()["lanes"]?.arrayValue)
        #expect(lanes.map { $0["succeeded"] } == Array(repeating: .integer(200), count: 4))
        // Eight webhooks were added and each event put something into each inbox: never more wakes than that.
        #expect(lanes.allSatisfy { ($0["wakes"]?.integerValue ?? .max) <= 110 })
    }

    @Test("The inbox asks for a wake only when it was empty")
    func inboxWakes() {
        let inbox = LaneInbox()
        var taken = LaneInbox.Contents()
        #expect(inbox.put { $0.commands.append(.stop) } == .takenWakeNeeded)
        #expect(inbox.put { $0.commands.append(.stop) } == .taken)
        inbox.take(into: &taken)
        #expect(taken.commands.count == 2)
        #expect(inbox.put { _ in } == .taken)
        #expect(inbox.put { $0.commands.append(.stop) } == .takenWakeNeeded)
        inbox.close(into: &taken)
        #expect(taken.commands.count == 1)
        #expect(inbox.put { $0.commands.append(.stop) } == .closed)
    }

    @Test("A lane that comes by itself is woken for commands only")
    func visitedInbox() {
        let inbox = LaneInbox()
        var taken = LaneInbox.Contents()
        let event = AcceptedEvent(
            AcceptedEvent.Parts(
                ids: IdentifierGenerator.Series(first: 1, seed: 1),
                tag: 0,
                acceptedAt: WallTime(milliseconds: 0),
                deliveries: 1,
                type: EventTypeIndex(rawValue: 0),
                reservedBytes: 0
            ),
            body: EventBody(redelivery: .none, in: nil),
            extras: nil
        )
        defer { withExtendedLifetime(event) {} }
        let delivery = InboxDelivery(
            event: .passUnretained(event),
            number: 0,
            webhook: WebhookSlot(index: 0, generation: 1),
            webhookID: .zero
        )
        inbox.take(into: &taken, returning: true)
        #expect(inbox.put { $0.deliveries.append(delivery) } == .taken)
        #expect(inbox.put { $0.commands.append(.stop) } == .takenWakeNeeded)
        #expect(inbox.put { $0.commands.append(.stop) } == .taken)
        inbox.take(into: &taken)
        #expect(taken.deliveries.count == 1)
        #expect(inbox.put { $0.deliveries.append(delivery) } == .takenWakeNeeded)
        inbox.close(into: &taken)
        #expect(inbox.put { $0.commands.append(.stop) } == .closed)
    }
}
