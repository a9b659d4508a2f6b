import JSONText
import Model

/// An event on its way in: what the registry knows of its type, and the webhooks that want it.
package struct Admission: Sendable {
    package let type: EventTypeIndex
    package let typeName: String
    /// Nil for the default tenant.
    package let tenant: Tenant?
    /// The webhooks that want the event, in no order; complete once ``Registry/match(_:isChecked:maximumDepth:_:)`` has
    /// looked at its data.
    package fileprivate(set) var targets = ContiguousArray<WebhookTarget>()
    /// Set while the data is still to be looked at.
    fileprivate var open: OpenMatch?

    fileprivate struct OpenMatch: Sendable {
        var tenant: TenantIndex
        var plan: MatchPlan
    }

    package init(type: EventTypeIndex, typeName: String, tenant: Tenant? = nil) {
        self.type = type
        self.typeName = typeName
        self.tenant = tenant
    }
}

/// What the index found under the registry's lock. The lists are references: nothing was copied.
private struct Hits: Sendable {
    var first = ContiguousArray<WebhookTarget>()
    var others: [ContiguousArray<WebhookTarget>] = []
    var candidates: [ContiguousArray<Candidate>] = []

    mutating func add(_ list: ContiguousArray<WebhookTarget>) {
        if list.isEmpty { return }
        if first.isEmpty { first = list } else { others.append(list) }
    }

    mutating func add(candidates list: ContiguousArray<Candidate>) {
        if !list.isEmpty { candidates.append(list) }
    }

    /// Those that match: filters are judged here, outside of the lock.
    consuming func targets(_ isMatch: (BoundFilter) -> Bool) -> ContiguousArray<WebhookTarget> {
        var targets = first
        for list in others { targets += list }
        for list in candidates {
            for candidate in list where isMatch(candidate.filter) { targets.append(candidate.target) }
        }
        return targets
    }
}

extension Registry {
    /// Looks up the type of an event and how it is matched, in one go under the registry's lock; where no filter has a
    /// say, that is the whole match.
    ///
    /// - Parameter name: the event type as the host gave it; no copy is made.
    /// - Returns: nil where there is no such type.
    package func admit(type name: UnsafeRawBufferPointer, tenant: String = "") -> Admission? {
        state.withLock { state in
            guard let type = state.catalog.index(of: name) else { return nil }
            return state.admit(type, tenant: tenant)
        }
    }

    /// The same for a type whose index is known.
    package func admit(type: EventTypeIndex, tenant: String = "") -> Admission {
        state.withLock { $0.admit(type, tenant: tenant) }
    }

    /// Completes the match by the event's data, and validates that in the same pass unless it was.
    ///
    /// - Parameters:
    ///   - isChecked: the data is known to be valid JSON: it is read only where a filter asks for it.
    ///   - maximumDepth: how deep the data may nest.
    /// - Returns: what is wrong with the data; then the match is not complete.
    package func match(
        _ data: UnsafeRawBufferPointer,
        isChecked: Bool = false,
        maximumDepth: Int,
        _ admission: inout Admission
    ) -> JSONText.Failure? {
        guard var open = admission.open else {
            return isChecked ? nil : JSONText.validate(data, maximumDepth: maximumDepth)
        }
        var fields = EventFields()
        // A second round comes only where, meanwhile, a webhook was added that asks for a field not asked for before.
        while true {
            if let failure = open.plan.read(data, maximumDepth: maximumDepth, into: &fields) { return failure }
            let found = state.withLock { state -> Hits? in
                guard open.tenant.isCurrent(open.plan) else {
                    open.plan = state.plan(of: admission.type, in: open.tenant)
                    return nil
                }
                return Registry.hits(open.plan, data, fields)
            }
            guard let found else { continue }
            admission.targets = found.targets { open.plan.holds($0, data: data, fields: fields) }
            admission.open = nil
            return nil
        }
    }

    /// Called under the lock.
    private static func hits(_ plan: MatchPlan, _ data: UnsafeRawBufferPointer, _ fields: EventFields) -> Hits {
        var hits = Hits()
        for topic in plan.topics {
            hits.add(topic.unkeyed.always.items)
            hits.add(candidates: topic.unkeyed.candidates.items)
            for table in topic.tables {
                let slice = plan.slice(table.field, in: fields)
                guard slice.kind == .string else { continue }
                // A string token has its two quotes.
                let content = UnsafeRawBufferPointer(rebasing: slice.bytes(in: data).dropFirst().dropLast())
                let lists =
                    if content.contains(UInt8(ascii: "\\")), var decoded = slice.string(in: data) {
                        decoded.withUTF8 { table.keys.lists(of: UnsafeRawBufferPointer($0)) }
                    } else {
                        table.keys.lists(of: content)
                    }
                guard let lists else { continue }
                hits.add(lists.always)
                hits.add(candidates: lists.candidates)
            }
        }
        return hits
    }
}

extension Registry.State {
    func plan(of type: EventTypeIndex, in tenant: TenantIndex) -> MatchPlan {
        tenant.plan(type, named: catalog[type]?.name ?? "")
    }

    func admit(_ type: EventTypeIndex, tenant name: String) -> Admission {
        guard let typeName = catalog[type]?.name else { return Admission(type: type, typeName: "") }
        let found = name.isEmpty ? defaultTenant : tenants[name]
        // A tenant without webhooks has no index.
        guard let tenant = found else { return Admission(type: type, typeName: typeName, tenant: Tenant(name)) }
        var admission = Admission(type: type, typeName: typeName, tenant: tenant.tenant)
        let plan = plan(of: type, in: tenant)
        if plan.asksForFields {
            admission.open = Admission.OpenMatch(tenant: tenant, plan: plan)
        } else if plan.topics.count == 1 {
            admission.targets = plan.topics[0].unkeyed.always.items
        } else {
            for topic in plan.topics { admission.targets += topic.unkeyed.always.items }
        }
        return admission
    }
}
