import Model
import Testing

@testable import Registry

@Suite("Pages and places")
struct PlacesTests {
    // MARK: Pages

    @Test func pagesFollowTheOrderOfCreation() {
        let registry = registry()
        for number in [5, 1, 9, 3, 7] as [UInt64] { registry.add(number, "*") }
        var cursor = Identifier.zero
        var pages: [[UInt64]] = []
        var hasMore = true
        while hasMore, pages.count < 10 {
            let (page, more) = registry.webhooks(after: cursor, limit: 2)
            pages.append(page.map(\.id.high))
            cursor = page.last?.id ?? cursor
            hasMore = more
        }
        #expect(pages == [[1, 3], [5, 7], [9]])
    }

    @Test func aPageGoesOnWhereAWebhookWasRemoved() {
        let registry = registry()
        for number in 1...6 as ClosedRange<UInt64> { registry.add(number, "*") }
        #expect(registry.remove(identifier(3)) != nil)
        let (page, hasMore) = registry.webhooks(after: identifier(3), limit: 2)
        #expect(page.map(\.id.high) == [4, 5])
        #expect(hasMore)
        #expect(registry.count == 5)
    }

    @Test func emptyPages() {
        let registry = registry()
        #expect(registry.webhooks(after: .zero, limit: 10).page.isEmpty)
        #expect(!registry.webhooks(after: .zero, limit: 10).hasMore)
        registry.add(1, "*")
        #expect(registry.webhooks(after: .zero, limit: 0).hasMore)
        #expect(registry.webhooks(after: .zero, limit: -1).page.isEmpty)
        #expect(registry.webhooks(after: identifier(1), limit: 10).page.isEmpty)
        #expect(!registry.webhooks(after: .zero, limit: 1).hasMore)
    }

    // MARK: Places

    @Test func lanesGetTheSameNumberOfWebhooks() {
        let registry = registry(lanes: 4)
        var perLane: [UInt32: Int] = [:]
        for number in 0..<40 { perLane[registry.add(UInt64(number), "*").target.lane, default: 0] += 1 }
        #expect(perLane == [0: 10, 1: 10, 2: 10, 3: 10])
    }

    @Test func aLaneThatLostWebhooksGetsTheNextOnes() {
        let registry = registry(lanes: 2)
        let webhooks = (0..<10).map { registry.add(UInt64($0), "*") }
        for webhook in webhooks where webhook.target.lane == 1 { #expect(registry.remove(webhook.id) != nil) }
        let next = (10..<15).map { registry.add(UInt64($0), "*").target.lane }
        #expect(next == [1, 1, 1, 1, 1])
    }

    @Test func noTwoWebhooksShareAPlace() {
        let registry = registry(lanes: 3)
        let targets = (0..<100).map { registry.add(UInt64($0), "*").target }
        #expect(Set(targets.map { [$0.lane, $0.slot.index] }).count == 100)
        // Dense: a lane keeps its webhooks in an array.
        #expect(targets.allSatisfy { $0.slot.index < 34 })
    }

    @Test func anIndexIsDealtAgainOnlyAfterItsReleaseAndWithAnotherGeneration() {
        let registry = registry()
        let first = registry.add(1, "*").target
        #expect(registry.remove(identifier(1)) != nil)
        let second = registry.add(2, "*").target
        #expect(second.slot.index != first.slot.index, "its lane may still have attempts of it")
        registry.released(first.slot, lane: Int(first.lane))
        let third = registry.add(3, "*").target
        #expect(third.slot.index == first.slot.index)
        #expect(third.slot.generation != first.slot.generation)
        registry.released(first.slot, lane: 99)
        #expect(registry.add(4, "*").target.slot.index == 2)
    }

    @Test func noLanesAreOne() {
        #expect(registry(lanes: 0).add(1, "*").target.lane == 0)
    }
}
