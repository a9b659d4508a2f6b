import JSONText
import Model
import Testing

@testable import Registry

@Suite("Filters while the registry changes")
struct FilterConcurrencyTests {
    /// Fields come and go with the webhooks that ask for them: a match must never judge one that it did not read.
    @Test func aMatchReadsEveryFieldItJudges() async throws {
        let registry = registry(lanes: 2)
        let index = try #require(EventCatalog.builtIn.index(of: "call.placed"))
        let stays = try ContentFilter(JSONValue.parse(#"{"n":{"$gte":1}}"#))
        var definition = WebhookDefinition(url: "https://a.example", events: [.below("call.")])
        definition.filter = stays
        registry.add(1, definition)
        let members = (1...2).flatMap { writer in (0..<7).map { "\"f\(writer)_\($0)\":1" } }
        let data = "{\"n\":2,\(members.joined(separator: ","))}"
        await withTaskGroup(of: Void.self) { group in
            for writer in 1...2 as ClosedRange<UInt64> {
                group.addTask {
                    for step in 0..<400 as Range<UInt64> {
                        var definition = WebhookDefinition(url: "https://a.example", events: [.all])
                        // True where the field was not read, false where it was.
                        let text = "{\"f\(writer)_\(step % 7)\":{\"$neq\":1}}"
                        definition.filter = try? ContentFilter(JSONValue.parse(text))
                        let id = writer * 1000 + step
                        registry.add(id, definition)
                        await Task.yield()
                        _ = registry.remove(identifier(id))
                    }
                }
            }
            group.addTask {
                for _ in 0..<1500 {
                    #expect(registry.match(index, data: data).map(\.id.high) == [1])
                    await Task.yield()
                }
            }
        }
        #expect(registry.count == 1)
    }
}
