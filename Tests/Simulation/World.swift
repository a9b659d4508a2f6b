import Delivery
import Model

/// One simulated lane: the real core, receivers that answer at their times, a clock that only this world moves.
///
/// It feeds the core as a lane does: any number of inputs, then a run, then the actions. Every input goes to the oracle too.
final class World {
    /// An attempt in flight.
    struct Flight {
        var ends: Int64
        var began: Int64
        var delivery: UInt32
        var generation: UInt32
        var token: Int
        var answer: Receiver.Answer
    }

    /// 2026-01-01T00:00:00Z.
    private static let wallStart: Int64 = 1_767_225_600_000

    let profile: Profile
    var core: DeliveryCore
    var oracle: Oracle
    var random: RandomSource
    var trace = Trace()
    /// Monotonic nanoseconds.
    var now: Int64 = 1_000_000_000
    /// What jumps of the wall clock sum up to, in milliseconds.
    var wallOffset: Int64 = 0
    var receivers: [Receiver] = []
    var live: [WebhookSlot] = []
    /// The last slots of webhooks that were removed.
    var gone: [WebhookSlot] = []
    /// Slots that the core gave back.
    var released: [WebhookSlot] = []
    var nextIndex: UInt32 = 0
    private var flights: [Flight] = []
    /// Something was fed since the last run.
    private var isFed = false
    /// Starts that are about to fail, and after which wait they are to be tried again.
    private var failedStarts: [(flight: Flight, wait: Int64)] = []
    private var actions: ContiguousArray<Action> = []
    private var identifier: UInt64 = 0
    /// What outlasts the process; nil in a world without a disk.
    private(set) var store: Store?

    init(seed: UInt64) {
        random = RandomSource(seed: seed)
        profile = Profile(random: &random)
        core = DeliveryCore(DeliveryCore.Options(maximumInFlight: profile.maximumInFlight, seed: random.next()))
        oracle = Oracle(maximumInFlight: profile.maximumInFlight)
    }

    var wall: WallTime {
        WallTime(milliseconds: World.wallStart + now / 1_000_000 + wallOffset)
    }

    /// Gives the world a disk; at its beginning.
    func attachDisk() throws(Violation) -> Store {
        let store = try Store(self, seed: random.next())
        self.store = store
        return store
    }

    private var instant: Instant {
        Instant(nanoseconds: now)
    }

    /// The next moment at which something happens by itself.
    var nextEvent: Int64? {
        let flight = flights.map(\.ends).min()
        guard let timer = core.nextTimer?.nanoseconds else { return flight }
        return min(timer, flight ?? .max)
    }

    // MARK: Inputs

    func add(_ slot: WebhookSlot, policy: WebhookPolicy, isEnabled: Bool) throws(Violation) {
        trace.note(.addWebhook, at: now, Int64(slot.index), Int64(slot.generation), Int64(policy.maximumInFlight))
        try store?.addWebhook(slot, policy: policy, isEnabled: isEnabled)
        live.append(slot)
        let receiver = Receiver(random: &random)
        if slot.index < receivers.count { receivers[Int(slot.index)] = receiver } else { receivers.append(receiver) }
        oracle.add(slot, policy: policy, isEnabled: isEnabled)
        core.addWebhook(slot, policy: policy, isEnabled: isEnabled)
        try finishInput()
    }

    func update(_ slot: WebhookSlot, policy: WebhookPolicy) throws(Violation) {
        trace.note(.updateWebhook, at: now, Int64(slot.index), Int64(policy.maximumInFlight))
        try store?.changeWebhook(slot) { $0.policy = policy }
        oracle.update(slot, policy: policy)
        core.updateWebhook(slot, policy: policy)
        try finishInput()
    }

    func set(_ slot: WebhookSlot, enabled: Bool) throws(Violation) {
        trace.note(enabled ? .enable : .disable, at: now, Int64(slot.index))
        try store?.changeWebhook(slot) { $0.isEnabled = enabled }
        oracle.set(slot, enabled: enabled)
        core.setWebhook(slot, enabled: enabled)
        try finishInput()
    }

