import Model

// The Prometheus text exposition format, version 0.0.4. Names follow Prometheus' conventions: base units, `_total` for
// counters.
extension EngineStatistics {
    var prometheus: String {
        var text = ""
        func metric(_ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: String)]) {
            text += "# HELP martlet_\(name) \(help)\n# TYPE martlet_\(name) \(type)\n"
            for sample in samples {
                text += "martlet_\(name)\(sample.labels) \(sample.value)\n"
            }
        }
        func single(_ name: String, _ type: String, _ help: String, _ value: some CustomStringConvertible) {
            metric(name, type, help, [("", value.description)])
        }

        single("webhooks", "gauge", "Registered webhooks.", webhooks)
        single("queue_events", "gauge", "Events that count against queue.maxEvents.", queueEvents)
        single("queue_bytes", "gauge", "Bytes that count against queue.maxBytes.", queueBytes)
        single("events_accepted_total", "counter", "Events accepted by a push.", pushed)
        single("events_unmatched_total", "counter", "Accepted events that no webhook wanted.", unmatched)
        single("events_refused_total", "counter", "Events refused by a push for want of room.", refused)
        single("events_duplicate_total", "counter", "Events pushed again under an id seen before.", duplicates)
        single("outcomes_waiting", "gauge", "Outcomes the host has not taken yet.", outcomesWaiting)
        if let journal {
            single("journal_bytes", "gauge", "Bytes of disk that the journal takes.", journal.now.bytesOnDisk)
            single("journal_live_bytes", "gauge", "Bytes in it that are needed.", journal.now.liveBytes)
            single("journal_max_bytes", "gauge", "Bytes of disk it may take.", journal.maximumBytes)
            single("journal_syncs_total", "counter", "Times the journal was forced to the disk.", journal.now.syncs)
            single("journal_sync_failures_total", "counter", "Times that failed.", journal.now.syncFailures)
            single(
                "journal_unwritten_records",
                "gauge",
                "Records for which the disk has no room yet: work that a crash would repeat.",
                journal.unwrittenRecords
            )
        }
        single("deliveries_pending", "gauge", "Deliveries accepted and not settled.", counters.pending)
        single("deliveries_in_flight", "gauge", "Deliveries with an attempt in flight.", counters.inFlight)
        metric(
            "deliveries_settled_total",
            "counter",
            "Settled deliveries.",
            Outcome.State.allCases.map {
                ("{state=\"\($0.name)\"}", counters.settled[Int($0.rawValue)].description)
            }
        )
        metric(
            "attempts_total",
            "counter",
            "HTTP requests made, by how they failed; error_class none is success.",
            ErrorClass.allCases.map {
                ("{error_class=\"\($0.name)\"}", counters.attemptsByClass[Int($0.rawValue)].description)
            }
        )
        single("retries_total", "counter", "Attempts that were not the first of their delivery.", counters.retries)
        single("webhooks_disabled_total", "counter", "Webhooks that Martlet disabled.", counters.webhooksDisabled)
        metric("attempt_duration_seconds", "histogram", "Duration of attempts.", [])
        text += durationHistogram
        return text
    }

    private var durationHistogram: String {
        var text = ""
        var cumulative: UInt64 = 0
        for (index, bound) in LaneCounters.durationBounds.enumerated() {
            cumulative &+= counters.durations[index]
            let seconds = Double(bound) / 1_000_000
            text += "martlet_attempt_duration_seconds_bucket{le=\"\(seconds)\"} \(cumulative)\n"
        }
        text += "martlet_attempt_duration_seconds_bucket{le=\"+Inf\"} \(counters.attempts)\n"
        text += "martlet_attempt_duration_seconds_sum \(Double(counters.durationSumMicroseconds) / 1_000_000)\n"
        text += "martlet_attempt_duration_seconds_count \(counters.attempts)\n"
        return text
    }
}
