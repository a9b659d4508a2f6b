import Delivery
import Journal
import Model
import Records

// A world whose process and machine may stop at any time.
extension World {
    /// A step, and a restart where the machine stopped in it.
    func stepOnDisk(_ store: Store) throws(Violation) {
        do throws(Violation) {
            let isArmed = arm(store)
            try step()
            try tend(store)
            if isArmed { try store.stop() }
        } catch {
            guard error.isCrash else { throw error }
            try restart(store)
        }
    }

    /// Now and then the machine is to stop: at a record, at a system call, or at the end of the step.
    private func arm(_ store: Store) -> Bool {
        guard store.random.next(below: 1000) < store.profile.crashes else { return false }
        let choice = store.random.next(below: 4)
        let points: [Store.CrashPoint] = [.before, .inside, .after]
        store.arm(
            writes: choice < 2 ? store.random.next(below: 12) : nil,
            calls: choice == 2 ? store.random.next(below: 10) : nil,
            points[store.random.next(below: 3)],
            store.random.next(below: 2) == 0 ? .power : .process
        )
        return true
    }

    /// The host, the keeper and the disk have their turns.
    private func tend(_ store: Store) throws(Violation) {
        try store.checkStopped()
        if store.random.next(below: 1000) < store.profile.polls {
            try store.poll(maximum: 1 + store.random.next(below: 100))
        }
        // An engine's queue is bounded; without this, each restart would read more than the one before.
        while store.queue.count > 2000 { try store.poll(maximum: 200) }
        if store.random.next(below: 1000) < store.profile.keeps {
            try store.keep(steps: 1 + store.random.next(below: 30))
        }
        // It does not let the disk fill up.
        if store.isWasteful { try store.keep(steps: 50) }
        if store.random.next(below: 1000) < store.profile.syncs {
            try store.sync()
            trace.note(.synced, at: now, Int64(store.ledger.synced))
        }
        if store.random.next(below: 100) == 0, !store.kept.isEmpty, !live.isEmpty,
            oracle.pending < profile.maximumPending
        {
            try redeliver(store)
        }
    }

    // MARK: Inputs

    /// Accepts an event for `slot` and perhaps some other webhooks.
    func pushStored(_ store: Store, to slot: WebhookSlot, isTest: Bool) throws(Violation) {
        var targets = [slot]
        if !isTest {
            for _ in 0..<store.random.next(below: store.profile.maximumTargets) {
                let other = live[store.random.next(below: live.count)]
                if !targets.contains(other) { targets.append(other) }
            }
        }
        var orderKey: UInt64 = 0
        var expiry: Int64?
        if !isTest {
            orderKey = UInt64(random.next(below: profile.keys + 1))
            if random.next(below: 100) < profile.expiryPercent { expiry = Int64(random.next(below: 39_000)) }
        }
        let ids = targets.map { store.id($0) ?? .zero }
        let event = try store.accept(
            targets: ids,
            orderKey: orderKey,
            expiryMilliseconds: expiry,
            isTest: isTest
        )
        guard let event else { return }
        for (number, slot) in targets.enumerated() {
            let delivery = StoredDelivery(event: event, number: number, webhook: ids[number])
            try enqueue(new(delivery, of: event, slot, Progress()), delivery, in: store)
        }
    }

    private func redeliver(_ store: Store) throws(Violation) {
        let source = store.kept[store.random.next(below: store.kept.count)]
        let slot = live[store.random.next(below: live.count)]
        let wait = Int64(store.random.next(below: 2) * store.random.next(below: 30_000))
        let id = store.id(slot) ?? .zero
        let event = try store.redeliver(source, to: id, waitMilliseconds: wait)
        let delivery = StoredDelivery(event: event, number: 0, webhook: id)
        var new = new(delivery, of: event, slot, Progress())
        if wait > 0 { new.notBefore = Instant(nanoseconds: now).advanced(milliseconds: wait) }
        try enqueue(new, delivery, in: store)
    }

    private func enqueue(_ new: NewDelivery, _ delivery: StoredDelivery, in store: Store) throws(Violation) {
        store.deliveries.append(delivery)
        try enqueue(new)
    }

    /// A delivery as a lane hands it to the core.
    private func new(
        _ delivery: StoredDelivery,
        of event: StoredEvent,
        _ slot: WebhookSlot,
        _ progress: Progress
    ) -> NewDelivery {
        var new = NewDelivery(
            id: event.key[delivery.number + 1],
            event: UInt64(oracle.deliveries.count),
            webhook: slot
        )
        new.isTest = event.head.isTest
        if !new.isTest, event.source == nil {
            new.orderKey = event.head.orderKey
            if let limit = event.head.expiryMilliseconds {
                let age = max(wall.milliseconds - event.head.acceptedAt.milliseconds, 0)
                new.expiry = Instant(nanoseconds: now).advanced(milliseconds: max(limit - age, 0))
            }
        }
        new.attempts = progress.attempts
        new.tries = progress.tries
        new.lastStatus = progress.lastStatus
        new.lastError = progress.lastError
        if let due = progress.due {
            let left = due.left(at: wall)
            if left > 0 { new.notBefore = Instant(nanoseconds: now).advanced(milliseconds: left) }
        }
        return new
    }

