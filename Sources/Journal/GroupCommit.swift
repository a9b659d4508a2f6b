import Synchronization
import Threading

/// Lets threads that wait for the disk share one sync.
///
/// The first one that comes does the work for all records written so far; who comes meanwhile waits for it, and one of
/// those does the next round for all of them.
final class GroupCommit: Sendable {
    /// What a round has reached: every record up to `through`, where `code` is 0.
    typealias Round = (through: UInt64, code: Int32)

    private struct State: Sendable {
        var isRunning = false
        var failedThrough: UInt64 = 0
        var failure: Int32 = 0
    }

    private let state = Monitored(State())
    private let syncedSequence = Atomic<UInt64>(0)

    /// The last record that is known to be on the disk, with all before it.
    var synced: UInt64 {
        syncedSequence.load(ordering: .acquiring)
    }

    /// Waits until record `sequence` is on the disk. `round` may run on this thread, without any lock held.
    func wait(for sequence: UInt64, _ round: () -> Round) throws(JournalError) {
        // Only a failure of a round that this call has seen running, or ran, is its own.
        var watchesFailures = false
        while synced < sequence {
            let mine: Bool? = state.wait { state in
                if synced >= sequence { return false }
                if watchesFailures, state.failure != 0, state.failedThrough >= sequence { return false }
                if state.isRunning {
                    watchesFailures = true
                    return nil
                }
                state.isRunning = true
                state.failure = 0
                return true
            }
            if mine == true {
                watchesFailures = true
                let reached = round()
                if reached.code == 0 {
                    syncedSequence.store(reached.through, ordering: .releasing)
                }
                state.update { state in
                    state.isRunning = false
                    state.failure = reached.code
                    state.failedThrough = reached.code == 0 ? 0 : reached.through
                }
            }
            if synced >= sequence { return }
            let failure = state.update { $0.failedThrough >= sequence ? $0.failure : 0 }
            if failure != 0, watchesFailures { throw .syncFailed(code: failure) }
        }
    }
}
