import JSONText
import Testing

@testable import Model

@Suite("Event catalog")
struct EventCatalogTests {
    private static let names = [
        "call.in_queue", "call.placed", "call.errored", "call.canceled", "call.expired", "call.completed",
        "workflow.in_queue", "workflow.started", "workflow.node_execution", "workflow.failed", "workflow.completed",
    ]

    @Test func theBuiltInTypes() throws {
        let catalog = EventCatalog.builtIn
        #expect(catalog.types.map(\.name) == Self.names)
        for (place, name) in Self.names.enumerated() {
            let index = try #require(catalog.index(of: name))
            #expect(Int(index.rawValue) == place)
            let type = try #require(catalog[index])
            #expect(type.name == name)
            #expect(!type.title.isEmpty && type.title != name)
            #expect(type.description.hasSuffix("."))
            #expect(type.category == (name.hasPrefix("call") ? "call" : "workflow"))
            let sample = try decoded(type.sample)
            #expect(sample[type.category + "Id"]?.stringValue != nil)
            #expect(Array(type.sample.utf8) == sample.bytes, "without blanks")
        }
    }

    @Test(arguments: [
        "", "call", "call.", "call.complete", "call.completed2", "Call.completed", "call.completed\u{0}", "*",
        String(repeating: "a", count: 129), "workflow.placed",
    ])
    func otherNamesAreNotFound(_ name: String) {
        #expect(EventCatalog.builtIn.index(of: name) == nil)
    }

    @Test func anEmptyBufferIsNotFound() {
        #expect(EventCatalog.builtIn.index(of: UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
    }

    @Test func tenThousandOwnTypesKeepTheirIndices() throws {
        // Names of every length up to the bound, many of them alike but for one byte.
        let own = (0..<10_000).map { number in
            let name = "own_\(number)." + String(repeating: "x", count: number % 110) + "_e"
            return EventType(name: name)
        }
        let half = try EventCatalog.builtIn.adding(Array(own.prefix(5000)))
        let all = try half.adding(own)
        #expect(all.types.count == 10_011)
        for type in half.types {
            let index = half.index(of: type.name)
            #expect(index != nil && index == all.index(of: type.name))
        }
        for (place, type) in all.types.enumerated() {
            #expect(all.index(of: type.name) == EventTypeIndex(rawValue: UInt16(place)))
            #expect(all.index(of: type.name + "x") == nil)
        }
        #expect(half.index(of: own[9999].name) == nil)
        #expect(half[EventTypeIndex(rawValue: 9999)] == nil)
    }

    /// Two names of one length and one hash are told apart by their bytes.
    @Test func namesWithTheSameHashAreTwoTypes() throws {
        var seen: [UInt32: String] = [:]
        var pair: (String, String)?
        // Half of 2³² pairs are tried after about 80,000 names: the first twins come early.
        for number in 100_000..<999_999 {
            let name = "type.number_\(number)"
            let hash = Array(name.utf8).withUnsafeBytes { EventCatalog.hash($0) }
            if let other = seen.updateValue(name, forKey: hash) {
                pair = (other, name)
                break
            }
        }
        let (first, second) = try #require(pair)
        let one = try EventCatalog.builtIn.adding([EventType(name: first)])
        #expect(one.index(of: first) != nil)
        #expect(one.index(of: second) == nil)
        let two = try one.adding([EventType(name: second)])
        #expect(two.index(of: first) == EventTypeIndex(rawValue: 11))
        #expect(two.index(of: second) == EventTypeIndex(rawValue: 12))
    }

    @Test func addingWhatIsThereChangesNothing() throws {
        let catalog = try EventCatalog.builtIn.adding([EventType(name: "call.placed")])
        #expect(catalog === EventCatalog.builtIn)
    }

    @Test(arguments: ["", ".", "a.", ".a", "a..b", "a b", "a-b", "é", "a*", String(repeating: "a", count: 129)])
    func namesThatCannotBeAdded(_ name: String) {
        let error = fault { () throws(DocumentError) in try EventCatalog.builtIn.adding([EventType(name: name)]) }
        #expect(error?.code == .outOfRange)
    }

    @Test func thereIsABound() throws {
        let own = (0..<EventCatalog.maximumCount - 11).map { EventType(name: "t\($0)") }
        let full = try EventCatalog.builtIn.adding(own)
        #expect(full.index(of: "t65523") == EventTypeIndex(rawValue: 65_534))
        let error = fault { () throws(DocumentError) in try full.adding([EventType(name: "one_more")]) }
        #expect(error?.message == "there can be at most 65535 event types, not 65536")
    }

    // MARK: Subscriptions

    @Test(arguments: [
        ("*", 0..<11), ("call.*", 0..<6), ("workflow.*", 6..<11), ("call.completed", 5..<6), ("order.*", 0..<0),
        ("call.completed.*", 0..<0), ("order", 0..<0),
    ])
    func whatASubscriptionCovers(_ text: String, _ expected: Range<Int>) throws {
        let subscription = try #require(EventSubscription(text))
        #expect(subscription.text == text)
        let indices = EventCatalog.builtIn.indices(matching: subscription)
        #expect(indices.map { Int($0.rawValue) } == Array(expected))
    }

    @Test func aWildcardCoversLaterTypesAndDeeperSegments() throws {
        let catalog = try EventCatalog.builtIn.adding([
            EventType(name: "call.leg.ended"), EventType(name: "callback.made"), EventType(name: "call"),
        ])
        let calls = catalog.indices(matching: .below("call."))
        #expect(calls.map { Int($0.rawValue) } == [0, 1, 2, 3, 4, 5, 11])
    }

    @Test(arguments: ["", "**", "*.call", "call*", "call.", ".*", "call..*", "ca ll", "call.*.x", "call.*.*", "é.*"])
    func notASubscription(_ text: String) {
        #expect(EventSubscription(text) == nil)
    }

    // MARK: Texts

    @Test(arguments: [
        ("call.complete", "call.completed"), ("call.cancelled", "call.canceled"), ("CALL.PLACED", "call.placed"),
        ("call-completed", "call.completed"), ("call.inqueue", "call.in_queue"),
        ("workflow.statred", "workflow.started"),
        ("placed", "call.placed"), ("node_execution", "workflow.node_execution"),
    ])
    func theNearestNameIsSuggested(_ wrong: String, _ right: String) {
        let error = EventCatalog.builtIn.unknownType(wrong, key: "eventType")
        #expect(error.message == "unknown event type \"\(wrong)\"; did you mean \"\(right)\"?")
        #expect(error.key == "eventType")
    }

    @Test(arguments: ["", "invoice.paid", "x", String(repeating: "y", count: 10_000)])
    func nothingFarFetchedIsSuggested(_ wrong: String) {
        let error = EventCatalog.builtIn.unknownType(wrong, key: "eventType")
        #expect(error.message.hasSuffix("it is neither built in nor added by the host"))
    }

    @Test func theListing() throws {
        var writer = JSONWriter()
        try EventCatalog.builtIn.adding([EventType(name: "order.shipped")]).write(to: &writer)
        let list = try #require(JSONValue.parse(writer.bytes).arrayValue)
        #expect(list.map { $0["eventType"]?.stringValue } == Self.names + ["order.shipped"])
        #expect(list[5]["sample"]?["callStatus"]?.stringValue == "completed")
        #expect(list[5]["category"]?.stringValue == "call")
        #expect(list[11]["title"]?.stringValue == "order.shipped")
        #expect(list[11]["sample"] == .object(JSONObject()))
    }
}
