import JSONText
import Model
import TestInputs
import Testing

@testable import Registry

extension Registry {
    @discardableResult
    func add(_ number: UInt64, _ definition: WebhookDefinition) -> StoredWebhook {
        let id = identifier(number)
        let webhook = StoredWebhook(
            id: id,
            definition: definition,
            createdAt: wall,
            secrets: [],
            target: reserve(id: id)
        )
        insert(webhook)
        return webhook
    }

    func numbers(_ type: String, tenant: String = "", data: String = "{}") throws -> [UInt64] {
        let index = try #require(catalog.index(of: type))
        return match(index, tenant: tenant, data: data).map(\.id.high).sorted()
    }
}

@Suite("Index")
struct IndexTests {
    private func definition(_ events: String..., filter: String? = nil) throws -> WebhookDefinition {
        let subscriptions = events.compactMap { EventSubscription($0) }
        var definition = WebhookDefinition(url: "https://a.example", events: subscriptions)
        definition.filter = try filter.map { try ContentFilter(JSONValue.parse($0)) }
        return definition
    }

    // MARK: Against a scan

    @Test(arguments: Inputs.each(1...6 as ClosedRange<UInt64>, orEvery: 3))
    func answersWhatAScanAnswers(_ seed: UInt64) throws {
        var dice = RegistryDice(seed: seed)
        let own = ["order.shipped", "order.item.added", "call"].map { EventType(name: $0) }
        let registry = Registry(laneCount: 2, catalog: try EventCatalog.builtIn.adding(own))
        var types = RegistryDice.types
        var webhooks: [UInt64: WebhookDefinition] = [:]
        var next: UInt64 = 1
        var matches = 0
        for step in 0..<1500 {
            switch Int.random(in: 0..<10, using: &dice) {
            case 0..<3:
                let definition = try dice.definition(tenant: dice.pick(RegistryDice.tenants))
                registry.add(next, definition)
                webhooks[next] = definition
                next += 1
            case 3:
                guard let number = webhooks.keys.sorted().randomElement(using: &dice) else { continue }
                let webhook = try #require(registry.remove(identifier(number)))
                registry.released(webhook.target.slot, lane: Int(webhook.target.lane))
                webhooks[number] = nil
            case 4:
                guard let number = webhooks.keys.sorted().randomElement(using: &dice) else { continue }
                let definition = try dice.definition(tenant: webhooks[number]?.tenant ?? "")
                #expect(registry.update(identifier(number), at: wall, to: definition) != nil)
                webhooks[number] = definition
            default:
                let (type, tenant, data) = (dice.pick(types), dice.pick(RegistryDice.tenants), dice.data())
                let text = data.description
                let expected = webhooks.filter {
                    NaiveMatch.wants($0.value, tenant: tenant, type: type, data: data, text: text)
                }
                matches += expected.count
                try #require(
                    registry.numbers(type, tenant: tenant, data: text) == expected.keys.sorted(),
                    "seed \(seed), step \(step): \(type) of \"\(tenant)\" with \(text)"
                )
            }
            if step == 700 {
                for name in ["later.one", "later.two"] { try registry.addEventType(EventType(name: name)) }
                types += ["later.one", "later.two"]
            }
        }
        #expect(matches > 1000, "too few matches to tell anything")
        // What is gone leaves nothing behind.
        for number in webhooks.keys { #expect(registry.remove(identifier(number)) != nil) }
        #expect(try registry.numbers("call.placed") == [])
        #expect(registry.webhooks(after: .zero, limit: 10).page.isEmpty)
    }

    // MARK: Many

    @Test func aListSurvivesManyComingAndGoing() throws {
        let registry = registry()
        for number in 1...200 as ClosedRange<UInt64> { registry.add(number, try definition("call.*")) }
        for number in stride(from: 1, through: 200, by: 3) {
            #expect(registry.remove(identifier(UInt64(number))) != nil)
        }
        let expected = (1...200 as ClosedRange<UInt64>).filter { $0 % 3 != 1 }
        #expect(try registry.numbers("call.placed") == expected)
        #expect(registry.webhooks(after: .zero, limit: 1000).page.map(\.id.high) == expected)
    }

