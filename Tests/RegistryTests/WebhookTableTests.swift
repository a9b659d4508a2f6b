import Model
import Testing

@testable import Registry

@Suite("Many webhooks by id")
struct WebhookTableTests {
    /// All ids in pages of some size.
    private func ids(_ registry: Registry, tenant: String? = nil, pageSize: Int = 100) -> [UInt64] {
        var ids: [UInt64] = []
        var cursor = Identifier.zero
        var hasMore = true
        while hasMore {
            let (page, more) = registry.webhooks(after: cursor, limit: pageSize, tenant: tenant)
            ids += page.map(\.id.high)
            guard let last = page.last else { break }
            (cursor, hasMore) = (last.id, more)
        }
        return ids
    }

    @Test(
        "holds what was put in and not taken out, in order, whatever the order of the changes",
        arguments: 1...4 as ClosedRange<UInt64>
    )
    func changes(seed: UInt64) {
        var random = RandomSource(seed: seed)
        let registry = registry()
        var present = Set<UInt64>()
        // First it grows, mostly at the end and sometimes in between; then it shrinks to nothing.
        for step in 0..<6000 as Range<UInt64> {
            let isGrowing = step < 2500
            let number = random.next() % 4 == 0 || !isGrowing ? random.next() % 3000 + 1 : step + 1
            if isGrowing || random.next() % 8 == 0 {
                if present.insert(number).inserted { registry.add(number, "*") }
            } else {
                let isThere = present.remove(number) != nil
                #expect((registry.remove(identifier(number)) != nil) == isThere)
            }
            if step % 500 == 0 { #expect(ids(registry) == present.sorted()) }
        }
        #expect(ids(registry) == present.sorted())
        #expect(registry.count == present.count)
        for number in 0...3001 as ClosedRange<UInt64> {
            #expect(registry.webhook(identifier(number))?.id.high == (present.contains(number) ? number : nil))
        }
        for number in present { #expect(registry.remove(identifier(number)) != nil) }
        #expect(registry.count == 0)
        #expect(registry.webhooks(after: .zero, limit: 1).page.isEmpty)
        registry.add(7, "*")
        #expect(ids(registry) == [7])
    }

    @Test("lists each tenant's own, those of the default tenant too, before and after there is another")
    func tenants() {
        let registry = registry()
        for number in 1...600 as ClosedRange<UInt64> { registry.add(number, "*") }
        #expect(ids(registry, tenant: "") == Array(1...600))
        #expect(ids(registry, tenant: "acme").isEmpty)
        for number in 601...700 as ClosedRange<UInt64> {
            var definition = WebhookDefinition(url: "https://a.example/", events: [.all])
            definition.tenant = number % 2 == 0 ? "acme" : ""
            let id = identifier(number)
            registry.insert(
                StoredWebhook(
                    id: id,
                    definition: definition,
                    createdAt: wall,
                    secrets: [],
                    target: registry.reserve(id: id)
                )
            )
        }
        let even = (601...700).filter { $0 % 2 == 0 }.map { UInt64($0) }
        let others = (1...700 as ClosedRange<UInt64>).filter { !even.contains($0) }
        #expect(ids(registry, tenant: "acme", pageSize: 7) == even)
        #expect(ids(registry, tenant: "") == others)
        #expect(ids(registry) == Array(1...700))
        for number in even { #expect(registry.remove(identifier(number)) != nil) }
        #expect(registry.remove(identifier(1)) != nil)
        #expect(ids(registry, tenant: "acme").isEmpty)
        #expect(ids(registry, tenant: "") == Array(others.dropFirst()))
    }

    @Test("equal parts of webhooks that follow each other are kept once")
    func sharing() {
        let registry = registry()
        func definition(_ name: String) -> WebhookDefinition {
            var definition = WebhookDefinition(url: "https://a.example/\(name)", events: [.type("call.completed")])
            definition.headers = [HeaderField(name: "X-Team", value: "seven")]
            return definition
        }
        for number in 1...2 as ClosedRange<UInt64> {
            let id = identifier(number)
            registry.insert(
                StoredWebhook(
                    id: id,
                    definition: definition("\(number)"),
                    createdAt: wall,
                    secrets: [],
                    target: registry.reserve(id: id)
                )
            )
        }
        let stored = [identifier(1), identifier(2)].compactMap { registry.webhook($0)?.definition }
        #expect(stored == [definition("1"), definition("2")])
        let places = stored.map { $0.events.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
        #expect(Set(places).count == 1)
        let headers = stored.map { $0.headers.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
        #expect(Set(headers).count == 1)
    }
}
