import Delivery
import Journal
import Model
import Records

// Outcomes: written before anybody can see them, told to the host, and noted as told when it asks for more.
extension Store {
    /// - Parameter end: of the delivery that has just ended.
    func enter(
        _ subject: Ledger.Outcome.Subject,
        _ end: Ledger.End?,
        _ record: OutcomeRecord
    ) throws(Violation) -> WaitingOutcome {
        lastOutcome += 1
        var record = record
        record.number = lastOutcome
        let position = try append(
            .outcome,
            .outcome(record.number, subject, end),
            length: OutcomeRecord.maximumLength,
            mayInterrupt: true
        ) { record.put(into: &$0) }
        return WaitingOutcome(number: record.number, position: position)
    }

    /// The host takes some of what waits.
    func poll(maximum: Int) throws(Violation) {
        try checkStopped()
        let taken = Array(queue.prefix(maximum))
        queue.removeFirst(taken.count)
        for outcome in taken { try ledger.handOut(outcome.number) }
        let former = told
        told = taken.map { ($0.number, $0.position) }
        try noteTold(former)
    }

    /// What was handed out counts as told.
    func acknowledge() throws(Violation) {
        let former = told
        told = []
        try noteTold(former)
    }

    private func noteTold(_ former: [(number: UInt64, position: Position)]) throws(Violation) {
        guard !former.isEmpty else { return }
        let record = try append(
            .told,
            .told(former.map(\.number)),
            length: former.count * 8,
            mayInterrupt: true
        ) { sink in
            for outcome in former { sink.put(outcome.number) }
        }
        // It goes no earlier than the records it names.
        release(record)
        for outcome in former { release(outcome.position) }
    }

    func outcome(
        of event: StoredEvent,
        _ settlement: Settlement,
        _ webhook: Identifier,
        _ state: UInt8
    ) -> OutcomeRecord {
        var record = blank(kind: 1, state: state, event: event)
        record.subject = event.key.index(of: settlement.id).map {
            DeliveryKey(event: event.key, number: UInt32($0 - 1))
        }
        record.delivery = settlement.id
        record.webhook = webhook
        record.attempts = UInt32(settlement.attempts)
        record.httpStatus = settlement.lastStatus
        record.failure = settlement.lastError.rawValue
        record.deliveries = 1
        return record
    }

    func outcome(of event: StoredEvent, _ summary: (state: UInt8, succeeded: Int)) -> OutcomeRecord {
        var record = blank(kind: 2, state: summary.state, event: event)
        let whom = profile.tellsDeliveries ? OutcomeRecord.ofDeliveries : OutcomeRecord.ofEvent
        record.subject = DeliveryKey(event: event.key, number: whom)
        record.deliveries = UInt32(event.ends.count)
        record.succeeded = UInt32(summary.succeeded)
        return record
    }

    func blank(kind: UInt8, state: UInt8, event: StoredEvent?) -> OutcomeRecord {
        OutcomeRecord(
            number: 0,
            subject: nil,
            kind: kind,
            state: state,
            failure: 0,
            httpStatus: 0,
            attempts: 0,
            deliveries: 0,
            succeeded: 0,
            disabledReason: 0,
            tag: event?.head.tag ?? 0,
            settledAt: world.wall,
            failingSince: WallTime(milliseconds: 0),
            event: event?.id ?? .generated(.zero),
            delivery: .zero,
            webhook: .zero
        )
    }
}
