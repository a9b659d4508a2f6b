import JSONText
import Model

/// An event on its way in: what the registry knows of its type, and the webhooks that want it.
package struct Admission: ~Copyable, Sendable {
    fileprivate var plan: MatchPlan
    /// The webhooks that want the event, in no order; complete once ``Registry/match(_:isChecked:maximumDepth:_:)`` has
    /// looked at its data.
    package fileprivate(set) var targets: Targets
    /// The data is still to be looked at.
    fileprivate var isOpen: Bool

    fileprivate init(_ plan: MatchPlan, _ targets: Targets = Targets(), isOpen: Bool = false) {
        self.plan = plan
        self.targets = targets
        self.isOpen = isOpen
    }

    package var type: EventTypeIndex { plan.type }
    package var typeName: String { plan.typeName }
    /// Nil for the default tenant.
    package var tenant: Tenant? { plan.tenant }
}

/// What the index found under the registry's lock. The lists are references: nothing was copied.
private struct Hits: Sendable {
    var first = Targets()
    var others: [ContiguousArray<WebhookTarget>] = []
    var candidates: [ContiguousArray<Candidate>] = []

    mutating func add(_ targets: Targets) {
        first = targets
    }

    mutating func add(_ list: ContiguousArray<WebhookTarget>) {
        if first.isEmpty { first.append(list) } else { others.append(list) }
    }

    mutating func add(_ target: WebhookTarget) {
        if first.isEmpty { first.append(target) } else { others.append([target]) }
    }

    /// Those that match: filters are judged here, outside of the lock.
    consuming func targets(_ isMatch: (BoundFilter) -> Bool) -> Targets {
        var targets = first
        for list in others { targets.append(list) }
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
        guard admission.isOpen else {
            return isChecked ? nil : JSONText.validate(data, maximumDepth: maximumDepth)
        }
        // A second round comes only where, meanwhile, a webhook was added that asks for a field not asked for before.
        while true {
            let plan = admission.plan
            let result = plan.withFields(of: data, maximumDepth: maximumDepth) { fields -> MatchPlan? in
                var hits = Hits()
                let newer = state.withLock { state -> MatchPlan? in
                    if plan.era?.isOver == false {
                        Registry.find(plan, data, fields, &hits)
                        return nil
                    }
                    let newer = state.plan(of: plan.type, tenant: plan.tenant)
                    guard !newer.asksForFields else { return newer }
                    hits.add(newer.unfiltered)
                    return nil
                }
                guard newer == nil else { return newer }
                admission.targets = hits.targets { plan.holds($0, data: data, fields: fields) }
                return nil
            }
            switch result {
            case .failure(let failure): return failure
            case .success(nil):
                admission.isOpen = false
                return nil
            case .success(let newer?): admission.plan = newer
            }
        }
    }

    /// Called under the lock.
    private static func find(
        _ plan: MatchPlan,
        _ data: UnsafeRawBufferPointer,
        _ fields: EventFields,
        _ hits: inout Hits
    ) {
        for topic in plan.topics {
            add(topic.unkeyed, &hits)
            for place in topic.tables.indices {
                let slice = plan.slice(topic.tables[place].field, in: fields)
                guard slice.kind == .string else { continue }
                // A string token has its two quotes.
                let content = UnsafeRawBufferPointer(rebasing: slice.bytes(in: data).dropFirst().dropLast())
                if content.contains(UInt8(ascii: "\\")), var decoded = slice.string(in: data) {
                    decoded.withUTF8 { find(UnsafeRawBufferPointer($0), topic.tables[place].keys, &hits) }
                } else {
                    find(content, topic.tables[place].keys, &hits)
                }
            }
        }
    }

    private static func find(_ key: UnsafeRawBufferPointer, _ table: KeyTable, _ hits: inout Hits) {
        guard let found = table.find(key) else { return }
        if let target = found.first { hits.add(target) }
        if let others = found.others { add(others.postings, &hits) }
    }

    private static func add(_ postings: borrowing Postings, _ hits: inout Hits) {
        if !postings.always.isEmpty { hits.add(postings.always.items) }
        if !postings.candidates.isEmpty { hits.candidates.append(postings.candidates.items) }
    }
}

extension MatchPlan {
    /// The match where no field has a say; called under the lock.
    fileprivate var unfiltered: Targets {
        var targets = Targets()
        topics.withUnsafeBufferPointer { topics in
            for place in topics.indices {
                // The plan keeps its topics: counting a reference to each would be half of the work.
                Unmanaged.passUnretained(topics[place])._withUnsafeGuaranteedRef {
                    targets.append($0.unkeyed.always.items)
                }
            }
        }
        return targets
    }
}

extension Registry.State {
    func plan(of type: EventTypeIndex, tenant: Tenant?) -> MatchPlan {
        guard let index = index(of: tenant?.name ?? "") else {
            return MatchPlan(type, named: catalog.name(of: type), tenant: tenant)
        }
        return index.plan(type, in: catalog)
    }

    func admit(_ type: EventTypeIndex, tenant name: String) -> Admission {
        if name.isEmpty {
            // The state keeps it: no reference is counted.
            let plan = Unmanaged.passUnretained(defaultTenant)._withUnsafeGuaranteedRef { $0.plan(type, in: catalog) }
            return admit(plan)
        }
        // A tenant without webhooks has no index.
        guard let index = index(of: name) else {
            return Admission(MatchPlan(type, named: catalog.name(of: type), tenant: Tenant(name)))
        }
        return admit(index.plan(type, in: catalog))
    }

    private func admit(_ plan: MatchPlan) -> Admission {
        if plan.asksForFields { return Admission(plan, isOpen: true) }
        let targets = plan.unfiltered
        return Admission(plan, targets)
    }
}
