import Model
import Threading

/// The registered webhooks and the index that finds those which want an event. Any thread may call it.
///
/// It decides nothing about lanes beyond dealing places on them: telling the lanes is the engine's task.
package final class Registry: Sendable {
    let state: Locked<State>

    /// Not copyable: a copy by mistake would count references in each push.
    struct State: ~Copyable, Sendable {
        fileprivate(set) var webhooks = WebhookTable()
        let defaultTenant = TenantIndex(nil)
        /// The other tenants that have webhooks.
        fileprivate(set) var tenants: [String: TenantIndex] = [:]
        fileprivate var slots: LaneSlots
        /// Of the webhook inserted last: most have much in common, and keep it once.
        fileprivate var latest: WebhookDefinition?
        fileprivate(set) var catalog: EventCatalog
    }

    package init(laneCount: Int, catalog: EventCatalog) {
        state = Locked(State(slots: LaneSlots(laneCount: laneCount), catalog: catalog))
    }

    package var count: Int {
        state.withLock { $0.webhooks.count }
    }

    package func webhook(_ id: Identifier) -> StoredWebhook? {
        state.withLock { $0.webhooks[id]?.webhook }
    }

    /// Up to `limit` webhooks created after `cursor`, in the order of creation, and whether there are more.
    ///
    /// - Parameter tenant: only those of this tenant; nil for those of all.
    package func webhooks(
        after cursor: Identifier,
        limit: Int,
        tenant: String? = nil
    ) -> (page: [StoredWebhook], hasMore: Bool) {
        state.withLock { state in
            var page: [StoredWebhook] = []
            var hasMore = false
            if let tenant, let order = state.order(of: tenant) {
                for id in order.ids(after: cursor) {
                    guard let webhook = state.webhooks[id]?.webhook else { continue }
                    hasMore = page.count >= limit
                    if hasMore { break }
                    page.append(webhook)
                }
            } else {
                state.webhooks.forEach(after: cursor) { registered in
                    hasMore = page.count >= limit
                    if !hasMore { page.append(registered.webhook) }
                    return !hasMore
                }
            }
            return (page, hasMore)
        }
    }

    // MARK: Event types

    /// The event types as they are now. Types are only ever added, and keep their index.
    package var catalog: EventCatalog {
        state.withLock { $0.catalog }
    }

    /// Adds an event type, or gives a known one a new title, description and sample.
    package func addEventType(_ type: EventType) throws(DocumentError) {
        try state.withLock { state in
            Result { () throws(DocumentError) in state.catalog = try state.catalog.adding([type]) }
        }.get()
    }

    // MARK: Changes

    /// Deals a place for a webhook that is about to be inserted.
    package func reserve(id: Identifier) -> WebhookTarget {
        state.withLock { state in
            let (lane, slot) = state.slots.take()
            return WebhookTarget(id: id, slot: slot, lane: lane)
        }
    }

    /// Gives a place back that no webhook took.
    package func cancel(_ target: WebhookTarget) {
        state.withLock { state in
            state.slots.leave(lane: target.lane)
            state.slots.release(target.slot, lane: Int(target.lane))
        }
    }

    /// From here on events match it, where it is enabled.
    package func insert(_ webhook: StoredWebhook) {
        state.withLock { state in
            var webhook = webhook
            if let latest = state.latest { webhook.definition.share(with: latest) }
            state.latest = webhook.definition
            let registered = Registered(webhook, state.makeIndex(of: webhook.definition.tenant))
            state.webhooks.insert(registered, id: webhook.id)
            registered.tenant.order?.insert(webhook.id)
            registered.file()
        }
    }

    /// Puts a changed webhook in the place of the one with its id, whose tenant and target must stay; false where there is
    /// none. Whoever changes webhooks does so one after the other.
    package func replace(_ webhook: StoredWebhook) -> Bool {
        state.withLock { state in
            guard let registered = state.webhooks[webhook.id] else { return false }
            let isFiledAnew = !registered.webhook.definition.isMatchedLike(webhook.definition)
            if isFiledAnew { registered.unfile() }
            registered.webhook = webhook
            if isFiledAnew { registered.file() }
            return true
        }
    }

    /// Takes the webhook out; answers it, nil where there is none.
    package func remove(_ id: Identifier) -> StoredWebhook? {
        state.withLock { state in
            guard let registered = state.webhooks.remove(id) else { return nil }
            registered.unfile()
            state.removeOne(from: registered.tenant)
            state.slots.leave(lane: registered.webhook.target.lane)
            return registered.webhook
        }
    }

    package func released(_ slot: WebhookSlot, lane: Int) {
        state.withLock { $0.slots.release(slot, lane: lane) }
    }
}

extension Registry.State {
    /// The index of a tenant; nil where it has no webhooks.
    func index(of tenant: String) -> TenantIndex? {
        tenant.isEmpty ? defaultTenant : tenants[tenant]
    }

    fileprivate mutating func makeIndex(of tenant: String) -> TenantIndex {
        if let index = index(of: tenant) { return index }
        if defaultTenant.order == nil {
            var order = CreationOrder()
            webhooks.forEach(after: .zero) {
                order.insert($0.webhook.id)
                return true
            }
            defaultTenant.order = order
        }
        let index = TenantIndex(Tenant(tenant))
        index.order = CreationOrder()
        tenants[tenant] = index
        return index
    }

    /// Nil where all webhooks are the tenant's.
    fileprivate func order(of tenant: String) -> CreationOrder? {
        if let index = index(of: tenant) { index.order } else { CreationOrder() }
    }

    /// A webhook of the tenant, which is out of the table, goes out of the tenant's order.
    fileprivate mutating func removeOne(from index: TenantIndex) {
        index.order?.removeOne { webhooks[$0] != nil }
        if let tenant = index.tenant, index.order?.isEmpty ?? true { tenants[tenant.name] = nil }
    }
}

/// A webhook in the registry, and how it is filed.
final class Registered: @unchecked Sendable {
    // Sendable: it is part of the registry's state and touched only under the registry's lock.
    fileprivate var webhook: StoredWebhook
    fileprivate let tenant: TenantIndex
    /// Nil while it is not filed, because it is disabled.
    private var binding: Binding?

    fileprivate init(_ webhook: StoredWebhook, _ tenant: TenantIndex) {
        self.webhook = webhook
        self.tenant = tenant
    }

    fileprivate func file() {
        guard webhook.definition.isEnabled, binding == nil else { return }
        let binding = tenant.bind(webhook.definition)
        tenant.insert(webhook.target, webhook.definition, binding)
        self.binding = binding
    }

    /// Takes it out of the index; its definition must still be the one it was filed with.
    fileprivate func unfile() {
        guard let binding else { return }
        tenant.remove(webhook.target, webhook.definition, binding)
        tenant.release(binding)
        self.binding = nil
    }
}

extension WebhookDefinition {
    /// Whether events match both alike.
    fileprivate func isMatchedLike(_ other: WebhookDefinition) -> Bool {
        isEnabled == other.isEnabled && events == other.events && agents == other.agents
            && workflows == other.workflows && filter == other.filter
    }
}
