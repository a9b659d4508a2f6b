import Model

/// A webhook inside the core: its deliveries by phase, and whether an attempt may start. Trivial, so that reading it costs
/// no reference counting; its policy stands beside it.
struct WebhookState: BitwiseCopyable, Sendable {
    enum Occupancy: UInt8, BitwiseCopyable, Sendable {
        /// The index may be given out.
        case free
        case present
        /// Removed by the host, with attempts still in flight.
        case leaving
    }

    var occupancy = Occupancy.free
    var isEnabled = false
    var isAdaptive = false
    /// In the ring of webhooks that can use a slot. Outlives the webhook, for so does its place in the ring.
    var isInRing = false
    /// In the ring of webhooks that have their share of the slots; outlives it too.
    var isHeld = false
    var generation: UInt32 = 0
    var maximumInFlight = 1
    var inFlight = 0
    var pending = 0
    /// No attempt starts before this, monotonic nanoseconds: the receiver asked for it with `Retry-After`.
    var pausedUntil = Int64.min
    /// When the last armed timer of the webhook fires; `Int64.max` where none is armed.
    var wakeAt = Int64.max
    /// When the failures began that no success has ended; `Int64.max` where the last attempt succeeded.
    var failingSince = Int64.max
    var bucket = TokenBucket()
    var breaker = Breaker()
    var concurrency = ConcurrencyLimit()

    private var queued = DeliveryList()
    private var due = DeliveryList()
    private var waiting = DeliveryList()
    private var flying = DeliveryList()

    var isPresent: Bool {
        occupancy == .present
    }

    var hasReady: Bool {
        !due.isEmpty || !queued.isEmpty
    }

    /// Attempts that may be in flight now.
    var limit: Int {
        let adaptive = isAdaptive ? concurrency.limit(maximum: maximumInFlight) : maximumInFlight
        return min(adaptive, breaker.limit)
    }

    /// No attempt starts before this: the receiver asked for a pause, or the rate limit is reached.
    var startableAt: Int64 {
        max(pausedUntil, bucket.nextToken)
    }

    /// True where only time can be in the way of a start.
    var wantsStart: Bool {
        isPresent && isEnabled && hasReady && inFlight < limit
    }

    mutating func configure(_ policy: WebhookPolicy) {
        maximumInFlight = policy.maximumInFlight
        isAdaptive = policy.isAdaptive
        bucket.configure(policy.rate)
        if policy.breaker == nil { breaker.reset() }
    }

    /// The delivery to try next: retries whose time has come before what was never tried, so that a backlog does not
    /// stretch the retry schedule.
    var nextReady: UInt32? {
        if !due.isEmpty { return due.head }
        if !queued.isEmpty { return queued.head }
        return nil
    }

    /// The first of those in flight; ``DeliveryRecord/next`` leads to the others.
    var firstFlying: UInt32 {
        flying.head
    }

    /// Any delivery that is neither in flight nor behind another one of its key.
    var anyIdle: UInt32? {
        nextReady ?? (waiting.isEmpty ? nil : waiting.head)
    }

    mutating func insert(_ index: UInt32, phase: DeliveryRecord.Phase, in records: borrowing Slab<DeliveryRecord>) {
        records[index].phase = phase
        switch phase {
        case .queued: queued.append(index, in: records)
        case .due: due.append(index, in: records)
        case .waiting: waiting.append(index, in: records)
        case .inFlight: flying.append(index, in: records)
        case .blocked: break
        }
    }

    mutating func remove(_ index: UInt32, in records: borrowing Slab<DeliveryRecord>) {
        switch records[index].phase {
        case .queued: queued.remove(index, in: records)
        case .due: due.remove(index, in: records)
        case .waiting: waiting.remove(index, in: records)
        case .inFlight: flying.remove(index, in: records)
        // Blocked deliveries are in the webhook's order book.
        case .blocked: break
        }
    }

    mutating func move(_ index: UInt32, to phase: DeliveryRecord.Phase, in records: borrowing Slab<DeliveryRecord>) {
        remove(index, in: records)
        insert(index, phase: phase, in: records)
    }
}
