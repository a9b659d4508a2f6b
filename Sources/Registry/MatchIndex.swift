import Model

/// Which webhooks want an event, by its type: a look-up, not a scan.
///
/// The list of a type is a copy-on-write array: a push takes a reference under the registry's lock and walks it without;
/// a change made meanwhile copies that one list.
struct MatchIndex: Sendable {
    private var byType: [ContiguousArray<WebhookTarget>] = []

    func targets(of type: EventTypeIndex) -> ContiguousArray<WebhookTarget> {
        let index = Int(type.rawValue)
        return index < byType.count ? byType[index] : []
    }

    mutating func insert(_ target: WebhookTarget, types: some Sequence<EventTypeIndex>) {
        for type in types {
            let index = Int(type.rawValue)
            while byType.count <= index { byType.append([]) }
            byType[index].append(target)
        }
    }

    mutating func remove(_ target: WebhookTarget, types: some Sequence<EventTypeIndex>) {
        for type in types {
            let index = Int(type.rawValue)
            guard index < byType.count, let place = byType[index].firstIndex(of: target) else { continue }
            byType[index].remove(at: place)
        }
    }
}
