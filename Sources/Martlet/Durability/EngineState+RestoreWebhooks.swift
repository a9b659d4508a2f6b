import Journal
import Model
import Records
import Registry
import Transport

// Opening a journal that an earlier life of the process left: the webhooks. There may be very many of them, most of which
// are alike.
extension EngineState {
    func restoreWebhooks(_ found: RecoveredState, _ summary: inout RecoverySummary) {
        let now = Clock.monotonic()
        let wall = Clock.wall()
        var definitions = StoredDefinitions()
        var origins = JudgedOrigins(addressGuard)
        var knownEvents: [EventSubscription] = []
        for (id, position) in found.webhooks.sorted(by: { $0.key < $1.key }) {
            let target = registry.reserve(id: id)
            guard var webhook = restoredWebhook(at: position, target, &definitions) else {
                registry.cancel(target)
                summary.unreadable += 1
                unreadable.withLock { $0.append(Position(rawValue: position)) }
                continue
            }
            if webhook.definition.events != knownEvents {
                knownEvents = webhook.definition.events
                for case .type(let name) in knownEvents { _ = restoredType(name) }
            }
            var url = webhook.definition.url
            do throws(EndpointURLError) {
                url = try origins.text(of: url)
            } catch {
                // The configuration accepts less than it did. The webhook stays, and sends nothing.
                if webhook.definition.isEnabled {
                    webhook.definition.isEnabled = false
                    webhook.disabled = DisabledNote(reason: .refused, at: wall)
                    let record = noteWebhook(webhook)
                    if record != 0 {
                        journal?.release(Position(rawValue: webhook.record))
                        webhook.record = record
                    }
                }
            }
            var health = WebhookHealth()
            if let known = found.health[id] {
                health = WebhookHealth(known.record, at: now, wall: wall)
                self.health.withLock { $0[id] = (known.record, Position(rawValue: known.position)) }
            }
            let specification = specification(of: webhook, url: url)
            let isEnabled = webhook.definition.isEnabled
            _ = lanes[Int(target.lane)].put {
                $0.commands.append(
                    .addWebhook(target.slot, specification, isEnabled: isEnabled, health: health)
                )
            }
            registry.insert(webhook)
            summary.webhooks += 1
        }
    }

    /// Nil where the record cannot be read, or its document is none that this version takes.
    private func restoredWebhook(
        at position: UInt64,
        _ target: WebhookTarget,
        _ definitions: inout StoredDefinitions
    ) -> StoredWebhook? {
        guard let pinned = journal?.read(position) else { return nil }
        var document = UnsafeRawBufferPointer(start: nil, count: 0)
        guard let record = WebhookRecord(pinned.bytes, document: &document),
            let definition = try? definitions.definition(document)
        else { return nil }
        return StoredWebhook(record, definition, at: position, target: target)
    }
}
