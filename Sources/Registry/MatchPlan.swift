import JSONText
import Model

/// How events of one tenant and type are matched: where to look, and which fields to read for it. Made anew when either
/// changes.
package final class MatchPlan: @unchecked Sendable {
    // Sendable: the topics are touched only under the registry's lock; the rest never changes.
    let version: UInt64
    let topics: ContiguousArray<TopicIndex>
    /// The fields to read, 64 to a set: nearly always one set, which takes the pass that validates the data.
    private let sets: [JSONText.PathSet]
    /// For each field number of the tenant the place among the fields to read, or -1.
    private let places: ContiguousArray<Int32>

    init(version: UInt64, topics: [TopicIndex], fields: FieldTable) {
        self.version = version
        self.topics = ContiguousArray(topics)
        var places = ContiguousArray<Int32>(repeating: -1, count: 0)
        var paths: [String] = []
        for topic in topics {
            for field in topic.uses.keys {
                if places.isEmpty { places = ContiguousArray(repeating: -1, count: fields.capacity) }
                guard places[Int(field)] < 0 else { continue }
                places[Int(field)] = Int32(truncatingIfNeeded: paths.count)
                paths.append(fields[field])
            }
        }
        self.places = places
        sets = stride(from: 0, to: paths.count, by: JSONText.PathSet.maximumCount).map { start in
            let end = min(start + JSONText.PathSet.maximumCount, paths.count)
            // Filters were compiled with these paths: none is refused.
            return (try? JSONText.PathSet(Array(paths[start..<end]))) ?? JSONText.PathSet()
        }
    }

    /// Whether an event's data decides about a match.
    package var asksForFields: Bool { !sets.isEmpty }

    /// Reads the fields out of `data` in the pass that validates it.
    package func read(
        _ data: UnsafeRawBufferPointer,
        maximumDepth: Int,
        into fields: inout EventFields
    ) -> JSONText.Failure? {
        guard let first = sets.first else { return JSONText.validate(data, maximumDepth: maximumDepth) }
        if let failure = JSONText.validate(
            data,
            maximumDepth: maximumDepth,
            extracting: first,
            into: &fields.first
        ) {
            return failure
        }
        fields.others.removeAll(keepingCapacity: true)
        for set in sets.dropFirst() {
            var extraction = JSONText.Extraction()
            _ = JSONText.validate(data, maximumDepth: maximumDepth, extracting: set, into: &extraction)
            fields.others.append(extraction)
        }
        return nil
    }

    /// Where the field with this number stands.
    func slice(_ field: UInt32, in fields: EventFields) -> JSONText.Slice {
        guard Int(field) < places.count, places[Int(field)] >= 0 else { return .missing }
        let place = Int(places[Int(field)])
        let count = JSONText.PathSet.maximumCount
        if place < count { return fields.first[place] }
        let other = place / count - 1
        return other < fields.others.count ? fields.others[other][place % count] : .missing
    }

    func holds(_ filter: BoundFilter, data: UnsafeRawBufferPointer, fields: EventFields) -> Bool {
        filter.filter.matches(in: data) { path in
            path < filter.fields.count ? slice(filter.fields[path], in: fields) : .missing
        }
    }
}

/// What a ``MatchPlan`` read out of an event's data. Reuse it: only more fields than before make it allocate.
package struct EventFields: Sendable {
    var first = JSONText.Extraction()
    /// Beyond 64 fields.
    var others: [JSONText.Extraction] = []

    package init() {}
}