    func remove(_ slot: WebhookSlot) throws(Violation) {
        trace.note(.removeWebhook, at: now, Int64(slot.index))
        try store?.removeWebhook(slot)
        if let place = live.firstIndex(of: slot) {
            live.remove(at: place)
            if gone.count == 16 { gone.removeFirst() }
            gone.append(slot)
        }
        oracle.remove(slot)
        core.removeWebhook(slot)
        try finishInput()
    }

    func enqueue(_ new: NewDelivery) throws(Violation) {
        trace.note(.push, at: now, Int64(new.event), Int64(new.webhook.index), new.expiry.nanoseconds)
        oracle.enqueue(new, at: now)
        core.enqueue(new)
        try finishInput()
    }

    func nextIdentifier() -> Identifier {
        identifier += 1
        return Identifier(high: identifier, low: ~identifier)
    }

    func cancel(_ delivery: UInt32) throws(Violation) {
        let record = core.record(delivery)
        trace.note(.cancel, at: now, Int64(record.event), Int64(record.webhook))
        oracle.cancel(Int(record.event))
        core.cancel(delivery)
        try finishInput()
    }

    /// As a lane that ends: what is in flight is dropped and never answers.
    func cancelAll() throws(Violation) {
        trace.note(.cancelAll, at: now)
        flights.removeAll()
        oracle.cancelAll()
        core.cancelAll()
        try finishInput()
    }

    /// Feeds the results of the attempts that have ended by now, the first to end first.
    func endFlights() throws(Violation) {
        while let place = flights.indices.min(by: { flights[$0].ends < flights[$1].ends }), flights[place].ends <= now {
            let flight = flights.remove(at: place)
            guard core.isLive(flight.delivery, generation: flight.generation) else {
                throw Violation("delivery \(flight.token) was settled while in flight")
            }
            let result = flight.answer.result(duration: now - flight.began, wall: wall)
            let error = Int64(result.errorClass.rawValue)
            trace.note(.attemptEnded, at: now, Int64(flight.token), Int64(result.status), error)
            let log = random.next()
            core.setLog(log, of: flight.delivery)
            oracle.deliveries[flight.token].log = log
            let range = oracle.attemptEnded(flight.token, result, at: now, wall: wall)
            let slot = core.slot(of: core.record(flight.delivery))
            store?.heard(result, of: flight.token)
            core.attemptEnded(flight.delivery, result, at: instant, wall: wall)
            try accept(range, of: flight)
            try finishInput()
            try store?.noteHealth(of: slot)
        }
    }

    /// Hands the time that the core chose for the next attempt to the oracle.
    private func accept(_ range: ClosedRange<Int64>?, of flight: Flight) throws(Violation) {
        guard let range else { return }
        try require(
            core.isLive(flight.delivery, generation: flight.generation),
            "delivery \(flight.token) was settled instead of being tried again"
        )
        try oracle.accept(due: core.record(flight.delivery).due, of: flight.token, within: range)
    }

    // MARK: Restarts

    /// The process is gone with all it knew.
    func forgetLife(seed: UInt64) {
        core = DeliveryCore(DeliveryCore.Options(maximumInFlight: profile.maximumInFlight, seed: seed))
        oracle = Oracle(maximumInFlight: profile.maximumInFlight)
        live = []
        gone = []
        released = []
        nextIndex = 0
        flights = []
        isFed = false
        failedStarts = []
        actions = []
    }

    /// Adds a webhook that the disk holds, at the next index. Its receiver is another one than before.
    func restoreWebhook(
        _ slot: WebhookSlot,
        _ version: WebhookVersion,
        failingSince: Int64?,
        pausedUntil: Int64?
    ) throws(Violation) {
        live.append(slot)
        nextIndex = max(nextIndex, slot.index + 1)
        let receiver = Receiver(random: &random)
        if slot.index < receivers.count { receivers[Int(slot.index)] = receiver } else { receivers.append(receiver) }
        oracle.add(
            slot,
            policy: version.policy,
            isEnabled: version.isEnabled,
            failingSince: failingSince,
            pausedUntil: pausedUntil
        )
        core.addWebhook(
            slot,
            policy: version.policy,
            isEnabled: version.isEnabled,
            failingSince: failingSince.map { Instant(nanoseconds: $0) },
            pausedUntil: pausedUntil.map { Instant(nanoseconds: $0) }
        )
        try finishInput()
    }

