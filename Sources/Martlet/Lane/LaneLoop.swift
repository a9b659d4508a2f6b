import CPlatform
import Delivery
import Glibc
import Journal
import Model
import Records
import Transport

/// What runs on a lane's thread: takes the inbox, feeds the core, performs its actions over the transport.
///
/// Made on the lane's thread and never leaves it.
// The checks of overlapping access are left out for what each delivery touches: one thread touches it, and nothing that is
// called while one of these is being changed comes back here.
final class LaneLoop {
    let lane: Lane
    let transport: Transport
    let host: any LaneHost
    let logger: Logger
    @exclusivity(unchecked) var core: DeliveryCore
    /// By the index of their slot.
    @exclusivity(unchecked) var webhooks: ContiguousArray<LaneWebhook?> = []
    /// When the attempt in flight of a delivery began, by the delivery's index.
    @exclusivity(unchecked) var attemptStarts: ContiguousArray<WallTime> = []
    /// What keeps the body of an attempt in flight where it is, by the delivery's index; only with a journal.
    @exclusivity(unchecked) var attemptOwners: ContiguousArray<AnyObject?> = []
    /// The attempt whose end is being handled.
    @exclusivity(unchecked) var ended: (delivery: Identifier, note: AttemptNote)?
    fileprivate var taken = LaneInbox.Contents()
    @exclusivity(unchecked) private var actions: ContiguousArray<Action> = []
    private var isStopping = false
    /// The time of this turn: attempts that begin or end and deliveries that are settled in it share one look at the clock.
    @exclusivity(unchecked) var wall = Clock.wall()
    private var largestBacklog = 0
    private var nextReturn = Instant(nanoseconds: .min)
    @exclusivity(unchecked) private var visits = VisitRate()
    /// Told the inbox that the lane comes by itself.
    @exclusivity(unchecked) private var isReturning = false
    @exclusivity(unchecked) var startHasFailed = false
    /// Names of event types, by index; empty where one was not asked for yet. A type keeps its name for ever.
    @exclusivity(unchecked) private var typeNames: ContiguousArray<String> = []

    init(lane: Lane, transport: Transport, core: DeliveryCore.Options, host: any LaneHost) {
        self.lane = lane
        self.transport = transport
        self.host = host
        logger = host.logger
        self.core = DeliveryCore(core)
    }

    func run() {
        blockBrokenPipe()
        while true {
            takeInbox()
            if isStopping { break }
            let now = Clock.monotonic()
            wall = Clock.wall()
            visits.taken(taken.deliveries.count, at: now)
            core.run(at: now)
            perform()
            if startHasFailed {
                // The slot it gave back may serve another delivery; this one waits, so this ends.
                startHasFailed = false
                continue
            }
            giveMemoryBack(at: now)
            transport.poll(until: min(core.nextTimer ?? .distantFuture, nextVisit(after: now)))
            wall = Clock.wall()
            while let completion = transport.nextCompletion() {
                attemptEnded(completion)
            }
        }
        end()
        // Nothing is pending any more; a closed engine may be kept for long, for its outcomes and its log.
        host.giveMemoryBack()
    }