    @Test func eachAgentFindsItsOwnAmongMany() throws {
        let registry = registry()
        for number in 1...3000 as ClosedRange<UInt64> {
            var definition = try definition("*")
            definition.agents = ["agent_\(number)", "agent_\(number + 3000)"]
            registry.add(number, definition)
        }
        for number in [1, 1500, 3000] as [UInt64] {
            #expect(try registry.numbers("call.placed", data: #"{"agentId":"agent_\#(number)"}"#) == [number])
            #expect(try registry.numbers("call.placed", data: #"{"agentId":"agent_\#(number + 3000)"}"#) == [number])
        }
        #expect(try registry.numbers("call.placed", data: #"{"agentId":"agent_0"}"#) == [])
        #expect(try registry.numbers("call.placed", data: #"{"agentId":"\u0061gent_7"}"#) == [7])
        #expect(try registry.numbers("workflow.failed").count == 3000)
        for number in 1...2999 as ClosedRange<UInt64> { #expect(registry.remove(identifier(number)) != nil) }
        #expect(try registry.numbers("call.placed", data: #"{"agentId":"agent_2999"}"#) == [])
        #expect(try registry.numbers("call.placed", data: #"{"agentId":"agent_3000"}"#) == [3000])
    }

    /// Sizes on both sides of where the table of agents grows; each removal moves agents behind it.
    @Test(arguments: [7, 8, 56, 57, 112, 113, 900])
    func agentsThatGoLeaveTheOthers(count: UInt64) throws {
        let registry = registry()
        for number in 1...count {
            var definition = try definition("*")
            definition.agents = ["agent_\(number)"]
            registry.add(number, definition)
        }
        for number in 1...count where number % 3 == 1 { #expect(registry.remove(identifier(number)) != nil) }
        for number in 1...count {
            let found = try registry.numbers("call.placed", data: #"{"agentId":"agent_\#(number)"}"#)
            #expect(found == (number % 3 == 1 ? [] : [number]))
        }
    }

    @Test func moreFieldsThanOnePassReads() throws {
        let registry = registry()
        for number in 0..<200 {
            registry.add(UInt64(number + 1), try definition("call.placed", filter: "{\"f\(number)\":{\"$gt\":0}}"))
        }
        for number in [0, 63, 64, 130, 199] {
            #expect(try registry.numbers("call.placed", data: "{\"f\(number)\":1}") == [UInt64(number + 1)])
        }
        for number in 0..<200 where number != 150 { #expect(registry.remove(identifier(UInt64(number + 1))) != nil) }
        #expect(try registry.numbers("call.placed", data: #"{"f150":1,"f3":1}"#) == [151])
    }

    // MARK: Types and tenants

    @Test func aWildcardCoversTypesThatComeLater() throws {
        let registry = registry()
        registry.add(1, try definition("*"))
        registry.add(2, try definition("call.*"))
        registry.add(3, try definition("order.*"))
        var agents = try definition("*")
        agents.agents = ["a"]
        registry.add(4, agents)
        #expect(registry.catalog.index(of: "call.moved") == nil)
        try registry.addEventType(EventType(name: "call.moved"))
        try registry.addEventType(EventType(name: "order.shipped"))
        #expect(try registry.numbers("call.moved") == [1, 2])
        #expect(try registry.numbers("call.moved", data: #"{"agentId":"a"}"#) == [1, 2, 4])
        #expect(try registry.numbers("order.shipped") == [1, 3, 4])
    }

    @Test func aTenantsWebhooksAreItsOwn() throws {
        let registry = registry()
        for (number, tenant) in ["", "a", "b", "a"].enumerated() {
            var definition = try definition("*")
            definition.tenant = tenant
            registry.add(UInt64(number + 1), definition)
        }
        #expect(try registry.numbers("call.placed") == [1])
        #expect(try registry.numbers("call.placed", tenant: "a") == [2, 4])
        #expect(try registry.numbers("call.placed", tenant: "c") == [])
        #expect(registry.webhooks(after: .zero, limit: 9, tenant: "a").page.map(\.id.high) == [2, 4])
        #expect(registry.webhooks(after: .zero, limit: 1, tenant: "a").hasMore)
        #expect(registry.webhooks(after: identifier(1), limit: 9).page.map(\.id.high) == [2, 3, 4])
        #expect(registry.webhooks(after: .zero, limit: 9, tenant: "c").page.isEmpty)
        // The last one takes its tenant along, and it can come back.
        #expect(registry.remove(identifier(3)) != nil)
        #expect(try registry.numbers("call.placed", tenant: "b") == [])
        var definition = try definition("*")
        definition.tenant = "b"
        registry.add(9, definition)
        #expect(try registry.numbers("call.placed", tenant: "b") == [9])
    }

    @Test func badDataIsReportedWhetherAFilterReadsItOrNot() throws {
        let registry = registry()
        let type = try #require(EventCatalog.builtIn.index(of: "call.placed"))
        for round in 1...2 as ClosedRange<UInt64> {
            var admission = registry.admit(type: type)
            let offset = Array(#"{"a":}"#.utf8).withUnsafeBytes {
                registry.match($0, maximumDepth: 64, &admission)?.offset
            }
            #expect(offset == 5)
            registry.add(round, try definition("*", filter: #"{"a":1}"#))
        }
    }
}
