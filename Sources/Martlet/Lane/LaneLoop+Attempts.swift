import Delivery
import JSONText
import Journal
import Model
import Records
import Signing
import Transport

// Attempts: what is written into a request, and what is read from its end.
extension LaneLoop {
    /// A delivery whose attempt cannot even begin (no memory, no handles) waits this long; the attempt does not count.
    private static var localFaultWaitMilliseconds: Int64 { 100 }

    func startAttempt(_ delivery: UInt32) {
        let record = core.record(delivery)
        guard let event = LaneLoop.event(of: record.event),
            record.webhook < webhooks.count, let webhook = webhooks[Int(record.webhook)],
            let endpoint = endpoint(of: webhook),
            let body = body(of: event, webhook),
            let slot = transport.begin(
                endpoint: endpoint,
                token: UInt64(core.generation(of: delivery)) << 32 | UInt64(delivery)
            )
        else {
            startHasFailed = true
            let wait = LaneLoop.localFaultWaitMilliseconds
            core.startFailed(delivery, at: Clock.monotonic(), retryAfterMilliseconds: wait)
            return
        }
        event._withUnsafeGuaranteedRef { event in
            addHeaders(to: slot, event: event, body: body.bytes, keys: webhook.keys, at: wall)
            noteStart(of: delivery, at: wall, body)
            transport.submit(
                slot,
                body: body.bytes,
                timeoutMilliseconds: webhook.specification.settings.timeoutMilliseconds,
                connectTimeoutMilliseconds: webhook.specification.settings.connectTimeoutMilliseconds
            )
        }
    }

    /// Nil where there is no memory for a body in the webhook's own format.
    private func body(
        of event: Unmanaged<AcceptedEvent>,
        _ webhook: LaneWebhook
    ) -> LentBytes? {
        event._withUnsafeGuaranteedRef { event in
            guard let format = webhook.specification.settings.payloadFormat else { return event.lend() }
            return event.lend(format, typeName: name(of: event.type), grew: host.eventGrew(by:))
        }
    }

    private func endpoint(of webhook: LaneWebhook) -> Endpoint? {
        if webhook.endpoint == nil {
            webhook.endpoint = try? transport.makeEndpoint(webhook.endpointOptions)
        }
        return webhook.endpoint
    }

    /// The three headers of Standard Webhooks 1.0.0; the signature is made anew for each attempt, with its time.
    private func addHeaders(
        to slot: AttemptSlot,
        event: AcceptedEvent,
        body: UnsafeRawBufferPointer,
        keys: SigningKeys,
        at wall: WallTime
    ) {
        transport.addOwnHeaders(slot, capacity: LaneLoop.headerBytes(keys: keys.count)) { room in
            var lines = ByteWriter(room)
            lines.put("webhook-id: ")
            let id = lines.put { event.id.write(into: $0) }
            lines.put("\r\nwebhook-timestamp: ")
            let time = lines.put { DecimalText.write(max(wall.seconds, 0), into: $0) ?? 0 }
            lines.put("\r\nwebhook-signature: ")
            lines.put { room in
                keys.withLive(at: wall) { keys in
                    // Ids have no dot, there is a key and room for its signature: it cannot throw; were it to, the receiver
                    // would refuse an unsigned request, which is the safe side.
                    (try? StandardWebhooks.sign(id: id, timestamp: time, body: body, keys: keys, into: room)) ?? 0
                }
            }
            if event.isTest { lines.put("\r\nwebhook-test: true") }
            return lines.count
        }
        event.details?.headerLines.withUnsafeBytes { lines in
            if !lines.isEmpty { transport.addHeaderLines(slot, lines) }
        }
    }

    /// Room for the names, the longest id and time, and the signatures.
    private static func headerBytes(keys: Int) -> Int {
        96 + EventID.maximumTextLength + DecimalText.maximumLength + StandardWebhooks.signatureLength(keyCount: keys)
    }

    private func noteStart(of delivery: UInt32, at wall: WallTime, _ body: LentBytes) {
        if host.journal != nil {
            while attemptOwners.count <= Int(delivery) { attemptOwners.append(nil) }
            attemptOwners[Int(delivery)] = body.owner
        }
        while attemptStarts.count <= Int(delivery) {
            attemptStarts.append(WallTime(milliseconds: 0))
        }
        attemptStarts[Int(delivery)] = wall
    }

    func attemptEnded(_ completion: AttemptCompletion) {
        let delivery = UInt32(truncatingIfNeeded: completion.token)
        let generation = UInt32(truncatingIfNeeded: completion.token >> 32)
        guard core.isLive(delivery, generation: generation) else { return }
        let record = core.record(delivery)
        let startedAt = attemptStarts[Int(delivery)]
        if delivery < attemptOwners.count { attemptOwners[Int(delivery)] = nil }
        let position = lane.report.withLock { report in
            report.counters.count(completion.result)
            if record.attempts > 0 { report.counters.retries &+= 1 }
            return report.log.append(
                completion.result,
                number: record.attempts &+ 1,
                startedAt: startedAt,
                previous: record.log,
                snippet: completion.snippet,
                error: completion.errorText
            )
        }
        core.setLog(position, of: delivery)
        if logger.hears(.debug) { tell(completion, of: record) }
        let now = completion.endedAt
        guard host.journal != nil else {
            core.attemptEnded(delivery, completion.result, at: now, wall: wall)
            return
        }
        // Performed at once, while the receiver's answer can still be written down with the end that it means.
        ended = (
            record.id,
            AttemptNote(
                number: record.attempts &+ 1,
                startedAt: startedAt,
                durationMicroseconds: completion.result.durationMicroseconds,
                status: completion.result.status,
                errorClass: completion.result.errorClass,
                snippet: completion.snippet,
                error: completion.errorText
            )
        )
        let slot = core.slot(of: record)
        core.attemptEnded(delivery, completion.result, at: now, wall: wall)
        perform()
        ended = nil
        noteHealth(of: slot, at: now)
    }

