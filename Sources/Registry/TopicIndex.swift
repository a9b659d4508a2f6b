import Model

/// The webhooks of one tenant that are filed under one topic, found by what their filters ask for.
final class TopicIndex: @unchecked Sendable {
    // Sendable: it is part of the registry's state and touched only under the registry's lock.

    /// Webhooks that no field decides about, or that can only be found by trying each.
    @exclusivity(unchecked)
    private(set) var unkeyed = Postings()
    /// One table for each field that webhooks are found by.
    @exclusivity(unchecked)
    private(set) var tables: ContiguousArray<Table> = []
    /// How many filings ask for each field.
    private(set) var uses: [UInt32: Int] = [:]

    struct Table: Sendable {
        let field: UInt32
        let keys = KeyTable()
    }

    var isEmpty: Bool { unkeyed.isEmpty && tables.isEmpty }

    /// Whether an event's data must be looked into.
    var asksForFields: Bool { !uses.isEmpty }

    /// Files a webhook; true where the fields asked for are others than before.
    func insert(_ filing: Filing) -> Bool {
        if let field = filing.field {
            let place =
                tables.firstIndex { $0.field == field }
                ?? {
                    tables.append(Table(field: field))
                    return tables.count - 1
                }()
            for key in filing.keys { tables[place].keys.insert(filing.target, filing.filter, key: key) }
        } else {
            unkeyed.insert(filing.target, filing.filter)
        }
        var isChanged = false
        filing.forEachField { field in
            let count = uses[field, default: 0]
            uses[field] = count + 1
            if count == 0 { isChanged = true }
        }
        return isChanged
    }

    /// Takes out what ``insert(_:)`` put in; true where the fields asked for are others than before.
    func remove(_ filing: Filing) -> Bool {
        let hasFilter = filing.filter != nil
        if let field = filing.field {
            if let place = tables.firstIndex(where: { $0.field == field }) {
                for key in filing.keys { tables[place].keys.remove(filing.target.id, hasFilter: hasFilter, key: key) }
                if tables[place].keys.isEmpty { tables.remove(at: place) }
            }
        } else {
            unkeyed.remove(filing.target.id, hasFilter: hasFilter)
        }
        var isChanged = false
        filing.forEachField { field in
            let count = uses[field, default: 1]
            uses[field] = count > 1 ? count - 1 : nil
            if count <= 1 { isChanged = true }
        }
        return isChanged
    }
}

/// How a webhook is filed under one topic.
struct Filing: Sendable {
    var topic: Topic
    var target: WebhookTarget
    /// The field it is found by; nil: it is not found by one.
    var field: UInt32?
    /// The strings of that field, each once.
    var keys: [String] = []
    /// What must hold besides.
    var filter: BoundFilter?

    func forEachField(_ body: (UInt32) -> Void) {
        if let field { body(field) }
        for asked in filter?.fields ?? [] where asked != field { body(asked) }
    }
}
