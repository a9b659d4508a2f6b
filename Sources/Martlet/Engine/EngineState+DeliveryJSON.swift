import Glibc
import JSONText
import Model
import Synchronization

// How a delivery and its attempts look as JSON.
extension EngineState {
    /// Retries are bounded by configuration; a chain longer than this cannot be.
    private static var maximumAttempts: Int { 64 }

    func write(_ delivery: FoundDelivery, withPayload: Bool = false, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("id")
        writer.string(delivery.id.text(.delivery))
        writer.key("eventId")
        writer.string(delivery.event.text)
        writer.key("eventType")
        writer.string(catalog[delivery.type]?.name ?? "")
        writer.key("webhookId")
        writer.string(delivery.webhook == .zero ? "" : delivery.webhook.text(.webhook))
        writer.key("tenant")
        writer.string(delivery.tenant?.name ?? "")
        writer.key("tag")
        writer.integer(delivery.tag)
        writer.key("state")
        writer.string(delivery.state.rawValue)
        writer.key("test")
        writer.bool(delivery.isTest)
        writer.key("redeliveryOf")
        if delivery.redeliveryOf == .zero {
            writer.null()
        } else {
            writer.string(delivery.redeliveryOf.text(.delivery))
        }
        writer.key("createdAt")
        writer.string(Timestamp.text(delivery.id.wallTime))
        writer.key("settledAt")
        if let settledAt = delivery.settledAt {
            writer.string(Timestamp.text(settledAt))
        } else {
            writer.null()
        }
        writer.key("nextAttemptAt")
        if let next = delivery.nextAttempt {
            let wait = next.nanoseconds(since: Clock.monotonic()) / 1_000_000
            writer.string(Timestamp.text(WallTime(milliseconds: Clock.wall().milliseconds &+ max(wait, 0))))
        } else {
            writer.null()
        }
        writer.key("attemptCount")
        writer.integer(Int(delivery.attempts))
        writer.key("attempts")
        writer.beginArray()
        writeAttempts(of: delivery, to: &writer)
        writer.endArray()
        if withPayload {
            let event = delivery.source ?? payloads.event(delivery.payload)
            writer.key("payload")
            if let event {
                writePayload(of: event, webhook: delivery.webhook, to: &writer)
            } else {
                writer.null()
            }
            writer.key("eventHeaders")
            if let event { writeHeaders(of: event, to: &writer) } else { writer.null() }
        }
        writer.endObject()
    }

    /// The event's own headers.
    private func writeHeaders(of event: AcceptedEvent, to writer: inout JSONWriter) {
        writer.beginObject()
        for line in event.details?.headerLines.split(separator: UInt8(ascii: "\n")) ?? [] {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            writer.key(String(decoding: line[..<colon], as: UTF8.self))
            // A colon and a blank stand in front of the value.
            writer.string(String(decoding: line[colon...].dropFirst(2), as: UTF8.self))
        }
        writer.endObject()
    }

    /// The body as the webhook gets it: in its own format, or in the engine's where the webhook is gone.
    private func writePayload(of event: AcceptedEvent, webhook: Identifier, to writer: inout JSONWriter) {
        let own = configuration.delivery.payloadFormat
        let definition = registry.webhook(webhook)?.definition
        let format = definition.map { configuration.delivery.overridden(by: $0.overrides).payloadFormat } ?? own
        if format == own {
            let payload = event.lend()
            return withExtendedLifetime((event, payload.owner)) { writer.string(bytes: payload.bytes) }
        }
        let data = event.lendData()
        defer { withExtendedLifetime((event, data.owner)) {} }
        if format == .raw { return writer.string(bytes: data.bytes) }
        // Not kept with the event: what its deliveries need is counted, and this is but shown.
        let content = PayloadFrame.Content(
            typeName: catalog[event.type]?.name ?? "",
            createdAt: event.details?.createdAt,
            acceptedAt: event.original.acceptedAt,
            data: data.bytes
        )
        guard let body = PayloadFrame(format).build(content) else { return writer.null() }
        defer { free(UnsafeMutableRawPointer(mutating: body.baseAddress)) }
        writer.string(bytes: body)
    }

    /// The attempts that the log still keeps, oldest first.
    private func writeAttempts(of delivery: FoundDelivery, to writer: inout JSONWriter) {
        guard lanes.indices.contains(delivery.lane) else { return }
        let attempts = lanes[delivery.lane].report.withLock { report in
            var attempts: [ReadAttempt] = []
            var position = delivery.lastAttempt
            while attempts.count < EngineState.maximumAttempts, let entry = report.log.attempt(at: position) {
                attempts.append(
                    ReadAttempt(
                        entry: entry,
                        snippet: Array(report.log.text(at: entry.snippet)),
                        error: Array(report.log.text(at: entry.error))
                    )
                )
                position = entry.previous
            }
            return attempts
        }
        for attempt in attempts.reversed() {
            attempt.write(to: &writer)
        }
    }

    /// An attempt copied out of the log, so that it can be written without the lane's lock.
    private struct ReadAttempt: Sendable {
        var entry: LoggedAttempt
        var snippet: [UInt8]
        var error: [UInt8]

        func write(to writer: inout JSONWriter) {
            writer.beginObject()
            writer.key("number")
            writer.integer(Int(entry.number))
            writer.key("startedAt")
            writer.string(Timestamp.text(entry.startedAt))
            writer.key("durationMs")
            writer.number(Double(entry.durationMicroseconds) / 1000)
            writer.key("status")
            if entry.status == 0 { writer.null() } else { writer.integer(Int(entry.status)) }
            writer.key("errorClass")
            if entry.errorClass == .none { writer.null() } else { writer.string(entry.errorClass.name) }
            writer.key("error")
            if error.isEmpty { writer.null() } else { error.withUnsafeBytes { writer.string(bytes: $0) } }
            writer.key("response")
            if snippet.isEmpty { writer.null() } else { snippet.withUnsafeBytes { writer.string(bytes: $0) } }
            writer.endObject()
        }
    }
}
