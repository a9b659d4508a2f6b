import Delivery
import Journal
import Model
import Records
import Registry
import Signing
import Synchronization
import Threading
import Transport

/// What an engine is made of. Lanes refer to it until their threads end, so it outlives the ``Engine`` the host holds.
final class EngineState: Sendable {
    let configuration: Configuration
    let addressGuard: AddressGuard
    let registry: Registry
    let lanes: [Lane]
    let payloads: KeptPayloads
    let recentIDs: Deduplicator
    let ids: IdentifierGenerator
    /// Nil where the configuration wants no outcomes.
    let outcomes: OutcomeQueue?
    /// Nil where nothing outlives the process.
    let journal: EngineJournal?
    let keeper: Keeper
    /// What was handed to the host and may be told again after a crash.
    let told = Locked<[(number: UInt64, record: Position)]>([])
    /// What the journal knows of receivers.
    let health = Locked<[Identifier: (record: HealthRecord, position: Position)]>([:])
    /// Event types that the journal holds, by name.
    let typeRecords = Locked<[String: Position]>([:])
    /// Webhooks of the journal that this version cannot read.
    let unreadable = Locked<[Position]>([])
    /// What opening found; written once, before the host has the engine.
    let recovery = Locked<RecoverySummary?>(nil)
    let isRecoveryTold = Atomic<Bool>(false)
    let logger = Logger()
    let openedAt: WallTime
    /// The token of ``ProcessGuard``.
    let process: Int32

    /// Serializes changes of webhooks, so that lanes see them in the registry's order. Nobody waits for a lane inside it.
    let changes = Locked<Void>(())

    /// For all webhooks that have no settings of their own.
    let ownSettings: LaneSettings
    /// What stands around the data in the engine's own format.
    let frame: PayloadFrame
    let payloadPool = PayloadPool()
    let idle = Monitor()
    let phase = Atomic<Phase>(.open)

    // What changes with each push or each delivery stands apart from what each call reads.
    private let beforeCounters = CacheLinePadding()
    let counters = PushCounters()
    private let behindCounters = CacheLinePadding()
    /// Events accepted and not settled.
    let unsettled = Atomic<Int>(0)
    /// Threads that wait for ``unsettled`` to reach zero.
    let waiters = Atomic<Int>(0)
    let budget: QueueBudget
    private let behindBudget = CacheLinePadding()

    /// What pushes count.
    struct PushCounters: ~Copyable, Sendable {
        let pushed = Atomic<UInt64>(0)
        let unmatched = Atomic<UInt64>(0)
        let refused = Atomic<UInt64>(0)
        let duplicates = Atomic<UInt64>(0)
    }

    enum Phase: UInt8, AtomicRepresentable {
        case open
        /// Refuses pushes, drains.
        case closing
        /// Every lane was told to end.
        case stopped
    }

