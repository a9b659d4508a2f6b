import Model
import Testing

@testable import Records

/// A small engine that writes records and knows what they mean.
struct NaiveModel {
    struct Delivery {
        var end: UInt8 = 0
        var tries: UInt16 = 0
    }

    var events: [EventKey: (position: UInt64, deliveries: [Delivery])] = [:]
    var outcomes: [UInt64: UInt64] = [:]
    var log: Set<UInt64> = []
    var webhooks: [Identifier: UInt64] = [:]
    var seen: Set<String> = []
    var lastOutcome: UInt64 = 0
    /// After how many records something had been done whole.
    private var steps: Set<Int> = []

    func isStep(_ count: Int) -> Bool {
        steps.contains(count)
    }

    mutating func step(_ random: inout RandomSource, _ history: inout History) {
        let open = events.flatMap { key, event in
            event.deliveries.indices.filter { event.deliveries[$0].end == 0 }.map {
                DeliveryKey(event: key, number: UInt32($0))
            }
        }.sorted { ($0.event.first, $0.number) < ($1.event.first, $1.number) }
        switch random.next(below: 10) {
        case 0, 1: push(&random, &history)
        case 2, 3: attempt(pick(open, &random), &history)
        case 4, 5, 6: settle(pick(open, &random), &random, &history)
        case 7: tell(&random, &history)
        case 8: copy(pick(events.keys.sorted { $0.first < $1.first }, &random), &history)
        default: changeWebhook(&random, &history)
        }
        steps.insert(history.records.count)
    }

    private func pick<Element>(_ all: [Element], _ random: inout RandomSource) -> Element? {
        all.isEmpty ? nil : all[random.next(below: all.count)]
    }

    private mutating func push(_ random: inout RandomSource, _ history: inout History) {
        let key = EventKey(first: UInt64(history.records.count + 1) << 14, seed: 7)
        let count = 1 + random.next(below: 3)
        let id = random.next(below: 3) == 0 ? "id-\(history.records.count)" : nil
        let webhooks = Array(repeating: Samples.webhook, count: count)
        let position = history.add(.event, Samples.fresh(key, webhooks: webhooks, ownID: id))
        events[key] = (position, Array(repeating: Delivery(), count: count))
        if let id { seen.insert(id) }
    }

    private mutating func attempt(_ delivery: DeliveryKey?, _ history: inout History) {
        guard let delivery, var event = events[delivery.event] else { return }
        event.deliveries[Int(delivery.number)].tries += 1
        history.attempt(delivery, tries: event.deliveries[Int(delivery.number)].tries)
        events[delivery.event] = event
    }

    private mutating func settle(_ delivery: DeliveryKey?, _ random: inout RandomSource, _ history: inout History) {
        guard let delivery, var event = events[delivery.event] else { return }
        let state = UInt8(1 + random.next(below: 4))
        lastOutcome += 1
        outcomes[lastOutcome] = history.add(Samples.outcome(lastOutcome, delivery, state: state))
        let numbers = SettledRecord.Outcomes(delivery: lastOutcome, event: 0)
        log.insert(history.add(Samples.settled(delivery, state: state, outcomes: numbers)))
        event.deliveries[Int(delivery.number)].end = state
        events[delivery.event] = event
    }

    private mutating func tell(_ random: inout RandomSource, _ history: inout History) {
        let numbers = outcomes.keys.sorted().filter { _ in random.next(below: 2) == 0 }
        guard !numbers.isEmpty else { return }
        history.add(.told, Samples.told(numbers))
        for number in numbers { outcomes[number] = nil }
    }

    private mutating func copy(_ key: EventKey?, _ history: inout History) {
        guard let key, let event = events[key] else { return }
        let pending = event.deliveries.enumerated().filter { $0.element.end == 0 }.map { number, delivery in
            var progress = Progress()
            (progress.tries, progress.attempts) = (delivery.tries, delivery.tries)
            return EventRecord.Pending(number: UInt32(number), webhook: Samples.webhook, progress: progress)
        }
        let position = history.add(.event, Samples.copy(key, states: event.deliveries.map(\.end), pending: pending))
        events[key]?.position = position
        seen.insert("acme/order-1")
    }

    private mutating func changeWebhook(_ random: inout RandomSource, _ history: inout History) {
        let id = Identifier(high: 1, low: UInt64(random.next(below: 3)))
        if webhooks[id] != nil, random.next(below: 2) == 0 {
            history.add(.webhookRemoved, Samples.bytes { $0.put(id) } ?? [])
            webhooks[id] = nil
        } else {
            var record = Samples.webhookRecord
            record.id = id
            webhooks[id] = history.add(.webhook, Samples.bytes { record.put(into: &$0) } ?? [])
        }
    }

    func check(_ state: RecoveredState, _ dead: Set<UInt64>, _ name: String) {
        #expect(state.unreadable == 0 && state.void.isEmpty, "\(name)")
        #expect(Set(state.events.keys) == Set(events.keys), "\(name)")
        for (key, event) in events {
            let found = state.events[key]
            #expect(found?.position == event.position, "\(name)")
            #expect(found?.isPending == event.deliveries.contains { $0.end == 0 }, "\(name)")
            for (number, delivery) in event.deliveries.enumerated() {
                let place = DeliveryKey(event: key, number: UInt32(number))
                #expect(state.end(of: place) == delivery.end, "\(name)")
                if delivery.end == 0 { #expect(state.progress(of: place).tries == delivery.tries, "\(name)") }
            }
        }
        #expect(state.outcomes == outcomes && state.lastOutcome == lastOutcome, "\(name)")
        #expect(state.webhooks == webhooks, "\(name)")
        #expect(Set(state.seen.keys) == seen, "\(name)")
        #expect(Set(state.log) == log, "\(name)")
        // What is given up is needed by nobody.
        let needed = Set(events.values.map(\.position)).union(outcomes.values).union(log).union(webhooks.values)
        #expect(dead.isDisjoint(with: needed), "\(name)")
    }
}
