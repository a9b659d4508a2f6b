extension JSONText {
    /// Member paths made ready for ``JSONText/validate(_:maximumDepth:extracting:into:)``.
    ///
    /// Compile it once and share it: it never changes and any number of threads may use it at once.
    package struct PathSet: Sendable {
        /// Why a list of paths is refused.
        package enum Refusal: Error, Hashable, Sendable {
            /// More than 64 paths; how many there were.
            case tooMany(Int)
            /// An empty path, or one with an empty name in it.
            case emptyName(path: String)
            /// A backslash that stands before neither a dot nor a backslash.
            case badEscape(path: String)
        }

        /// The most paths one set can hold.
        package static let maximumCount = 64

        /// How many paths there are; slice `i` of an extraction belongs to path `i`.
        package let count: Int

        /// The tree of names, its root first, and the children of each node side by side.
        let nodes: [Node]
        /// All names one after the other, in UTF-8.
        let names: [UInt8]

        /// One name at one place in the tree. Trivial, so that reading one counts no references.
        struct Node: Sendable {
            var parent: Int32
            var firstChild: Int32 = 0
            var childCount: Int32 = 0
            /// The array index this name is, or -1.
            var index: Int32 = -1
            var nameOffset = 0
            var nameLength = 0
            /// The name's first eight bytes, first one lowest, zeros behind a shorter name.
            var nameWord: UInt64 = 0
            /// The paths that end here, one bit each.
            var own: UInt64 = 0
            /// The paths that end here or below.
            var subtree: UInt64 = 0
        }

        /// No paths.
        package init() {
            count = 0
            nodes = []
            names = []
        }

        /// Compiles paths such as `agentId`, `analysis.sentiment` or `items.0.name`.
        ///
        /// - Parameter paths: up to 64. A dot parts names; inside a name, write a dot as `\.` and a backslash as `\\`.
        ///   A name that is a decimal number without leading zeros is the index in an array, counted from 0, and the
        ///   key of that name in an object. Names are compared byte for byte. A path may be listed twice.
        package init(_ paths: [String]) throws(Refusal) {
            guard paths.count <= PathSet.maximumCount else {
                throw .tooMany(paths.count)
            }
            let root = Branch()
            for (slot, path) in paths.enumerated() {
                let bit = UInt64(1) &<< UInt64(slot)
                var branch = root
                branch.subtree |= bit
                for name in try PathSet.split(path) {
                    branch = branch.child(name)
                    branch.subtree |= bit
                }
                branch.own |= bit
            }
            // Breadth first, so that the children of a node stand side by side.
            var nodes = [Node(parent: -1, subtree: root.subtree)]
            var names: [UInt8] = []
            var branches = [root]
            var next = 0
            while next < branches.count {
                let branch = branches[next]
                nodes[next].firstChild = Int32(truncatingIfNeeded: branches.count)
                nodes[next].childCount = Int32(truncatingIfNeeded: branch.children.count)
                for child in branch.children {
                    var node = Node(parent: Int32(truncatingIfNeeded: next), own: child.own, subtree: child.subtree)
                    node.index = PathSet.arrayIndex(child.name)
                    node.nameOffset = names.count
                    node.nameLength = child.name.count
                    for (place, byte) in child.name.prefix(8).enumerated() {
                        node.nameWord |= UInt64(byte) &<< UInt64(place &* 8)
                    }
                    names += child.name
                    nodes.append(node)
                    branches.append(child)
                }
                next += 1
            }
            self.count = paths.count
            self.nodes = nodes
            self.names = names
        }

        /// A node while the tree grows.
        private final class Branch {
            let name: [UInt8]
            var children: [Branch] = []
            var own: UInt64 = 0
            var subtree: UInt64 = 0

            init(name: [UInt8] = []) {
                self.name = name
            }

            func child(_ name: [UInt8]) -> Branch {
                if let child = children.first(where: { $0.name == name }) {
                    return child
                }
                let child = Branch(name: name)
                children.append(child)
                return child
            }
        }

        private static func split(_ path: String) throws(Refusal) -> [[UInt8]] {
            var names: [[UInt8]] = [[]]
            var isEscaped = false
            for byte in path.utf8 {
                if isEscaped {
                    guard byte == Byte.point || byte == Byte.backslash else {
                        throw .badEscape(path: path)
                    }
                    isEscaped = false
                } else if byte == Byte.backslash {
                    isEscaped = true
                    continue
                } else if byte == Byte.point {
                    names.append([])
                    continue
                }
                names[names.count - 1].append(byte)
            }
            guard !isEscaped else {
                throw .badEscape(path: path)
            }
            guard names.allSatisfy({ !$0.isEmpty }) else {
                throw .emptyName(path: path)
            }
            return names
        }

        private static func arrayIndex(_ name: [UInt8]) -> Int32 {
            guard name.count <= 9, name.allSatisfy(isDigit), name.first != Byte.zero || name.count == 1 else {
                return -1
            }
            // At most nine digits, so it stays below 2^31.
            return name.reduce(0) { $0 * 10 + Int32($1 &- Byte.zero) }
        }
    }

    /// The caller's buffer for what a ``PathSet`` found: one slice per path, in the order of the paths.
    ///
    /// Thread rule: one thread at a time, as for any Swift value.
    package struct Extraction: Sendable {
        package fileprivate(set) var slices: [Slice] = []
        /// For each node of the set, how many elements of the array there were seen.
        fileprivate var counters: [Int32] = []

        package init() {}

        /// The slice of one path; missing if there is no such path.
        package subscript(index: Int) -> Slice {
            slices.indices.contains(index) ? slices[index] : .missing
        }

        /// Makes room for the set and forgets what was found before.
        mutating func prepare(for paths: PathSet) {
            slices.removeAll(keepingCapacity: true)
            slices.append(contentsOf: repeatElement(.missing, count: paths.count))
            if counters.count < paths.nodes.count {
                counters.append(contentsOf: repeatElement(0, count: paths.nodes.count - counters.count))
            }
        }
    }

    /// The check and the search together.
    ///
    /// - Parameters:
    ///   - counters: room for one number for each node of `paths`.
    ///   - slices: room for one slice for each path, of which there is one at least; initialized.
    static func extract(
        _ bytes: UnsafeRawBufferPointer,
        maximumDepth: Int,
        paths: PathSet,
        counters: UnsafeMutableBufferPointer<Int32>,
        slices: UnsafeMutableBufferPointer<Slice>
    ) -> Failure? {
        paths.nodes.withUnsafeBufferPointer { nodes in
            paths.names.withUnsafeBytes { names in
                guard let nodes = nodes.baseAddress, let names = names.baseAddress,
                    let counters = counters.baseAddress, let slots = slices.baseAddress
                else {
                    return validate(bytes, maximumDepth: maximumDepth)
                }
                var matcher = PathMatcher(nodes: nodes, names: names, counters: counters, slots: slots)
                let failure = scan(bytes, maximumDepth: maximumDepth, sink: &matcher)
                // A slot whose bit is off holds what a later duplicate made void.
                let filled = failure == nil ? matcher.filled : 0
                for slot in slices.indices where filled &>> UInt64(slot) & 1 == 0 {
                    slices[slot] = .missing
                }
                return failure
            }
        }
    }

    /// The same with the caller's own buffer.
    static func extract(
        _ bytes: UnsafeRawBufferPointer,
        maximumDepth: Int,
        paths: PathSet,
        extraction: inout Extraction
    ) -> Failure? {
        extraction.counters.withUnsafeMutableBufferPointer { counters in
            extraction.slices.withUnsafeMutableBufferPointer { slices in
                extract(bytes, maximumDepth: maximumDepth, paths: paths, counters: counters, slices: slices)
            }
        }
    }
}
