import JSONText
import Model

@testable import Registry

/// What a scan over all webhooks answers, by the documented meaning of their keys.
enum NaiveMatch {
    static func wants(
        _ definition: WebhookDefinition,
        tenant: String,
        type: String,
        data: JSONValue,
        text: String
    ) -> Bool {
        guard definition.isEnabled, definition.tenant == tenant else { return false }
        guard definition.events.contains(where: { $0.matches(type) }) else { return false }
        if type.hasPrefix("call."), let agents = definition.agents {
            guard let agent = data["agentId"]?.stringValue, agents.contains(agent) else { return false }
        }
        if type.hasPrefix("workflow."), let workflows = definition.workflows {
            guard let workflow = data["workflowId"]?.stringValue, workflows.contains(workflow) else { return false }
        }
        return definition.filter.map { holds($0, text) } ?? true
    }

    /// The evaluator has an oracle of its own among the tests of the model.
    private static func holds(_ filter: ContentFilter, _ text: String) -> Bool {
        guard let set = try? JSONText.PathSet(filter.paths) else { return false }
        var extraction = JSONText.Extraction()
        return Array(text.utf8).withUnsafeBytes { bytes in
            _ = JSONText.validate(bytes, extracting: set, into: &extraction)
            return filter.matches(in: bytes) { extraction[$0] }
        }
    }
}

/// Webhooks, changes and events that meet often.
struct RegistryDice: RandomNumberGenerator {
    private var source: RandomSource

    init(seed: UInt64) {
        source = RandomSource(seed: seed)
    }

    mutating func next() -> UInt64 {
        source.next()
    }

    mutating func pick<Item>(_ items: [Item]) -> Item {
        items[Int.random(in: 0..<items.count, using: &self)]
    }

    mutating func some<Item>(_ items: [Item], upTo count: Int) -> [Item] {
        Array(items.shuffled(using: &self).prefix(Int.random(in: 1...count, using: &self)))
    }

    static let tenants = ["", "", "acme", "b.c"]
    static let types = [
        "call.placed", "call.completed", "workflow.failed", "call", "order.shipped", "order.item.added",
    ]
    private static let subscriptions = [
        "*", "call.*", "call.placed", "call.completed", "workflow.*", "workflow.failed", "order.*", "order.item.*",
        "order.item.added", "call", "later.*", "later.one",
    ]
    private static let ids = ["a", "b", "c", "ä", "a\"b", "d"]
    private static let filters = [
        #"{"status":"open"}"#, #"{"status":{"$in":["open","done"]}}"#, #"{"status":"open","n":{"$gt":2}}"#,
        #"{"n":{"$gte":3}}"#, #"{"agentId":"a"}"#, #"{"agentId":{"$neq":"a"}}"#, #"{"x.y":"a","status":"done"}"#,
        #"{"$or":[{"status":"open"},{"n":1}]}"#, #"{"x":{"$exist":false}}"#, #"{"x.y":{"$in":["a","b"]}}"#,
        #"{"k1":1,"k2":1}"#, #"{"workflowId":{"$startsWith":"a"}}"#,
    ]

    mutating func definition(tenant: String) throws -> WebhookDefinition {
        var definition = WebhookDefinition(
            url: "https://a.example",
            events: some(Self.subscriptions, upTo: 4).compactMap { EventSubscription($0) }
        )
        definition.tenant = tenant
        definition.isEnabled = Int.random(in: 0..<8, using: &self) > 0
        if Bool.random(using: &self) { definition.agents = some(Self.ids, upTo: 3) }
        if Bool.random(using: &self) { definition.workflows = some(Self.ids, upTo: 3) }
        if Bool.random(using: &self) { definition.filter = try ContentFilter(JSONValue.parse(pick(Self.filters))) }
        return definition
    }

    mutating func data() -> JSONValue {
        var object = JSONObject()
        for key in ["agentId", "workflowId"] where Int.random(in: 0..<4, using: &self) > 0 {
            object[key] = Int.random(in: 0..<6, using: &self) == 0 ? .integer(1) : .string(pick(Self.ids))
        }
        if Bool.random(using: &self) { object["status"] = .string(pick(["open", "done", "lost"])) }
        if Bool.random(using: &self) { object["n"] = .integer(Int64.random(in: 0...4, using: &self)) }
        if Bool.random(using: &self) {
            var inner = JSONObject()
            inner["y"] = .string(pick(["a", "b", "c"]))
            object["x"] = .object(inner)
        }
        return .object(object)
    }
}
