import JSONText

/// Turns a filter document into the flat program of a ``ContentFilter``.
struct FilterCompiler {
    private(set) var nodes = ContiguousArray<ContentFilter.Node>()
    private(set) var values = ContiguousArray<ContentFilter.Value>()
    private(set) var text: [UInt8] = []
    private(set) var paths: [String] = []
    private var root = "filter"

    mutating func compile(_ document: JSONValue, key: String) throws(DocumentError) {
        root = key
        try conditions(document, field: "", place: key, depth: 1, isInAnd: false)
    }

    /// Compiles an object of conditions; several mean all of them.
    ///
    /// - Parameters:
    ///   - field: the path of the field they are about, empty at the top.
    ///   - isInAnd: the group around it is an "and" already.
    private mutating func conditions(
        _ value: JSONValue,
        field: String,
        place: String,
        depth: Int,
        isInAnd: Bool
    ) throws(DocumentError) {
        guard case .object(let object) = value else {
            throw .unacceptable(.wrongType, key: place, accepted: "an object of conditions", given: value.described)
        }
        guard !object.isEmpty else {
            throw DocumentError(
                .outOfRange,
                key: place,
                message: "\(place) must hold at least one condition; leave the filter out to get every event"
            )
        }
        guard depth <= ContentFilter.maximumDepth else {
            throw DocumentError(
                .outOfRange,
                key: place,
                message: "\(place) nests too deep: objects of a filter may nest \(ContentFilter.maximumDepth) levels"
            )
        }
        let group = isInAnd || object.count == 1 ? nil : try open(.and, place: place)
        let isInAnd = isInAnd || group != nil
        for member in object {
            let place = "\(place).\(FilterCompiler.excerpt(member.key))"
            if member.key.utf8.first == UInt8(ascii: "$") {
                try operation(member, field: field, place: place, depth: depth, isInAnd: isInAnd)
            } else {
                let path = try path(member.key, below: field, place: place)
                try condition(member.value, path: path, place: place, depth: depth, isInAnd: isInAnd)
            }
        }
        close(group)
    }

    /// What is asked of one field: conditions, or a value to equal.
    private mutating func condition(
        _ value: JSONValue,
        path: String,
        place: String,
        depth: Int,
        isInAnd: Bool
    ) throws(DocumentError) {
        switch value {
        case .object:
            try conditions(value, field: path, place: place, depth: depth + 1, isInAnd: isInAnd)
        case .array:
            throw .unacceptable(
                .wrongType,
                key: place,
                accepted: "a value to equal, or an object of conditions such as {\"$in\":[…]}",
                given: "an array"
            )
        default:
            try test(.equal, [value], path: path, place: place)
        }
    }

    private mutating func operation(
        _ member: JSONObject.Member,
        field: String,
        place: String,
        depth: Int,
        isInAnd: Bool
    ) throws(DocumentError) {
        guard let kind = FilterOperator.allCases.first(where: { $0.name == member.key }) else {
            throw FilterCompiler.unknown(member.key, place: place)
        }
        switch kind {
        case .and, .or:
            guard case .array(let items) = member.value, !items.isEmpty else {
                throw refusal(kind, member.value, place)
            }
            // An "and" inside of one adds nothing.
            let isFlat = kind == .and && (isInAnd || items.count == 1)
            let group = isFlat ? nil : try open(kind, place: place)
            for (index, item) in items.enumerated() {
                try conditions(
                    item,
                    field: field,
                    place: DocumentError.path(place, item: index),
                    depth: depth + 1,
                    isInAnd: kind == .and && (isInAnd || group != nil)
                )
            }
            close(group)
        case .not:
            guard case .object = member.value else { throw refusal(kind, member.value, place) }
            let group = try open(.not, place: place)
            try conditions(member.value, field: field, place: place, depth: depth + 1, isInAnd: false)
            close(group)
        case .oneOf, .noneOf:
            guard case .array(let items) = member.value else { throw refusal(kind, member.value, place) }
            guard 1...ContentFilter.maximumListCount ~= items.count else {
                throw .unacceptable(
                    .outOfRange,
                    key: place,
                    accepted: kind.accepted,
                    given: "one of \(items.count) items"
                )
            }
            try test(kind, items, path: field, place: place)
        default:
            try test(kind, [member.value], path: field, place: place)
        }
    }

    private mutating func test(
        _ kind: FilterOperator,
        _ constants: [JSONValue],
        path: String,
        place: String
    ) throws(DocumentError) {
        guard !path.isEmpty else {
            throw DocumentError(
                .outOfRange,
                key: place,
                message: "\(place) must stand inside of a field, as in {\"status\":{\"\(kind.name)\":…}}"
            )
        }
        let number = try number(of: path, place: place)
        let node = try open(kind, place: place)
        nodes[node].path = number
        nodes[node].firstValue = UInt32(truncatingIfNeeded: values.count)
        nodes[node].valueCount = UInt32(truncatingIfNeeded: constants.count)
        for (index, constant) in constants.enumerated() {
            guard FilterCompiler.takes(kind, constant) else {
                let isList = kind == .oneOf || kind == .noneOf
                throw isList
                    ? .unacceptable(
                        .wrongType,
                        key: DocumentError.path(place, item: index),
                        accepted: FilterOperator.equal.accepted,
                        given: constant.described
                    ) : refusal(kind, constant, place)
            }
            append(constant)
        }
        close(node)
    }

