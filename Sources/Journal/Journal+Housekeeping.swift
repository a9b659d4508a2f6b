import Synchronization

/// What wakes the housekeeping thread.
struct HousekeepingState: Sendable {
    var wantsDeletion = false
    /// Something was appended after the thread found all on the disk.
    var isDirty = false
    var isStopped = false
}

// The second thread: syncs in intervals and deletes dead segments, both of which may wait for the disk.
extension Journal {
    private enum Job {
        case stop
        case delete
        case dirty
    }

    /// The thread's body.
    func runHousekeeping() {
        let interval = Int64(syncInterval ?? 0) * 1_000_000
        // Nil while there is nothing to sync.
        var nextSync: Int64?
        while true {
            if let due = nextSync, SystemClock.monotonic() >= due {
                try? sync()
                nextSync = isAllSynced() ? nil : SystemClock.monotonic() + interval
            }
            let job: Job? = housekeeping.wait(until: nextSync) { state in
                if state.isStopped { return .stop }
                if state.wantsDeletion {
                    state.wantsDeletion = false
                    return .delete
                }
                if state.isDirty {
                    state.isDirty = false
                    return .dirty
                }
                return nil
            }
            switch job {
            case .stop: return
            case .delete: deleteDeadSegments()
            case .dirty: nextSync = nextSync ?? SystemClock.monotonic() + interval
            case nil: break
            }
        }
    }

    /// True where nothing is left; the next append then wakes this thread.
    private func isAllSynced() -> Bool {
        appending.withLock { state in
            let isDone = commit.synced >= state.nextSequence &- 1
            if isDone { state.isDirtyKnown = false }
            return isDone
        }
    }

    /// Deletes from the oldest on while none of a segment's records is needed, never the active one.
    private func deleteDeadSegments() {
        while true {
            let count = countDeadSegments()
            if count == 0 { return }
            do throws(JournalError) {
                // What was copied out of them, and what ended or replaced their records, is on the disk before they go, in
                // every mode: after a power failure an event would else be neither pending nor told. Once for all of them: a
                // journal that is full waits for their room.
                try sync()
                for _ in 0..<count {
                    // The segment is let go of inside, for its room is back only once it is unmapped.
                    try deleteOldest()
                    counters.segmentsDeleted.add(1, ordering: .relaxed)
                    retryPreparation()
                    // A later segment must not be gone where an earlier one is back after a power failure.
                    if syncInterval != nil { try? files.syncDirectory(directory) }
                }
            } catch {
                counters.deletionFailures.add(1, ordering: .relaxed)
                return
            }
        }
    }

    /// How many of the oldest segments hold nothing that is needed.
    private func countDeadSegments() -> Int {
        table.withLock { $0.segments.prefix { $0.isSealed && !$0.hasLiveRecords }.count }
    }

    private func deleteOldest() throws(JournalError) {
        guard let dead = table.withLock({ $0.segments.first }) else { return }
        try files.remove(SegmentName.file(dead.number), in: directory)
        table.withLock { $0.removeFirst() }
        counters.bytesOnDisk.subtract(dead.mapping.count, ordering: .relaxed)
    }
}
