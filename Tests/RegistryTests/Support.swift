import Model

@testable import Registry

let wall = WallTime(milliseconds: 1_767_225_600_000)

/// Ids rise with their number, as those of the engine do with time.
func identifier(_ number: UInt64) -> Identifier {
    Identifier(high: number, low: number)
}

extension Registry {
    /// Registers a webhook for `events` and answers it.
    @discardableResult
    func add(_ number: UInt64, _ events: String..., isEnabled: Bool = true) -> StoredWebhook {
        var definition = WebhookDefinition(
            url: "https://a.example/\(number)",
            events: events.compactMap { EventSubscription($0) }
        )
        definition.isEnabled = isEnabled
        let id = identifier(number)
        let webhook = StoredWebhook(
            id: id,
            definition: definition,
            createdAt: wall,
            secrets: [],
            target: reserve(id: id)
        )
        insert(webhook)
        return webhook
    }

    /// Gives the webhook another definition; nil where there is none.
    func update(_ id: Identifier, at time: WallTime, to definition: WebhookDefinition) -> StoredWebhook? {
        guard var webhook = webhook(id) else { return nil }
        webhook.definition = definition
        webhook.updatedAt = time
        return replace(webhook) ? webhook : nil
    }

    /// The numbers of the webhooks that want an event, in no particular order.
    func matches(_ type: String) -> Set<UInt64> {
        guard let index = EventCatalog.builtIn.index(of: type) else { return [] }
        return Set(match(index).map(\.id.high))
    }
}

func registry(lanes: Int = 1) -> Registry {
    Registry(laneCount: lanes, catalog: .builtIn)
}
