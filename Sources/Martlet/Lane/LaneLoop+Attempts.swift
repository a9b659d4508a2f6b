import Delivery
import Model
import Signing
import Transport

// Attempts: what is written into a request, and what is read from its end.
extension LaneLoop {
    /// A delivery whose attempt cannot even begin (no memory, no handles) waits this long; the attempt does not count.
    private static var localFaultWaitMilliseconds: Int64 { 100 }

    /// Room for the text of the longest event id, a signature for each of several live secrets, a timestamp.
    private static var scratchBytes: Int { 2048 }

    func startAttempt(_ delivery: UInt32) {
        let record = core.record(delivery)
        let now = Clock.monotonic()
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
            core.startFailed(delivery, at: now, retryAfterMilliseconds: LaneLoop.localFaultWaitMilliseconds)
            return
        }
        let wall = Clock.wall()
        event._withUnsafeGuaranteedRef { event in
            addHeaders(to: slot, event: event, body: body, keys: webhook.specification.keys, at: wall)
            noteStart(of: delivery, at: wall)
            transport.submit(
                slot,
                body: body,
                timeoutMilliseconds: webhook.specification.timeoutMilliseconds,
                connectTimeoutMilliseconds: webhook.specification.connectTimeoutMilliseconds
            )
        }
    }

    /// Nil where there is no memory for a body in the webhook's own format.
    private func body(
        of event: Unmanaged<AcceptedEvent>,
        _ webhook: LaneWebhook
    ) -> UnsafeRawBufferPointer? {
        event._withUnsafeGuaranteedRef { event in
            guard let format = webhook.specification.payloadFormat else { return event.payload }
            return event.body(format, typeName: host.name(of: event.type), grew: host.eventGrew(by:))
        }
    }

    private func endpoint(of webhook: LaneWebhook) -> Endpoint? {
        if webhook.endpoint == nil {
            webhook.endpoint = try? transport.makeEndpoint(webhook.specification.endpoint)
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
        withUnsafeTemporaryAllocation(byteCount: LaneLoop.scratchBytes, alignment: 8) { scratch in
            let idArea = UnsafeMutableRawBufferPointer(rebasing: scratch[..<64])
            let id = UnsafeRawBufferPointer(rebasing: idArea[..<event.id.write(into: idArea)])
            transport.addHeader(slot, name: "webhook-id: ", value: id)

            let seconds = max(wall.seconds, 0)
            let timeArea = UnsafeMutableRawBufferPointer(rebasing: scratch[64..<96])
            let timeLength = DecimalText.write(seconds, into: timeArea) ?? 0
            let time = UnsafeRawBufferPointer(rebasing: timeArea[..<timeLength])
            transport.addHeader(slot, name: "webhook-timestamp: ", value: time)

            let signatureArea = UnsafeMutableRawBufferPointer(rebasing: scratch[96...])
            let length = keys.withLive(at: wall) { keys in
                // Ids have no dot, the time is not negative, there is a key: it cannot throw; were it to, the receiver
                // would refuse an unsigned request, which is the safe side.
                try? StandardWebhooks.sign(
                    id: id,
                    timestamp: seconds,
                    body: body,
                    keys: keys,
                    into: signatureArea
                )
            }
            let signature = UnsafeRawBufferPointer(rebasing: signatureArea[..<(length ?? 0)])
            transport.addHeader(slot, name: "webhook-signature: ", value: signature)
            if event.isTest {
                let value: StaticString = "true"
                transport.addHeader(
                    slot,
                    name: "webhook-test: ",
                    value: UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount)
                )
            }
            event.details?.headerLines.withUnsafeBytes { lines in
                if !lines.isEmpty { transport.addHeaderLines(slot, lines) }
            }
        }
    }

    private func noteStart(of delivery: UInt32, at wall: WallTime) {
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
        core.attemptEnded(delivery, completion.result, at: Clock.monotonic(), wall: Clock.wall())
    }
}
