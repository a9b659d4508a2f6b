import Synchronization

// One round of syncing writes everything appended so far; GroupCommit lets only one run at a time.
extension Journal {
    /// Waits until every record up to `sequence` (by default: every one appended so far) is on the disk, in any mode.
    ///
    /// Threads that call it at the same time share one sync. Throws ``JournalError/syncFailed(code:)``; the records stay
    /// and the next sync tries again. Throws ``JournalError/closed`` where that came first.
    package func sync(through sequence: UInt64? = nil) throws(JournalError) {
        let (last, isClosed) = appending.withLock { ($0.nextSequence &- 1, $0.isClosed) }
        let wanted = min(sequence ?? last, last)
        if isClosed, commit.synced < wanted { throw .closed }
        try commit.wait(for: wanted) { syncRound() }
    }

    /// What ``close()`` does at its end, when nothing else is let in.
    func syncWhileClosing() throws(JournalError) {
        try commit.wait(for: lastSequence) { syncRound() }
    }

    /// The last record that is known to be on the disk, with all before it.
    package var syncedSequence: UInt64 {
        commit.synced
    }

    private func syncRound() -> GroupCommit.Round {
        let (last, active, tail) = appending.withLock { ($0.nextSequence &- 1, $0.active, $0.tail) }
        let newest = active?.number ?? .max
        let from = counters.syncFrom.load(ordering: .relaxed)
        // References keep what is deleted meanwhile in memory.
        let segments = table.withLock { table in
            table.segments.filter { $0.number >= from && $0.number <= newest && ($0 === active || $0.isSealed) }
        }
        var isNew = false
        for segment in segments {
            let end = segment === active ? tail : segment.sealedAt.load(ordering: .acquiring)
            isNew = isNew || segment.syncedBytes == 0
            guard end > segment.syncedBytes else { continue }
            let code = segment.mapping.sync(segment.syncedBytes..<end)
            if code != 0 { return failed(last, code) }
        }
        if isNew {
            do throws(JournalError) {
                try files.syncDirectory(directory)
            } catch {
                return failed(last, error.code)
            }
        }
        for segment in segments {
            segment.syncedBytes = segment === active ? tail : segment.sealedAt.load(ordering: .acquiring)
        }
        if let active { counters.syncFrom.store(active.number, ordering: .relaxed) }
        counters.syncs.add(1, ordering: .relaxed)
        counters.lastSync.store(SystemClock.milliseconds(), ordering: .relaxed)
        return (last, 0)
    }

    private func failed(_ last: UInt64, _ code: Int32) -> GroupCommit.Round {
        counters.syncFailures.add(1, ordering: .relaxed)
        return (last, code)
    }
}
