import JSONText
import Journal
import Model
import Records
import Registry

// Webhooks in the journal: one record for each change, which holds the whole webhook, so that a crash leaves the old or the
// new one. Called with the lock of changes held.
extension EngineState {
    /// Writes a webhook as it is to be; 0 without a journal. Nobody has seen it yet: where this throws nothing has changed.
    func write(_ webhook: StoredWebhook) throws(MartletError) -> UInt64 {
        guard let journal else { return 0 }
        let record = webhook.journalRecord
        do throws(JournalError) {
            // A full disk must not keep the host from disabling what fills it.
            return try journal.append(.webhook, length: record.encodedLength, options: .move) {
                record.put(into: &$0)
            }.rawValue
        } catch {
            throw MartletError(error)
        }
    }

    /// The same for a change that has happened: 0 where it could not be written.
    func noteWebhook(_ webhook: StoredWebhook, copied: Bool = false) -> UInt64 {
        guard let journal else { return 0 }
        let record = webhook.journalRecord
        return journal.note(.webhook, length: record.encodedLength, copied: copied) { record.put(into: &$0) }.rawValue
    }

    /// Puts a changed webhook in the place of the former one; false where there is none any more.
    func replace(_ webhook: StoredWebhook, record: UInt64) -> Bool {
        var webhook = webhook
        let former = webhook.record
        if record != 0 { webhook.record = record }
        guard registry.replace(webhook) else {
            journal?.release(Position(rawValue: record))
            return false
        }
        if record != 0 { journal?.release(Position(rawValue: former)) }
        return true
    }

    /// Writes that a webhook is deleted.
    func writeRemoval(of webhook: StoredWebhook) throws(MartletError) {
        guard let journal else { return }
        do throws(JournalError) {
            let removal = try journal.append(.webhookRemoved, length: 16, options: .move) {
                $0.put(webhook.id)
            }
            // The removal goes no earlier than what it removes, so neither needs to be kept.
            journal.release(removal)
            journal.release(Position(rawValue: webhook.record))
        } catch {
            throw MartletError(error)
        }
        let health = health.withLock { $0.removeValue(forKey: webhook.id) }
        if let health { journal.release(health.position) }
    }

    func healthChanged(_ record: HealthRecord) {
        guard let journal else { return }
        let position = journal.note(.health, length: HealthRecord.encodedLength) { record.put(into: &$0) }
        let former = health.withLock { $0.updateValue((record, position), forKey: record.webhook) }
        if let former { journal.release(former.position) }
        // Deleted meanwhile.
        if registry.webhook(record.webhook) == nil,
            let gone = health.withLock({ $0.removeValue(forKey: record.webhook) })
        {
            journal.release(gone.position)
        }
    }
}

extension StoredWebhook {
    var journalRecord: WebhookRecord {
        var writer = JSONWriter()
        definition.writeStored(to: &writer)
        return WebhookRecord(
            id: id,
            createdAt: createdAt,
            updatedAt: updatedAt,
            disabled: disabled,
            secrets: secrets.map {
                WebhookRecord.Secret(text: $0.text, createdAt: $0.createdAt, expiresAt: $0.expiresAt)
            },
            document: writer.bytes
        )
    }

    /// The webhook of a record whose document is `definition`.
    init(_ record: WebhookRecord, _ definition: WebhookDefinition, at position: UInt64, target: WebhookTarget) {
        self.init(
            id: record.id,
            definition: definition,
            createdAt: record.createdAt,
            secrets: record.secrets.map {
                StoredSecret(text: $0.text, createdAt: $0.createdAt, expiresAt: $0.expiresAt)
            },
            target: target
        )
        updatedAt = record.updatedAt
        disabled = record.disabled
        self.record = position
    }
}
