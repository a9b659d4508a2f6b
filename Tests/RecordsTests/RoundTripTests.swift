import Model
import Testing

@testable import Records

@Suite("Records, written and read")
struct RoundTripTests {
    @Test("A fresh event and a copy come back as they were written")
    func events() throws {
        try Samples.fresh(ownID: "order-1").withUnsafeBytes { bytes in
            let decoded = try #require(EventRecord.Decoded(bytes))
            #expect(decoded.event.key == Samples.key)
            #expect(decoded.event.ownID == "order-1")
            #expect(decoded.event.type == "order.paid")
            #expect(decoded.event.expiryMilliseconds == nil && decoded.event.createdAt == nil && !decoded.event.isTest)
            #expect(Array(bytes[decoded.payloadOffset...]) == Array("[{}]".utf8))
            #expect(decoded.payloadLength == 4 && decoded.data == 1..<3)
            var webhooks: [Identifier] = []
            decoded.forEachPending { webhooks.append($0.webhook) }
            #expect(webhooks == [Samples.webhook, Samples.id])
        }
        try Samples.copy().withUnsafeBytes { bytes in
            let decoded = try #require(EventRecord.Decoded(bytes))
            #expect(decoded.event.isTest && decoded.event.format == 1 && decoded.event.tag == .max)
            #expect(decoded.event.orderKey == 9 && decoded.event.expiryMilliseconds == 60_000)
            #expect(decoded.event.tenant == "acme" && decoded.event.createdAt == "2026-01-01T00:00:00Z")
            #expect(decoded.event.headerLines == Array("traceparent: 1\n".utf8))
            #expect([0, 1, 2].map { decoded.state(of: $0) } == [2, 0, 0])
            var found: [EventRecord.Pending] = []
            decoded.forEachPending { found.append($0) }
            #expect(found.map(\.number) == [1])
            #expect(found.first?.progress == Samples.progress)
        }
    }

    @Test("An attempt and an end come back with what was tried")
    func attempts() throws {
        for (kind, bytes) in Samples.all where kind == .attempt || kind == .settled {
            try bytes.withUnsafeBytes { bytes in
                let note: AttemptNote?
                if kind == .attempt {
                    let record = try #require(AttemptRecord(bytes))
                    #expect(record.delivery == DeliveryKey(event: Samples.key, number: 1))
                    #expect(record.progress == Samples.progress && record.webhook == Samples.webhook)
                    note = record.attempt
                } else {
                    let record = try #require(SettledRecord(bytes))
                    #expect(record.outcomes == SettledRecord.Outcomes(delivery: 5, event: 6))
                    #expect(record.state == 1 && record.attempts == 3 && record.isTest && record.tag == 7)
                    #expect(record.redeliveryOf == Samples.id && record.event == .own("order-1"))
                    #expect(record.type == "order.paid" && record.tenant == "acme")
                    note = record.attempt
                }
                let attempt = try #require(note)
                #expect(attempt.number == 3 && attempt.status == 503 && attempt.errorClass == .httpStatus)
                #expect(attempt.durationMicroseconds == 1_500 && attempt.startedAt == Samples.time)
                #expect(String(decoding: attempt.snippet, as: UTF8.self) == "busy")
                #expect(String(decoding: attempt.error, as: UTF8.self) == "HTTP 503")
            }
        }
    }

    @Test("Every other kind comes back equal")
    func others() throws {
        for (kind, bytes) in Samples.all {
            bytes.withUnsafeBytes { bytes in
                switch kind {
                case .redelivery: #expect(RedeliveryRecord(bytes) == Samples.redelivery)
                case .outcome:
                    #expect(OutcomeRecord(bytes) == Samples.outcome(5, DeliveryKey(event: Samples.key, number: 1)))
                case .told: #expect(ToldRecord.numbers(bytes) == [5, 6])
                case .seen: #expect(SeenRecord(bytes) == SeenRecord(acceptedAt: Samples.time, key: "acme/order-1"))
                case .webhook:
                    let (read, written) = (WebhookRecord(bytes), Samples.webhookRecord)
                    #expect(read?.id == written.id && read?.secrets == written.secrets)
                    #expect(read?.disabled == written.disabled && read?.document == written.document)
                case .webhookRemoved: #expect(WebhookRecord.id(bytes) == Samples.webhook)
                case .health: #expect(HealthRecord(bytes) == Samples.health)
                case .event, .attempt, .settled, .eventType: break
                }
            }
        }
        let empty = HealthRecord(webhook: Samples.id, failingSince: nil, pausedUntil: nil)
        #expect(Samples.bytes { empty.put(into: &$0) }?.withUnsafeBytes { HealthRecord($0) } == empty)
        let notice = Samples.outcome(1, nil)
        #expect(Samples.bytes { notice.put(into: &$0) }?.withUnsafeBytes { OutcomeRecord($0) } == notice)
    }

