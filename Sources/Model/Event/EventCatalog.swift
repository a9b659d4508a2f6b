import JSONText

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The event types an engine knows: the built-in ones and the host's own.
///
/// A catalog never changes; ``adding(_:)`` makes a larger one in which every type keeps its index. So a reader needs no
/// lock, and a thread that still holds an older catalog agrees with the others on every index it knows.
package final class EventCatalog: Sendable {
    /// The most types of one catalog; an index of 16 bits must remain to say "none".
    package static let maximumCount = 65_535

    /// Ordered by index.
    package let types: [EventType]

    /// An open-addressing table: a power of two of slots, at most half of them used, so that a search always ends.
    private let slots: [Slot]
    /// All names one after the other, which keeps a look-up clear of strings.
    private let names: [UInt8]

    private struct Slot: Sendable {
        var hash: UInt32 = 0
        var offset: UInt32 = 0
        /// 0 marks a free slot: no name is empty.
        var length: UInt16 = 0
        var index: UInt16 = 0
    }

    /// The seed's catalog alone.
    package static let builtIn = EventCatalog(unchecked: EventType.builtIn)

    /// Names are distinct, well-formed and few enough.
    private init(unchecked types: [EventType]) {
        self.types = types
        var capacity = 32
        while capacity < types.count * 2 { capacity *= 2 }
        var slots = [Slot](repeating: Slot(), count: capacity)
        var names: [UInt8] = []
        for (index, type) in types.enumerated() {
            let bytes = Array(type.name.utf8)
            let hash = bytes.withUnsafeBytes { EventCatalog.hash($0) }
            var place = Int(hash) & (capacity - 1)
            while slots[place].length > 0 { place = (place + 1) & (capacity - 1) }
            // At most 65,535 names of at most 128 bytes: all of it fits.
            slots[place] = Slot(
                hash: hash,
                offset: UInt32(truncatingIfNeeded: names.count),
                length: UInt16(truncatingIfNeeded: bytes.count),
                index: UInt16(truncatingIfNeeded: index)
            )
            names += bytes
        }
        self.slots = slots
        self.names = names
    }

    // MARK: Growing

    /// A catalog with `added` behind the types of this one.
    ///
    /// A name that is known already keeps its index; it gets the new title, description and sample, unless it comes alone.
    /// The cost is that of all types, so add many at once.
    ///
    /// - Throws: a name is not well-formed, or there are too many.
    package func adding(_ added: [EventType]) throws(DocumentError) -> EventCatalog {
        var types = types
        var known: [String: Int] = [:]
        var isChanged = false
        for type in added {
            try Shape.text(.eventType).check(.string(type.name), key: "eventType")
            if let place = index(of: type.name).map({ Int($0.rawValue) }) ?? known[type.name] {
                guard type != EventType(name: type.name), types[place] != type else { continue }
                types[place] = type
            } else {
                known[type.name] = types.count
                types.append(type)
            }
            isChanged = true
        }
        guard types.count <= EventCatalog.maximumCount else {
            throw DocumentError(
                .outOfRange,
                key: "eventTypes",
                message: "there can be at most \(EventCatalog.maximumCount) event types, not \(types.count)"
            )
        }
        return isChanged ? EventCatalog(unchecked: types) : self
    }

    // MARK: Look-up

    /// The index of the type with this name, nil where there is none. Allocates nothing: every push calls it.
    package func index(of name: UnsafeRawBufferPointer) -> EventTypeIndex? {
        guard let start = name.baseAddress, 1...TextForm.eventType.bytes.upperBound ~= name.count else { return nil }
        let hash = EventCatalog.hash(name)
        return slots.withUnsafeBufferPointer { slots in
            names.withUnsafeBytes { names in
                let mask = slots.count &- 1
                var place = Int(hash) & mask
                // The mask keeps every index below the count.
                while slots[place].length > 0 {
                    let slot = slots[place]
                    // In bounds: the slot's name lies in `names`, and both sides have as many bytes.
                    if slot.hash == hash, Int(slot.length) == name.count, let base = names.baseAddress,
                        memcmp(base + Int(slot.offset), start, name.count) == 0
                    {
                        return EventTypeIndex(rawValue: slot.index)
                    }
                    place = (place &+ 1) & mask
                }
                return nil
            }
        }
    }

    package func index(of name: String) -> EventTypeIndex? {
        var name = name
        return name.withUTF8 { index(of: UnsafeRawBufferPointer($0)) }
    }

    /// The type at `index`; nil only for an index of another engine.
    package subscript(index: EventTypeIndex) -> EventType? {
        let place = Int(index.rawValue)
        return place < types.count ? types[place] : nil
    }

    /// The name of the type at `index`, without a copy of all that is known of it; empty for an index of another engine.
    package func name(of index: EventTypeIndex) -> String {
        let place = Int(index.rawValue)
        return place < types.count ? types[place].name : ""
    }

    /// The types that a subscription covers, by index: those there are now, so ask again after ``adding(_:)``.
    package func indices(matching subscription: EventSubscription) -> [EventTypeIndex] {
        if case .type(let name) = subscription { return index(of: name).map { [$0] } ?? [] }
        return types.enumerated().compactMap { place, type in
            subscription.matches(type.name) ? EventTypeIndex(rawValue: UInt16(truncatingIfNeeded: place)) : nil
        }
    }

    /// Eight bytes a step, each folded in by a multiplication. Names come from the host, not from an attacker.
    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let factor: UInt64 = 0x9E37_79B9_7F4A_7C15
        var hash = UInt64(truncatingIfNeeded: bytes.count) &* factor
        var offset = 0
        while bytes.count &- offset >= 8 {
            hash = (hash ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* factor
            hash ^= hash >> 32
            offset &+= 8
        }
        if offset < bytes.count {
            var tail: UInt64 = 0
            while offset < bytes.count {
                tail = tail << 8 | UInt64(bytes[offset])
                offset &+= 1
            }
            hash = (hash ^ tail) &* factor
            hash ^= hash >> 32
        }
        return UInt32(truncatingIfNeeded: hash)
    }
}

// MARK: - Errors and listing

extension EventCatalog {
    /// The error for a name that ``index(of:)`` does not know.
    ///
    /// - Parameter key: the key of the document that held it.
    package func unknownType(_ name: String, key: String) -> DocumentError {
        let hint =
            Spelling.nearest(to: name, in: types.lazy.map(\.name)).map { "did you mean \"\($0)\"?" }
            ?? "it is neither built in nor added by the host"
        return DocumentError(
            .unknownEventType,
            key: key,
            message: "unknown event type \(DocumentError.quoted(name)); \(hint)"
        )
    }

    /// Writes all types as an array of objects, in the order of their indices.
    package func write(to writer: inout JSONWriter) {
        writer.beginArray()
        for type in types {
            writer.beginObject()
            writer.key("eventType")
            writer.string(type.name)
            writer.key("title")
            writer.string(type.title)
            writer.key("category")
            writer.string(type.category)
            writer.key("description")
            writer.string(type.description)
            writer.key("sample")
            writer.raw(Array(type.sample.utf8))
            writer.endObject()
        }
        writer.endArray()
    }
}
