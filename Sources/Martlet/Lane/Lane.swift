import Delivery
import Model
import Records
import Synchronization
import Threading
import Transport

/// One lane as other threads see it: an inbox to put work into, a report to read, and a thread that does the work.
///
/// What only the lane's thread may touch lives in ``LaneLoop``.
final class Lane: Sendable {
    let number: Int
    let inbox = LaneInbox()
    let report: Locked<LaneReport>
    /// How long the log keeps what is settled.
    let retentionMilliseconds: Int64
    private let transport: SharedTransport
    private let ended = Atomic<Bool>(false)
    private let wakes = Atomic<UInt64>(0)
    private let monitor = Monitor()

    /// Of the transport, threads other than the lane's only call `wake()`, which any thread may.
    private struct SharedTransport: @unchecked Sendable {
        let transport: Transport
    }

    /// Prepares the lane; no thread runs yet.
    ///
    /// - Throws: libcurl or the kernel has no resources left.
    init(
        number: Int,
        transport options: TransportOptions,
        logCapacity: Int,
        textBytes: Int,
        retentionMilliseconds: Int64
    ) throws(MartletError) {
        self.number = number
        self.retentionMilliseconds = retentionMilliseconds
        report = Locked(LaneReport(logCapacity: logCapacity, textBytes: textBytes))
        do {
            transport = SharedTransport(transport: try Transport(options))
        } catch {
            throw MartletError(.outOfResources, "a lane cannot start: \(error)")
        }
    }

    /// Starts the thread. The lane and what `host` refers to live until the thread ends.
    func start(core: DeliveryCore.Options, host: any LaneHost) throws(MartletError) {
        let started = OwnedThread.start(name: "martlet-lane-\(number)") { [self] in
            // The loop is made here, so that everything in it belongs to this thread from its first moment.
            let loop = LaneLoop(lane: self, transport: transport.transport, core: core, host: host)
            loop.run()
            ended.store(true, ordering: .releasing)
            monitor.broadcast()
        }
        guard started else {
            transport.transport.close()
            throw MartletError(.outOfResources, "no thread can be started for a lane")
        }
    }

    /// Gives back the resources of a lane that was never started.
    func discard() {
        transport.transport.close()
    }

    func put(_ fill: (inout LaneInbox.Contents) -> Void) -> Bool {
        answer(inbox.put(fill))
    }

    func put(_ delivery: InboxDelivery) -> Bool {
        answer(inbox.put(delivery))
    }

    private func answer(_ answer: LaneInbox.Answer) -> Bool {
        switch answer {
        case .taken: return true
        case .takenWakeNeeded:
            wakes.wrappingAdd(1, ordering: .relaxed)
            transport.transport.wake()
            return true
        case .closed: return false
        }
    }

    /// How often a thread had to wake the lane, a system call each time.
    var wakeCount: UInt64 {
        wakes.load(ordering: .relaxed)
    }

    /// Runs `body` on the lane's thread and waits for it; nil where the lane has ended.
    ///
    /// A lane never blocks, so the wait is one turn of its loop.
    func inspect<Result: Sendable>(_ body: @escaping @Sendable (borrowing LaneView) -> Result) -> Result? {
        let answer = Answer<Result>()
        let put = put { contents in
            contents.commands.append(.inspect { answer.set(body($0)) })
        }
        return put ? answer.wait() : nil
    }

    /// Waits until the lane has done every command put in before this call.
    func synchronize() {
        _ = inspect { _ in true }
    }

    func requestStop() {
        _ = put { $0.commands.append(.stop) }
    }

    /// True once the thread has ended; false where `deadline` passed first.
    func waitForEnd(until deadline: Instant) -> Bool {
        monitor.wait(until: deadline) { ended.load(ordering: .acquiring) }
    }

    private final class Answer<Result: Sendable>: Sendable {
        private let value = Locked<Result?>(nil)
        private let monitor = Monitor()

        func set(_ result: Result) {
            value.withLock { $0 = result }
            monitor.broadcast()
        }

        func wait() -> Result? {
            _ = monitor.wait(until: .distantFuture) { value.withLock { $0 != nil } }
            return value.withLock { $0 }
        }
    }
}

/// What a lane tells the engine. Called on the lane's thread, which holds no lock then.
protocol LaneHost: AnyObject, Sendable {
    /// Nil where nothing outlives the process.
    var journal: EngineJournal? { get }
    var logger: Logger { get }
    /// A delivery is about to be told settled, exactly once for each that was put into an inbox: notes and writes its end.
    ///
    /// - Parameters:
    ///   - type: the name of the event's type, for the journal; empty where there is none.
    ///   - attempt: the attempt that settled it; nil where none did.
    func settling(
        _ event: Unmanaged<AcceptedEvent>,
        _ settlement: Settlement,
        webhook: Identifier,
        type: String,
        attempt: AttemptNote?,
        at now: WallTime
    ) -> SettlementNote
    /// Tells of it.
    func settled(_ event: Unmanaged<AcceptedEvent>, _ note: SettlementNote)
    /// The engine ends, and the journal keeps the delivery for the next one.
    func abandoned(_ event: Unmanaged<AcceptedEvent>)
    /// What a receiver does has changed in a way that must outlast a restart.
    func healthChanged(_ record: HealthRecord)
    func webhookDisabled(_ id: Identifier, _ reason: DisableReason, failingSince: Instant?)
    func webhookReleased(_ slot: WebhookSlot, lane: Int)
    func name(of type: EventTypeIndex) -> String
    /// A large backlog is gone, or the lane ends: gives back what the engine keeps of its memory.
    func giveMemoryBack()
    /// A pending event takes so many bytes more.
    func eventGrew(by bytes: Int)
    /// Keeps the event for redelivery and answers its number for the log.
    func keepPayload(of event: AcceptedEvent, at now: WallTime) -> UInt64
}
