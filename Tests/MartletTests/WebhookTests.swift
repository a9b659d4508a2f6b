import JSONText
import TestSupport
import Testing

@testable import Martlet

@Suite("Webhooks")
struct WebhookTests {
    @Test("List goes through all webhooks in the order of creation, page by page")
    func pages() throws {
        let engine = try openEngine()
        let ids = try (0..<25).map { try engine.addWebhook("http://127.0.0.1:9/\($0)") }
        var seen: [String] = []
        var query = #"{"limit":10}"#
        while true {
            let page = try engine.json(engine.webhooks, query)
            seen += try #require(page["webhooks"]?.arrayValue).compactMap { $0["id"]?.stringValue }
            guard let cursor = page["cursor"]?.stringValue else { break }
            query = #"{"limit":10,"cursor":"\#(cursor)"}"#
        }
        #expect(seen == ids)
        #expect(failure { _ = try engine.json(engine.webhooks, #"{"limit":0}"#) }?.code == .invalidDocument)
        #expect(failure { _ = try engine.json(engine.webhooks, #"{"cursor":"x"}"#) }?.code == .invalidDocument)
    }

    @Test("List tells how receivers do, where it is asked for")
    func health() throws {
        let server = TestServer.serve { connection, _ in connection.answer(503) }
        defer { server.stop() }
        let engine = try openEngine(#""breaker":{"failures":2,"afterSeconds":0,"openSeconds":60}"#)
        let failing = try engine.addWebhook(server.url)
        let quiet = try engine.addWebhook("http://127.0.0.1:9/", #""agents":["agent_1"]"#)
        try engine.push(type: "call.placed", data: "{}")
        _ = try engine.waitForOutcomes(2)
        let webhooks = try #require(engine.json(engine.webhooks, #"{"health":true}"#)["webhooks"]?.arrayValue)
        #expect(webhooks.map { $0["id"]?.stringValue } == [failing, quiet])
        #expect(webhooks[0]["health"]?["breaker"] == .string("open"))
        #expect(webhooks[0]["health"]?["failingSince"]?.stringValue?.hasSuffix("Z") == true)
        #expect(webhooks[1]["health"]?["breaker"] == .string("closed"))
        #expect(webhooks[1]["health"]?["failingSince"] == .null)
        #expect(webhooks[1]["health"]?["pausedUntil"] == .null)
        let one = try engine.json(engine.webhooks, #"{"id":"\#(quiet)","health":true}"#)["webhooks"]?.arrayValue
        #expect(one?.map { $0["id"]?.stringValue } == [quiet])
        #expect(try engine.json(engine.webhooks, #"{"id":"wh_x"}"#)["webhooks"]?.arrayValue?.isEmpty == true)
        let plain = try #require(engine.json(engine.webhooks, "")["webhooks"]?.arrayValue)
        #expect(plain.allSatisfy { $0["health"] == nil })
    }

    @Test("An update changes what it names, from the next attempt on")
    func update() throws {
        let old = TestServer.serve { connection, _ in connection.answer(503) }
        let new = TestServer.serve { connection, _ in connection.answer() }
        defer {
            old.stop()
            new.stop()
        }
        let engine = try openEngine(delays: "[0.2,0.2,0.2,0.2,0.2,0.2,0.2,0.2,0.2,0.2]")
        let id = try engine.addWebhook(old.url, #""description":"first""#)
        try engine.push(type: "call.placed", data: "{}")
        while old.seen.isEmpty {}
        try engine.update(id, #"{"url":"\#(new.url)","headers":{"X-New":"1"}}"#)
        let delivery = try #require(engine.waitForOutcomes(2).first)
        #expect(delivery.state == .succeeded && delivery.attempts >= 2)
        #expect(new.seen.first?.value("x-new") == "1")
        let stored = try engine.json(engine.webhook, id)
        #expect(stored["description"] == .string("first"))
        #expect(stored["url"] == .string(new.url))
        // The seed's pages switch events too.
        try engine.update(id, #"{"events":["workflow.*"]}"#)
        try engine.push(type: "call.placed", data: "{}")
        #expect(try engine.waitForOutcomes(1).first?.deliveries == 0)
    }

    @Test("After delete returns nothing starts; what waited is canceled, what is in flight ends as it ends")
    func delete() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine(#""maxInFlightPerWebhook":2"#)
        let id = try engine.addWebhook(server.url)
        for tag in 0..<5 { try engine.push(type: "call.placed", data: "{}", tag: UInt64(tag)) }
        while server.seen.count < 2 {}
        try engine.delete(id)
        let canceled = try engine.waitForOutcomes(6)
        #expect(canceled.allSatisfy { $0.state == .canceled })
        #expect(canceled.filter { $0.kind == .delivery }.allSatisfy { $0.webhookID == id })
        gate.open()
        let rest = try engine.waitForOutcomes(4)
        #expect(rest.allSatisfy { $0.state == .succeeded })
        #expect(server.seen.count == 2)
        #expect(failure { try engine.delete(id) }?.code == .notFound)
        #expect(failure { _ = try engine.json(engine.webhook, id) }?.code == .notFound)
        #expect(failure { _ = try engine.json(engine.webhook, "wh_") }?.code == .notFound)
        // Its place is dealt again.
        let next = try engine.addWebhook(server.url)
        try engine.push(type: "call.placed", data: "{}")
        #expect(try engine.waitForOutcomes(2).first?.webhookID == next)
    }

    @Test("A disabled webhook keeps what is pending, is passed by, and goes on when enabled")
    func disable() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine(#""maxInFlightPerWebhook":1"#)
        let id = try engine.addWebhook(server.url)
        for _ in 0..<3 { try engine.push(type: "call.placed", data: "{}") }
        while server.seen.isEmpty {}
        try engine.set(id, enabled: false)
        gate.open()
        #expect(try engine.waitForOutcomes(2).allSatisfy { $0.state == .succeeded })
        try engine.push(type: "call.placed", data: "{}")
        #expect(try engine.waitForOutcomes(1).first?.deliveries == 0)
        #expect(try engine.deliveries(#"{"state":"pending"}"#).count == 2)
        #expect(server.seen.count == 1)
        try engine.set(id, enabled: true)
        #expect(try engine.waitForOutcomes(4).allSatisfy { $0.state == .succeeded })
        #expect(server.seen.count == 3)
    }

    @Test("Production refuses http and loopback; the error names why")
    func production() throws {
        let engine = try Engine(configuration: "{}")
        #expect(failure { try engine.addWebhook("http://example.com/") }?.message.contains("https") == true)
        #expect(failure { try engine.addWebhook("https://127.0.0.1/") }?.code == .addressRefused)
        #expect(failure { try engine.addWebhook("https://169.254.169.254/") }?.code == .addressRefused)
        #expect(failure { try engine.addWebhook("not a url") }?.code == .invalidDocument)
        try engine.addWebhook("https://example.com/hook")
    }

    @Test("A name that leads to a refused address fails at connect with its own class")
    func connectGuard() throws {
        // `localhost` may be registered where loopback is allowed; the guard of the lane judges what it resolves to.
        let engine = try openEngine(#""allowedNetworks":["10.0.0.0/8"]"#, delays: "[]")
        try engine.addWebhook("http://10.255.255.1.:1/", #""timeoutMs":100"#)
        #expect(failure { try engine.addWebhook("http://192.168.0.1/") }?.code == .addressRefused)
    }

    @Test(
        "A bad document is refused, and nothing is registered",
        arguments: [
            (#"{"url":"http://127.0.0.1/"}"#, "events"),
            (#"{"events":["*"]}"#, "url"),
            (#"{"url":"http://127.0.0.1/","events":[]}"#, "events"),
            (#"{"url":"http://127.0.0.1/","events":["*"],"secret":"whsec_short"}"#, "secret"),
            (#"{"url":"http://127.0.0.1/","events":["*"],"header":{}}"#, "headers"),
            (#"{"url":"http://127.0.0.1/","events":["*"],"headers":{"webhook-id":"x"}}"#, "webhook-id"),
            (#"{"url":"http://127.0.0.1/","events":["*"],"headers":{"X":"a\r\nb"}}"#, "headers"),
        ]
    )
    func badDocuments(document: String, named: String) throws {
        let engine = try openEngine()
        let error = try #require(failure { try engine.createWebhook(document) })
        #expect(error.code == .invalidDocument)
        #expect(error.message.contains(named))
        #expect(try engine.json(engine.webhooks)["webhooks"] == .array([]))
    }
}
