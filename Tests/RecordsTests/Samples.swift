import Model

@testable import Records

/// Records of every kind, with and without what may be missing.
enum Samples {
    static let key = EventKey(first: 0x0102_0304_0506_0708, seed: 0x1112_1314_1516_1718)
    static let otherKey = EventKey(first: 0x2102_0304_0506_0708, seed: 0x3112_1314_1516_1718)
    static let webhook = Identifier(high: 0x4142_4344_4546_4748, low: 0x5152_5354_5556_5758)
    static let id = Identifier(high: 0x6162_6364_6566_6768, low: 0x7172_7374_7576_7778)
    static let time = WallTime(milliseconds: 1_767_225_600_123)

    static var progress: Progress {
        var progress = Progress()
        progress.attempts = 3
        progress.tries = 2
        progress.lastStatus = 503
        progress.lastError = .httpStatus
        progress.due = Progress.Due(at: WallTime(milliseconds: 1_767_225_605_000), waitMilliseconds: 5_000)
        return progress
    }

    /// What `fill` writes, with `room` bytes for it; nil where that is too little.
    static func bytes(_ room: Int = 4096, _ fill: (inout ByteSink) -> Void) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0xEE, count: room)
        let count = bytes.withUnsafeMutableBytes { buffer -> Int? in
            var sink = ByteSink(buffer)
            fill(&sink)
            return sink.isOverrun ? nil : sink.count
        }
        return count.map { Array(bytes[..<$0]) }
    }

    static func fresh(_ key: EventKey = key, webhooks: [Identifier] = [webhook, id], ownID: String? = nil) -> [UInt8] {
        var event = EventRecord(key: key)
        event.tag = 7
        event.acceptedAt = time
        event.ownID = ownID
        event.type = "order.paid"
        event.deliveries = UInt32(webhooks.count)
        return bytes { sink in
            event.begin(&sink)
            for webhook in webhooks { sink.put(webhook) }
            EventRecord.payload(&sink, length: 4, data: 1..<3)
            Array("[{}]".utf8).withUnsafeBytes { sink.put($0) }
        } ?? []
    }

    static func copy(
        _ key: EventKey = key,
        states: [UInt8] = [2, 0],
        pending: [EventRecord.Pending] = [EventRecord.Pending(number: 1, webhook: webhook, progress: progress)]
    ) -> [UInt8] {
        var event = EventRecord(key: key)
        event.isTest = true
        event.format = 1
        event.tag = .max
        event.acceptedAt = time
        event.orderKey = 9
        event.expiryMilliseconds = 60_000
        event.ownID = "order-1"
        event.tenant = "acme"
        event.type = "order.paid"
        event.createdAt = "2026-01-01T00:00:00Z"
        event.headerLines = Array("traceparent: 1\n".utf8)
        event.deliveries = UInt32(states.count)
        return bytes { sink in
            event.begin(&sink, isCopy: true)
            EventRecord.put(states: states, pending: pending, into: &sink)
            EventRecord.payload(&sink, length: 2, data: 0..<2)
            Array("{}".utf8).withUnsafeBytes { sink.put($0) }
        } ?? []
    }

    static func settled(
        _ delivery: DeliveryKey = DeliveryKey(event: key, number: 1),
        state: UInt8 = 1,
        outcomes: SettledRecord.Outcomes = SettledRecord.Outcomes(delivery: 5, event: 6),
        attempt: AttemptNote? = nil
    ) -> SettledRecord {
        SettledRecord(
            delivery: delivery,
            webhook: webhook,
            state: state,
            outcomes: outcomes,
            attempts: 3,
            settledAt: time,
            attempt: attempt,
            tag: 7,
            isTest: true,
            redeliveryOf: id,
            event: .own("order-1"),
            type: "order.paid",
            tenant: "acme"
        )
    }

    static func outcome(_ number: UInt64, _ subject: DeliveryKey?, state: UInt8 = 1) -> OutcomeRecord {
        OutcomeRecord(
            number: number,
            subject: subject,
            kind: 1,
            state: state,
            failure: 9,
            httpStatus: 503,
            attempts: 3,
            deliveries: 2,
            succeeded: 1,
            disabledReason: 4,
            tag: 7,
            settledAt: time,
            failingSince: WallTime(milliseconds: 0),
            event: .generated(id),
            delivery: id,
            webhook: webhook
        )
    }

    static func told(_ numbers: [UInt64]) -> [UInt8] {
        bytes { sink in
            for number in numbers { sink.put(number) }
        } ?? []
    }

    static func withNote<Result>(_ body: (AttemptNote) -> Result) -> Result {
        Array("busy".utf8).withUnsafeBytes { snippet in
            Array("HTTP 503".utf8).withUnsafeBytes { error in
                body(
                    AttemptNote(
                        number: 3,
                        startedAt: time,
                        durationMicroseconds: 1_500,
                        status: 503,
                        errorClass: .httpStatus,
                        snippet: snippet,
                        error: error
                    )
                )
            }
        }
    }

    static var redelivery: RedeliveryRecord {
        RedeliveryRecord(
            key: otherKey,
            source: key,
            repeats: id,
            tag: 7,
            acceptedAt: time,
            webhook: webhook,
            progress: progress
        )
    }

    static var webhookRecord: WebhookRecord {
        WebhookRecord(
            id: webhook,
            createdAt: time,
            updatedAt: time,
            disabled: DisabledNote(reason: .failing, at: time, since: time),
            secrets: [
                WebhookRecord.Secret(text: "whsec_a", createdAt: time, expiresAt: nil),
                WebhookRecord.Secret(text: "whsec_b", createdAt: time, expiresAt: time),
            ],
            document: Array("{}".utf8)
        )
    }

    static var health: HealthRecord {
        HealthRecord(webhook: webhook, failingSince: time, pausedUntil: Progress.Due(at: time, waitMilliseconds: 9))
    }

    /// One of each kind, encoded.
    static var all: [(kind: RecordKind, bytes: [UInt8])] {
        let attempt = withNote { note in
            bytes {
                AttemptRecord(
                    delivery: DeliveryKey(event: key, number: 1),
                    webhook: webhook,
                    progress: progress,
                    attempt: note
                ).put(into: &$0)
            } ?? []
        }
        let settled = withNote { note in bytes { Samples.settled(attempt: note).put(into: &$0) } ?? [] }
        return [
            (.event, fresh()), (.event, copy()),
            (.redelivery, bytes { redelivery.put(into: &$0) } ?? []),
            (.attempt, attempt), (.settled, settled),
            (.outcome, bytes { outcome(5, DeliveryKey(event: key, number: 1)).put(into: &$0) } ?? []),
            (.told, told([5, 6])),
            (.seen, bytes { SeenRecord(acceptedAt: time, key: "acme/order-1").put(into: &$0) } ?? []),
            (.webhook, bytes { webhookRecord.put(into: &$0) } ?? []),
            (.webhookRemoved, bytes { $0.put(webhook) } ?? []),
            (.health, bytes { health.put(into: &$0) } ?? []),
            (.eventType, Array("order.paid".utf8)),
        ]
    }
}