    private static func takes(_ kind: FilterOperator, _ constant: JSONValue) -> Bool {
        switch (kind, constant) {
        case (_, .array), (_, .object): false
        case (.exist, .bool): true
        case (.exist, _): false
        case (.greater, .string), (.greaterOrEqual, .string), (.less, .string), (.lessOrEqual, .string): true
        case (.greater, _), (.greaterOrEqual, _), (.less, _), (.lessOrEqual, _): constant.numberValue != nil
        case (.startsWith, _), (.endsWith, _): constant.stringValue != nil
        default: true
        }
    }

    // MARK: Parts

    private mutating func open(_ kind: FilterOperator, place: String) throws(DocumentError) -> Int {
        guard nodes.count < ContentFilter.maximumNodeCount else {
            throw DocumentError(
                .outOfRange,
                key: place,
                message: "\(place) is one condition too many: a filter can have \(ContentFilter.maximumNodeCount), "
                    + "groups included"
            )
        }
        nodes.append(ContentFilter.Node(kind: kind))
        return nodes.count - 1
    }

    private mutating func close(_ node: Int?) {
        guard let node else { return }
        nodes[node].end = UInt16(truncatingIfNeeded: nodes.count)
    }

    private mutating func append(_ constant: JSONValue) {
        switch constant {
        case .bool(let value): values.append(ContentFilter.Value(kind: value ? .true : .false))
        case .integer(let value):
            values.append(ContentFilter.Value(kind: .integer, bits: UInt64(bitPattern: value)))
        case .number(let value):
            // A whole number is one however it is written.
            if let whole = constant.integerValue {
                values.append(ContentFilter.Value(kind: .integer, bits: UInt64(bitPattern: whole)))
            } else {
                values.append(ContentFilter.Value(kind: .number, bits: value.bitPattern))
            }
        case .string(let value):
            // The filter has at most 64 KiB: both halves fit.
            let bits = UInt64(truncatingIfNeeded: text.count) << 32 | UInt64(truncatingIfNeeded: value.utf8.count)
            text.append(contentsOf: value.utf8)
            values.append(ContentFilter.Value(kind: .string, bits: bits))
        default: values.append(ContentFilter.Value(kind: .null))
        }
    }

    /// The path of a member; a dot in its name goes a level deeper.
    private func path(_ name: String, below field: String, place: String) throws(DocumentError) -> String {
        // A backslash lets a field's own name begin with a dollar sign.
        let name = name.hasPrefix("\\$") ? String(name.dropFirst()) : name
        do throws(JSONText.PathSet.Refusal) {
            _ = try JSONText.PathSet([name])
        } catch {
            let fault =
                switch error {
                case .badEscape: "a backslash may stand in front of a dot, a backslash or a leading $ only"
                default: "a field's name must not be empty"
                }
            throw DocumentError(.outOfRange, key: place, message: "\(place): \(fault)")
        }
        return field.isEmpty ? name : "\(field).\(name)"
    }

    private mutating func number(of path: String, place: String) throws(DocumentError) -> UInt8 {
        // Bytes are compared: equivalent spellings of é are different fields.
        if let number = paths.firstIndex(where: { $0.utf8.elementsEqual(path.utf8) }) {
            return UInt8(truncatingIfNeeded: number)
        }
        guard paths.count < ContentFilter.maximumPathCount else {
            throw DocumentError(
                .outOfRange,
                key: place,
                message: "\(place) is one field too many: a filter can ask for \(ContentFilter.maximumPathCount)"
            )
        }
        paths.append(path)
        return UInt8(truncatingIfNeeded: paths.count - 1)
    }

    // MARK: Errors

    private func refusal(_ kind: FilterOperator, _ value: JSONValue, _ place: String) -> DocumentError {
        .unacceptable(.wrongType, key: place, accepted: kind.accepted, given: value.described)
    }

    private static func unknown(_ name: String, place: String) -> DocumentError {
        let names = FilterOperator.allCases.map(\.name)
        let hint =
            Spelling.nearest(to: name, in: names).map { "did you mean \"\($0)\"?" }
            ?? "the operators are \(names.joined(separator: ", "))"
        return DocumentError(
            .unknownKey,
            key: place,
            message: "\(place): unknown operator \(DocumentError.quoted(name)); \(hint)"
        )
    }

    /// A caller's own name on one line, cut where it is long.
    private static func excerpt(_ name: String) -> String {
        String(DocumentError.quoted(name).dropFirst().dropLast())
    }
}