    /// A line for the host's log.
    @inline(never)
    private func tell(_ completion: AttemptCompletion, of record: DeliveryRecord) {
        logger.log(.debug) {
            let result = completion.result
            let webhook = webhooks[Int(record.webhook)]?.id ?? .zero
            let milliseconds = result.durationMicroseconds / 1000
            var text = "delivery \(record.id.text(.delivery)) to webhook \(webhook.text(.webhook)): "
            text += "attempt \(record.attempts &+ 1) ended after \(milliseconds) ms with "
            text += result.status > 0 ? "status \(result.status)" : result.errorClass.name
            let error = String(decoding: completion.errorText, as: UTF8.self)
            if !error.isEmpty { text += ", \(error)" }
            return text
        }
    }

    // MARK: The journal

    /// Writes down how far a delivery has come, and with it the attempt that brought it there.
    func noteScheduled(_ delivery: UInt32, _ generation: UInt32) {
        guard let journal = host.journal, core.isLive(delivery, generation: generation) else { return }
        let record = core.record(delivery)
        guard let webhook = webhooks[Int(record.webhook)], let event = LaneLoop.event(of: record.event) else { return }
        let key = event._withUnsafeGuaranteedRef { event in
            event.ids.index(of: record.id).map {
                DeliveryKey(event: event.ids, number: UInt32(clamping: $0 - 1))
            }
        }
        guard let key else { return }
        let attempt = ended.flatMap { $0.delivery == record.id ? $0.note : nil }
        let entry = AttemptRecord(
            delivery: key,
            webhook: webhook.id,
            progress: LaneLoop.progress(of: record),
            attempt: attempt
        )
        let position = journal.note(.attempt, length: entry.encodedLength) { entry.put(into: &$0) }
        // The delivery needs it until it is settled, and has it: nothing behind the event's own record goes before that.
        // Beyond that, the log needs it.
        let displaced =
            attempt == nil
            ? position : lane.report.withLock { $0.log.setRecord(position, ofAttempt: record.log) }
        journal.release(displaced)
    }

    /// How far a delivery has come, as a journal keeps it.
    static func progress(of record: DeliveryRecord) -> Progress {
        var progress = Progress()
        progress.attempts = record.attempts
        progress.tries = record.tries
        progress.lastStatus = record.lastStatus
        progress.lastError = record.lastError
        if record.phase == .waiting || record.phase == .blocked, record.due > 0 {
            let now = Clock.wall()
            let wait = max(Instant(nanoseconds: record.due).nanoseconds(since: Clock.monotonic()) / 1_000_000, 0)
            progress.due = Progress.Due(
                at: WallTime(milliseconds: now.milliseconds &+ wait),
                waitMilliseconds: wait
            )
        }
        return progress
    }

    /// Failures for less than this may be forgotten in a restart; so may shorter pauses. Receivers that come and go are not
    /// worth a record each time.
    private static var noteworthyMilliseconds: Int64 { 60_000 }
    private static var noteworthyPauseMilliseconds: Int64 { 1_000 }

    /// Tells the engine of failures that last, of their end, and of pauses that a receiver asked for.
    private func noteHealth(of slot: WebhookSlot, at now: Instant) {
        guard let webhook = webhook(slot) else { return }
        let since = core.failingSince(of: slot)
        var health = webhook.writtenHealth
        if let since {
            if health.failingSince == nil, now >= since.advanced(milliseconds: Self.noteworthyMilliseconds) {
                health.failingSince = since
            }
        } else {
            health.failingSince = nil
        }
        if let until = core.pausedUntil(of: slot), until != health.pausedUntil,
            until > now.advanced(milliseconds: Self.noteworthyPauseMilliseconds)
        {
            health.pausedUntil = until
        }
        guard
            health.failingSince != webhook.writtenHealth.failingSince
                || health.pausedUntil != webhook.writtenHealth.pausedUntil
        else { return }
        webhook.writtenHealth = health
        host.healthChanged(health.record(of: webhook.id, at: now, wall: Clock.wall()))
    }
}

extension WebhookHealth {
    func record(of webhook: Identifier, at now: Instant, wall: WallTime) -> HealthRecord {
        HealthRecord(
            webhook: webhook,
            failingSince: failingSince.map { since in
                WallTime(milliseconds: wall.milliseconds &- max(now.nanoseconds(since: since) / 1_000_000, 0))
            },
            pausedUntil: pausedUntil.map { until in
                let wait = max(until.nanoseconds(since: now) / 1_000_000, 0)
                return Progress.Due(at: WallTime(milliseconds: wall.milliseconds &+ wait), waitMilliseconds: wait)
            }
        )
    }

    init(_ record: HealthRecord, at now: Instant, wall: WallTime) {
        self.init()
        failingSince = record.failingSince.map { since in
            // A clock that was set back since makes it later at the most.
            now.advanced(milliseconds: -max(wall.milliseconds &- since.milliseconds, 0))
        }
        pausedUntil = record.pausedUntil.flatMap { due in
            let left = due.left(at: wall)
            return left > 0 ? now.advanced(milliseconds: left) : nil
        }
    }
}
