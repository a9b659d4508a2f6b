import Testing

@testable import Model

@Suite("Spelling")
struct SpellingTests {
    private static let names = ["timeoutMs", "queue.maxEvents", "queue.maxBytes", "queue", "retry", "lanes"]

    @Test(arguments: [
        ("timeoutMS", "timeoutMs"), ("timeout_ms", "timeoutMs"), ("timeout-ms", "timeoutMs"),
        ("timeuotMs", "timeoutMs"),
        ("timeout", "timeoutMs"), ("maxBytes", "queue.maxBytes"), ("lane", "lanes"), ("qeue", "queue"),
        ("retyr", "retry"),
        ("queue.maxEvent", "queue.maxEvents"), ("webhooks.lanes", "lanes"),
    ])
    func near(_ wrong: String, _ right: String) {
        #expect(Spelling.nearest(to: wrong, in: Self.names) == right)
    }

    @Test(arguments: ["", "_", "x", "colour", "laser", "completely.different", "."])
    func far(_ wrong: String) {
        #expect(Spelling.nearest(to: wrong, in: Self.names) == nil)
    }

    @Test func theNearestOfSeveralWins() {
        #expect(
            Spelling.nearest(to: "maxEventBytes", in: ["maxEvents", "maxEventsBytes", "maxEventBytes2"]) != "maxEvents"
        )
        #expect(Spelling.nearest(to: "abcdef", in: ["abcdxy", "abcdex", "abcdeg"]) == "abcdex")
    }
}