    /// All signals are blocked on this thread; a SIGPIPE that a write to a closed connection raises would stay pending for
    /// ever, which harms nobody, but OpenSSL writes without MSG_NOSIGNAL.
    private func blockBrokenPipe() {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// A backlog of this many deliveries leaves memory behind that is worth giving back.
    private static var largeBacklog: Int { 16_384 }

    /// Once a large backlog is gone, what it took is given back: the allocator would keep most of it for ever.
    private func giveMemoryBack(at now: Instant) {
        largestBacklog = max(largestBacklog, core.pending)
        guard core.pending == 0, largestBacklog >= LaneLoop.largeBacklog, now >= nextReturn else { return }
        largestBacklog = 0
        // A host that pushes in bursts pays for it once a second at the most.
        nextReturn = now.advanced(milliseconds: 1000)
        core.trim()
        attemptStarts = []
        attemptOwners = []
        host.giveMemoryBack()
        martlet_platform_give_memory_back()
    }

    // MARK: Inbox

    /// When the lane has promised to look into its inbox again.
    private func nextVisit(after now: Instant) -> Instant {
        isReturning ? now.advanced(milliseconds: VisitRate.sleepMilliseconds) : .distantFuture
    }

    private func takeInbox() {
        isReturning = visits.isHigh
        lane.inbox.take(into: &taken, returning: isReturning)
        for command in taken.commands where !command.isQuestion {
            perform(command)
        }
        for delivery in taken.deliveries {
            enqueue(delivery)
        }
        // Last, so that a question sees every delivery that was put in before it.
        for command in taken.commands where command.isQuestion {
            perform(command)
        }
    }

    private func enqueue(_ delivery: InboxDelivery) {
        let token = LaneLoop.token(of: delivery.event)
        let webhook = webhook(delivery.webhook)
        // Retained by the engine until its last delivery is settled, and this one is not.
        let new = delivery.event._withUnsafeGuaranteedRef { event in
            var new = NewDelivery(
                id: event.deliveryID(Int(delivery.number)),
                event: token,
                webhook: delivery.webhook
            )
            new.isTest = event.isTest
            new.notBefore = event.notBefore
            // A person who asks for a test or a redelivery wants it sent, and not behind others.
            if event.isPush, let webhook {
                new.orderKey = event.details?.orderKey ?? 0
                new.expiry = expiry(of: event, webhook: webhook)
            }
            if let restored = event.restored(delivery.number) { restore(&new, restored) }
            return new
        }
        guard let webhook else {
            // Deleted between the match and this turn.
            let settlement = Settlement(canceled: new.id, event: token, webhook: delivery.webhook)
            return settle(settlement, webhook: delivery.webhookID)
        }
        let isRestored = delivery.event._withUnsafeGuaranteedRef { $0.isRestored }
        guard
            new.isTest || isRestored
                || core.pending(of: delivery.webhook) < webhook.specification.settings.maximumPending
        else {
            // The queue is everybody's: a receiver that falls behind may fill its share and no more.
            var settlement = Settlement(canceled: new.id, event: token, webhook: delivery.webhook)
            settlement.state = .failed
            settlement.lastError = .backlogFull
            return settle(settlement, webhook: delivery.webhookID)
        }
        core.enqueue(new)
    }

    /// Goes on where an earlier life of the process was.
    private func restore(_ new: inout NewDelivery, _ restored: AcceptedEvent.RestoredDelivery) {
        new.attempts = restored.progress.attempts
        new.tries = restored.progress.tries
        new.lastStatus = restored.progress.lastStatus
        new.lastError = restored.progress.lastError
        new.log = restored.log
        guard let due = restored.progress.due else { return }
        let left = due.left(at: Clock.wall())
        if left > 0 { new.notBefore = Clock.monotonic().advanced(milliseconds: left) }
    }

    /// The event's own deadline, or else the webhook's, counted from the push.
    private func expiry(of event: AcceptedEvent, webhook: LaneWebhook) -> Instant {
        let usual = webhook.specification.settings.expiryMilliseconds
        guard let limit = event.details?.expiryMilliseconds ?? (usual > 0 ? usual : nil) else {
            return .distantFuture
        }
        let age = max(Clock.wall().milliseconds &- event.acceptedAt.milliseconds, 0)
        return Clock.monotonic().advanced(milliseconds: max(limit - age, 0))
    }

    static func token(of event: Unmanaged<AcceptedEvent>) -> UInt64 {
        UInt64(UInt(bitPattern: event.toOpaque()))
    }

    /// The event behind a token of a delivery that is not settled, or whose settlement is being performed.
    static func event(of token: UInt64) -> Unmanaged<AcceptedEvent>? {
        UnsafeRawPointer(bitPattern: UInt(token)).map { Unmanaged<AcceptedEvent>.fromOpaque($0) }
    }

    private func perform(_ command: LaneCommand) {
        switch command {
        case .addWebhook(let slot, let specification, let isEnabled, let health):
            let index = Int(slot.index)
            while webhooks.count <= index { webhooks.append(nil) }
            core.addWebhook(
                slot,
                policy: specification.settings.policy,
                isEnabled: isEnabled,
                failingSince: health.failingSince,
                pausedUntil: health.pausedUntil
            )
            let webhook = prepare(specification, generation: slot.generation)
            webhook.writtenHealth = health
            webhooks[index] = webhook
        case .updateWebhook(let slot, let specification):
            guard let former = webhook(slot) else { return }
            core.updateWebhook(slot, policy: specification.settings.policy)
            let webhook = prepare(specification, generation: slot.generation)
            webhook.writtenHealth = former.writtenHealth
            webhooks[Int(slot.index)] = webhook
        case .setWebhook(let slot, let enabled):
            core.setWebhook(slot, enabled: enabled)
        case .removeWebhook(let slot):
            core.removeWebhook(slot)
            perform()
        case .inspect(let body):
            body(LaneView(loop: self))
        case .stop:
            isStopping = true
        }
    }

    private func prepare(_ specification: LaneWebhook.Specification, generation: UInt32) -> LaneWebhook {
        LaneWebhook(specification: specification, generation: generation)
    }

    func webhook(_ slot: WebhookSlot) -> LaneWebhook? {
        guard slot.index < webhooks.count, let webhook = webhooks[Int(slot.index)],
            webhook.generation == slot.generation
        else { return nil }
        return webhook
    }

    /// The name of an event type, without asking the engine each time.
    func name(of type: EventTypeIndex) -> String {
        let place = Int(type.rawValue)
        if place < typeNames.count, !typeNames[place].isEmpty { return typeNames[place] }
        while typeNames.count <= place { typeNames.append("") }
        typeNames[place] = host.name(of: type)
        return typeNames[place]
    }

    // MARK: Actions

    func perform() {
        // Performing can make the core emit more: a start that fails puts its delivery back.
        while !core.actions.isEmpty {
            swap(&actions, &core.actions)
            for action in actions {
                switch action {
                case .start(let delivery): startAttempt(delivery)
                case .scheduled(let delivery, let generation): noteScheduled(delivery, generation)
                case .settled(let settlement): settle(settlement)
                case .webhookDisabled(let slot, let reason, let since): disabled(slot, reason, failingSince: since)
                case .webhookReleased(let slot):
                    webhooks[Int(slot.index)] = nil
                    host.webhookReleased(slot, lane: lane.number)
                }
            }
            actions.removeAll(keepingCapacity: actions.capacity <= 65_536)
        }
    }

    private func disabled(_ slot: WebhookSlot, _ reason: DisableReason, failingSince: Instant?) {
        guard let webhook = webhook(slot) else { return }
        lane.report.withLock { $0.counters.webhooksDisabled &+= 1 }
        host.webhookDisabled(webhook.id, reason, failingSince: failingSince)
    }

    fileprivate func settle(_ settlement: Settlement) {
        settle(settlement, webhook: webhook(settlement.webhook)?.id ?? .zero)
    }

    private func settle(_ settlement: Settlement, webhook: Identifier) {
        guard let event = LaneLoop.event(of: settlement.event) else { return }
        let attempt = ended.flatMap { $0.delivery == settlement.id ? $0.note : nil }
        let now = wall
        let type = host.journal == nil ? "" : event._withUnsafeGuaranteedRef { name(of: $0.type) }
        let note = host.settling(event, settlement, webhook: webhook, type: type, attempt: attempt, at: now)
        let state = note.state
        event._withUnsafeGuaranteedRef { event in
            let entry = LoggedDelivery(
                id: settlement.id,
                event: event.id,
                type: event.type,
                tag: event.tag,
                webhook: webhook,
                state: state,
                attempts: settlement.attempts,
                settledAt: now,
                lastAttempt: settlement.log,
                isTest: event.isTest,
                redeliveryOf: event.redeliveryOf,
                tenant: event.tenant,
                payload: host.keepPayload(of: event, at: now),
                record: note.record
            )
            let oldest = WallTime(milliseconds: now.milliseconds &- lane.retentionMilliseconds)
            let displaced = lane.report.withLock { report in
                report.log.expire(before: oldest)
                report.counters.settled[Int(state.rawValue)] &+= 1
                report.counters.inFlight = core.inFlight
                report.counters.pending = core.pending
                report.log.append(entry)
                return report.log.takeDisplaced()
            }
            host.journal?.release(displaced)
        }
        host.settled(event, note)
    }

    // MARK: End

    /// Ends every attempt. What is left is settled as canceled, so that each delivery has its outcome; where there is a
    /// journal it is left alone, for the next engine goes on with it.
    private func end() {
        transport.close()
        attemptOwners = []
        wall = Clock.wall()
        if host.journal != nil { return abandon() }
        core.cancelAll()
        perform()
        lane.inbox.close(into: &taken)
        for delivery in taken.deliveries {
            enqueue(delivery)
        }
        core.cancelAll()
        perform()
        for case .inspect(let body) in taken.commands {
            body(LaneView(loop: self))
        }
    }
}

extension LaneLoop {
    private func abandon() {
        lane.inbox.close(into: &taken)
        for delivery in taken.deliveries { host.abandoned(delivery.event) }
        core.forEachDelivery { _, record in
            if let event = LaneLoop.event(of: record.event) { host.abandoned(event) }
        }
        // The old one names events that may be gone by now.
        core = DeliveryCore(core.options)
        for case .inspect(let body) in taken.commands {
            body(LaneView(loop: self))
        }
    }
}

/// The lane's own state, for the length of one `inspect` on its thread.
struct LaneView: ~Copyable {
    private let loop: LaneLoop

