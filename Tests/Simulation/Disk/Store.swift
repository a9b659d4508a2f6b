import Journal
import Model
import Records

/// The durable side of a world: what an engine writes into its journal, record by record and in the same order, and what
/// it keeps in memory of it. The machine may stop at any write.
final class Store {
    /// What kind of disk and engine it is.
    struct Profile {
        var segmentBytes: Int
        var sync: Sync
        var logCapacity: Int
        var keptEvents: Int
        var seenCapacity: Int
        var tellsDeliveries: Bool
        var tellsEvents: Bool
        /// Of 1,000 steps, how many bring a crash, a sync, a look of the keeper, a poll of the host.
        var crashes: Int
        var syncs: Int
        var keeps: Int
        var polls: Int
        /// Of 1,000 records, before how many the keeper gets a turn in the midst of what is being written.
        var interruptions: Int
        var maximumTargets: Int
        var ownIDPercent: Int

        /// The file system keeps the order of changes to a directory, where the journal is left to the system's syncs.
        var isOrdered: Bool { sync == .os }

        init(random: inout RandomSource) {
            segmentBytes = [4096, 8192, 20_480][random.next(below: 3)]
            sync = [.os, .interval, .always][random.next(below: 3)]
            logCapacity = [0, 5, 40, 200][random.next(below: 4)]
            keptEvents = [0, 3, 30][random.next(below: 3)]
            seenCapacity = [0, 8, 50][random.next(below: 3)]
            let told = random.next(below: 8)
            tellsDeliveries = told != 0 && told != 1
            tellsEvents = told != 0 && told != 2
            crashes = [2, 5, 10, 50][random.next(below: 4)]
            syncs = [0, 10, 100, 500][random.next(below: 4)]
            keeps = [10, 100, 300][random.next(below: 3)]
            polls = [20, 200, 800][random.next(below: 3)]
            interruptions = [0, 20, 200][random.next(below: 3)]
            maximumTargets = [1, 2, 5][random.next(below: 3)]
            ownIDPercent = [0, 30][random.next(below: 2)]
        }
    }

    /// The journal's modes.
    enum Sync {
        case os
        case interval
        case always
    }

    /// Where the machine stops.
    enum CrashPoint {
        case before
        /// In the midst of the write: parts of the record are there, its seal is not.
        case inside
        case after
    }

    unowned let world: World
    let profile: Profile
    var random: RandomSource
    var disk: SimulatedDisk
    var journal: Journal
    var ledger = Ledger()

    // What the engine's memory holds.
    var ids = IdentifierGenerator(seed: 0)
    /// By token.
    var deliveries: [StoredDelivery] = []
    var webhooks: [Identifier: StoredWebhook] = [:]
    /// By slot index.
    var slots: [Identifier] = []
    var health: [Identifier: (record: HealthRecord, position: Position)] = [:]
    var queue: [WaitingOutcome] = []
    var told: [(number: UInt64, position: Position)] = []
    var lastOutcome: UInt64 = 0
    var log: [Position] = []
    var kept: [StoredEvent] = []
    var recent: [(id: String, acceptedAt: WallTime, position: Position)] = []
    var ended: (token: Int, note: AttemptNote)?
    /// What the keeper has still to move, the first one last.
    var work: [Work] = []
    /// The newest segment that it wants to be gone.
    var movedUpTo: UInt32 = 0

    /// Every version of every webhook, by its number.
    var versions: [(policy: WebhookVersion, id: Identifier)] = []
    var crashes = 0
    var writes = 0

    /// Records until the machine stops.
    private var writesLeft: Int?
    private var crashPoint = CrashPoint.before
    private var crash = SimulatedDisk.Crash.process
    private var crashSeed: UInt64 = 0
    private var isInterrupted = false
    /// The segments of the newest and of the oldest record.
    private var active: UInt32 = 0
    private var oldest: UInt32 = .max
    /// Between two lives.
    var isDown = false
    /// A life begins, and there is no keeper yet.
    var isOpening = false
    /// The ledger has seen what this life began with.
    var isJudged = true
    /// The last record before this life, and the facts that there were then.
    private var start: (sequence: UInt64, fact: Int) = (0, 0)

    init(_ world: World, seed: UInt64) throws(Violation) {
        self.world = world
        random = RandomSource(seed: seed)
        profile = Profile(random: &random)
        let disk = SimulatedDisk(isOrdered: profile.isOrdered)
        self.disk = disk
        journal = try Store.open(disk, profile) { _ in true }
        ids = IdentifierGenerator(seed: random.next())
        begin()
    }

