import Journal
import Model
import Records
import Threading

// Outcomes in the journal: each has a record from the moment it is certain until the host was told.
extension EngineState {
    /// Writes the outcome down before anybody can see it.
    func enter(_ outcome: inout Outcome, isLazy: Bool) throws(MartletError) {
        guard let journal else { return }
        outcome.number = journal.nextOutcomeNumber()
        let record = outcome.journalRecord
        do throws(JournalError) {
            outcome.record = try journal.append(
                .outcome,
                length: OutcomeRecord.maximumLength,
                options: isLazy ? .lazy : .ordinary,
                keeping: roomForEnds
            ) { record.put(into: &$0) }
        } catch {
            throw MartletError(error)
        }
    }

    /// The same for a lane. Without room for the record the outcome is told all the same, unless the process ends first.
    func enterOrLose(_ outcome: inout Outcome?) {
        guard let journal, outcome != nil else { return }
        outcome?.number = journal.nextOutcomeNumber()
        guard let record = outcome?.journalRecord else { return }
        outcome?.record = journal.note(.outcome, length: OutcomeRecord.maximumLength) { record.put(into: &$0) }
    }

    /// Notes outcomes that are being handed to the host. They count as told with the next call, or when the engine is
    /// closed: a host that ends in between is told again.
    func handedOut(_ outcomes: [(number: UInt64, record: Position)]) {
        guard journal != nil else { return }
        let former = told.withLock { told in
            defer { told = outcomes }
            return told
        }
        noteTold(former)
    }

    /// Whatever was handed out counts as told.
    func acknowledgeOutcomes() {
        handedOut([])
    }

    private func noteTold(_ told: [(number: UInt64, record: Position)]) {
        guard let journal, !told.isEmpty else { return }
        // A poll may take more than fits into the smallest segment.
        for first in stride(from: 0, to: told.count, by: 1024) {
            let part = told[first..<min(first + 1024, told.count)]
            let record = journal.note(.told, length: part.count * 8) { sink in
                for outcome in part { sink.put(outcome.number) }
            }
            // It need not be kept for its own sake: it goes no earlier than the records it names.
            journal.release(record)
        }
        for outcome in told { journal.releaseOutcome(outcome.number, outcome.record) }
    }
}

extension Outcome {
    var journalRecord: OutcomeRecord {
        OutcomeRecord(
            number: number,
            subject: subject,
            kind: UInt8(kind.rawValue),
            state: UInt8(state.rawValue),
            failure: failureCode,
            httpStatus: httpStatus,
            attempts: attempts,
            deliveries: deliveries,
            succeeded: succeeded,
            disabledReason: disabledReason,
            tag: tag,
            settledAt: WallTime(milliseconds: settledAtMilliseconds),
            failingSince: WallTime(milliseconds: failingSinceMilliseconds),
            event: event,
            delivery: delivery,
            webhook: webhook
        )
    }

    /// Nil for a record of a kind that this version does not know.
    init?(_ record: OutcomeRecord, at position: Position) {
        guard let kind = Kind(rawValue: Int32(record.kind)), let state = State(rawValue: Int32(record.state)) else {
            return nil
        }
        self.init(
            kind: kind,
            state: state,
            tag: record.tag,
            settledAtMilliseconds: record.settledAt.milliseconds,
            attempts: record.attempts,
            httpStatus: record.httpStatus,
            failure: record.failure,
            deliveries: record.deliveries,
            succeeded: record.succeeded,
            disabledReason: record.disabledReason,
            failingSinceMilliseconds: record.failingSince.milliseconds,
            event: record.event,
            delivery: record.delivery,
            webhook: record.webhook
        )
        number = record.number
        self.record = position
    }
}