    init(_ configuration: Configuration) throws(MartletError) {
        self.configuration = configuration
        process = ProcessGuard.token()
        openedAt = Clock.wall()
        frame = PayloadFrame(configuration.delivery.payloadFormat)
        ownSettings = LaneSettings(configuration.delivery, engine: configuration)
        ids = IdentifierGenerator(seed: Clock.randomSeed())
        payloads = KeptPayloads(
            maximumBytes: configuration.logRetention.payloadBytes,
            maximumCount: configuration.logRetention.attempts,
            retentionMilliseconds: configuration.logRetention.milliseconds
        )
        budget = QueueBudget(maximumEvents: configuration.queue.maxEvents, maximumBytes: configuration.queue.maxBytes)
        let catalog: EventCatalog
        do {
            catalog = try EventCatalog.builtIn.adding(configuration.eventTypes)
        } catch {
            throw MartletError(error)
        }
        do {
            addressGuard = try AddressGuard(
                environment: configuration.environment == .production ? .production : .development,
                parsing: configuration.allowedNetworks
            )
        } catch {
            throw MartletError(.invalidDocument, error.text)
        }
        // A lane without a slot could deliver nothing.
        let laneCount = min(configuration.lanes, configuration.maxInFlight)
        registry = Registry(laneCount: laneCount, catalog: catalog)
        if configuration.outcomes == .off {
            outcomes = nil
        } else if let queue = OutcomeQueue() {
            outcomes = queue
        } else {
            throw MartletError(.outOfResources, "no file descriptors are left for the pipe of the outcomes")
        }
        let start = Clock.monotonic()
        keeper = Keeper()
        let opened = try EngineJournal.open(configuration, keeper: keeper)
        journal = opened?.journal
        recentIDs = Deduplicator(configuration.deduplication, journal: opened?.journal)
        do throws(MartletError) {
            lanes = try EngineState.makeLanes(laneCount, configuration, addressGuard: addressGuard)
        } catch {
            opened?.journal.journal.close()
            throw error
        }
        if let opened {
            let summary = restore(opened.found, since: start)
            recovery.withLock { $0 = summary }
        }
        do throws(MartletError) {
            try startLanes()
        } catch {
            journal?.journal.close()
            throw error
        }
        do throws(MartletError) {
            if journal != nil { try startKeeper() }
        } catch {
            shutDown()
            throw error
        }
    }

    deinit {
        payloadPool.close()
    }

    private static func makeLanes(
        _ laneCount: Int,
        _ configuration: Configuration,
        addressGuard: AddressGuard
    ) throws(MartletError) -> [Lane] {
        let retained = configuration.logRetention.attempts
        var lanes: [Lane] = []
        for number in 0..<laneCount {
            var options = TransportOptions(
                maximumInFlight: share(of: configuration.maxInFlight, lane: number, of: laneCount),
                userAgent: configuration.userAgent
            )
            options.caFile = configuration.caFile
            options.snippetBytes = configuration.responseBodyBytes
            options.addressJudge = { address, length in
                addressGuard.judge(socketAddress: UnsafeRawPointer(address), length: length).isAllowed
            }
            let capacity = share(of: retained, lane: number, of: laneCount)
            do {
                lanes.append(
                    try Lane(
                        number: number,
                        transport: options,
                        logCapacity: capacity,
                        textBytes: textBytes(capacity: capacity, snippet: configuration.responseBodyBytes),
                        retentionMilliseconds: configuration.logRetention.milliseconds
                    )
                )
            } catch {
                for lane in lanes { lane.discard() }
                throw error
            }
        }
        return lanes
    }

    private func startLanes() throws(MartletError) {
        for (index, lane) in lanes.enumerated() {
            do {
                let inFlight = EngineState.share(of: configuration.maxInFlight, lane: lane.number, of: lanes.count)
                let core = DeliveryCore.Options(maximumInFlight: inFlight, seed: Clock.randomSeed())
                try lane.start(core: core, host: self)
            } catch {
                for started in lanes[..<index] { started.requestStop() }
                for later in lanes[(index + 1)...] { later.discard() }
                throw error
            }
        }
    }

    /// Splits a number among lanes so that the shares add up to it.
    static func share(of total: Int, lane: Int, of lanes: Int) -> Int {
        total / lanes + (lane < total % lanes ? 1 : 0)
    }

    /// Room for a full snippet of each attempt up to 16 MiB; beyond that the texts of older attempts give way first.
    private static func textBytes(capacity: Int, snippet: Int) -> Int {
        min(capacity.multipliedReportingOverflow(by: snippet + 64).partialValue, 16 << 20)
    }

    /// The event types there are now. Takes the registry's lock: what a push needs of its type comes with its admission.
    var catalog: EventCatalog {
        registry.catalog
    }

    /// Every call of the host comes through here first.
    func checkProcess() throws(MartletError) {
        guard ProcessGuard.isCurrent(process) else { throw MartletError(.forked) }
    }

    func checkOpen() throws(MartletError) {
        try checkProcess()
        guard phase.load(ordering: .acquiring) == .open else { throw MartletError(.closed) }
    }
}
