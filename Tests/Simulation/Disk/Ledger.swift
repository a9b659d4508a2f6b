import Model
import Records

/// What was written to the disk, kept by simple means, and so what may be found there after a crash.
///
/// Everything written is a fact with a number, ascending over all lives of the process. After a crash of the process every
/// fact holds; after a power failure those up to the last sync do, and of the others any may. Where several states are
/// possible the recovered one is taken over: it is what the world goes on with.
struct Ledger {
    /// What one thing was, from fact to fact.
    struct History<Value> {
        private(set) var entries: [(fact: Int, value: Value)] = []

        mutating func note(_ value: Value, _ fact: Int) {
            entries.append((fact, value))
        }

        /// All there is was noted now.
        mutating func date(_ fact: Int) {
            entries = entries.map { (fact, $0.value) }
        }

        /// The last value that holds for sure; nil where there is none.
        func certain(_ floor: Int) -> Value? {
            entries.last { $0.fact <= floor }?.value
        }

        /// The values that may hold instead.
        func possible(_ floor: Int) -> [Value] {
            entries.filter { $0.fact > floor }.map(\.value)
        }

        mutating func settle(_ value: Value?) {
            entries = value.map { [(0, $0)] } ?? []
        }
    }

    /// How far a delivery had come, with what the record does not say.
    struct Step {
        var progress: Progress
        /// Monotonic nanoseconds, which go on over restarts; 0 for none.
        var due: Int64
        /// What the jumps of the wall clock summed up to.
        var wallOffset: Int64
    }

    struct Delivery {
        var webhook: Identifier
        var steps = History<Step>()
        var ends = History<UInt8>()
        /// The record of its end was written, and it did not go on since.
        var isSettled = false
        /// The host was told how it ended, in this life or an earlier one.
        var isTold = false
    }

    struct End {
        var event: Int
        var delivery: Int
        var state: UInt8
    }

    struct Event {
        var key: EventKey
        var fact: Int
        var deliveries: [Delivery]
        var isRedelivery = false
        var hasEventOutcome = false
        var hasDeliveryOutcomes = false
        var isTold = false
        /// A power failure took it before it was promised.
        var isLost = false
        /// Settled and told beyond any doubt; nothing of it may come back.
        var isDone = false
        var expiry: Int64
        var wallOffset: Int64
        var payload: UInt64
        /// The id that the host gave it, with its tenant.
        var ownID: String?
        var acceptedAt: WallTime
    }

    struct Outcome {
        enum Subject: Hashable {
            case delivery(Int, Int)
            case event(Int)
            case webhook(Identifier)
        }

        var fact: Int
        var subject: Subject
        var told: [Int] = []
        /// Given to the host in this life.
        var isHandedOut = false
    }

    struct Webhook {
        /// Versions; nil for removed.
        var versions = History<Int?>()
        var health = History<HealthRecord>()
    }

    /// Facts so far.
    private(set) var facts = 0
    /// Those up to here are on the disk.
    var synced = 0
    var events: [Event] = []
    var keys: [EventKey: Int] = [:]
    var webhooks: [Identifier: Webhook] = [:]
    var outcomes: [UInt64: Outcome] = [:]
    /// The newest ids of the host with the fact that tells of each, in order.
    var ids: [(fact: Int, id: String, acceptedAt: WallTime)] = []
    /// The wall clock jumped: the order of acceptance cannot be told from the times.
    var hasClockJumped = false
    /// Events that may still change.
    var open: Set<Int> = []

    mutating func newFact() -> Int {
        facts += 1
        return facts
    }

    /// Every fact up to now is on the disk.
    mutating func noteAllSynced() {
        synced = facts
    }

    // MARK: Facts

    enum Fact {
        case none
        case event(Event)
        case step(event: Int, delivery: Int, Step)
        case end(End)
        /// With the end of a delivery that it is about: what the host is to be told has happened.
        case outcome(UInt64, Outcome.Subject, End?)
        case told([UInt64])
        case webhook(Identifier, Int)
        case removal(Identifier)
        case health(HealthRecord)
        /// Of an event, with what it says of its deliveries.
        case copy([(event: Int, delivery: Int, Step)])
    }

    mutating func note(_ fact: Fact) throws(Violation) {
        let number = newFact()
        switch fact {
        case .none: break
        case .event(var event):
            event.fact = number
            for place in event.deliveries.indices { event.deliveries[place].steps.date(number) }
            keys[event.key] = events.count
            open.insert(events.count)
            events.append(event)
            guard let id = event.ownID else { return }
            ids.removeAll { $0.id == id }
            ids.append((number, id, event.acceptedAt))
            if ids.count > 100 { ids.removeFirst() }
        case .step(let event, let delivery, let step):
            events[event].deliveries[delivery].steps.note(step, number)
        case .copy(let steps):
            for (event, delivery, step) in steps { events[event].deliveries[delivery].steps.note(step, number) }
        case .end(let end):
            let delivery = events[end.event].deliveries[end.delivery]
            try require(!delivery.isSettled, "delivery \(end.delivery) of event \(end.event) is settled a second time")
            events[end.event].deliveries[end.delivery].isSettled = true
            events[end.event].deliveries[end.delivery].ends.note(end.state, number)
        case .outcome(let outcome, let subject, let end):
            if let former = outcomes[outcome] {
                try require(former.isHandedOut && !former.told.isEmpty, "outcome number \(outcome) is given twice")
            }
            outcomes[outcome] = Outcome(fact: number, subject: subject)
            if let end { events[end.event].deliveries[end.delivery].ends.note(end.state, number) }
        case .told(let numbers):
            for outcome in numbers { outcomes[outcome]?.told.append(number) }
        case .webhook(let id, let version): webhooks[id, default: Webhook()].versions.note(version, number)
        case .removal(let id): webhooks[id, default: Webhook()].versions.note(nil, number)
        case .health(let record): webhooks[record.webhook, default: Webhook()].health.note(record, number)
        }
    }

    // MARK: The host

    /// The host takes an outcome.
    mutating func handOut(_ number: UInt64) throws(Violation) {
        guard let outcome = outcomes[number] else { throw Violation("the host is told the unknown outcome \(number)") }
        try require(!outcome.isHandedOut, "the host is told outcome \(number) twice")
        outcomes[number]?.isHandedOut = true
        switch outcome.subject {
        case .delivery(let event, let delivery): events[event].deliveries[delivery].isTold = true
        case .event(let event): events[event].isTold = true
        case .webhook: break
        }
    }

    /// How the event's outcome must look: the worst end of its deliveries, and how many succeeded.
    func summary(of event: Int, ended delivery: Int = -1, _ state: UInt8 = 0) -> (state: UInt8, succeeded: Int) {
        var ends = events[event].deliveries.map { $0.ends.entries.last?.value ?? 0 }
        if ends.indices.contains(delivery) { ends[delivery] = state }
        let worst = [UInt8(2), 3, 4].first { ends.contains($0) } ?? 1
        return (worst, ends.count { $0 == 1 })
    }
}
