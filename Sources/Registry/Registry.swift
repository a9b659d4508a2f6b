import Model
import Synchronization

/// The registered webhooks and the index that finds those which want an event. Any thread may call it.
///
/// It decides nothing about lanes beyond dealing places on them: telling the lanes is the engine's task.
package final class Registry: Sendable {
    private let state: Mutex<State>

    private struct State: Sendable {
        var webhooks: [Identifier: StoredWebhook] = [:]
        /// Ascending, which is the order of creation.
        var order: [Identifier] = []
        var index = MatchIndex()
        var slots: LaneSlots
        var catalog: EventCatalog

        func types(of definition: WebhookDefinition) -> Set<EventTypeIndex> {
            Set(definition.events.flatMap { catalog.indices(matching: $0) })
        }
    }

    package init(laneCount: Int, catalog: EventCatalog) {
        state = Mutex(State(slots: LaneSlots(laneCount: laneCount), catalog: catalog))
    }

    package var count: Int {
        state.withLock { $0.webhooks.count }
    }

    /// The webhooks that want an event of this type.
    package func match(_ type: EventTypeIndex) -> ContiguousArray<WebhookTarget> {
        state.withLock { $0.index.targets(of: type) }
    }

    package func webhook(_ id: Identifier) -> StoredWebhook? {
        state.withLock { $0.webhooks[id] }
    }

    /// Up to `limit` webhooks created after `cursor`, in the order of creation, and whether there are more.
    package func webhooks(after cursor: Identifier, limit: Int) -> (page: [StoredWebhook], hasMore: Bool) {
        state.withLock { state in
            let start = state.order.partitioningIndex { $0 > cursor }
            let ids = state.order[start...].prefix(max(limit, 0))
            return (ids.compactMap { state.webhooks[$0] }, ids.endIndex < state.order.endIndex)
        }
    }

    // MARK: Changes

    /// Deals a place for a webhook that is about to be inserted.
    package func reserve(id: Identifier) -> WebhookTarget {
        state.withLock { state in
            let (lane, slot) = state.slots.take()
            return WebhookTarget(id: id, slot: slot, lane: lane)
        }
    }

    /// From here on events match it, where it is enabled.
    package func insert(_ webhook: StoredWebhook) {
        state.withLock { state in
            state.webhooks[webhook.id] = webhook
            let place = state.order.partitioningIndex { $0 > webhook.id }
            state.order.insert(webhook.id, at: place)
            if webhook.definition.isEnabled {
                state.index.insert(webhook.target, types: state.types(of: webhook.definition))
            }
        }
    }

    /// Replaces the definition; answers the webhook as it is now, nil where there is none.
    package func update(_ id: Identifier, at time: WallTime, to definition: WebhookDefinition) -> StoredWebhook? {
        state.withLock { state in
            guard var webhook = state.webhooks[id] else { return nil }
            if webhook.definition.isEnabled {
                state.index.remove(webhook.target, types: state.types(of: webhook.definition))
            }
            webhook.definition = definition
            webhook.updatedAt = time
            if definition.isEnabled {
                state.index.insert(webhook.target, types: state.types(of: definition))
            }
            state.webhooks[id] = webhook
            return webhook
        }
    }

    /// Takes the webhook out; answers it, nil where there is none.
    package func remove(_ id: Identifier) -> StoredWebhook? {
        state.withLock { state in
            guard let webhook = state.webhooks.removeValue(forKey: id) else { return nil }
            let place = state.order.partitioningIndex { $0 >= id }
            if place < state.order.count { state.order.remove(at: place) }
            if webhook.definition.isEnabled {
                state.index.remove(webhook.target, types: state.types(of: webhook.definition))
            }
            state.slots.leave(lane: webhook.target.lane)
            return webhook
        }
    }

    package func released(_ slot: WebhookSlot, lane: Int) {
        state.withLock { $0.slots.release(slot, lane: lane) }
    }
}

extension Array {
    /// The first index whose element satisfies `belongsToSecond`, in an array where all that do come last.
    fileprivate func partitioningIndex(where belongsToSecond: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = low + (high - low) / 2
            if belongsToSecond(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
