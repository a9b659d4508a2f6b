/// The members of a JSON object in the order they were written, found by key.
///
/// Keys compare byte for byte. Looking a key up takes a walk over the members of a small object and constant time in
/// a large one.
package struct JSONObject: Sendable {
    /// One member.
    package struct Member: Hashable, Sendable {
        package let key: String
        package var value: JSONValue

        package static func == (left: Member, right: Member) -> Bool {
            left.key.utf8.elementsEqual(right.key.utf8) && left.value == right.value
        }
    }

    /// All members in order; no key is there twice.
    package private(set) var members: [Member] = []
    /// The place of each key, kept once there are more than `walkLimit` members; else empty.
    private var places: [Key: Int] = [:]

    /// Up to so many members a walk beats hashing.
    private static let walkLimit = 16

    /// A key that is equal to the same bytes only.
    private struct Key: Hashable {
        let text: String

        static func == (left: Key, right: Key) -> Bool {
            left.text.utf8.elementsEqual(right.text.utf8)
        }

        /// Hashes bytes: the hash of `String` puts equivalent spellings together, which a hostile document could use
        /// to make all of its keys collide.
        func hash(into hasher: inout Hasher) {
            var text = text
            text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    package init() {}

    package var count: Int { members.count }

    package var isEmpty: Bool { members.isEmpty }

    /// The keys in order.
    package var keys: [String] { members.map(\.key) }

    /// The value of a key.
    ///
    /// Setting one that is there keeps its place; a new one goes to the end; nil takes it away.
    package subscript(key: String) -> JSONValue? {
        get {
            place(of: key).map { members[$0].value }
        }
        set {
            guard let newValue else {
                remove(key)
                return
            }
            if let place = place(of: key) {
                members[place].value = newValue
            } else {
                appendNew(key, newValue)
            }
        }
    }

    /// Appends a member unless the key is there already; says whether it did.
    package mutating func append(_ key: String, _ value: JSONValue) -> Bool {
        guard place(of: key) == nil else {
            return false
        }
        appendNew(key, value)
        return true
    }

    /// Appends a member whose key the caller knows to be new.
    mutating func appendChecked(_ key: String, _ value: JSONValue) {
        appendNew(key, value)
    }

    package func contains(_ key: String) -> Bool {
        place(of: key) != nil
    }

    private func place(of key: String) -> Int? {
        guard places.isEmpty else {
            return places[Key(text: key)]
        }
        return members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
    }

    private mutating func appendNew(_ key: String, _ value: JSONValue) {
        members.append(Member(key: key, value: value))
        if !places.isEmpty {
            places[Key(text: key)] = members.count - 1
        } else if members.count > JSONObject.walkLimit {
            indexAll()
        }
    }

    private mutating func remove(_ key: String) {
        guard let place = place(of: key) else {
            return
        }
        members.remove(at: place)
        places.removeAll()
        if members.count > JSONObject.walkLimit {
            indexAll()
        }
    }

    private mutating func indexAll() {
        for (place, member) in members.enumerated() {
            places[Key(text: member.key)] = place
        }
    }
}

extension JSONObject: Hashable {
    /// Equal means the same members in the same order.
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members == right.members
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(members)
    }
}

extension JSONObject: Sequence {
    package func makeIterator() -> IndexingIterator<[Member]> {
        members.makeIterator()
    }

    package var underestimatedCount: Int { members.count }
}