    @Test("A record needs no more room than it says")
    func lengths() {
        let settled = Samples.settled()
        #expect(Samples.bytes(settled.encodedLength) { settled.put(into: &$0) } != nil)
        let webhook = Samples.webhookRecord
        #expect(Samples.bytes(webhook.encodedLength) { webhook.put(into: &$0) } != nil)
        #expect(Samples.bytes(HealthRecord.encodedLength) { Samples.health.put(into: &$0) } != nil)
        #expect(Samples.bytes(RedeliveryRecord.encodedLength) { Samples.redelivery.put(into: &$0) } != nil)
        var longest = Samples.outcome(.max, DeliveryKey(event: Samples.key, number: .max))
        longest.event = .own(String(repeating: "x", count: 64))
        #expect(Samples.bytes(OutcomeRecord.maximumLength) { longest.put(into: &$0) } != nil)
        #expect(Samples.bytes(HealthRecord.encodedLength - 1) { Samples.health.put(into: &$0) } == nil)
    }

    @Test("The copy of an end names no outcomes, and is else the same")
    func copies() throws {
        for (kind, bytes) in Samples.all where kind == .settled {
            let copy = try #require(
                bytes.withUnsafeBytes { bytes in Samples.bytes { SettledRecord.putCopy(of: bytes, into: &$0) } }
            )
            #expect(copy.count == bytes.count)
            #expect(copy[..<21] == bytes[..<21] && copy[37...] == bytes[37...])
            #expect(copy.withUnsafeBytes { SettledRecord($0)?.outcomes } == SettledRecord.Outcomes())
        }
    }

    @Test("Whatever byte is damaged, and wherever a record is cut, reading it ends")
    func damage() {
        for (kind, bytes) in Samples.all {
            // An event's payload, told numbers and names of types may have any length.
            let isWholeNeeded = ![.told, .eventType, .webhookRemoved].contains(kind)
            for length in 0..<bytes.count {
                let isRead = Samples.isRead(kind, Array(bytes[..<length]))
                if isWholeNeeded { #expect(!isRead, "\(kind.name) cut to \(length) bytes") }
            }
            for place in bytes.indices {
                for mask in [UInt8(0x01), 0x80, 0xFF] {
                    var damaged = bytes
                    damaged[place] ^= mask
                    _ = Samples.isRead(kind, damaged)
                    for other in RecordKind.allCases { Samples.fold(other, damaged) }
                }
            }
        }
    }

    @Test("The bytes of a format that is stored are what they were", arguments: pinned)
    func format(kind: RecordKind, hex: String) {
        let bytes = Samples.all.last { $0.kind == kind }?.bytes ?? []
        #expect(bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == hex)
    }

    static let pinned: [(RecordKind, String)] = [
        (.told, "0500000000000000" + "0600000000000000"),
        (.webhookRemoved, "4847464544434241" + "5857565554535251"),
        (.seen, "7ba8da769b010000" + "0c" + "61636d652f6f726465722d31"),
        (
            .health,
            "4847464544434241" + "5857565554535251" + "7ba8da769b010000" + "7ba8da769b010000" + "0900000000000000"
        ),
        (
            .redelivery,
            "0807060504030221" + "1817161514131231" + "0807060504030201" + "1817161514131211"
                + "6867666564636261" + "7877767574737271" + "0700000000000000" + "7ba8da769b010000"
                + "4847464544434241" + "5857565554535251" + "0300" + "0200" + "f701" + "HH" + "0100"
                + "88bbda769b010000" + "8813000000000000" + "00"
        ),
    ].map { ($0, $1.replacing("HH", with: Samples.twoDigits(ErrorClass.httpStatus.rawValue))) }
}

extension Samples {
    static func twoDigits(_ byte: UInt8) -> String {
        String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }

    /// Whether the bytes are read as a record of the kind.
    static func isRead(_ kind: RecordKind, _ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            switch kind {
            case .event:
                guard let decoded = EventRecord.Decoded(bytes) else { return false }
                decoded.forEachPending { _ in }
                return true
            case .redelivery: return RedeliveryRecord(bytes) != nil
            case .attempt: return AttemptRecord(bytes) != nil
            case .settled: return SettledRecord(bytes) != nil
            case .outcome: return OutcomeRecord(bytes) != nil
            case .told: return !ToldRecord.numbers(bytes).isEmpty
            case .seen: return SeenRecord(bytes) != nil
            case .webhook: return WebhookRecord(bytes) != nil
            case .webhookRemoved: return WebhookRecord.id(bytes) != nil
            case .health: return HealthRecord(bytes) != nil
            case .eventType: return !bytes.isEmpty
            }
        }
    }

    /// Adds the bytes to an empty state, behind an event and an outcome.
    static func fold(_ kind: RecordKind, _ bytes: [UInt8]) {
        var state = RecoveredState(logCapacity: 10, seenCapacity: 10)
        fresh().withUnsafeBytes { _ = state.add(kind: RecordKind.event.rawValue, position: 1, $0) }
        bytes.withUnsafeBytes { _ = state.add(kind: kind.rawValue, position: 2, $0) }
        _ = state.finish()
        for (key, _) in state.events { _ = state.end(of: DeliveryKey(event: key, number: 0)) }
    }
}
