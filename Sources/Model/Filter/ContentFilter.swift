import JSONText

/// A webhook's `filter`: conditions over the fields of an event's `data`, compiled to a flat program.
///
/// The program names its fields by number, in the order of ``paths``; whoever evaluates it hands in where each of them
/// stands in the raw bytes. Immutable, so any thread may use it.
package final class ContentFilter: Sendable {
    package static let maximumPathCount = JSONText.PathSet.maximumCount
    /// How deep objects may nest, the filter's own among them.
    package static let maximumDepth = 8
    package static let maximumNodeCount = 256
    package static let maximumListCount = 1000
    /// The length of the whole filter as compact JSON.
    package static let maximumBytes = 65_536

    /// The fields that the filter asks for, each once, in the notation of `JSONText.PathSet`.
    package let paths: [String]

    /// In prefix order: a group stands in front of its members.
    let nodes: ContiguousArray<Node>
    let values: ContiguousArray<Value>
    /// The strings of ``values``, one after the other.
    let text: [UInt8]
    /// The filter as it was given, as compact JSON.
    private let source: [UInt8]

    /// One condition or one group of them.
    struct Node: BitwiseCopyable, Sendable {
        var kind: FilterOperator
        /// Number of the field; of no meaning in a group.
        var path: UInt8 = 0
        /// The node behind this one and its members.
        var end: UInt16 = 0
        var firstValue: UInt32 = 0
        var valueCount: UInt32 = 0
    }

    /// What a field is compared with.
    struct Value: BitwiseCopyable, Sendable {
        enum Kind: UInt8, BitwiseCopyable, Sendable {
            case null
            case `false`
            case `true`
            case integer
            case number
            case string
        }

        var kind: Kind
        /// The integer, the bits of the double, or of a string the offset in ``ContentFilter/text`` above its length.
        var bits: UInt64 = 0

        var integer: Int64 { Int64(bitPattern: bits) }

        /// The number as a double, whichever of the two it is.
        var double: Double { kind == .integer ? Double(integer) : Double(bitPattern: bits) }

        var range: Range<Int> {
            let offset = Int(bits >> 32)
            return offset..<offset &+ Int(bits & 0xFFFF_FFFF)
        }
    }

    /// Compiles a filter document.
    ///
    /// - Parameter key: the key of the document that holds it; errors name the place below it.
    package init(_ document: JSONValue, key: String = "filter") throws(DocumentError) {
        let source = document.bytes
        guard source.count <= ContentFilter.maximumBytes else {
            throw DocumentError(
                .outOfRange,
                key: key,
                message: "\(key) must have at most \(ContentFilter.maximumBytes) bytes, not \(source.count)"
            )
        }
        var compiler = FilterCompiler()
        try compiler.compile(document, key: key)
        self.source = source
        paths = compiler.paths
        nodes = compiler.nodes
        values = compiler.values
        text = compiler.text
    }

    /// The filter as it was given.
    package var document: JSONValue {
        // It was printed from a parsed document.
        source.withUnsafeBytes { try? JSONValue.parse($0) } ?? .null
    }
}

extension ContentFilter: Equatable {
    package static func == (left: ContentFilter, right: ContentFilter) -> Bool {
        left === right || left.source == right.source
    }
}

// MARK: - For an index

extension ContentFilter {
    /// A condition that must hold for the filter to hold, fit to find the filter by: a field is one of some strings.
    package struct AccessCondition: Sendable {
        /// Number of the field.
        package let path: Int
        /// Each once.
        package let strings: [String]
        /// Whether the filter asks for nothing else.
        package let isWhole: Bool
    }

    /// The most selective such condition: the one with the fewest strings. Nil where there is none.
    package var access: AccessCondition? {
        guard let root = nodes.first else { return nil }
        var candidates: [Int] = [0]
        if root.kind == .and {
            candidates = []
            var child = 1
            while child < Int(root.end), child < nodes.count {
                candidates.append(child)
                child = Int(nodes[child].end)
            }
        }
        var best: AccessCondition?
        for candidate in candidates {
            let node = nodes[candidate]
            guard node.kind == .equal || node.kind == .oneOf, let strings = strings(of: node) else { continue }
            if let best, best.strings.count <= strings.count { continue }
            best = AccessCondition(path: Int(node.path), strings: strings, isWhole: nodes.count == 1)
        }
        return best
    }

    /// The values of a node if all are strings.
    private func strings(of node: Node) -> [String]? {
        var seen = Set<[UInt8]>()
        var strings: [String] = []
        for value in values[Int(node.firstValue)..<Int(node.firstValue) + Int(node.valueCount)] {
            guard value.kind == .string else { return nil }
            let bytes = Array(text[value.range])
            if seen.insert(bytes).inserted { strings.append(String(decoding: bytes, as: UTF8.self)) }
        }
        return strings
    }
}