    // MARK: Running

    /// Runs the core, performs what it wants, and checks everything.
    func run() throws(Violation) {
        trace.note(.run, at: now)
        let isQuiet = !isFed && (core.nextTimer?.nanoseconds ?? .max) > now
        isFed = false
        repeat {
            oracle.run(at: now)
            core.run(at: instant)
            try require(!isQuiet || core.actions.isEmpty, "nothing was fed and no timer is due, yet the core acts")
            try perform()
            try oracle.takeSkips(from: core, at: now)
            try oracle.finishInput()
            // A start that failed is an input, and frees a slot; a wait of nothing is over at once.
        } while takeFed() || (core.nextTimer?.nanoseconds ?? .max) <= now
        try oracle.checkRest(core, at: now)
        // Every time where there are few, and often enough where there are many.
        let stride = 1 + oracle.pending / 64
        if stride == 1 || trace.count % stride == 0 { try oracle.compareRecords(core, at: now) }
    }

    private func takeFed() -> Bool {
        defer { isFed = false }
        return isFed
    }

    private func finishInput() throws(Violation) {
        isFed = true
        for action in core.actions {
            if case .start = action { throw Violation("an attempt was started outside of a run") }
        }
        try perform()
        try oracle.finishInput()
    }

    private func perform() throws(Violation) {
        // Performing can make the core want more: a start that fails can settle its delivery.
        while !core.actions.isEmpty {
            swap(&actions, &core.actions)
            for action in actions { try perform(action) }
            actions.removeAll(keepingCapacity: true)
            // Only now, for the core chose the other starts before it could know.
            while let (flight, wait) = failedStarts.popLast() { try failStart(flight, wait: wait) }
        }
    }

    private func perform(_ action: Action) throws(Violation) {
        switch action {
        case .start(let delivery):
            try start(delivery)
        case .scheduled(let delivery, let generation):
            // That a try follows is checked by the oracle.
            try store?.schedule(delivery, generation)
        case .settled(let settlement):
            let token = Int64(bitPattern: settlement.event)
            trace.noteUnordered(.settled, at: now, token, Int64(settlement.state.rawValue), Int64(settlement.attempts))
            try oracle.settled(settlement, at: now)
            try store?.settle(settlement)
        case .webhookDisabled(let slot, let reason, let failingSince):
            trace.note(.webhookDisabled, at: now, Int64(slot.index), Int64(reason.rawValue))
            try oracle.disabled(slot, failingSince: failingSince?.nanoseconds)
            try store?.disabled(slot)
        case .webhookReleased(let slot):
            trace.note(.webhookReleased, at: now, Int64(slot.index))
            try oracle.released(slot)
            released.append(slot)
        }
    }

    private func start(_ delivery: UInt32) throws(Violation) {
        let record = core.record(delivery)
        let token = Int(record.event)
        trace.note(.start, at: now, Int64(token), Int64(record.webhook))
        try oracle.started(token, at: now)
        let (answer, after) = receivers[Int(record.webhook)].answer(random: &random)
        let flight = Flight(
            ends: now + after,
            began: now,
            delivery: delivery,
            generation: core.generation(of: delivery),
            token: token,
            answer: answer
        )
        guard random.next(below: 1000) < profile.startFailures else { return flights.append(flight) }
        failedStarts.append((flight, wait: Int64([0, 1, 100][random.next(below: 3)])))
    }

    private func failStart(_ flight: Flight, wait: Int64) throws(Violation) {
        trace.note(.startFailed, at: now, Int64(flight.token), wait)
        let range = oracle.startFailed(flight.token, at: now, wait: wait)
        core.startFailed(flight.delivery, at: instant, retryAfterMilliseconds: wait)
        isFed = true
        try accept(range, of: flight)
    }
}
