import JSONText
import Journal
import Model
import Records
import Registry

extension Engine {
    /// Sends the event of a settled delivery to its webhook once more, as a new delivery with an id of its own.
    ///
    /// The receiver gets the same event id, payload and headers, signed anew, in the webhook's present format. The new
    /// delivery starts the webhook's retry schedule from its beginning, does not expire, waits behind no other delivery of
    /// its key (with strict order it takes its turn), and shows the old one's id as `redeliveryOf`. It is new work: it counts against the queue, reports an
    /// outcome of its own, and one more outcome for the event, with one delivery.
    ///
    /// - Parameter delivery: the id of a delivery in any settled state.
    /// - Returns: the id of the new delivery.
    /// - Throws: ``MartletError/Code/notFound`` where the delivery has left the log or its webhook was deleted;
    ///   ``MartletError/Code/wrongState`` where it is not settled, is a test, its webhook is disabled, or its payload is no
    ///   longer kept (`logRetention.payloadBytes`); ``MartletError/Code/queueFull``, ``MartletError/Code/closed``.
    package func redeliver(_ delivery: UnsafeRawBufferPointer) throws(MartletError) -> String {
        try redeliverID(delivery).text(.delivery)
    }

    package func redeliverID(_ delivery: UnsafeRawBufferPointer) throws(MartletError) -> Identifier {
        try state.checkOpen()
        return try state.redeliver(try EngineState.deliveryID(delivery))
    }

    /// Redelivers all settled deliveries that match a query, the oldest first, spread over time so that a receiver that has
    /// just recovered is not flooded.
    ///
    /// All of them are queued at once and count against the queue; each is sent when its turn comes, `perSecond` a second
    /// for each webhook. A delivery that was redelivered before is left out, for its redelivery stands for it: so a replay
    /// may be repeated, after a full queue too, and sends again only what has failed since. Tests are left out as well.
    ///
    /// - Parameter query: a JSON document with any of `state` (by default `failed`; `any` is every settled one),
    ///   `webhookId`, `eventId`, `eventType`, `createdAfter`, `createdBefore`, and `perSecond`, 0.1 to 10,000, by default
    ///   50. Empty replays everything that failed.
    /// - Returns: `{"replayed":12,"skipped":3,"durationSeconds":0.24}`: how many were queued; how many were not because their
    ///   payload is no longer kept or their webhook is deleted or disabled; and over how much time they are spread.
    /// - Throws: ``MartletError/Code/queueFull`` where the queue takes no more; the message tells how many went in, and
    ///   these go on. ``MartletError/Code/invalidDocument``, ``MartletError/Code/unknownEventType``,
    ///   ``MartletError/Code/closed``.
    package func replay(_ query: UnsafeRawBufferPointer) throws(MartletError) -> [UInt8] {
        try state.checkOpen()
        return try state.replay(DeliveryQuery.read(query, as: DeliveryQuery.replayDocument))
    }
}

extension EngineState {
    func redeliver(_ id: Identifier) throws(MartletError) -> Identifier {
        guard let found = find(id) else { throw noDelivery(id) }
        let name = id.text(.delivery)
        guard found.settledAt != nil else {
            throw MartletError(.wrongState, "delivery \(name) is not settled: it is still being delivered")
        }
        guard !found.isTest else {
            throw MartletError(.wrongState, "delivery \(name) was a test: send another test instead")
        }
        guard let webhook = registry.webhook(found.webhook) else {
            throw MartletError(.notFound, "the webhook of delivery \(name) was deleted")
        }
        guard webhook.definition.isEnabled else {
            throw MartletError(
                .wrongState,
                "webhook \(webhook.id.text(.webhook)) is disabled: enable it before its deliveries are sent again"
            )
        }
        guard let source = payloads.event(found.payload) else {
            throw MartletError(
                .wrongState,
                "the payload of delivery \(name) is no longer kept; logRetention.payloadBytes bounds them"
            )
        }
        let delivery = try redeliver(found, source, to: webhook.target, notBefore: nil)
        try journal?.commit()
        return delivery
    }

    private func redeliver(
        _ found: FoundDelivery,
        _ source: AcceptedEvent,
        to target: WebhookTarget,
        notBefore: Instant?
    ) throws(MartletError) -> Identifier {
        let now = Clock.wall()
        let held = try reserveOne(payloadBytes: source.payloadLength)
        let source = source.original
        let parts = AcceptedEvent.Parts(
            ids: ids.reserve(2, at: now),
            tag: found.tag,
            acceptedAt: now,
            deliveries: 1,
            type: source.type,
            reservedBytes: held
        )
        let redelivery = AcceptedEvent.Redelivery(
            repeats: found.id,
            source: source,
            notBefore: notBefore,
            webhook: target.id
        )
        let position: Position
        do throws(MartletError) {
            position = try write(redelivery, parts)
        } catch {
            budget.release(events: 1, bytes: held + outcomeBytes(deliveries: 1))
            throw refuse(error.code, error.message)
        }
        let event = AcceptedEvent(
            parts,
            body: EventBody(redelivery: position, in: journal),
            extras: AcceptedEvent.Extras(tenant: source.tenant, details: source.details, redelivery: redelivery)
        )
        // Read before the event is given away.
        let delivery = event.deliveryID(0)
        send(event, to: target)
        return delivery
    }

