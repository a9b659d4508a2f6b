import Journal
import Records
import Threading

/// Records that wait in memory for room, oldest first.
struct DeferredRecords {
    fileprivate var records: ContiguousArray<(kind: RecordKind, bytes: [UInt8])> = []
    /// Records that could not wait, and of which nothing is left.
    fileprivate(set) var lost = 0
    /// Outcomes that waited and were written since, by number: whoever holds them does not know their place.
    fileprivate var outcomes: [UInt64: Position] = [:]
    /// Outcomes that were told before they were written.
    fileprivate var toldBefore: Set<UInt64> = []

    var count: Int {
        records.count + lost
    }
}

extension Position {
    /// Of a record that waits in memory: no segment has the number 0.
    static let deferred = Position(rawValue: 1)
}

// What lanes write: they never wait, and the disk may be full.
extension EngineJournal {
    /// Writes a record for a lane or for the host's convenience: it uses room that is kept back when the disk is full.
    ///
    /// Where not even that is left, a record about a delivery or an outcome waits in memory, and others of its kind behind it;
    /// the answer then is ``Position/deferred``. The process may end before there is room: some work is then done again. Any
    /// other record is not written, and the answer is ``Position/none``.
    // Inlined: the closure's record would be copied otherwise, with a count for each of its texts.
    @inline(__always)
    func note(
        _ kind: RecordKind,
        length: Int,
        copied: Bool = false,
        _ fill: (inout ByteSink) -> Void
    ) -> Position {
        let mayWait = !copied && kind.mayWait
        if mayWait, deferred.withLock({ !$0.records.isEmpty }) { return wait(kind, length: length, fill) }
        do throws(JournalError) {
            return try append(kind, length: length, options: copied ? .move : .note, fill)
        } catch {
            if mayWait, error != .closed { return wait(kind, length: length, fill) }
            // A copy that fails loses nothing: the old record stays.
            if !copied { deferred.withLock { $0.lost += 1 } }
            return .none
        }
    }

    private func wait(_ kind: RecordKind, length: Int, _ fill: (inout ByteSink) -> Void) -> Position {
        let bytes = withUnsafeTemporaryAllocation(byteCount: max(length, 1), alignment: 8) { area in
            var sink = ByteSink(area)
            fill(&sink)
            return Array(sink.bytes)
        }
        deferred.withLock { $0.records.append((kind, bytes)) }
        keeper.nudge()
        return .deferred
    }

    /// Writes what waits, as far as there is room; true where nothing is left.
    ///
    /// - Parameter isLast: nothing comes after it, so all room may be used.
    @discardableResult
    func writeDeferred(isLast: Bool = false) -> Bool {
        // One after the other, so that their order stays.
        writing.withLock { _ in writeParts(isLast: isLast) }
    }

    private func writeParts(isLast: Bool) -> Bool {
        while true {
            // A part at a time: lanes wait for this lock.
            let part = deferred.withLock { Array($0.records.prefix(64)) }
            guard !part.isEmpty else { return true }
            var written = 0
            for (kind, bytes) in part {
                let position = try? append(kind, length: bytes.count, options: isLast ? .move : .note) { sink in
                    bytes.withUnsafeBytes { sink.put($0) }
                }
                guard let position else { break }
                if kind == .outcome { keepOutcome(bytes, at: position) } else { release(position) }
                written += 1
            }
            deferred.withLock { $0.records.removeFirst(written) }
            if written < part.count { return false }
        }
    }
}

extension EngineJournal {
    /// An outcome counts until it is told.
    private func keepOutcome(_ bytes: [UInt8], at position: Position) {
        guard let number = bytes.withUnsafeBytes({ OutcomeRecord.peek($0)?.number }) else { return release(position) }
        let isTold = deferred.withLock { deferred in
            if deferred.toldBefore.remove(number) != nil { return true }
            deferred.outcomes[number] = position
            return false
        }
        if isTold { release(position) }
    }

    /// Gives up the record of an outcome that was told.
    func releaseOutcome(_ number: UInt64, _ record: Position) {
        guard record == .deferred else { return release(record) }
        let place = deferred.withLock { deferred in
            let place = deferred.outcomes.removeValue(forKey: number)
            if place == nil { deferred.toldBefore.insert(number) }
            return place
        }
        if let place { release(place) }
    }

    /// Lets `copy` write anew the records of such outcomes that stand in segments up to `segment`.
    func moveDeferredOutcomes(upTo segment: UInt32, _ copy: (Position) -> Position) {
        deferred.withLock { deferred in
            for (number, place) in deferred.outcomes where place.segment <= segment {
                deferred.outcomes[number] = copy(place)
            }
        }
    }
}

extension RecordKind {
    /// Records that nothing newer overtakes while they wait.
    fileprivate var mayWait: Bool {
        switch self {
        case .attempt, .settled, .outcome, .told: true
        default: false
        }
    }
}