    static func open(
        _ disk: SimulatedDisk,
        _ profile: Profile,
        _ body: (RecoveredRecord) -> Bool
    ) throws(Violation) -> Journal {
        var options = JournalOptions()
        options.segmentBytes = profile.segmentBytes
        // The thread that syncs in intervals would do so at no moment that a seed could repeat.
        let never = 3_600_000
        switch profile.sync {
        case .os: options.sync = .os
        case .interval: options.sync = .interval(milliseconds: never)
        case .always:
            options.sync = .always
            options.lazyMilliseconds = never
        }
        options.systemCalls = disk.systemCalls
        do throws(JournalError) {
            let journal = try Journal.open("/simulated", options: options, body)
            disk.settle(journal, syncsDirectory: !profile.isOrdered)
            return journal
        } catch {
            throw Violation("the journal does not open: \(error)")
        }
    }

    /// A life begins.
    func begin() {
        start = (journal.lastSequence, ledger.facts)
        writesLeft = nil
        isInterrupted = false
        active = 0
        oldest = .max
    }

    // MARK: Crashes

    /// Lets the machine stop after `writes` records, or at a system call.
    func arm(writes: Int?, calls: Int?, _ point: CrashPoint, _ crash: SimulatedDisk.Crash) {
        writesLeft = writes
        crashPoint = point
        self.crash = crash
        crashSeed = random.next()
        disk.arm(calls: calls, crash, seed: crashSeed)
    }

    var armedCrash: SimulatedDisk.Crash { crash }

    /// The machine stops here.
    func stop() throws(Violation) {
        disk.stop(crash, seed: crashSeed)
        throw .crash
    }

    func checkStopped() throws(Violation) {
        if disk.hasStopped { throw .crash }
    }

    // MARK: Writing

    /// Writes one record that `fill` makes and notes what it means.
    ///
    /// - Parameter mayInterrupt: the keeper may do something in between, as its thread does.
    func append(
        _ kind: RecordKind,
        _ fact: Ledger.Fact,
        length: Int,
        options: AppendOptions = .note,
        mayInterrupt: Bool = false,
        _ fill: (inout ByteSink) -> Void
    ) throws(Violation) -> Position {
        try checkStopped()
        if mayInterrupt, !isOpening, !isInterrupted, random.next(below: 1000) < profile.interruptions {
            isInterrupted = true
            try keep(steps: 1 + random.next(below: 4))
            isInterrupted = false
            try checkStopped()
        }
        let isLast = writesLeft == 0
        writesLeft = writesLeft.map { $0 - 1 }
        if isLast, crashPoint == .before { try stop() }
        let before = isLast && crashPoint == .inside ? disk.contents : nil
        var bytes = [UInt8](repeating: 0, count: length)
        let count = bytes.withUnsafeMutableBytes { buffer -> Int? in
            var sink = ByteSink(buffer)
            fill(&sink)
            return sink.isOverrun ? nil : sink.count
        }
        guard let count else { throw Violation("a record of kind \(kind) is longer than it was said to be") }
        let position: Position
        do throws(JournalError) {
            position = try bytes.withUnsafeBytes { buffer in
                Result { () throws(JournalError) in
                    try journal.append(
                        kind: kind.rawValue,
                        UnsafeRawBufferPointer(rebasing: buffer[..<count]),
                        // Whoever waits for the disk does so below, when the journal's threads have had their turn.
                        options: options.union(.lazy)
                    )
                }
            }.get()
        } catch {
            throw Violation("the journal does not take a record: \(error)")
        }
        if isLast { disk.waitForSegment(of: journal) }
        if let before {
            disk.tear(since: before, seed: crashSeed)
            try stop()
        }
        writes += 1
        try ledger.note(fact)
        if isLast { try stop() }
        if position.segment != active {
            active = position.segment
            settleJournal()
            try checkStopped()
        } else {
            noteSynced()
        }
        if profile.sync == .always, !options.contains(.lazy) {
            try sync()
            // Whatever the journal says of it: from here on this is promised, with all before it.
            ledger.noteAllSynced()
        }
        return position
    }

    /// Lets the journal's threads do their part.
    func settleJournal() {
        oldest = disk.settle(journal, syncsDirectory: !profile.isOrdered)
        if !disk.hasStopped { noteSynced() }
    }

    func release(_ position: Position) {
        guard !isDown, position != .none, journal.release(position) else { return }
        // Files go from the oldest on.
        if position.segment <= oldest { settleJournal() }
    }

    func sync() throws(Violation) {
        try checkStopped()
        disk.openGate()
        do throws(JournalError) {
            try journal.sync()
        } catch {
            throw Violation("the journal does not sync: \(error)")
        }
        disk.closeGate()
        try checkStopped()
        noteSynced()
    }

    private func noteSynced() {
        let sequence = journal.syncedSequence
        guard isJudged, sequence >= start.sequence, sequence > 0 else { return }
        ledger.synced = max(ledger.synced, start.fact + Int(sequence - start.sequence))
    }

    func pin(_ position: Position) throws(Violation) -> PinnedRecord {
        do throws(JournalError) {
            if let record = try journal.pin(position, verifying: true) { return record }
        } catch {
            throw Violation("a record that is needed is damaged: \(error)")
        }
        throw Violation("a record that is needed is gone: \(position)")
    }
}
