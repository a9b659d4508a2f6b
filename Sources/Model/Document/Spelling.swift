/// Finds the name that was probably meant: for error messages only.
enum Spelling {
    /// The candidate nearest to `name`, nil where none is near enough to be worth a mention.
    ///
    /// Upper and lower case, underscores and hyphens do not count, so `timeout_ms` finds `timeoutMs`. A name that is
    /// the last segment of a candidate finds it too: `maxEvents` finds `queue.maxEvents`.
    static func nearest(to name: String, in candidates: some Sequence<String>) -> String? {
        let wanted = folded(name)
        // Longer ones are not slips of the keyboard, and the comparison is quadratic.
        guard 1...128 ~= wanted.count else { return nil }
        let limit = max(1, min(3, wanted.count / 3))
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let other = folded(candidate)
            var distance = distance(wanted, other, limit: best.map { min(limit, $0.distance) } ?? limit)
            if distance == nil, other.lastSegment.elementsEqual(wanted) || wanted.lastSegment.elementsEqual(other) {
                distance = limit
            }
            if let distance, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.candidate
    }

    private static func folded(_ name: String) -> [UInt8] {
        name.utf8.prefix(256).compactMap { byte in
            switch byte {
            case UInt8(ascii: "_"), UInt8(ascii: "-"): nil
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            default: byte
            }
        }
    }

    /// Insertions, deletions, replacements and swaps of neighbours that lead from one to the other; nil above `limit`.
    private static func distance(_ left: [UInt8], _ right: [UInt8], limit: Int) -> Int? {
        guard abs(left.count - right.count) <= limit else { return nil }
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        var row = last
        for (i, byte) in left.enumerated() {
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (byte == other ? 0 : 1))
                if i > 0, j > 0, byte == right[j - 1], left[i - 1] == other {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row[j + 1] = cost
            }
            (beforeLast, last) = (last, row)
            if last.allSatisfy({ $0 > limit }) { return nil }
        }
        let result = last[right.count]
        return result <= limit ? result : nil
    }
}

extension [UInt8] {
    /// What follows the last dot; empty where there is none.
    fileprivate var lastSegment: ArraySlice<UInt8> {
        lastIndex(of: UInt8(ascii: ".")).map { self[($0 + 1)...] } ?? []
    }
}
