import Model

/// A webhook as it is registered, and where its deliveries go.
package struct StoredWebhook: Sendable {
    package var id: Identifier
    package var definition: WebhookDefinition
    package var createdAt: WallTime
    package var updatedAt: WallTime
    /// Current first, then those that end latest.
    package var secrets: [StoredSecret]
    private var disabledBox: DisabledBox?
    package var target: WebhookTarget
    /// Where the journal has it; 0 for nowhere.
    package var record: UInt64 = 0

    package init(
        id: Identifier,
        definition: WebhookDefinition,
        createdAt: WallTime,
        secrets: [StoredSecret],
        target: WebhookTarget
    ) {
        self.id = id
        self.definition = definition
        self.createdAt = createdAt
        updatedAt = createdAt
        self.secrets = secrets
        self.target = target
    }
}

extension StoredWebhook {
    /// Most webhooks are enabled, and small so.
    private final class DisabledBox: Sendable {
        let note: DisabledNote

        init(_ note: DisabledNote) {
            self.note = note
        }
    }

    /// Nil while it is enabled.
    package var disabled: DisabledNote? {
        get { disabledBox?.note }
        set { disabledBox = newValue.map { DisabledBox($0) } }
    }
}

/// What a match answers for a webhook: where to put the delivery. Trivial, for a match may answer thousands.
package struct WebhookTarget: BitwiseCopyable, Hashable, Sendable {
    package var id: Identifier
    package var slot: WebhookSlot
    package var lane: UInt32

    package init(id: Identifier, slot: WebhookSlot, lane: UInt32) {
        self.id = id
        self.slot = slot
        self.lane = lane
    }
}
