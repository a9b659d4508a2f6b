import JSONText

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension ContentFilter {
    /// Whether the filter holds.
    ///
    /// Comparisons go by JSON type and convert nothing: `"5"` is never 5. Whole numbers of 64 bits compare exactly, other
    /// numbers as doubles, strings by the bytes they stand for. Allocates nothing, but for the order and the ends of strings
    /// that are written with escapes.
    ///
    /// - Parameters:
    ///   - text: the checked JSON text that the slices were cut from. Other bytes give a useless answer and no trap.
    ///   - slice: where the field with this number of ``paths`` stands.
    package func matches(in text: UnsafeRawBufferPointer, slice: (Int) -> JSONText.Slice) -> Bool {
        nodes.withUnsafeBufferPointer { nodes in
            values.withUnsafeBufferPointer { values in
                self.text.withUnsafeBytes { constants in
                    Evaluation(nodes: nodes, values: values, constants: constants, text: text).holds(0, slice)
                }
            }
        }
    }
}

/// One run of the program. The compiler made every index it follows; the buffers check them all the same.
private struct Evaluation {
    let nodes: UnsafeBufferPointer<ContentFilter.Node>
    let values: UnsafeBufferPointer<ContentFilter.Value>
    let constants: UnsafeRawBufferPointer
    let text: UnsafeRawBufferPointer

    /// Nests as deep as groups do, which the compiler bounds.
    func holds(_ index: Int, _ slice: (Int) -> JSONText.Slice) -> Bool {
        let node = nodes[index]
        switch node.kind {
        case .and:
            return members(of: node, at: index) { holds($0, slice) } == nil
        case .or:
            return members(of: node, at: index) { !holds($0, slice) } != nil
        case .not:
            return !holds(index &+ 1, slice)
        default:
            return test(node, slice(Int(node.path)))
        }
    }

    /// The first member of a group for which `goesOn` is false; nil where there is none.
    private func members(of node: ContentFilter.Node, at index: Int, goesOn: (Int) -> Bool) -> Int? {
        var member = index &+ 1
        while member < Int(node.end) {
            if !goesOn(member) { return member }
            member = Int(nodes[member].end)
        }
        return nil
    }

    private func test(_ node: ContentFilter.Node, _ slice: JSONText.Slice) -> Bool {
        let first = Int(node.firstValue)
        // Every test has a value at least.
        let value = values[first]
        switch node.kind {
        case .equal: return equals(slice, value)
        case .notEqual: return !equals(slice, value)
        case .oneOf, .noneOf:
            let isOneOf = values[first..<first &+ Int(node.valueCount)].contains { equals(slice, $0) }
            return isOneOf == (node.kind == .oneOf)
        case .greater: return order(slice, value).map { $0 > 0 } ?? false
        case .greaterOrEqual: return order(slice, value).map { $0 >= 0 } ?? false
        case .less: return order(slice, value).map { $0 < 0 } ?? false
        case .lessOrEqual: return order(slice, value).map { $0 <= 0 } ?? false
        case .exist: return (slice.kind != .missing) == (value.kind == .true)
        case .startsWith: return affix(slice, value, isSuffix: false)
        case .endsWith: return affix(slice, value, isSuffix: true)
        case .and, .or, .not: return false
        }
    }

    private func equals(_ slice: JSONText.Slice, _ value: ContentFilter.Value) -> Bool {
        switch value.kind {
        case .null: slice.kind == .null
        case .false: slice.kind == .false
        case .true: slice.kind == .true
        case .integer, .number: order(slice, value) == 0
        case .string: slice.isString(bytes(value), in: text)
        }
    }

    private func bytes(_ value: ContentFilter.Value) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: constants[value.range])
    }

    /// Below, at or above zero as the field is less than, equal to or greater than the value; nil for another kind.
    private func order(_ slice: JSONText.Slice, _ value: ContentFilter.Value) -> Int32? {
        switch (slice.kind, value.kind) {
        case (.number, .integer):
            if let whole = slice.int64(in: text) {
                return whole < value.integer ? -1 : whole > value.integer ? 1 : 0
            }
            return doubleOrder(slice, value)
        case (.number, .number):
            return doubleOrder(slice, value)
        case (.string, .string):
            let wanted = bytes(value)
            return withContent(slice) { compare($0, wanted) }
        default:
            return nil
        }
    }

    private func doubleOrder(_ slice: JSONText.Slice, _ value: ContentFilter.Value) -> Int32? {
        guard let number = slice.double(in: text), !number.isNaN else { return nil }
        return number < value.double ? -1 : number > value.double ? 1 : 0
    }

    private func affix(_ slice: JSONText.Slice, _ value: ContentFilter.Value, isSuffix: Bool) -> Bool {
        guard slice.kind == .string else { return false }
        let wanted = bytes(value)
        return withContent(slice) { content in
            guard content.count >= wanted.count else { return false }
            let part = isSuffix ? content.suffix(wanted.count) : content.prefix(wanted.count)
            return compare(UnsafeRawBufferPointer(rebasing: part), wanted) == 0
        }
    }

    private func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int32 {
        let common = min(left.count, right.count)
        if common > 0, let left = left.baseAddress, let right = right.baseAddress {
            // In bounds: both have as many bytes.
            let order = memcmp(left, right, common)
            if order != 0 { return order }
        }
        return left.count < right.count ? -1 : left.count > right.count ? 1 : 0
    }

    /// Lends the bytes that a string stands for.
    private func withContent<Result>(_ slice: JSONText.Slice, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        // A string token has its two quotes.
        let content = UnsafeRawBufferPointer(rebasing: slice.bytes(in: text).dropFirst().dropLast())
        guard content.contains(UInt8(ascii: "\\")), var decoded = slice.string(in: text) else { return body(content) }
        return decoded.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}
