import Journal
import Model
import Registry
import Synchronization

/// The engine's figures at one moment, gathered once for every form they are printed in.
struct EngineStatistics: Sendable {
    var phase: String
    var uptimeMilliseconds: Int64
    var lanes: Int
    var webhooks: Int
    var queueEvents: Int
    var queueBytes: Int
    var maximumEvents: Int
    var maximumBytes: Int
    var pushed: UInt64
    var unmatched: UInt64
    var refused: UInt64
    var duplicates: UInt64
    var unsettled: Int
    var outcomesWaiting: Int
    var counters: LaneCounters
    var countersByLane: [LaneCounters]
    /// Nil where nothing outlives the process.
    var journal: JournalFigures?
}

/// The journal's figures, and what opening it found.
struct JournalFigures: Sendable {
    var now: JournalStatistics
    var maximumBytes: Int
    var unwrittenRecords: Int
    var recovery: RecoverySummary
}

extension EngineState {
    func statistics() -> EngineStatistics {
        var total = LaneCounters()
        var byLane: [LaneCounters] = []
        for lane in lanes {
            var counters = lane.report.withLock { $0.counters }
            // The gauges of a lane that has nothing to settle are old: it is asked.
            if let now = lane.inspect({ ($0.inFlight, $0.pending) }) {
                (counters.inFlight, counters.pending) = now
            }
            counters.wakes = lane.wakeCount
            total.add(counters)
            byLane.append(counters)
        }
        let phase =
            switch phase.load(ordering: .acquiring) {
            case .open: "open"
            case .closing: "closing"
            case .stopped: "closed"
            }
        return EngineStatistics(
            phase: phase,
            uptimeMilliseconds: max(Clock.wall().milliseconds - openedAt.milliseconds, 0),
            lanes: lanes.count,
            webhooks: registry.count,
            queueEvents: budget.events,
            queueBytes: budget.bytes,
            maximumEvents: budget.maximumEvents,
            maximumBytes: budget.maximumBytes,
            pushed: counters.pushed.load(ordering: .relaxed),
            unmatched: counters.unmatched.load(ordering: .relaxed),
            refused: counters.refused.load(ordering: .relaxed),
            duplicates: counters.duplicates.load(ordering: .relaxed),
            unsettled: unsettled.load(ordering: .relaxed),
            outcomesWaiting: outcomes?.count ?? 0,
            counters: total,
            countersByLane: byLane,
            journal: journal.map { journal in
                JournalFigures(
                    now: journal.journal.statistics,
                    maximumBytes: configuration.journal.maxBytes,
                    unwrittenRecords: journal.deferred.withLock { $0.count },
                    recovery: recovery.withLock { $0 ?? RecoverySummary() }
                )
            }
        )
    }
}
