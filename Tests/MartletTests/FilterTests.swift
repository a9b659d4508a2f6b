import Foundation
import JSONText
import TestSupport
import Testing

@testable import Martlet

@Suite("Tenants, filters and event types")
struct FilterTests {
    /// Pushes and answers which webhooks got a delivery, by their names in `webhooks`.
    private func receivers(
        _ engine: Engine,
        _ webhooks: [String: String],
        _ events: String...
    ) throws -> [[String]] {
        var result: [[String]] = []
        for event in events {
            #expect(try engine.pushLines(event) == 1)
            let outcomes = try engine.waitForEvent()
            let ids = outcomes.filter { $0.kind == .delivery }.map { $0.webhook.text(.webhook) }
            result.append(webhooks.filter { ids.contains($0.value) }.keys.sorted())
        }
        return result
    }

    private func event(_ type: String, _ data: String, _ more: String = "") -> String {
        #"{"eventType":"\#(type)","data":\#(data)\#(more.isEmpty ? "" : ",")\#(more)}"#
    }

    // MARK: Tenants

    @Test func anEventReachesItsTenantAlone() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        let webhooks = [
            "own": try engine.addWebhook(server.url), "a": try engine.addWebhook(server.url, #""tenant":"a""#),
            "b": try engine.addWebhook(server.url, #""tenant":"b.c""#),
        ]
        let got = try receivers(
            engine,
            webhooks,
            event("call.placed", "1"),
            event("call.placed", "1", #""tenant":"a""#),
            event("call.placed", "1", #""tenant":"b.c""#),
            event("call.placed", "1", #""tenant":"nobody""#)
        )
        #expect(got == [["own"], ["a"], ["b"], []])
        try engine.push(type: "call.placed", data: "2")
        let outcomes = try engine.waitForEvent()
        #expect(outcomes.filter { $0.kind == .delivery }.map { $0.webhook.text(.webhook) } == [webhooks["own"]])

        #expect(try engine.deliveries(#"{"tenant":"a"}"#).map { $0["tenant"] } == [.string("a")])
        #expect(try engine.deliveries(#"{"tenant":""}"#).map { $0["tenant"] } == [.string(""), .string("")])
        #expect(try engine.deliveries(#"{"tenant":"nobody"}"#).isEmpty)
        #expect(try engine.deliveries().count == 4)
        let page = try engine.json(engine.webhooks, #"{"tenant":"b.c"}"#)
        #expect(page["webhooks"]?.arrayValue?.map { $0["id"]?.stringValue } == [webhooks["b"]])
        #expect(page["webhooks"]?.arrayValue?.first?["tenant"] == .string("b.c"))
        #expect(try engine.json(engine.webhooks)["webhooks"]?.arrayValue?.count == 3)
        let error = failure { try engine.update(webhooks["a"] ?? "", #"{"tenant":"b.c"}"#) }
        #expect(error?.code == .invalidDocument)
        #expect(error?.message.hasPrefix("tenant cannot be changed by an update") == true)
        try engine.close(timeoutMilliseconds: patience)
    }

    @Test func aPendingDeliveryIsFoundByItsTenant() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url, #""tenant":"a""#)
        #expect(try engine.pushLines(event("call.placed", "1", #""tenant":"a""#)) == 1)
        #expect(try engine.deliveries(#"{"tenant":"a","state":"undelivered"}"#).count == 1)
        #expect(try engine.deliveries(#"{"tenant":"","state":"undelivered"}"#).isEmpty)
        gate.open()
        try engine.close(timeoutMilliseconds: patience)
    }

    // MARK: Agents and workflows

    @Test func agentsAndWorkflowsGovernTheirOwnEvents() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine(#""eventTypes":["order.shipped"]"#)
        let all = #""events":["*"]"#
        func add(_ more: String) throws -> String {
            let created = try engine.createWebhook(#"{"url":"\#(server.url)",\#(all),\#(more)}"#)
            return try #require(JSONValue.parse(created)["id"]?.stringValue)
        }
        let webhooks = [
            "agents": try add(#""agents":["x","y"]"#), "workflows": try add(#""workflows":["w"]"#),
            "both": try add(#""agents":["y"],"workflows":["w","v"]"#),
        ]
        let got = try receivers(
            engine,
            webhooks,
            event("call.placed", #"{"agentId":"x"}"#),
            event("call.placed", #"{"agentId":"y","workflowId":"q"}"#),
            event("call.placed", #"{"agentId":7}"#),
            event("call.placed", "{}"),
            event("workflow.failed", #"{"workflowId":"v"}"#),
            event("workflow.failed", #"{"agentId":"x"}"#),
            event("order.shipped", "{}")
        )
        #expect(
            got == [
                ["agents", "workflows"], ["agents", "both", "workflows"], ["workflows"], ["workflows"],
                ["agents", "both"], ["agents"], ["agents", "both", "workflows"],
            ]
        )
        try engine.close(timeoutMilliseconds: patience)
    }

    // MARK: Content

    @Test func aFilterIsJudgedOnTheDataAndCanBeChanged() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        let filter = #"{"analysis.sentiment":"negative","callDuration":{"$gte":60}}"#
        let id = try engine.addWebhook(server.url, #""filter":\#(filter),"agents":["a"]"#)
        let webhooks = ["it": id]
        let long = event("call.completed", #"{"agentId":"a","callDuration":60,"analysis":{"sentiment":"negative"}}"#)
        let short = event("call.completed", #"{"agentId":"a","callDuration":59,"analysis":{"sentiment":"negative"}}"#)
        #expect(try receivers(engine, webhooks, long, short) == [["it"], []])
        let shown = try engine.json(engine.webhook, id)
        #expect(try shown["filter"] == JSONValue.parse(filter))
        #expect(shown["agents"] == .array([.string("a")]))
        #expect(shown["workflows"] == .null)

        try engine.update(id, #"{"filter":{"callDuration":{"$lt":60}}}"#)
        #expect(try receivers(engine, webhooks, long, short) == [[], ["it"]])
        try engine.update(id, #"{"filter":null}"#)
        let other = event("call.completed", #"{"agentId":"b"}"#)
        #expect(try receivers(engine, webhooks, long, short, other) == [["it"], ["it"], []])
        try engine.update(id, #"{"agents":null}"#)
        #expect(try receivers(engine, webhooks, other) == [["it"]])
        try engine.set(id, enabled: false)
        #expect(try receivers(engine, webhooks, other) == [[]])
        try engine.close(timeoutMilliseconds: patience)
    }

    @Test func aPlainPushIsFilteredToo() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url, #""filter":{"n":{"$gt":9007199254740992}}"#)
        try engine.push(type: "call.placed", data: #"{"n":9007199254740992}"#, tag: 1)
        try engine.push(type: "call.placed", data: #"{"n":9007199254740993}"#, tag: 2)
        try engine.flush(timeoutMilliseconds: patience)
        let outcomes = try engine.waitForOutcomes(3)
        #expect(outcomes.filter { $0.kind == .delivery }.map(\.tag) == [2])
        let error = failure { try engine.push(type: "call.placed", data: #"{"n":}"#) }
        #expect(error?.code == .invalidJSON)
        #expect(error?.message.hasPrefix("data is not valid JSON: line 1, column 6") == true)
        try engine.close(timeoutMilliseconds: patience)
    }

    @Test(arguments: [
        (#""filter":{"a":{"$gte":null}}"#, "filter.a.$gte must be a number or a string, not null"),
        (#""filter":{"a":{"$exists":true}}"#, #"filter.a.$exists: unknown operator "$exists"; did you mean "$exist"?"#),
    ])
    func aFilterThatIsRefusedNamesThePlace(_ member: String, _ message: String) throws {
        let engine = try openEngine()
        let error = failure { try engine.addWebhook("http://127.0.0.1:9", member) }
        #expect(error?.code == .invalidDocument)
        #expect(error?.message == message)
        try engine.close(timeoutMilliseconds: patience)
    }

    // MARK: Event types

    @Test func aTypeIsAddedWhileTheEngineRuns() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine(#""eventTypes":[{"name":"order.paid","sample":{"n":1}}]"#)
        let webhooks = [
            "wildcard": try engine.addWebhook(server.url),
            "agent": try engine.addWebhook(server.url, #""agents":["a"]"#),
        ]
        let unknown = failure { try engine.push(type: "call.move", data: "{}") }
        #expect(unknown?.code == .unknownEventType)
        try engine.add(type: #"{"name":"call.moved","title":"Call moved","description":"d","sample":{"to":"desk"}}"#)
        #expect(
            failure { try engine.push(type: "call.move", data: "{}") }?.message
                == #"unknown event type "call.move"; did you mean "call.moved"?"#
        )
        #expect(
            failure { _ = try engine.pushLines(event("order.pai", "1")) }?.message
                == #"line 1: unknown event type "order.pai"; did you mean "order.paid"?"#
        )
        #expect(try receivers(engine, webhooks, event("call.moved", "{}")) == [["wildcard"]])
        let delivery = try #require(engine.deliveries().first)
        #expect(delivery["eventType"] == .string("call.moved"))
        #expect(try engine.deliveries(#"{"eventType":"call.moved"}"#).count == 1)

        let types = try #require(JSONValue.parse(engine.eventTypesJSON())["eventTypes"]?.arrayValue)
        #expect(types.suffix(2).map { $0["eventType"] } == [.string("order.paid"), .string("call.moved")])
        #expect(types.suffix(2).map { $0["sample"]?.description } == [#"{"n":1}"#, #"{"to":"desk"}"#])
        #expect(types.last?["title"] == .string("Call moved"))
        try engine.close(timeoutMilliseconds: patience)
        #expect(failure { try engine.add(type: #"{"name":"late"}"#) }?.code == .closed)
    }

    @Test(arguments: [
        (#"{"nam":"a"}"#, #"unknown key "nam"; did you mean "name"?"#),
        ("{}", "name is required: "),
        (#"{"name":"a b"}"#, "name must be an event type of 1 to 128 bytes"),
        (#""a""#, "the document must be an object, not a string"),
    ])
    func aTypeThatIsRefused(_ document: String, _ message: String) throws {
        let engine = try openEngine()
        let error = failure { try engine.add(type: document) }
        #expect(error?.code == .invalidDocument)
        #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
        try engine.close(timeoutMilliseconds: patience)
    }
}

extension Engine {
    fileprivate func add(type document: String) throws {
        try document.withUTF8Bytes { bytes throws(MartletError) in try addEventType(bytes) }
    }

    /// The outcomes up to that of the next event.
    fileprivate func waitForEvent() throws -> [Outcome] {
        var outcomes: [Outcome] = []
        while !outcomes.contains(where: { $0.kind == .event }) {
            let next = try waitForOutcomes(1)
            try #require(!next.isEmpty, "no outcome came")
            outcomes += next
        }
        return outcomes
    }
}
