import Model
import TestInputs
import Testing

@testable import Records

/// Records in the order they are written, at positions 1, 2, 3 and so on.
struct History {
    var records: [(kind: RecordKind, bytes: [UInt8])] = []

    @discardableResult
    mutating func add(_ kind: RecordKind, _ bytes: [UInt8]) -> UInt64 {
        records.append((kind, bytes))
        return UInt64(records.count)
    }

    @discardableResult
    mutating func add(_ record: SettledRecord) -> UInt64 {
        add(.settled, Samples.bytes { record.put(into: &$0) } ?? [])
    }

    @discardableResult
    mutating func add(_ record: OutcomeRecord) -> UInt64 {
        add(.outcome, Samples.bytes { record.put(into: &$0) } ?? [])
    }

    @discardableResult
    mutating func attempt(_ delivery: DeliveryKey, tries: UInt16) -> UInt64 {
        var progress = Progress()
        (progress.tries, progress.attempts) = (tries, tries)
        let record = AttemptRecord(delivery: delivery, webhook: Samples.webhook, progress: progress, attempt: nil)
        return add(.attempt, Samples.bytes { record.put(into: &$0) } ?? [])
    }

    /// What the first `count` add up to, without those that are lost.
    func state(_ count: Int = .max, without lost: Set<UInt64> = []) -> (state: RecoveredState, dead: Set<UInt64>) {
        var state = RecoveredState(logCapacity: 1000, seenCapacity: 1000)
        for (index, record) in records.prefix(count).enumerated() where !lost.contains(UInt64(index + 1)) {
            _ = record.bytes.withUnsafeBytes {
                state.add(kind: record.kind.rawValue, position: UInt64(index + 1), $0)
            }
        }
        let dead = state.finish()
        return (state, Set(dead))
    }
}

@Suite("What records add up to")
struct RecoveredStateTests {
    private let first = DeliveryKey(event: Samples.key, number: 0)
    private let second = DeliveryKey(event: Samples.key, number: 1)
    private let whole = DeliveryKey(event: Samples.key, number: OutcomeRecord.ofDeliveries)

    @Test("An end whose outcome is lost did not happen; one that was told did")
    func doubts() {
        var history = History()
        history.add(.event, Samples.fresh())
        let outcome = history.add(Samples.outcome(5, first))
        let end = history.add(Samples.settled(first, outcomes: SettledRecord.Outcomes(delivery: 5, event: 0)))
        let (lost, dead) = history.state(without: [outcome])
        #expect(lost.end(of: first) == 0 && lost.log.isEmpty && dead == [end])
        #expect(lost.lastOutcome == 5, "its number is not given again")
        let told = history.add(.told, Samples.told([5]))
        #expect(history.state(without: [outcome]).state.end(of: first) == 1)
        #expect(Array(history.state(without: [outcome]).state.log) == [end])
        #expect(history.state(without: [outcome, told]).state.end(of: first) == 0)
    }

    @Test("The log keeps an end that a copy of the event tells of too")
    func endBesideCopy() {
        var history = History()
        history.add(.event, Samples.fresh())
        let outcome = history.add(Samples.outcome(5, first, state: 2))
        let end = history.add(
            Samples.settled(first, state: 2, outcomes: SettledRecord.Outcomes(delivery: 5, event: 0))
        )
        history.add(.told, Samples.told([5]))
        history.add(.event, Samples.copy(states: [2, 0]))
        // The file with the event and the outcome is gone; that with the end is not.
        let (state, dead) = history.state(without: [1, outcome])
        #expect(Array(state.log) == [end] && !dead.contains(end))
        #expect(state.end(of: first) == 2 && state.end(of: second) == 0)
        #expect(state.progress(of: second) == Samples.progress)
    }

    @Test("Of an end and its copy the log keeps the copy")
    func endBesideItsCopy() {
        var history = History()
        history.add(.event, Samples.fresh())
        let end = history.add(Samples.settled(first, outcomes: SettledRecord.Outcomes(delivery: 5, event: 0)))
        history.add(.told, Samples.told([5]))
        let copy = history.add(Samples.settled(first, outcomes: SettledRecord.Outcomes()))
        let (state, dead) = history.state()
        #expect(Array(state.log) == [copy] && dead.contains(end))
    }

    @Test("The outcome of an event one of whose ends is lost is void, and told again once it has ended")
    func void() {
        var history = History()
        history.add(.event, Samples.fresh())
        let outcome = history.add(Samples.outcome(1, first))
        let end = history.add(Samples.settled(first, outcomes: SettledRecord.Outcomes(delivery: 1, event: 0)))
        history.add(Samples.outcome(2, second))
        history.add(Samples.outcome(3, whole))
        history.add(Samples.settled(second, outcomes: SettledRecord.Outcomes(delivery: 2, event: 3)))
        #expect(history.state().state.void.isEmpty && history.state().state.outcomes.keys.sorted() == [1, 2, 3])
        let (state, _) = history.state(without: [outcome, end])
        #expect(state.void == [3] && state.outcomes.keys.sorted() == [2])
        #expect(state.end(of: first) == 0 && state.end(of: second) == 1)
        // What a life that notes it writes next.
        history.add(.told, Samples.told([3]))
        history.add(Samples.outcome(4, first))
        let (later, _) = history.state(without: [outcome, end])
        #expect(later.void.isEmpty && later.outcomes.keys.sorted() == [2, 4])
        #expect(later.unfinished == [Samples.key] && later.end(of: first) == 1)
    }

    @Test("An event whose last delivery has its outcome and not yet its own is to be told of")
    func unfinished() {
        var history = History()
        history.add(.event, Samples.fresh())
        for (number, delivery) in [first, second].enumerated() {
            history.add(Samples.outcome(UInt64(number + 1), delivery))
        }
        #expect(history.state(2).state.unfinished.isEmpty)
        #expect(history.state(3).state.unfinished == [Samples.key])
        history.add(Samples.outcome(3, whole))
        #expect(history.state().state.unfinished.isEmpty)
    }

    @Test(
        "Random histories, cut anywhere, add up to what a naive reader makes of them",
        arguments: Inputs.each(0..<40, orEvery: 5)
    )
    func model(seed: UInt64) {
        var random = RandomSource(seed: seed)
        var history = History()
        var model = NaiveModel()
        var prefixes = [model]
        for _ in 0..<120 {
            model.step(&random, &history)
            while prefixes.count <= history.records.count { prefixes.append(model) }
        }
        for count in prefixes.indices where model.isStep(count) || count == 0 {
            let (state, dead) = history.state(count)
            prefixes[count].check(state, dead, "seed \(seed), \(count) records")
        }
    }
}
