import Delivery
import Journal
import Model
import Records

// Webhooks: one record for each change, written before the change holds.
extension Store {
    func id(_ slot: WebhookSlot) -> Identifier? {
        guard slot.index < slots.count else { return nil }
        let id = slots[Int(slot.index)]
        return webhooks[id]?.slot == slot ? id : nil
    }

    func addWebhook(_ slot: WebhookSlot, policy: WebhookPolicy, isEnabled: Bool) throws(Violation) {
        let id = ids.next(at: world.wall)
        let version = newVersion(id, WebhookVersion(policy: policy, isEnabled: isEnabled))
        let position = try write(id, version)
        webhooks[id] = StoredWebhook(slot: slot, version: version, position: position)
        place(id, at: slot)
    }

    func place(_ id: Identifier, at slot: WebhookSlot) {
        while slots.count <= Int(slot.index) { slots.append(.zero) }
        slots[Int(slot.index)] = id
    }

    func changeWebhook(_ slot: WebhookSlot, _ change: (inout WebhookVersion) -> Void) throws(Violation) {
        guard let id = id(slot), let webhook = webhooks[id] else { return }
        var changed = versions[webhook.version].policy
        change(&changed)
        let version = newVersion(id, changed)
        let position = try write(id, version)
        webhooks[id]?.version = version
        webhooks[id]?.position = position
        release(webhook.position)
    }

    func removeWebhook(_ slot: WebhookSlot) throws(Violation) {
        guard let id = id(slot), let webhook = webhooks[id] else { return }
        let removal = try append(.webhookRemoved, .removal(id), length: 16, options: Store.replacing) { $0.put(id) }
        release(removal)
        release(webhook.position)
        webhooks[id] = nil
        if let known = health.removeValue(forKey: id) { release(known.position) }
    }

    /// The core disabled it: the webhook first, then what the host is told.
    func disabled(_ slot: WebhookSlot) throws(Violation) {
        guard let id = id(slot) else { return }
        try changeWebhook(slot) { $0.isEnabled = false }
        guard profile.tellsEvents || profile.tellsDeliveries else { return }
        var record = blank(kind: 3, state: 2, event: nil)
        record.webhook = id
        queue.append(try enter(.webhook(id), nil, record))
    }

    private func newVersion(_ id: Identifier, _ version: WebhookVersion) -> Int {
        versions.append((version, id))
        return versions.count - 1
    }

    /// For a record that ends or replaces an older one: the older one may be given up then, and its file must not go before
    /// this record is on the disk.
    static var replacing: AppendOptions { .move }

    func write(_ id: Identifier, _ version: Int) throws(Violation) -> Position {
        let record = WebhookRecord(
            id: id,
            createdAt: id.wallTime,
            updatedAt: world.wall,
            disabled: nil,
            secrets: [WebhookRecord.Secret(text: "whsec_\(version)", createdAt: world.wall, expiresAt: nil)],
            document: Array("\(version)".utf8)
        )
        return try append(
            .webhook,
            .webhook(id, version),
            length: record.encodedLength,
            options: Store.replacing
        ) { record.put(into: &$0) }
    }

    // MARK: Health

    /// Failures for less than this may be forgotten in a restart; so may shorter pauses.
    private static var noteworthyFailure: Int64 { 60_000_000_000 }
    private static var noteworthyPause: Int64 { 1_000_000_000 }

    func noteHealth(of slot: WebhookSlot) throws(Violation) {
        guard let id = id(slot) else { return }
        let (now, wall) = (world.now, world.wall.milliseconds)
        let written = health[id]?.record
        var record = written ?? HealthRecord(webhook: id, failingSince: nil, pausedUntil: nil)
        if let since = world.core.failingSince(of: slot)?.nanoseconds {
            if record.failingSince == nil, now - since >= Store.noteworthyFailure {
                record.failingSince = WallTime(milliseconds: wall - (now - since) / 1_000_000)
            }
        } else {
            record.failingSince = nil
        }
        if let until = world.core.pausedUntil(of: slot)?.nanoseconds, until - now > Store.noteworthyPause {
            let wait = (until - now) / 1_000_000
            record.pausedUntil = Progress.Due(at: WallTime(milliseconds: wall + wait), waitMilliseconds: wait)
        }
        guard record != written, written != nil || record.failingSince != nil || record.pausedUntil != nil else {
            return
        }
        try write(record)
    }

    func write(_ record: HealthRecord) throws(Violation) {
        let position = try append(
            .health,
            .health(record),
            length: HealthRecord.encodedLength
        ) {
            record.put(into: &$0)
        }
        let former = health.updateValue((record, position), forKey: record.webhook)
        if let former { release(former.position) }
    }
}
