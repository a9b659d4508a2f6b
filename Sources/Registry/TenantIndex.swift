import JSONText
import Model

/// The webhooks of one tenant and the index that finds those which want an event.
final class TenantIndex: @unchecked Sendable {
    // Sendable: it is part of the registry's state and touched only under the registry's lock.

    /// Nil for the default tenant.
    let tenant: Tenant?
    /// Its webhooks in the order of creation. Nil for the default tenant as long as there was no other one: all webhooks
    /// are its own then, and the registry has them in their order.
    var order: CreationOrder?

    private var topics: [Topic: TopicIndex] = [:]
    private var fields = FieldTable()
    /// Of the webhook that was filed last: most are filed like the one before.
    private var latestTopics: (events: [EventSubscription], isGoverned: Bool, topics: [Topic])?
    /// Over whenever the plans that were made in it do not hold any more.
    private var era = MatchPlan.Era()
    /// By event type, made when an event of it comes.
    @exclusivity(unchecked)
    private var plans: [MatchPlan?] = []

    init(_ tenant: Tenant?) {
        self.tenant = tenant
    }

    // MARK: Plans

    /// How events of a type are matched, as of now.
    func plan(_ type: EventTypeIndex, in catalog: EventCatalog) -> MatchPlan {
        let place = Int(type.rawValue)
        if place < plans.count, let plan = plans[place] { return plan }
        return makePlan(type, named: catalog.name(of: type))
    }

    private func makePlan(_ type: EventTypeIndex, named name: String) -> MatchPlan {
        // An index of another engine's catalog: nothing wants it.
        guard !name.isEmpty else { return MatchPlan(type, named: name, tenant: tenant, era: era) }
        let place = Int(type.rawValue)
        let plan = MatchPlan(
            type,
            named: name,
            tenant: tenant,
            era: era,
            topics: Topic.topics(covering: name).compactMap { topics[$0] },
            fields: fields
        )
        if place >= plans.count { plans += Array(repeating: nil, count: place - plans.count + 1) }
        plans[place] = plan
        return plan
    }

    /// What was planned before does not hold any more.
    private func endEra() {
        era.isOver = true
        era = MatchPlan.Era()
        plans.removeAll(keepingCapacity: true)
    }

    // MARK: Changes

    /// Numbers the fields of a webhook; ``release(_:)`` gives them back.
    func bind(_ definition: WebhookDefinition) -> Binding {
        Binding(
            agentField: definition.agents == nil ? nil : fields.acquire("agentId"),
            workflowField: definition.workflows == nil ? nil : fields.acquire("workflowId"),
            filter: definition.filter.map { filter in
                BoundFilter(filter, fields: ContiguousArray(filter.paths.map { fields.acquire($0) }))
            }
        )
    }

    func release(_ binding: Binding) {
        if let field = binding.agentField { fields.release(field) }
        if let field = binding.workflowField { fields.release(field) }
        for field in binding.filter?.fields ?? [] { fields.release(field) }
    }

    private func topics(of definition: WebhookDefinition) -> [Topic] {
        let isGoverned = definition.agents != nil || definition.workflows != nil
        if let latestTopics, latestTopics.isGoverned == isGoverned, latestTopics.events == definition.events {
            return latestTopics.topics
        }
        let topics = Topic.topics(of: definition)
        latestTopics = (definition.events, isGoverned, topics)
        return topics
    }

    func insert(_ target: WebhookTarget, _ definition: WebhookDefinition, _ binding: Binding) {
        for filing in Filing.filings(of: definition, under: topics(of: definition), binding, target) {
            var isNew = false
            let topic =
                topics[filing.topic]
                ?? {
                    let topic = TopicIndex()
                    topics[filing.topic] = topic
                    isNew = true
                    return topic
                }()
            if topic.insert(filing) || isNew { endEra() }
        }
    }

    func remove(_ target: WebhookTarget, _ definition: WebhookDefinition, _ binding: Binding) {
        for filing in Filing.filings(of: definition, under: topics(of: definition), binding, target) {
            guard let topic = topics[filing.topic] else { continue }
            if topic.remove(filing) { endEra() }
            if topic.isEmpty {
                topics[filing.topic] = nil
                endEra()
            }
        }
    }
}

/// The numbers of the fields that a webhook asks for.
struct Binding: Sendable {
    var agentField: UInt32?
    var workflowField: UInt32?
    var filter: BoundFilter?
}

extension Filing {
    /// How a webhook is filed: the same for the same definition, so that it can be taken out again.
    ///
    /// It is found by its agents or workflows where they decide; else by a condition of its filter that allows a few
    /// strings only; else it is tried with each event of the topic.
    static func filings(
        of definition: WebhookDefinition,
        under topics: [Topic],
        _ binding: Binding,
        _ target: WebhookTarget
    ) -> [Filing] {
        let access = binding.filter?.filter.access
        return topics.map { topic in
            var filing = Filing(topic: topic, target: target, filter: binding.filter)
            switch topic.governor {
            case .agents where definition.agents != nil:
                filing.field = binding.agentField
                filing.keys = definition.agents ?? []
            case .workflows where definition.workflows != nil:
                filing.field = binding.workflowField
                filing.keys = definition.workflows ?? []
            default:
                guard let access, let bound = binding.filter else { break }
                filing.field = bound.fields[access.path]
                filing.keys = access.strings
                // The look-up has said all there is to say.
                if access.isWhole { filing.filter = nil }
            }
            return filing
        }
    }
}
