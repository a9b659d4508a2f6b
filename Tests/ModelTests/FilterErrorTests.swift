import JSONText
import Testing

@testable import Model

@Suite("Filters that are refused")
struct FilterErrorTests {
    @Test(arguments: [
        ("7", "filter must be an object of conditions, not 7"),
        ("{}", "filter must hold at least one condition; leave the filter out to get every event"),
        (#"{"a":{}}"#, "filter.a must hold at least one condition; leave the filter out to get every event"),
        (#"{"a":{"$eg":1}}"#, #"filter.a.$eg: unknown operator "$eg"; did you mean "$eq"?"#),
        (
            #"{"a":{"$regularExpression":1}}"#,
            "filter.a.$regularExpression: unknown operator \"$regularExpression\"; the operators are $eq, $neq, $in, $nin, "
                + "$gt, $gte, $lt, $lte, $exist, $startsWith, $endsWith, $and, $or, $not"
        ),
        (
            #"{"a":["x"]}"#,
            #"filter.a must be a value to equal, or an object of conditions such as {"$in":[…]}, not an array"#
        ),
        (#"{"$eq":1}"#, #"filter.$eq must stand inside of a field, as in {"status":{"$eq":…}}"#),
        (#"{"a":{"$eq":[1]}}"#, "filter.a.$eq must be a string, a number, true, false or null, not an array"),
        (#"{"a":{"$gt":true}}"#, "filter.a.$gt must be a number or a string, not true"),
        (#"{"a":{"$lte":null}}"#, "filter.a.$lte must be a number or a string, not null"),
        (#"{"a":{"$exist":1}}"#, "filter.a.$exist must be true or false, not 1"),
        (#"{"a":{"$startsWith":1}}"#, "filter.a.$startsWith must be a string, not 1"),
        (
            #"{"a":{"$in":"x"}}"#,
            #"filter.a.$in must be an array of 1 to 1000 strings, numbers, booleans or nulls, not "x""#
        ),
        (
            #"{"a":{"$in":[]}}"#,
            "filter.a.$in must be an array of 1 to 1000 strings, numbers, booleans or nulls, not one of 0 items"
        ),
        (
            #"{"a":{"$nin":["x",{}]}}"#,
            "filter.a.$nin[1] must be a string, a number, true, false or null, not an object"
        ),
        (#"{"$or":{"a":1}}"#, "filter.$or must be an array of at least one object of conditions, not an object"),
        (#"{"$or":[]}"#, "filter.$or must be an array of at least one object of conditions, not an array"),
        (#"{"$or":[{"a":1},7]}"#, "filter.$or[1] must be an object of conditions, not 7"),
        (#"{"a":{"b":{"$not":3}}}"#, "filter.a.b.$not must be an object of conditions, not 3"),
        (#"{"a..b":1}"#, "filter.a..b: a field's name must not be empty"),
        (#"{"":1}"#, "filter.: a field's name must not be empty"),
        (#"{"a\\b":1}"#, #"filter.a\\b: a backslash may stand in front of a dot, a backslash or a leading $ only"#),
    ])
    func errorTexts(_ json: String, _ message: String) {
        let error = webhookFault(adding: "\"filter\":\(json)")
        #expect(error?.message == message)
    }

    @Test func aFieldOperatorDeepInGroupsIsNamed() {
        let error = webhookFault(adding: #""filter":{"$or":[{"a":1},{"$and":[{"b":{"$in":[1,[]]}}]}]}"#)
        #expect(error?.key == "filter.$or[1].$and[0].b.$in[1]")
    }

    // MARK: Bounds

    private func refusal(_ filter: String) -> String? {
        webhookFault(adding: "\"filter\":\(filter)")?.message
    }

    @Test func pathsAreBounded() {
        func fields(_ count: Int) -> String {
            "{" + (0..<count).map { "\"f\($0)\":1" }.joined(separator: ",") + "}"
        }
        #expect(refusal(fields(64)) == nil)
        #expect(refusal(fields(65)) == "filter.f64 is one field too many: a filter can ask for 64")
    }

    @Test func depthIsBounded() {
        func nested(_ depth: Int) -> String {
            String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
        }
        #expect(refusal(nested(8)) == nil)
        #expect(
            refusal(nested(9))
                == "filter.a.a.a.a.a.a.a.a nests too deep: objects of a filter may nest 8 levels"
        )
        let groups = String(repeating: #"{"$or":["#, count: 7) + #"{"a":1}"# + String(repeating: "]}", count: 7)
        #expect(refusal(groups) == nil)
        // Beyond all bounds the parser refuses it.
        #expect(refusal(nested(60))?.hasPrefix("invalid JSON") == true)
    }

    @Test func nodesAreBounded() {
        func alternatives(_ count: Int) -> String {
            #"{"$or":["# + (0..<count).map { "{\"a\":\($0)}" }.joined(separator: ",") + "]}"
        }
        #expect(refusal(alternatives(255)) == nil)
        #expect(
            refusal(alternatives(256))
                == "filter.$or[255].a is one condition too many: a filter can have 256, groups included"
        )
    }

    @Test func listsAndBytesAreBounded() {
        let items = (0..<1001).map { "\($0)" }
        #expect(refusal("{\"a\":{\"$in\":[\(items.dropLast().joined(separator: ","))]}}") == nil)
        #expect(
            refusal("{\"a\":{\"$in\":[\(items.joined(separator: ","))]}}")
                == "filter.a.$in must be an array of 1 to 1000 strings, numbers, booleans or nulls, not one of 1001 items"
        )
        let long = String(repeating: "x", count: 65_536)
        #expect(refusal("{\"a\":\"\(long)\"}") == "filter must have at most 65536 bytes, not 65544")
    }

    // MARK: Webhook keys

    @Test func filtersReachTheirPlace() throws {
        let value = try webhook(
            adding: #""tenant":"acme.eu","agents":["a","b","a"],"workflows":["w"],"filter":{"x":1}"#
        )
        #expect(value.tenant == "acme.eu")
        #expect(value.agents == ["a", "b"])
        #expect(value.workflows == ["w"])
        #expect(try value.filter == ContentFilter(decoded(#"{"x":1}"#)))
        let reset = try value.updated(#"{"agents":null,"filter":null}"#)
        #expect(reset.agents == nil)
        #expect(reset.filter == nil)
        #expect(reset.workflows == ["w"])
    }

    @Test func theyArePrintedAsTheyWereGiven() throws {
        let members = #""tenant":"t","agents":null,"workflows":["w"],"filter":{"b":{"$gte":1.5},"$or":[{"a":"é"}]}"#
        var writer = JSONWriter()
        try webhook(adding: members)
            .write(to: &writer, id: .zero, createdAt: WallTime(milliseconds: 0), updatedAt: WallTime(milliseconds: 0))
        let printed = try JSONValue.parse(writer.bytes)
        for (key, value) in try #require(decoded("{\(members)}").objectValue).map({ ($0.key, $0.value) }) {
            #expect(printed[key] == value)
        }
    }

    @Test(arguments: [
        (
            #""tenant":"a b""#,
            "tenant must be a string of at most 64 letters, digits, underscores, hyphens or dots, not \"a b\""
        ),
        (
            #""agents":[]"#,
            "agents must be an array of 1 to 1000 items, each a string of 1 to 256 bytes, not one of 0 items"
        ),
        (#""agents":[7]"#, "agents[0] must be a string of 1 to 256 bytes, not 7"),
    ])
    func refusedKeys(_ members: String, _ message: String) {
        #expect(webhookFault(adding: members)?.message == message)
    }

    @Test func theTenantNeverChanges() throws {
        let value = try webhook(adding: #""tenant":"a""#)
        let error = fault { () throws(DocumentError) in try value.updated(#"{"tenant":"b"}"#) }
        #expect(
            error?.message
                == "tenant cannot be changed by an update; delete the webhook and create one for the other tenant"
        )
    }

    // MARK: Event types

    @Test func anEventTypeIsANameOrADocument() throws {
        let value = try configuration(
            #"{"eventTypes":["a.b",{"name":"order.shipped","title":"Shipped","description":"d","sample":{"n":1}}]}"#
        )
        #expect(value.eventTypes.map(\.name) == ["a.b", "order.shipped"])
        let type = try #require(value.eventTypes.last)
        #expect(type == EventType(name: "order.shipped", title: "Shipped", description: "d", sample: #"{"n":1}"#))
        #expect(
            configurationFault(#"{"eventTypes":["a",{"nam":"b"}]}"#)
                == #"eventTypes[1]: unknown key "nam"; did you mean "name"?"#
        )
        #expect(
            configurationFault(#"{"eventTypes":[{"name":"a b"}]}"#)?
                .hasPrefix("eventTypes[0]: name must be an event type") == true
        )
    }

    @Test func aKnownTypeGetsItsNewSample() throws {
        let type = EventType(name: "call.placed", title: "Placed", description: "d", sample: "[1]")
        let catalog = try EventCatalog.builtIn.adding([type])
        #expect(catalog.types.count == EventCatalog.builtIn.types.count)
        let index = try #require(catalog.index(of: "call.placed"))
        #expect(index == EventCatalog.builtIn.index(of: "call.placed"))
        #expect(catalog[index] == type)
    }

    // MARK: Event documents

    @Test func anEventHasATenant() throws {
        #expect(try event(#"{"eventType":"call.placed","data":1}"#).tenant == "")
        #expect(try event(#"{"eventType":"call.placed","data":1,"tenant":"a_B-1.x"}"#).tenant == "a_B-1.x")
        #expect(
            eventFault(#"{"eventType":"call.placed","data":1,"tenant":"a/b"}"#)
                == "tenant must be a string of at most 64 letters, digits, underscores, hyphens or dots, not \"a/b\""
        )
    }
}
