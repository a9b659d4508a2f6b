import JSONText
import Model

extension Engine {
    /// The engine's figures as a JSON object.
    package func statsJSON() throws(MartletError) -> [UInt8] {
        try state.checkProcess()
        var writer = JSONWriter()
        state.statistics().write(to: &writer)
        return writer.bytes
    }

    /// The engine's figures in the Prometheus text exposition format 0.0.4.
    package func metricsText() throws(MartletError) -> [UInt8] {
        try state.checkProcess()
        return Array(state.statistics().prometheus.utf8)
    }
}

extension EngineStatistics {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("version")
        writer.string(Version.text)
        writer.key("state")
        writer.string(phase)
        write("uptimeMs", uptimeMilliseconds, to: &writer)
        write("webhooks", Int64(webhooks), to: &writer)
        writer.key("queue")
        writer.beginObject()
        write("events", Int64(queueEvents), to: &writer)
        write("bytes", Int64(queueBytes), to: &writer)
        write("maxEvents", Int64(maximumEvents), to: &writer)
        write("maxBytes", Int64(maximumBytes), to: &writer)
        writer.endObject()
        writer.key("events")
        writer.beginObject()
        write("accepted", Int64(clamping: pushed), to: &writer)
        write("unmatched", Int64(clamping: unmatched), to: &writer)
        write("refused", Int64(clamping: refused), to: &writer)
        write("duplicates", Int64(clamping: duplicates), to: &writer)
        write("unsettled", Int64(unsettled), to: &writer)
        writer.endObject()
        writer.key("deliveries")
        write(counters, to: &writer)
        if let journal { write(journal, to: &writer) }
        write("outcomesWaiting", Int64(outcomesWaiting), to: &writer)
        writer.key("lanes")
        writer.beginArray()
        for counters in countersByLane {
            write(counters, to: &writer)
        }
        writer.endArray()
        writer.endObject()
    }

    private func write(_ counters: LaneCounters, to writer: inout JSONWriter) {
        writer.beginObject()
        write("pending", Int64(counters.pending), to: &writer)
        write("inFlight", Int64(counters.inFlight), to: &writer)
        for state in Outcome.State.allCases {
            write(state.name, Int64(clamping: counters.settled[Int(state.rawValue)]), to: &writer)
        }
        write("attempts", Int64(clamping: counters.attempts), to: &writer)
        write("retries", Int64(clamping: counters.retries), to: &writer)
        writer.key("attemptsByErrorClass")
        writer.beginObject()
        for errorClass in ErrorClass.allCases {
            write(errorClass.name, Int64(clamping: counters.attemptsByClass[Int(errorClass.rawValue)]), to: &writer)
        }
        writer.endObject()
        write("wakes", Int64(clamping: counters.wakes), to: &writer)
        write("webhooksDisabled", Int64(clamping: counters.webhooksDisabled), to: &writer)
        writer.endObject()
    }

    private func write(_ journal: JournalFigures, to writer: inout JSONWriter) {
        writer.key("journal")
        writer.beginObject()
        write("segments", Int64(journal.now.segments), to: &writer)
        write("bytesOnDisk", Int64(journal.now.bytesOnDisk), to: &writer)
        write("liveBytes", Int64(journal.now.liveBytes), to: &writer)
        write("maxBytes", Int64(journal.maximumBytes), to: &writer)
        write("roomBytes", Int64(journal.now.roomBytes), to: &writer)
        write("syncs", Int64(journal.now.syncs), to: &writer)
        write("syncFailures", Int64(journal.now.syncFailures), to: &writer)
        writer.key("lastSyncAt")
        if let last = journal.now.lastSync {
            writer.string(Timestamp.text(WallTime(milliseconds: last)))
        } else {
            writer.null()
        }
        write("segmentsDeleted", Int64(journal.now.segmentsDeleted), to: &writer)
        write("deletionFailures", Int64(journal.now.deletionFailures), to: &writer)
        write("preallocationFailures", Int64(journal.now.preallocationFailures), to: &writer)
        write("unwrittenRecords", Int64(journal.unwrittenRecords), to: &writer)
        writer.key("recovery")
        writer.beginObject()
        let recovery = journal.recovery
        write("events", Int64(recovery.events), to: &writer)
        write("deliveries", Int64(recovery.deliveries), to: &writer)
        write("webhooks", Int64(recovery.webhooks), to: &writer)
        write("outcomes", Int64(recovery.outcomes), to: &writer)
        write("records", Int64(recovery.journal.records), to: &writer)
        write("truncatedBytes", Int64(recovery.journal.truncatedBytes), to: &writer)
        write("quarantined", Int64(recovery.journal.quarantinedStretches), to: &writer)
        write("quarantinedBytes", Int64(recovery.journal.quarantinedBytes), to: &writer)
        write("lostRecords", Int64(recovery.journal.lostRecords), to: &writer)
        write("unreadableRecords", Int64(recovery.unreadable), to: &writer)
        write("milliseconds", recovery.milliseconds, to: &writer)
        writer.endObject()
        writer.endObject()
    }

    private func write(_ key: String, _ value: Int64, to writer: inout JSONWriter) {
        writer.key(key)
        writer.integer(value)
    }
}
