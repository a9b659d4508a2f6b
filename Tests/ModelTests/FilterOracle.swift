import JSONText

@testable import Model

/// A slow filter that is plain to see: it walks the documents as they were written.
enum FilterOracle {
    static func holds(_ filter: JSONValue, _ data: JSONValue) -> Bool {
        conditions(filter, data)
    }

    /// `value` is the field the conditions are about; nil where it is not there.
    private static func conditions(_ conditions: JSONValue, _ value: JSONValue?) -> Bool {
        (conditions.objectValue ?? JSONObject()).allSatisfy { member in
            switch member.key {
            case "$and": (member.value.arrayValue ?? []).allSatisfy { self.conditions($0, value) }
            case "$or": (member.value.arrayValue ?? []).contains { self.conditions($0, value) }
            case "$not": !self.conditions(member.value, value)
            case let name where name.hasPrefix("$"): test(name, member.value, value)
            default: field(member.value, self.member(of: value, at: names(member.key)))
            }
        }
    }

    private static func names(_ key: String) -> [String] {
        key.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
    }

    private static func member(of value: JSONValue?, at names: [String]) -> JSONValue? {
        names.reduce(value) { value, name in value.flatMap { child($0, name) } }
    }

    private static func child(_ value: JSONValue, _ name: String) -> JSONValue? {
        switch value {
        case .object: return value[name]
        case .array(let items):
            guard let index = Int(name), String(index) == name, items.indices.contains(index) else { return nil }
            return items[index]
        default: return nil
        }
    }

    private static func field(_ condition: JSONValue, _ value: JSONValue?) -> Bool {
        if case .object = condition { return conditions(condition, value) }
        return test("$eq", condition, value)
    }

    private static func test(_ name: String, _ constant: JSONValue, _ value: JSONValue?) -> Bool {
        switch name {
        case "$eq": value.map { equals($0, constant) } ?? false
        case "$neq": !(value.map { equals($0, constant) } ?? false)
        case "$in": (constant.arrayValue ?? []).contains { test("$eq", $0, value) }
        case "$nin": !test("$in", constant, value)
        case "$exist": (value != nil) == constant.boolValue
        case "$gt": value.map { isLess(constant, $0) } ?? false
        case "$lt": value.map { isLess($0, constant) } ?? false
        case "$gte": value.map { isLess(constant, $0) || isSameKind($0, constant) && equals($0, constant) } ?? false
        case "$lte": value.map { isLess($0, constant) || isSameKind($0, constant) && equals($0, constant) } ?? false
        case "$startsWith": bytes(value).map { $0.starts(with: bytes(constant) ?? []) } ?? false
        case "$endsWith": bytes(value).map { $0.reversed().starts(with: (bytes(constant) ?? []).reversed()) } ?? false
        default: false
        }
    }

    private static func bytes(_ value: JSONValue?) -> [UInt8]? {
        value?.stringValue.map { Array($0.utf8) }
    }

    private static func isSameKind(_ left: JSONValue, _ right: JSONValue) -> Bool {
        left.stringValue != nil && right.stringValue != nil || left.numberValue != nil && right.numberValue != nil
    }

    private static func equals(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let left = left.integerValue, let right = right.integerValue { return left == right }
        if let left = left.numberValue, let right = right.numberValue { return left == right }
        switch (left, right) {
        case (.object, _), (.array, _): return false
        default: return left == right
        }
    }

    private static func isLess(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let left = bytes(left), let right = bytes(right) { return left.lexicographicallyPrecedes(right) }
        if let left = left.integerValue, let right = right.integerValue { return left < right }
        if let left = left.numberValue, let right = right.numberValue { return left < right }
        return false
    }
}

/// Filters and documents that meet often: few names, few values.
struct FilterDice: RandomNumberGenerator {
    private var source: RandomSource

    init(seed: UInt64) {
        source = RandomSource(seed: seed)
    }

    mutating func next() -> UInt64 {
        source.next()
    }

    private static let names = ["a", "b", "c", "0", "1", "é"]
    private static let scalars: [JSONValue] = [
        .null, .bool(true), .bool(false), .integer(0), .integer(1), .integer(-3), .integer(.max), .integer(.min),
        .number(0.5), .number(1.0), .number(-2.25), .number(1e300), .string(""), .string("a"), .string("ab"),
        .string("b\"\\\n"), .string("é"), .string("0"),
    ]
    private static let tests = [
        "$eq", "$neq", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$exist", "$startsWith", "$endsWith",
    ]

    private mutating func pick<Item>(_ items: [Item]) -> Item {
        items[Int.random(in: 0..<items.count, using: &self)]
    }

    mutating func document(depth: Int = 3) -> JSONValue {
        let roll = depth == 0 ? 9 : Int.random(in: 0..<10, using: &self)
        switch depth == 3 && roll < 9 ? 0 : roll {
        case 0..<4:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0...6, using: &self) { object[pick(Self.names)] = document(depth: depth - 1) }
            return .object(object)
        case 4: return .array((0..<Int.random(in: 0...3, using: &self)).map { _ in document(depth: depth - 1) })
        default: return pick(Self.scalars)
        }
    }

    mutating func filter(depth: Int = 3, isInField: Bool = false) -> JSONValue {
        var object = JSONObject()
        for _ in 0..<Int.random(in: 1...2, using: &self) {
            let roll = depth == 0 ? (isInField ? 9 : 0) : Int.random(in: 0..<10, using: &self)
            switch roll {
            case 0..<3:
                var key = pick(Self.names)
                if Bool.random(using: &self) { key += "." + pick(Self.names) }
                let isPlain = depth == 0 || Bool.random(using: &self)
                object[key] = isPlain ? pick(Self.scalars) : filter(depth: depth - 1, isInField: true)
            case 3..<5:
                let items = (0..<Int.random(in: 1...3, using: &self)).map { _ in
                    filter(depth: depth - 1, isInField: isInField)
                }
                object[pick(["$and", "$or"])] = .array(items)
            case 5: object["$not"] = filter(depth: depth - 1, isInField: isInField)
            default:
                if isInField { addTest(to: &object) } else { object[pick(Self.names)] = pick(Self.scalars) }
            }
        }
        return .object(object)
    }

    private mutating func addTest(to object: inout JSONObject) {
        let name = pick(Self.tests)
        switch name {
        case "$in", "$nin":
            object[name] = .array((0..<Int.random(in: 1...3, using: &self)).map { _ in pick(Self.scalars) })
        case "$exist": object[name] = .bool(Bool.random(using: &self))
        case "$startsWith", "$endsWith": object[name] = pick(Self.scalars.filter { $0.stringValue != nil })
        case "$gt", "$gte", "$lt", "$lte":
            object[name] = pick(Self.scalars.filter { $0.stringValue != nil || $0.numberValue != nil })
        default: object[name] = pick(Self.scalars)
        }
    }
}
