import JSONText
import Testing

@testable import Model

/// What every row of every table owes: a default, both ends of its range, and refusals that name it.
@Suite("Document tables")
struct DocumentTableTests {
    @Test func configurationRows() throws {
        // A queue this small needs small events: see the test of that rule.
        try check(Configuration.document, beside: ["queue.maxBytes": #"{"maxEventBytes":1024}"#])
    }

    @Test func webhookRows() throws {
        let required = #"{"url":"https://a.example","events":["*"]}"#
        // A key file is the key of a certificate.
        let certified = #"{"url":"https://a.example","events":["*"],"clientCertificateFile":"/c.pem"}"#
        try check(WebhookDefinition.document, required: required, beside: ["clientKeyFile": certified])
    }

    @Test func eventRowsAreDocumented() {
        for key in NewEvent.Key.allCases {
            #expect(key.documentation.hasSuffix("."), "\(key.name)")
            #expect(!key.defaultText.isEmpty, "\(key.name)")
        }
    }

    private func check<Root: Equatable>(
        _ document: Document<Root>,
        required: String = "{}",
        beside: [String: String] = [:]
    ) throws {
        #expect(!document.properties.isEmpty)
        #expect(Set(document.properties.map(\.key)).count == document.properties.count, "a key stands twice")
        let defaults = try document.parse(decoded(required))
        for property in document.properties {
            let key = property.key
            #expect(property.documentation.hasSuffix(".") && property.documentation.first != " ", "\(key)")
            let base = try decoded(beside[key] ?? required)
            func parse(_ value: JSONValue) throws(DocumentError) -> Root {
                try document.parse(merged(base, nested(key, value)))
            }

            if property.presence == .readOnly {
                let error = fault { () throws(DocumentError) in try parse(.string("x")) }
                #expect(error?.code == .notSettable)
                #expect(error?.message == "\(key) is set by Martlet and cannot be given")
                continue
            }
            if property.presence != .required {
                #expect(try parse(.null) == document.parse(base), "null is the default of \(key)")
            }
            for (index, value) in try accepted(by: property.shape).enumerated() {
                let root = try parse(value)
                #expect(property.exposure == .secret || property.get(root) == normalized(value), "\(key) \(index)")
            }
            for (value, code) in try refused(by: property.shape) {
                let error = fault { () throws(DocumentError) in try parse(value) }
                #expect(error?.code == code, "\(key) \(value): \(String(describing: error))")
                #expect(error?.key.hasPrefix(key) == true, "\(key) \(value)")
                #expect(error?.message.contains(key) == true, "\(key) \(value)")
                #expect(error?.message.utf8.contains { $0 < 0x20 } == false, "one line")
                #expect(error?.message.hasSuffix(".") == false)
            }
            try checkUnknownKeys(around: property, in: document, base: base)
        }
        try checkRoundTrip(document, defaults)
    }

    private func checkUnknownKeys<Root>(
        around property: Property<Root>,
        in document: Document<Root>,
        base: JSONValue
    ) throws {
        // A slip of the keyboard at the end of the key, at whatever level it is.
        for wrong in [property.key + "x", property.key.uppercased()] where wrong != property.key {
            // Upper case spoils the names of groups too; the first of them is what is unknown then.
            let unknown = wrong.hasSuffix("x") ? wrong : String(wrong.prefix { $0 != "." })
            let error = fault { () throws(DocumentError) in
                try document.parse(merged(base, nested(wrong, .integer(1))))
            }
            #expect(error?.code == .unknownKey, "\(wrong)")
            #expect(error?.key == unknown, "\(wrong)")
            let meant = unknown == wrong ? property.key : String(property.key.prefix { $0 != "." })
            #expect(
                error?.message.hasPrefix("unknown key \"\(unknown)\"; did you mean \"\(meant)") == true,
                "\(String(describing: error))"
            )
        }
    }

    /// Printing and reading again changes nothing.
    private func checkRoundTrip<Root: Equatable>(_ document: Document<Root>, _ root: Root) throws {
        var writer = JSONWriter()
        writer.beginObject()
        document.writeMembers(of: root, to: &writer)
        writer.endObject()
        let printed = try JSONValue.parse(writer.bytes)
        #expect(try document.parse(printed) == root)
        for name in document.knownKeys(under: "") {
            let rows = document.properties.filter { $0.key == name || $0.key.hasPrefix(name + ".") }
            let isHidden = rows.allSatisfy {
                $0.exposure == .secret || $0.presence == .readOnly || $0.isOmittedWhenNull && $0.get(root) == .null
            }
            #expect((printed[name] != nil) == !isHidden, "\(name)")
        }
    }

    // MARK: Values made from a shape

    private func accepted(by shape: Shape) throws -> [JSONValue] {
        switch shape {
        case .boolean:
            return [.bool(true), .bool(false)]
        case .integer(let range):
            let (low, high) = (range.lowerBound, range.upperBound)
            return [.integer(low), .integer(high), .number(Double(low)), .number(Double(high))]
        case .number(let range):
            return [.number(range.lowerBound), .number(range.upperBound), .number(range.upperBound / 2)]
        case .choice(let names):
            return names.map { .string($0) }
        case .text(let form):
            return try texts(of: form).map { .string($0) }
        case .list(let item, let count):
            let items = try accepted(by: item)
            let first = try #require(items.first)
            var lists: [[JSONValue]] = [Array(repeating: first, count: max(1, count.lowerBound))]
            if case .choice = item { lists.append(items) } else { lists.append([try #require(items.last)]) }
            if count.lowerBound == 0 { lists.append([]) }
            return lists.map { .array($0) }
        case .map(_, _, let count):
            return [object(count.lowerBound), object(1), object(count.upperBound)]
        case .filter:
            return [.object(object("agentId", .string("a"))), .object(object("$not", .object(object("a", .null))))]
        case .eventType:
            return [.string("order.shipped"), .string("order.returned")]
        case .unsigned, .json:
            return []
        }
    }

    private func refused(by shape: Shape) throws -> [(JSONValue, DocumentError.Code)] {
        let everyKind: [JSONValue] = [
            .bool(true), .integer(1), .number(1.5), .string("\u{7}"), .array([.null]), .object(object("n", .null)),
        ]
        switch shape {
        case .boolean:
            return everyKind.dropFirst().map { ($0, .wrongType) }
        case .integer(let range):
            let beyond: [Double] = [Double(range.lowerBound) - 1, Double(range.upperBound) + 1, 1e300, -1e300]
            return [everyKind[0], everyKind[2], everyKind[3], everyKind[4], everyKind[5]].map { ($0, .wrongType) }
                + beyond.map { (.number($0), .outOfRange) }
                + [(.integer(range.lowerBound - 1), .outOfRange), (.integer(range.upperBound + 1), .outOfRange)]
        case .number(let range):
            return [everyKind[0], everyKind[3], everyKind[4], everyKind[5]].map { ($0, .wrongType) }
                + [(.number(range.lowerBound - 0.001), .outOfRange), (.number(range.upperBound + 0.001), .outOfRange)]
        case .choice(let names):
            return everyKind.filter { $0.stringValue == nil }.map { ($0, .wrongType) }
                + ["", "x", names[0] + " ", names[0].uppercased()].map { (.string($0), .outOfRange) }
        case .text(let form):
            var refused: [(JSONValue, DocumentError.Code)] = everyKind.filter { $0.stringValue == nil }
                .map { ($0, .wrongType) }
            refused.append((.string(String(repeating: "a", count: form.bytes.upperBound + 1)), .outOfRange))
            if form.bytes.lowerBound > 0 { refused.append((.string(""), .outOfRange)) }
            if form.characters != .any { refused.append((.string("a\r\nb"), .outOfRange)) }
            return refused
        case .list(let item, let count):
            let wrongItems = try refused(by: item).map { (JSONValue.array([$0.0]), $0.1) }
            let many = [JSONValue](repeating: try #require(accepted(by: item).first), count: count.upperBound + 1)
            return everyKind.filter { $0.arrayValue == nil }.map { ($0, .wrongType) } + wrongItems
                + [(.array(many), .outOfRange)] + (count.lowerBound > 0 ? [(.array([]), .outOfRange)] : [])
        case .map(_, let values, let count):
            return everyKind.filter { $0.objectValue == nil }.map { ($0, .wrongType) }
                + [
                    (object(count.upperBound + 1), .outOfRange),
                    (.object(object("", .string("v"))), .outOfRange),
                    (.object(object("a\nb", .string("v"))), .outOfRange),
                    (.object(object("a", .integer(1))), .wrongType),
                    (.object(object("a", .null)), .wrongType),
                    (.object(object("a", .string(filler(values.bytes.upperBound + 1)))), .outOfRange),
                ]
        case .filter:
            return everyKind.filter { $0.objectValue == nil }.map { ($0, .wrongType) }
                + [(object(0), .outOfRange), (.object(object("$no", .integer(1))), .unknownKey)]
        case .eventType:
            return everyKind.filter { $0.stringValue == nil && $0.objectValue == nil }.map { ($0, .wrongType) }
                + [(.string("a..b"), .outOfRange), (.object(object("title", .string("t"))), .missing)]
        case .unsigned, .json:
            return []
        }
    }

    private func texts(of form: TextForm) throws -> [String] {
        switch form.characters {
        case .network: ["10.0.0.0/8", "fd00::/8"]
        case .subscription: ["*", "call.*", "call.completed"]
        case .timestamp: ["2025-12-08T10:30:00Z"]
        default: [filler(form.bytes.lowerBound), filler(form.bytes.upperBound)]
        }
    }

    private func filler(_ count: Int) -> String {
        String(repeating: "a", count: count)
    }

    private func object(_ key: String, _ value: JSONValue) -> JSONObject {
        var object = JSONObject()
        object[key] = value
        return object
    }

    private func object(_ count: Int) -> JSONValue {
        var object = JSONObject()
        for index in 0..<count { object["k\(index)"] = .string("v") }
        return .object(object)
    }

    private func nested(_ key: String, _ value: JSONValue) -> JSONValue {
        key.split(separator: ".").reversed().reduce(value) { .object(object(String($1), $0)) }
    }

    private func merged(_ base: JSONValue, _ other: JSONValue) -> JSONValue {
        var object = base.objectValue ?? JSONObject()
        for member in other.objectValue ?? JSONObject() { object[member.key] = member.value }
        return .object(object)
    }

    /// A whole number is printed without a fraction however it was given; a repeated list entry may be printed once.
    private func normalized(_ value: JSONValue) -> JSONValue {
        switch value {
        case .number(let number): JSONValue(shortest: number)
        case .array(let items): .array(items.map(normalized))
        default: value
        }
    }
}