    /// The record of a redelivery; none without a journal.
    private func write(
        _ redelivery: AcceptedEvent.Redelivery,
        _ parts: AcceptedEvent.Parts
    ) throws(MartletError) -> Position {
        guard let journal else { return .none }
        var progress = Progress()
        if let notBefore = redelivery.notBefore {
            let wait = max(notBefore.nanoseconds(since: Clock.monotonic()) / 1_000_000, 0)
            progress.due = Progress.Due(
                at: WallTime(milliseconds: parts.acceptedAt.milliseconds &+ wait),
                waitMilliseconds: wait
            )
        }
        let record = RedeliveryRecord(
            key: parts.ids,
            source: redelivery.source.ids,
            repeats: redelivery.repeats,
            tag: parts.tag,
            acceptedAt: parts.acceptedAt,
            webhook: redelivery.webhook,
            progress: progress
        )
        do throws(JournalError) {
            return try journal.append(
                .redelivery,
                length: RedeliveryRecord.encodedLength,
                options: .lazy,
                keeping: roomForEnds
            ) { record.put(into: &$0) }
        } catch {
            throw MartletError(error)
        }
    }

    // MARK: Replay

    func replay(_ query: DeliveryQuery) throws(MartletError) -> [UInt8] {
        let (found, unkept) = try replayable(query)
        let start = Clock.monotonic()
        var replay = Replay(interval: 1_000 / query.perSecond)
        var webhooks: [Identifier: StoredWebhook] = [:]
        for (place, delivery) in found.enumerated() {
            if webhooks[delivery.webhook] == nil { webhooks[delivery.webhook] = registry.webhook(delivery.webhook) }
            guard let webhook = webhooks[delivery.webhook], webhook.definition.isEnabled,
                let source = payloads.event(delivery.payload)
            else {
                replay.skipped += 1
                continue
            }
            let wait = replay.nextWait(of: delivery.webhook)
            do {
                _ = try redeliver(
                    delivery,
                    source,
                    to: webhook.target,
                    notBefore: wait == 0 ? nil : start.advanced(milliseconds: wait)
                )
            } catch {
                throw MartletError(
                    error.code,
                    "\(replay.replayed) replayed and \(found.count - place) left: \(error.message)"
                )
            }
            replay.added(delivery.webhook, after: wait)
        }
        try journal?.commit()
        replay.skipped += unkept
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("replayed")
        writer.integer(replay.replayed)
        writer.key("skipped")
        writer.integer(replay.skipped)
        writer.key("durationSeconds")
        writer.number(Double(replay.longestWait) / 1_000)
        writer.endObject()
        return writer.bytes
    }

    /// What the query finds among settled deliveries, without tests and what was redelivered, the oldest first; and how
    /// many more it finds whose payload is gone, so that they need no memory here.
    private func replayable(_ query: DeliveryQuery) throws(MartletError) -> (found: [FoundDelivery], unkept: Int) {
        let wantedType = try wantedType(of: query)
        var found: [FoundDelivery] = []
        var repeated = Set<Identifier>()
        for lane in lanes {
            // Pending first: what is settled meanwhile is then found in the log.
            let pending = lane.inspect { view in
                var repeated = Set<Identifier>()
                view.forEachDelivery { _, event, _ in
                    if event.redeliveryOf != .zero { repeated.insert(event.redeliveryOf) }
                }
                return repeated
            }
            repeated.formUnion(pending ?? [])
            forEachSettled(on: lane) { delivery in
                if delivery.redeliveryOf != .zero { repeated.insert(delivery.redeliveryOf) }
                guard !delivery.isTest,
                    query.accepts(
                        delivery.state,
                        id: delivery.id,
                        webhook: delivery.webhook,
                        event: delivery.event,
                        type: delivery.type,
                        tenant: delivery.tenant,
                        wantedType: wantedType
                    )
                else { return }
                found.append(delivery)
            }
        }
        found.removeAll { repeated.contains($0.id) }
        found.sort { $0.id < $1.id }
        let kept = found.filter { $0.payload != KeptPayloads.none }
        return (kept, found.count - kept.count)
    }

    /// The pace of a replay, and what came of it so far.
    private struct Replay {
        /// Milliseconds between two deliveries of a webhook.
        let interval: Double
        var replayed = 0
        var skipped = 0
        private(set) var longestWait: Int64 = 0
        private var counts: [Identifier: Int] = [:]

        init(interval: Double) {
            self.interval = interval
        }

        func nextWait(of webhook: Identifier) -> Int64 {
            // Bounded by the log's size and the longest interval: far below 2^53.
            Int64(Double(counts[webhook] ?? 0) * interval)
        }

        mutating func added(_ webhook: Identifier, after wait: Int64) {
            replayed += 1
            counts[webhook, default: 0] += 1
            longestWait = max(longestWait, wait)
        }
    }
}