    fileprivate init(loop: LaneLoop) {
        self.loop = loop
    }

    /// What the lane sees of a webhook's receiver now.
    func health(of slot: WebhookSlot) -> ReceiverHealth {
        ReceiverHealth(
            breaker: loop.core.breakerPhase(of: slot),
            pending: loop.core.pending(of: slot),
            inFlight: loop.core.inFlight(of: slot),
            failingSince: loop.core.failingSince(of: slot),
            pausedUntil: loop.core.pausedUntil(of: slot)
        )
    }

    var pending: Int { loop.core.pending }
    var inFlight: Int { loop.core.inFlight }

    /// Cancels those of the deliveries that `accepts` answers true for; answers how many these are. What is not in flight
    /// is settled when this returns.
    func cancel(where accepts: (DeliveryRecord, AcceptedEvent, _ webhook: Identifier) -> Bool) -> Int {
        var chosen: [UInt32] = []
        loop.core.forEachDelivery { index, record in
            guard let event = LaneLoop.event(of: record.event), !record.cancelRequested else { return }
            let webhook = loop.webhooks[Int(record.webhook)]?.id ?? .zero
            if event._withUnsafeGuaranteedRef({ accepts(record, $0, webhook) }) { chosen.append(index) }
        }
        for index in chosen { loop.core.cancel(index) }
        loop.perform()
        return chosen.count
    }

    /// Calls `body` with a part of the deliveries that are not settled; false past the last part.
    func forEachDelivery(
        in part: Range<UInt32>,
        _ body: (DeliveryRecord, Unmanaged<AcceptedEvent>, _ webhook: Identifier) -> Void
    ) -> Bool {
        loop.core.forEachDelivery(in: part) { _, record in
            guard let event = LaneLoop.event(of: record.event) else { return }
            body(record, event, loop.webhooks[Int(record.webhook)]?.id ?? .zero)
        }
    }

    /// Calls `body` with every delivery that is not settled.
    func forEachDelivery(_ body: (DeliveryRecord, AcceptedEvent, _ webhook: Identifier) -> Void) {
        loop.core.forEachDelivery { _, record in
            guard let event = LaneLoop.event(of: record.event) else { return }
            let webhook = loop.webhooks[Int(record.webhook)]?.id ?? .zero
            event._withUnsafeGuaranteedRef { body(record, $0, webhook) }
        }
    }
}

extension Outcome.State {
    init(_ state: Settlement.State) {
        switch state {
        case .succeeded: self = .succeeded
        case .failed: self = .failed
        case .expired: self = .expired
        case .canceled: self = .canceled
        }
    }
}
