import Model
import Records

// What may be found after a crash, and what must.
extension Ledger {
    /// What a restart found.
    struct Found {
        struct Pending {
            var key: EventKey
            var number: Int
            var webhook: Identifier
            var progress: Progress
        }

        /// In the order in which they go on.
        var pending: [Pending] = []
        /// Ends that are known, of every delivery that is not pending.
        var ends: [DeliveryKey: UInt8] = [:]
        /// Events whose own records are there.
        var present: Set<EventKey> = []
        var webhooks: [Identifier: Int] = [:]
        var health: [Identifier: HealthRecord] = [:]
        var outcomes: [UInt64] = []
        var ids: Set<String> = []
        /// Events whose outcomes are yet to be written.
        var unfinished: Set<EventKey> = []
    }

    /// Judges what was found, and takes it over.
    ///
    /// - Parameter idCapacity: so many of the newest ids of the host must be remembered.
    mutating func recover(
        _ found: Found,
        after crash: SimulatedDisk.Crash,
        idCapacity: Int
    ) throws(Violation) {
        let floor = crash == .power ? synced : facts
        let isPower = crash == .power
        let subjects = try checkOutcomes(found, floor, isPower)
        var pending: Set<DeliveryKey> = []
        var last = -1
        for one in found.pending {
            let event = try checkPending(one, floor, isPower)
            try require(event >= last, "event \(event) goes on behind event \(last), which came after it")
            last = event
            let key = DeliveryKey(event: one.key, number: UInt32(one.number))
            try require(pending.insert(key).inserted, "delivery \(one.number) of event \(event) goes on twice")
        }
        for event in open.sorted() { try checkEvent(event, found, pending, subjects, floor, isPower) }
        try checkWebhooks(found, floor, isPower)
        try checkIDs(found, floor, isPower, idCapacity)
        if isPower { noteAllSynced() }
    }

    // MARK: Deliveries

    /// Answers the number of the event.
    private mutating func checkPending(_ one: Found.Pending, _ floor: Int, _ isPower: Bool) throws(Violation) -> Int {
        guard let event = keys[one.key], events[event].deliveries.indices.contains(one.number) else {
            throw Violation("a delivery is found that was never written")
        }
        try require(!events[event].isLost, "event \(event), which was lost before, is back")
        try require(!events[event].isDone, "event \(event), which was settled and told long ago, is back")
        let delivery = events[event].deliveries[one.number]
        try require(one.webhook == delivery.webhook, "delivery \(one.number) of event \(event) has another webhook")
        try require(
            delivery.ends.certain(floor) == nil,
            "delivery \(one.number) of event \(event) goes on although its end was written"
        )
        let step = try checkStep(one.progress, delivery.steps, floor, "delivery \(one.number) of event \(event)")
        events[event].deliveries[one.number].isSettled = false
        if isPower {
            events[event].deliveries[one.number].ends.settle(nil)
            events[event].deliveries[one.number].steps.settle(step)
        }
        return event
    }

    private func checkStep(
        _ progress: Progress,
        _ steps: History<Step>,
        _ floor: Int,
        _ name: String
    ) throws(Violation) -> Step? {
        func rank(_ progress: Progress) -> Int { Int(progress.tries) << 16 | Int(progress.attempts) }
        var certain: Step?
        for (fact, step) in steps.entries where fact <= floor {
            if rank(step.progress) >= rank(certain?.progress ?? Progress()) { certain = step }
        }
        let least = rank(certain?.progress ?? Progress())
        // Of several that are equally far any may be found: the older ones are moved forward too.
        let allowed = steps.entries.filter { rank($0.value.progress) >= least }
            .filter { $0.fact > floor || rank($0.value.progress) == least }.map(\.value)
        if let match = allowed.last(where: { $0.progress == progress }) { return match }
        try require(
            progress == certain?.progress ?? Progress() || least == 0 && progress == Progress(),
            "\(name) goes on with \(progress), but \(String(describing: certain)) or one of \(allowed) was written"
        )
        return certain
    }

    /// The step that a delivery which goes on was found at.
    func currentStep(event: Int, delivery: Int, _ progress: Progress) -> Step? {
        events[event].deliveries[delivery].steps.entries.last { $0.value.progress == progress }?.value
    }

