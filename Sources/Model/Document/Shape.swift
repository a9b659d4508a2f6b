import JSONText

/// What a key accepts, as data: the same value checks a document, words its errors and prints its reference.
///
/// Only the case that needs it is indirect: were the whole enumeration, its pointers would carry tags, and leak
/// checkers in the host would take the tables for lost memory.
package enum Shape: Hashable, Sendable {
    case boolean
    /// A whole number; `5.0` and `5e3` are whole numbers too.
    case integer(ClosedRange<Int64>)
    case number(ClosedRange<Double>)
    /// One of a few names.
    case choice([String])
    case text(TextForm)
    /// An array of so many items of one shape.
    indirect case list(of: Shape, count: ClosedRange<Int>)
    /// An object of strings whose keys the caller chooses.
    case map(keys: TextForm, values: TextForm, count: ClosedRange<Int>)
    /// A whole number of 64 bits without sign, or the same in decimal digits as a string.
    case unsigned
    /// Any JSON value.
    case json
    /// The conditions of a ``ContentFilter``.
    case filter
    /// The name of an event type, or an object that describes it.
    case eventType

    /// What is accepted, fit to follow "must be" and to stand in a table.
    package var accepted: String {
        switch self {
        case .boolean: "true or false"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "a number from \(Shape.text(range.lowerBound)) to \(Shape.text(range.upperBound))"
        case .choice(let names): Shape.oneOf(names)
        case .text(let form): form.accepted
        case .list(let item, let count): "an array of \(Shape.text(count)), each \(item.accepted)"
        case .map(let keys, let values, let count):
            "an object of \(Shape.text(count)), each key \(keys.accepted), each value \(values.accepted)"
        case .unsigned:
            "a whole number from 0 to 18446744073709551615, or the same as a string of decimal digits"
        case .json: "any JSON value"
        case .filter: "an object of conditions, see Filters below"
        case .eventType: "an event type's name, or an object with `name`, `title`, `description` and `sample`"
        }
    }

    private static func oneOf(_ names: [String]) -> String {
        let quoted = names.map(DocumentError.quoted)
        return quoted.count == 2 ? quoted.joined(separator: " or ") : "one of " + quoted.joined(separator: ", ")
    }

    private static func text(_ bound: Double) -> String {
        Int64(exactly: bound).map { String($0) } ?? String(bound)
    }

    private static func text(_ count: ClosedRange<Int>) -> String {
        count.lowerBound == 0
            ? "at most \(count.upperBound) items" : "\(count.lowerBound) to \(count.upperBound) items"
    }
}

// MARK: - Checking

extension Shape {
    /// Throws unless `value` is accepted; `key` is its path, and `hidden` keeps the value itself out of the message.
    package func check(_ value: JSONValue, key: String, isHidden: Bool = false) throws(DocumentError) {
        switch (self, value) {
        case (.json, _), (.boolean, .bool): return
        case (.filter, _): _ = try ContentFilter(value, key: key)
        case (.eventType, .string), (.eventType, .object): _ = try EventType(document: value, key: key)
        case (.integer(let range), .integer), (.integer(let range), .number):
            // 5.5 is a number of the wrong kind; 1e300 is whole and too large.
            let number = value.integerValue
            if let number, range.contains(number) { return }
            let isWhole = number != nil || value.numberValue.map { $0.rounded() == $0 } ?? false
            throw refusal(isWhole ? .outOfRange : .wrongType, value, key, isHidden)
        case (.number(let range), .integer), (.number(let range), .number):
            if let number = value.numberValue, range.contains(number) { return }
            throw refusal(.outOfRange, value, key, isHidden)
        case (.choice(let names), .string(let name)):
            if names.contains(name) { return }
            throw refusal(.outOfRange, value, key, isHidden)
        case (.text(let form), .string(let text)):
            try check(text, form, key: key, isHidden: isHidden)
        case (.list(let item, let count), .array(let items)):
            try checkCount(items.count, count, key: key)
            // The path is needed where an item is refused, and then found again.
            for (index, value) in items.enumerated()
            where (try? item.check(value, key: key, isHidden: isHidden)) == nil {
                try item.check(value, key: DocumentError.path(key, item: index), isHidden: isHidden)
            }
        case (.map(let keys, let values, let count), .object(let object)):
            try checkCount(object.count, count, key: key)
            for member in object {
                try Shape.text(keys).checkMemberName(member.key, key: key)
                let path = DocumentError.path(key, member: member.key)
                try Shape.text(values).check(member.value, key: path, isHidden: isHidden)
            }
        case (.unsigned, .integer(let number)):
            if number < 0 { throw refusal(.outOfRange, value, key, isHidden) }
        case (.unsigned, .number), (.unsigned, .string):
            if value.unsigned == nil { throw refusal(.outOfRange, value, key, isHidden) }
        default:
            throw refusal(.wrongType, value, key, isHidden)
        }
    }

    private func check(_ text: String, _ form: TextForm, key: String, isHidden: Bool) throws(DocumentError) {
        let count = text.utf8.count
        guard form.bytes.contains(count) else {
            throw .unacceptable(.outOfRange, key: key, accepted: accepted, given: "one of \(count) bytes")
        }
        guard form.acceptsCharacters(of: text) else {
            throw refusal(.outOfRange, .string(text), key, isHidden)
        }
    }

    /// A map's own keys are judged like texts, under the path of the map: the name itself is at fault.
    private func checkMemberName(_ name: String, key: String) throws(DocumentError) {
        guard case .text(let form) = self else { return }
        guard form.bytes.contains(name.utf8.count), form.acceptsCharacters(of: name) else {
            throw DocumentError(
                .outOfRange,
                key: key,
                message: "each key of \(key) must be \(accepted), not \(DocumentError.quoted(name))"
            )
        }
    }

    private func checkCount(_ count: Int, _ range: ClosedRange<Int>, key: String) throws(DocumentError) {
        guard !range.contains(count) else { return }
        throw .unacceptable(.outOfRange, key: key, accepted: accepted, given: "one of \(count) items")
    }

    /// The error for a value that is not accepted.
    func refusal(
        _ code: DocumentError.Code,
        _ value: JSONValue,
        _ key: String,
        _ isHidden: Bool
    ) -> DocumentError {
        if isHidden, case .text = self, case .string = value {
            return DocumentError(code, key: key, message: "\(key) must be \(accepted); the given string is not")
        }
        let given = isHidden ? value.kindName : value.described
        return .unacceptable(code, key: key, accepted: accepted, given: given)
    }
}

extension JSONValue {
    /// The value as 64 bits without sign: a whole number that is not negative, or a string of 1 to 20 decimal digits.
    ///
    /// A number above 2⁵³ in a language whose only number is a double has lost digits already; the string has not.
    var unsigned: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .number(let value): UInt64(exactly: value)
        case .string(let text): UInt64(decimalDigits: text.utf8)
        default: nil
        }
    }
}

extension UInt64 {
    /// Decimal digits alone, 1 to 20 of them; nil for anything else and for what does not fit 64 bits.
    package init?(decimalDigits digits: some Collection<UInt8>) {
        guard 1...20 ~= digits.count else { return nil }
        var result: UInt64 = 0
        for byte in digits {
            let digit = byte &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (tenfold, wide) = result.multipliedReportingOverflow(by: 10)
            let (sum, over) = tenfold.addingReportingOverflow(UInt64(digit))
            if wide || over { return nil }
            result = sum
        }
        self = result
    }
}
