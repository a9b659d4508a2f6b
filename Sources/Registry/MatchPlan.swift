import JSONText
import Model

/// How events of one tenant and type are matched: where to look, and which fields to read for it. Made anew when either
/// changes.
package final class MatchPlan: @unchecked Sendable {
    // Sendable: the topics and the era are touched only under the registry's lock; the rest never changes.

    package let type: EventTypeIndex
    package let typeName: String
    /// Nil for the default tenant.
    package let tenant: Tenant?
    let topics: ContiguousArray<TopicIndex>
    /// Tells whether the plan still holds; nil for a tenant that has no webhooks.
    let era: Era?
    /// The fields to read, 64 to a set: nearly always one set, which takes the pass that validates the data.
    private let sets: [JSONText.PathSet]
    /// How many fields there are.
    private let fieldCount: Int
    /// For each field number of the tenant the place among the fields to read, or -1.
    private let places: ContiguousArray<Int32>

    /// What all plans of a tenant share that were made between two of its changes.
    final class Era: @unchecked Sendable {
        // Sendable: touched only under the registry's lock.
        @exclusivity(unchecked)
        var isOver = false
    }

    init(
        _ type: EventTypeIndex,
        named typeName: String,
        tenant: Tenant?,
        era: Era? = nil,
        topics: [TopicIndex] = [],
        fields: FieldTable = FieldTable()
    ) {
        self.type = type
        self.typeName = typeName
        self.tenant = tenant
        self.era = era
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
        fieldCount = paths.count
        sets = stride(from: 0, to: paths.count, by: JSONText.PathSet.maximumCount).map { start in
            let end = min(start + JSONText.PathSet.maximumCount, paths.count)
            // Filters were compiled with these paths: none is refused.
            return (try? JSONText.PathSet(Array(paths[start..<end]))) ?? JSONText.PathSet()
        }
    }

    /// Whether an event's data decides about a match.
    package var asksForFields: Bool { fieldCount > 0 }

    /// Reads the fields out of `data` in the pass that validates it, and lends them to `body`.
    func withFields<Result>(
        of data: UnsafeRawBufferPointer,
        maximumDepth: Int,
        _ body: (EventFields) -> Result
    ) -> Swift.Result<Result, JSONText.Failure> {
        withUnsafeTemporaryAllocation(of: JSONText.Slice.self, capacity: fieldCount) { slices in
            slices.initialize(repeating: .missing)
            var start = 0
            for set in sets {
                let part = UnsafeMutableBufferPointer(rebasing: slices[start..<(start + set.count)])
                if let failure = JSONText.validate(data, maximumDepth: maximumDepth, extracting: set, into: part) {
                    return .failure(failure)
                }
                start += set.count
            }
            return .success(body(EventFields(slices: UnsafeBufferPointer(slices))))
        }
    }

    /// Where the field with this number stands.
    func slice(_ field: UInt32, in fields: EventFields) -> JSONText.Slice {
        guard Int(field) < places.count, places[Int(field)] >= 0 else { return .missing }
        let place = Int(places[Int(field)])
        return place < fields.slices.count ? fields.slices[place] : .missing
    }

    func holds(_ filter: BoundFilter, data: UnsafeRawBufferPointer, fields: EventFields) -> Bool {
        filter.filter.matches(in: data) { path in
            path < filter.fields.count ? slice(filter.fields[path], in: fields) : .missing
        }
    }
}

/// What a ``MatchPlan`` read out of an event's data; valid inside the call that lends it.
struct EventFields {
    fileprivate let slices: UnsafeBufferPointer<JSONText.Slice>
}