    private mutating func checkEvent(
        _ number: Int,
        _ found: Found,
        _ pending: Set<DeliveryKey>,
        _ subjects: Set<Outcome.Subject>,
        _ floor: Int,
        _ isPower: Bool
    ) throws(Violation) {
        let event = events[number]
        let keys = event.deliveries.indices.map { DeliveryKey(event: event.key, number: UInt32($0)) }
        let isPending = keys.contains { pending.contains($0) }
        // A redelivery goes with the event that it repeats.
        if event.fact > floor, !isPending, event.isRedelivery || !found.present.contains(event.key) {
            events[number].isLost = true
            open.remove(number)
            return
        }
        for (place, key) in keys.enumerated() where !pending.contains(key) {
            let delivery = event.deliveries[place]
            let name = "delivery \(place) of event \(number)"
            try require(!delivery.ends.entries.isEmpty, "\(name) is lost")
            let end = found.ends[key] ?? 0
            try require(
                // Where only the event's outcome is left, nobody knows the ends of the single deliveries.
                end == 0 || delivery.ends.entries.contains { $0.value == end }
                    || event.hasEventOutcome && !event.hasDeliveryOutcomes,
                "\(name) is found to have ended as \(end), which it did not"
            )
            try require(
                !event.hasDeliveryOutcomes || delivery.isTold || subjects.contains(.delivery(number, place)),
                "the outcome of \(name) is lost"
            )
            if isPower { events[number].deliveries[place].ends.settle(delivery.ends.entries.last?.value) }
        }
        if isPower { events[number].fact = 0 }
        guard !isPending else { return }
        try require(
            !event.hasEventOutcome || event.isTold || subjects.contains(.event(number))
                || found.unfinished.contains(event.key),
            "the outcome of event \(number) is lost"
        )
        let isTold =
            (!event.hasEventOutcome || event.isTold)
            && event.deliveries.allSatisfy { !event.hasDeliveryOutcomes || $0.isTold }
        let isCertain = events[number].deliveries.allSatisfy { $0.ends.certain(synced) != nil }
        if isTold, isCertain || isPower {
            events[number].isDone = true
            open.remove(number)
        }
    }

    // MARK: Outcomes

    /// Answers whom the found ones are about.
    private mutating func checkOutcomes(
        _ found: Found,
        _ floor: Int,
        _ isPower: Bool
    ) throws(Violation) -> Set<Outcome.Subject> {
        var subjects: Set<Outcome.Subject> = []
        for number in found.outcomes {
            guard let outcome = outcomes[number] else { throw Violation("the unknown outcome \(number) is found") }
            try require(
                !outcome.told.contains { $0 <= floor },
                "outcome \(number) is found although it was noted that the host was told"
            )
            subjects.insert(outcome.subject)
        }
        let present = Set(found.outcomes)
        for (number, outcome) in outcomes where !present.contains(number) {
            var isVoid = false
            if case .event(let event) = outcome.subject {
                isVoid = isPower && found.pending.contains { $0.key == events[event].key }
            }
            try require(
                outcome.fact > floor || !outcome.told.isEmpty || outcome.isHandedOut && isPower || isVoid,
                "outcome \(number) about \(outcome.subject) is lost"
            )
            // A power failure may yet bring it back.
            let mayReturn = !isPower && outcome.told.contains { $0 > synced }
            if !mayReturn { outcomes[number] = nil }
        }
        for number in found.outcomes {
            outcomes[number]?.isHandedOut = false
            if isPower {
                outcomes[number]?.fact = 0
                outcomes[number]?.told = []
            }
        }
        return subjects
    }

    // MARK: Webhooks and ids

    private mutating func checkWebhooks(_ found: Found, _ floor: Int, _ isPower: Bool) throws(Violation) {
        for id in found.webhooks.keys where webhooks[id] == nil {
            throw Violation("the unknown webhook \(id) is found")
        }
        for (id, webhook) in webhooks {
            let version = found.webhooks[id]
            let certain = webhook.versions.certain(floor) ?? nil
            try require(
                version == certain || webhook.versions.possible(floor).contains(version),
                "webhook \(id.low) is found as \(String(describing: version)) instead of \(String(describing: certain))"
            )
            let health = found.health[id]
            let known = webhook.health.certain(floor)
            try require(
                version == nil && health == nil || version != nil && health == known
                    || health.map { record in webhook.health.possible(floor).contains(record) } ?? false,
                "the health of webhook \(id.low) is found as \(String(describing: health))"
            )
            guard isPower else { continue }
            webhooks[id]?.versions.settle(version)
            webhooks[id]?.health.settle(health)
        }
    }

    private mutating func checkIDs(
        _ found: Found,
        _ floor: Int,
        _ isPower: Bool,
        _ capacity: Int
    ) throws(Violation) {
        // Of two that came in the same millisecond nobody can tell the younger one.
        let times = Dictionary(grouping: ids, by: \.acceptedAt).mapValues(\.count)
        for (fact, id, time) in ids.suffix(capacity) where fact <= floor && !hasClockJumped && times[time] == 1 {
            try require(found.ids.contains(id), "the id \(id) of the host is forgotten")
        }
        guard isPower else { return }
        ids = ids.compactMap { entry in
            found.ids.contains(entry.id) ? (0, entry.id, entry.acceptedAt) : entry.fact <= floor ? entry : nil
        }
    }
}