    // MARK: Restarts

    /// Begins a new life with what the disk holds; the machine may stop meanwhile.
    func restart(_ store: Store) throws(Violation) {
        while true {
            trace.note(
                .crash,
                at: now,
                store.armedCrash.rawValue,
                Int64(store.ledger.facts),
                Int64(store.ledger.synced)
            )
            do throws(Violation) {
                // The time it takes.
                now += Int64(store.random.next(below: [1, 1000, 100_000][store.random.next(below: 3)])) * 1_000_000
                if store.random.next(below: 10) == 0 {
                    wallOffset += Int64(store.random.next(below: 7_200_000)) - 3_600_000
                    store.ledger.hasClockJumped = true
                }
                let restored = try store.restart()
                forgetLife(seed: store.random.next())
                try restoreWebhooks(store)
                if store.random.next(below: 5) == 0 {
                    let writes = store.random.next(below: 6)
                    store.arm(writes: writes, calls: nil, .after, store.random.next(below: 2) == 0 ? .power : .process)
                }
                for one in restored { try restore(one, store) }
                trace.note(.restarted, at: now, Int64(restored.count), Int64(live.count), Int64(store.queue.count))
                store.arm(writes: nil, calls: nil, .after, .process)
                return
            } catch {
                guard error.isCrash else { throw error }
            }
        }
    }

    private func restoreWebhooks(_ store: Store) throws(Violation) {
        for id in store.slots {
            guard let webhook = store.webhooks[id] else { continue }
            let version = store.versions[webhook.version].policy
            let record = store.health[id]?.record
            let since = record?.failingSince.map { since in
                now - max(wall.milliseconds - since.milliseconds, 0) * 1_000_000
            }
            let left = record?.pausedUntil?.left(at: wall) ?? 0
            if let paused = record?.pausedUntil {
                try require(left <= max(paused.waitMilliseconds, 0), "a pause became longer")
            }
            try restoreWebhook(
                webhook.slot,
                version,
                failingSince: since,
                pausedUntil: left > 0 ? now + left * 1_000_000 : nil
            )
        }
    }

    private func restore(_ one: Store.Restored, _ store: Store) throws(Violation) {
        let event = one.event
        let slot = store.webhooks[one.webhook]?.slot ?? WebhookSlot(index: .max, generation: 0)
        let delivery = StoredDelivery(event: event, number: one.number, webhook: one.webhook)
        let new = new(delivery, of: event, slot, one.progress)
        let name = "delivery \(one.number) of event \(event.number)"
        if let step = store.ledger.currentStep(event: event.number, delivery: one.number, one.progress), step.due > 0 {
            let due = new.notBefore?.nanoseconds ?? now
            if step.wallOffset == wallOffset {
                try require(abs(due - max(step.due, now)) <= 2_000_000, "\(name) goes on at \(due), not at \(step.due)")
            } else {
                let longest = (step.progress.due?.waitMilliseconds ?? 0) * 1_000_000
                try require(due - now <= longest, "\(name) waits longer than it was to")
            }
        }
        let known = store.ledger.events[event.number]
        if !new.isTest, known.expiry < .max, known.wallOffset == wallOffset {
            let expiry = new.expiry.nanoseconds
            try require(abs(expiry - max(known.expiry, now)) <= 2_000_000, "\(name) expires at another time")
        }
        store.deliveries.append(delivery)
        try enqueue(new)
    }

    // MARK: The end

    /// All is delivered, the host has taken everything, and a last restart finds nothing left to do.
    func endOnDisk(_ store: Store) throws(Violation) {
        store.arm(writes: nil, calls: nil, .after, .process)
        try drain()
        while !store.queue.isEmpty { try store.poll(maximum: 100) }
        try store.acknowledge()
        try store.checkComplete()
        // The power may fail while the last life begins.
        try store.sync()
        try? store.stop()
        try restart(store)
        try run()
        try require(oracle.pending == 0, "\(oracle.pending) deliveries are back after everything was settled")
        try require(store.queue.isEmpty, "\(store.queue.count) outcomes are back after the host was told everything")
        for slot in live { try remove(slot) }
        store.close()
    }
}

extension Store {
    func checkComplete() throws(Violation) {
        for number in ledger.open.sorted() {
            let event = ledger.events[number]
            for (place, delivery) in event.deliveries.enumerated() {
                let name = "delivery \(place) of event \(number)"
                try require(!delivery.ends.entries.isEmpty, "\(name) was never settled")
                try require(!event.hasDeliveryOutcomes || delivery.isTold, "the host was never told of \(name)")
            }
            try require(!event.hasEventOutcome || event.isTold, "the host was never told of event \(number)")
        }
    }

    func close() {
        isDown = true
        deliveries = []
        kept = []
        work = []
        disk.openGate()
        journal.close()
    }
}
