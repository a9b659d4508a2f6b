import Model
import Testing

@testable import Registry

@Suite("Match")
struct MatchTests {
    @Test func everyWebhookGetsWhatItSubscribedTo() {
        let registry = registry()
        registry.add(1, "call.completed")
        registry.add(2, "call.*")
        registry.add(3, "*")
        registry.add(4, "workflow.failed", "call.errored")
        #expect(registry.matches("call.completed") == [1, 2, 3])
        #expect(registry.matches("call.placed") == [2, 3])
        #expect(registry.matches("call.errored") == [2, 3, 4])
        #expect(registry.matches("workflow.failed") == [3, 4])
        #expect(registry.matches("workflow.started") == [3])
    }

    @Test func overlappingSubscriptionsMatchOnce() throws {
        let registry = registry()
        registry.add(1, "call.completed", "call.*", "*")
        let index = try #require(EventCatalog.builtIn.index(of: "call.completed"))
        #expect(registry.match(index).count == 1)
        #expect(registry.remove(identifier(1)) != nil)
        #expect(registry.match(index).isEmpty)
    }

    @Test func disabledAndRemovedWebhooksDoNotMatch() {
        let registry = registry()
        registry.add(1, "*", isEnabled: false)
        let second = registry.add(2, "*")
        #expect(registry.matches("call.placed") == [2])
        #expect(registry.webhook(identifier(1)) != nil, "it is still there")
        var definition = second.definition
        definition.isEnabled = false
        #expect(registry.update(second.id, at: wall, to: definition) != nil)
        #expect(registry.matches("call.placed").isEmpty)
        definition.isEnabled = true
        #expect(registry.update(second.id, at: wall, to: definition) != nil)
        #expect(registry.matches("call.placed") == [2])
        #expect(registry.remove(second.id)?.id == second.id)
        #expect(registry.matches("call.placed").isEmpty)
        #expect(registry.remove(second.id) == nil)
        #expect(registry.update(second.id, at: wall, to: definition) == nil)
    }

    @Test func anUpdateMovesTheWebhookToItsNewTypes() throws {
        let registry = registry()
        let webhook = registry.add(1, "call.*")
        var definition = webhook.definition
        definition.events = [.type("workflow.failed")]
        let later = WallTime(milliseconds: wall.milliseconds + 5)
        let updated = try #require(registry.update(webhook.id, at: later, to: definition))
        #expect(updated.updatedAt == later)
        #expect(updated.createdAt == wall)
        #expect(updated.target == webhook.target)
        #expect(registry.matches("call.placed").isEmpty)
        #expect(registry.matches("workflow.failed") == [1])
    }

    @Test func aTypeOfAnotherCatalogMatchesNothing() {
        let registry = registry()
        registry.add(1, "*")
        #expect(registry.match(EventTypeIndex(rawValue: 60_000)).isEmpty)
    }

    @Test func theTargetSaysWhereTheWebhookLives() throws {
        let registry = registry(lanes: 3)
        let webhooks = (1...9).map { registry.add(UInt64($0), "call.placed") }
        let index = try #require(EventCatalog.builtIn.index(of: "call.placed"))
        #expect(Set(registry.match(index)) == Set(webhooks.map(\.target)))
    }
}
