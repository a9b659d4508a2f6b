import Model

/// What a lane tells about itself: counters and its part of the delivery log. Behind one lock, which the lane takes once for
/// each attempt.
struct LaneReport: ~Copyable {
    var counters = LaneCounters()
    var log: DeliveryLog

    init(logCapacity: Int, textBytes: Int) {
        log = DeliveryLog(capacity: logCapacity, textBytes: textBytes)
    }
}

/// Counters that only grow, and gauges as of the lane's last turn.
struct LaneCounters: Sendable {
    var attempts: UInt64 = 0
    /// Attempts by ``ErrorClass`` raw value.
    var attemptsByClass = [UInt64](repeating: 0, count: ErrorClass.allCases.count)
    var retries: UInt64 = 0
    /// Settled deliveries by ``Outcome/State`` raw value.
    var settled = [UInt64](repeating: 0, count: 5)
    var webhooksDisabled: UInt64 = 0
    var wakes: UInt64 = 0
    /// Attempts by duration: one bucket for each bound, and one above.
    var durations = [UInt64](repeating: 0, count: LaneCounters.durationBounds.count + 1)
    var durationSumMicroseconds: UInt64 = 0
    /// Gauges.
    var inFlight = 0
    var pending = 0

    /// Upper bounds in microseconds, a 1-2-5 series from 1 ms to 10 s.
    static let durationBounds: [Int64] = [
        1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000,
        10_000_000,
    ]

    mutating func count(_ result: AttemptResult) {
        attempts &+= 1
        let index = Int(result.errorClass.rawValue)
        if index < attemptsByClass.count { attemptsByClass[index] &+= 1 }
        let duration = max(result.durationMicroseconds, 0)
        let bucket = LaneCounters.durationBounds.firstIndex { duration <= $0 } ?? LaneCounters.durationBounds.count
        durations[bucket] &+= 1
        durationSumMicroseconds &+= UInt64(duration)
    }

    mutating func add(_ other: LaneCounters) {
        attempts &+= other.attempts
        retries &+= other.retries
        webhooksDisabled &+= other.webhooksDisabled
        wakes &+= other.wakes
        durationSumMicroseconds &+= other.durationSumMicroseconds
        inFlight += other.inFlight
        pending += other.pending
        for index in attemptsByClass.indices { attemptsByClass[index] &+= other.attemptsByClass[index] }
        for index in settled.indices { settled[index] &+= other.settled[index] }
        for index in durations.indices { durations[index] &+= other.durations[index] }
    }
}
