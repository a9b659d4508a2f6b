extension JSONText {
    /// Follows the scan through the tree of a ``PathSet`` and fills the slices of the paths it meets.
    ///
    /// Safe because it lives only inside ``extract(_:maximumDepth:paths:extraction:)``, which holds all four arrays:
    /// node numbers come from the set alone, there is a counter for each node, and the bits of a node number slices.
    struct PathMatcher: Sink {
        let nodes: UnsafePointer<PathSet.Node>
        let names: UnsafeRawPointer
        let counters: UnsafeMutablePointer<Int32>
        let slots: UnsafeMutablePointer<Slice>
        /// The slices that hold a value, one bit each.
        private(set) var filled: UInt64 = 0

        private var textStart: UnsafeRawPointer
        private var textEnd: UnsafeRawPointer
        /// The node of the innermost open container that is in the tree.
        private var current = -1
        /// The node of the value that comes next, or -1.
        private var pending = 0
        /// How many containers are open inside `current` that are not in the tree; nothing matters while there are.
        private var outside = 0

        @inline(__always)
        init(
            nodes: UnsafePointer<PathSet.Node>,
            names: UnsafeRawPointer,
            counters: UnsafeMutablePointer<Int32>,
            slots: UnsafeMutablePointer<Slice>
        ) {
            self.nodes = nodes
            self.names = names
            self.counters = counters
            self.slots = slots
            // Set in earnest by begin().
            textStart = names
            textEnd = names
        }

        @inline(__always)
        mutating func begin(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) {
            textStart = start
            textEnd = end
        }

        @inline(__always)
        mutating func key(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer, escaped: Bool) -> Reason? {
            guard outside == 0 else {
                return nil
            }
            pending = child(start + 1, end - start - 2, escaped: escaped)
            if pending >= 0 {
                // A key seen again makes void what the first one held, and all below it.
                filled &= ~nodes[pending].subtree
            }
            return nil
        }

        @inline(__always)
        mutating func element() {
            guard outside == 0 else {
                return
            }
            let index = counters[current]
            pending = -1
            // Names are indexes below 10^9; stopping the count there keeps it from overflowing.
            guard index < 1_000_000_000 else {
                return
            }
            counters[current] = index &+ 1
            let first = Int(nodes[current].firstChild)
            for node in first..<first &+ Int(nodes[current].childCount) where nodes[node].index == index {
                pending = node
            }
        }

        @inline(__always)
        mutating func scalar(
            _ kind: Kind,
            _ start: UnsafeRawPointer,
            _ end: UnsafeRawPointer,
            escaped: Bool
        ) -> Reason? {
            if outside == 0, pending >= 0, nodes[pending].own != 0 {
                fill(nodes[pending].own, Slice(offset: start - textStart, length: end - start, kind: kind))
            }
            return nil
        }

        @inline(__always)
        mutating func open(_ kind: Kind, _ start: UnsafeRawPointer) {
            guard outside == 0, pending >= 0 else {
                outside &+= 1
                return
            }
            current = pending
            counters[current] = 0
            if nodes[current].own != 0 {
                fill(nodes[current].own, Slice(offset: start - textStart, length: 0, kind: kind))
            }
        }

        @inline(__always)
        mutating func close(_ end: UnsafeRawPointer) {
            guard outside == 0 else {
                outside &-= 1
                return
            }
            let own = nodes[current].own
            if own != 0 {
                let opened = slots[own.trailingZeroBitCount]
                let length = end - textStart - opened.offset
                fill(own, Slice(offset: opened.offset, length: length, kind: opened.kind))
            }
            current = Int(nodes[current].parent)
        }

        @inline(never)
        private mutating func fill(_ paths: UInt64, _ slice: Slice) {
            filled |= paths
            var left = paths
            while left != 0 {
                slots[left.trailingZeroBitCount] = slice
                left &= left &- 1
            }
        }

        /// The child of the current node with this key, or -1.
        @inline(__always)
        private func child(_ key: UnsafeRawPointer, _ length: Int, escaped: Bool) -> Int {
            let first = Int(nodes[current].firstChild)
            let behind = first &+ Int(nodes[current].childCount)
            guard first < behind else {
                return -1
            }
            guard !escaped else {
                return escapedChild(UnsafeRawBufferPointer(start: key, count: length), first..<behind)
            }
            let word = keyWord(key, length)
            for node in first..<behind where nodes[node].nameWord == word && nodes[node].nameLength == length {
                if length <= 8 || hasName(node, key) {
                    return node
                }
            }
            return -1
        }

        /// The first eight bytes of a key, zeros behind a shorter one.
        @inline(__always)
        private func keyWord(_ key: UnsafeRawPointer, _ length: Int) -> UInt64 {
            if textEnd - key >= 8 {
                // In bounds: eight bytes are left. The shift is 0 to 56 for a length from 1 to 8.
                let word = word(key)
                return length >= 8 ? word : length == 0 ? 0 : word & (UInt64.max &>> UInt64(64 &- length &* 8))
            }
            var word: UInt64 = 0
            for place in 0..<min(8, length) {
                word |= UInt64(byte(key + place)) &<< UInt64(place &* 8)
            }
            return word
        }

        /// Whether a key of the name's length is the name.
        private func hasName(_ node: Int, _ key: UnsafeRawPointer) -> Bool {
            let name = names + nodes[node].nameOffset
            for place in 8..<max(8, nodes[node].nameLength) where byte(key + place) != byte(name + place) {
                return false
            }
            return true
        }

        @inline(never)
        private func escapedChild(_ key: UnsafeRawBufferPointer, _ children: Range<Int>) -> Int {
            for node in children {
                let start = names + nodes[node].nameOffset
                let name = UnsafeRawBufferPointer(start: start, count: nodes[node].nameLength)
                if DecodedBytes(key).elementsEqual(name) {
                    return node
                }
            }
            return -1
        }
    }
}
