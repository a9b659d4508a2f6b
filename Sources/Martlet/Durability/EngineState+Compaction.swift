import Journal
import Model
import Records
import Registry

// Keeping the journal small: files go from the oldest on, once nothing in them is needed. What still is needed there is
// written anew at the end.
extension EngineState {
    func startKeeper() throws(MartletError) {
        // What the last pass saw; of the keeper's thread alone.
        nonisolated(unsafe) var seen = KeeperNotes()
        let started = keeper.start { [weak self] in self?.compact(&seen) ?? false }
        guard started else { throw MartletError(.outOfResources, "no thread can be started for the journal") }
    }

    private struct KeeperNotes {
        var sequence: UInt64 = 0
        var preallocationFailures = 0
        var syncFailures = 0
        var isGone = false
        /// Everything up to this segment was to be moved.
        var moved: UInt32 = 0
    }

    /// One pass; true where the journal is in use, so that the next one should come soon.
    private func compact(_ seen: inout KeeperNotes) -> Bool {
        guard let journal else { return false }
        let hasDeferred = !journal.writeDeferred()
        defer { journal.writeDeferred() }
        journal.isGone.store(!journal.journal.isInPlace, ordering: .relaxed)
        let statistics = journal.journal.statistics
        tellTroubles(statistics, isGone: journal.isGone.load(ordering: .relaxed), &seen)
        let segment = configuration.journal.wholeSegmentBytes
        // What the log keeps for its age and the payloads kept for redelivery hold files too.
        expireLogs()
        // No sum overflows: all are far below 2^62.
        let isWasteful = statistics.bytesOnDisk > 2 * statistics.liveBytes + 4 * segment
        let isNearBound = statistics.bytesOnDisk + 2 * segment > configuration.journal.maxBytes / 4 * 3
        let hasFailed = statistics.preallocationFailures != seen.preallocationFailures
        let isShort = isNearBound || hasFailed || hasDeferred
        let sequence = journal.journal.lastSequence
        let isInUse = sequence != seen.sequence
        seen.sequence = sequence
        seen.preallocationFailures = statistics.preallocationFailures
        guard isWasteful || isShort, let oldest = journal.journal.segmentUsage().first else { return isInUse }
        if isShort {
            // History gives way, from the oldest on.
            payloads.drop(upTo: oldest.number)
            for lane in lanes { dropLog(of: lane, upTo: oldest.number) }
        }
        // Room for copies is short when files are: the next ones wait until those that were emptied are deleted.
        guard oldest.number > seen.moved else {
            if oldest.liveBytes > 0 { move(upTo: seen.moved, keepsHistory: !isShort) }
            return true
        }
        var last: UInt32?
        var bytes = 0
        for candidate in journal.journal.compactionCandidates(maximumLiveFraction: 0.45) {
            // A burst of copies is bounded, and needs room of its own.
            bytes += candidate.liveBytes
            if bytes > segment / 20 * 9, last != nil { break }
            last = candidate.number
        }
        guard let last else { return isInUse || hasFailed }
        seen.moved = last
        move(upTo: last, keepsHistory: !isShort)
        return true
    }

    /// All that was written so far is on the disk.
    private func isOnDisk() -> Bool {
        guard let journal else { return false }
        do throws(JournalError) {
            try journal.journal.sync()
            return true
        } catch {
            return false
        }
    }

    /// Lines for the host's log, one for each kind of trouble and pass.
    private func tellTroubles(_ statistics: JournalStatistics, isGone: Bool, _ seen: inout KeeperNotes) {
        if isGone, !seen.isGone {
            logger.log(.error) { "the files of the dataDirectory were deleted: pushes are refused" }
        }
        seen.isGone = isGone
        if statistics.syncFailures != seen.syncFailures {
            logger.log(.error) { "the system failed to write the journal to the disk, see journal.syncFailures" }
        }
        seen.syncFailures = statistics.syncFailures
        if statistics.preallocationFailures != seen.preallocationFailures {
            logger.log(.warning) {
                "the journal is short of room, on the disk or below journal.maxBytes; pushes may be refused"
            }
        }
    }

    private func expireLogs() {
        let oldest = oldestKept
        payloads.expire(before: oldest)
        for lane in lanes {
            let displaced = lane.report.withLock { report in
                report.log.expire(before: oldest)
                return report.log.takeDisplaced()
            }
            journal?.release(displaced)
        }
    }

    /// Writes anew whatever is needed of the segments up to `segment`. What could not be moved is met again at the next
    /// pass: its file just stays that long.
    private func move(upTo segment: UInt32, keepsHistory: Bool) {
        // A copy stands for itself. A power failure must not leave it and take what it relies on.
        guard isOnDisk() else { return }
        moveWebhooks(upTo: segment)
        moveTypeRecords(upTo: segment)
        moveHealth(upTo: segment)
        recentIDs.moveRecords(upTo: segment)
        moveOutcomes(upTo: segment)
        if !keepsHistory { payloads.drop(upTo: segment) }
        for lane in lanes where !keeper.mustStop {
            if keepsHistory { moveLog(of: lane, upTo: segment) } else { dropLog(of: lane, upTo: segment) }
        }
        moveUnreadable(upTo: segment)
        let settled = payloads.events(upTo: segment).map { ($0, $0.ends) }
        guard settled.isEmpty || isOnDisk() else { return }
        for (event, ends) in settled where !keeper.mustStop { copy(event, pending: [], ends: ends) }
        movePending(upTo: segment)
    }

    // MARK: Small records

    private func moveWebhooks(upTo segment: UInt32) {
        var cursor = Identifier.zero
        while !keeper.mustStop {
            let (page, hasMore) = registry.webhooks(after: cursor, limit: 256)
            for webhook in page where Position(rawValue: webhook.record).segment <= segment {
                changes.withLock { _ in
                    guard let current = registry.webhook(webhook.id),
                        Position(rawValue: current.record).segment <= segment
                    else { return }
                    let record = noteWebhook(current, copied: true)
                    if record != 0 { _ = replace(current, record: record) }
                }
            }
            guard hasMore, let last = page.last else { return }
            cursor = last.id
        }
    }

    private func moveHealth(upTo segment: UInt32) {
        guard let journal else { return }
        for (id, known) in health.withLock({ $0 }) where known.position.segment <= segment {
            let copy = journal.note(.health, length: HealthRecord.encodedLength, copied: true) {
                known.record.put(into: &$0)
            }
            guard copy != .none else { continue }
            // Newer news than this copy must not be lost behind it.
            let gone = health.withLock { health -> Position in
                guard health[id]?.position == known.position else { return copy }
                health[id]?.position = copy
                return known.position
            }
            if gone == copy, let newer = health.withLock({ $0[id] }) { healthChanged(newer.record) }
            journal.release(gone)
        }
    }

    private func moveOutcomes(upTo segment: UInt32) {
        outcomes?.moveRecords(upTo: segment) { copyRecord($0) }
        journal?.moveDeferredOutcomes(upTo: segment) { copyRecord($0) }
        told.withLock { told in
            for index in told.indices where told[index].record != .none && told[index].record.segment <= segment {
                told[index].record = copyRecord(told[index].record)
            }
        }
    }

    /// Writes a record anew as it is; answers its new place, or the old one where that fails.
    private func copyRecord(_ position: Position) -> Position {
        guard let journal, let pinned = journal.read(position.rawValue), let kind = RecordKind(rawValue: pinned.kind)
        else { return position }
        let copy = journal.note(kind, length: pinned.bytes.count, copied: true) { $0.put(pinned.bytes) }
        guard copy != .none else { return position }
        journal.release(position)
        return copy
    }

    // MARK: The log

    private func moveLog(of lane: Lane, upTo segment: UInt32) {
        guard let journal else { return }
        var next: UInt64 = 0
        var isDone = false
        while !isDone, !keeper.mustStop {
            let found = lane.report.withLock { report in
                var found: [(entry: UInt64, isSettled: Bool, record: Position)] = []
                let first = min(report.log.firstSettled, report.log.firstAttempt)
                next = max(next, first)
                let end = min(next &+ 512, max(report.log.settledCount, report.log.attemptCount))
                while next < end {
                    if let entry = report.log.settled(at: next), isOld(entry.record, segment) {
                        found.append((next, true, entry.record))
                    }
                    if let entry = report.log.attempt(at: next), isOld(entry.record, segment) {
                        found.append((next, false, entry.record))
                    }
                    next += 1
                }
                isDone = next >= max(report.log.settledCount, report.log.attemptCount)
                return found
            }
            for (entry, isSettled, record) in found {
                guard let pinned = journal.read(record.rawValue), let kind = RecordKind(rawValue: pinned.kind)
                else { continue }
                let copy = journal.note(kind, length: pinned.bytes.count, copied: true) { sink in
                    if kind == .settled {
                        SettledRecord.putCopy(of: pinned.bytes, into: &sink)
                    } else {
                        sink.put(pinned.bytes)
                    }
                }
                guard copy != .none else { continue }
                let gone = lane.report.withLock { report in
                    isSettled
                        ? report.log.setRecord(copy, ofSettled: entry)
                        : report.log.setRecord(copy, ofAttempt: entry)
                }
                journal.release(gone)
            }
        }
    }

    /// Gives up the records of old entries: the log still shows them, until the engine ends.
    private func dropLog(of lane: Lane, upTo segment: UInt32) {
        let gone = lane.report.withLock { $0.log.dropRecords(upTo: segment) }
        journal?.release(gone)
    }

    /// Webhooks that this version cannot read, and a later one may.
    private func moveUnreadable(upTo segment: UInt32) {
        unreadable.withLock { records in
            for index in records.indices where records[index].segment <= segment {
                records[index] = copyRecord(records[index])
            }
        }
    }

    private func isOld(_ record: Position, _ segment: UInt32) -> Bool {
        record != .none && record.segment <= segment
    }

    // MARK: Events

    private func movePending(upTo segment: UInt32) {
        var found: [ObjectIdentifier: PendingEvent] = [:]
        for lane in lanes {
            var start: UInt32 = 0
            while !keeper.mustStop {
                let part = start..<(start &+ 4096)
                let answer = lane.inspect { view in
                    PendingEvent.find(in: view, part, upTo: segment)
                }
                // The lane has ended: what is pending stays where it is.
                guard let answer else { return }
                for one in answer.found {
                    found[ObjectIdentifier(one.event), default: PendingEvent(event: one.event)].deliveries +=
                        one.deliveries
                }
                guard answer.hasMore else { break }
                start &+= 4096
            }
        }
        // What a copy tells of ends is read before this, so that their outcomes are on the disk in front of it.
        for one in found.values {
            found[ObjectIdentifier(one.event)]?.ends = one.event.ends
            // The payload that a redelivery sends may be held by nothing else.
            let source = one.event.original
            guard source !== one.event, found[ObjectIdentifier(source)] == nil else { continue }
            found[ObjectIdentifier(source)] = PendingEvent(event: source, ends: source.ends)
        }
        guard isOnDisk() else { return }
        for one in found.values where !keeper.mustStop {
            if one.event.position.segment <= segment { copy(one.event, pending: one.deliveries, ends: one.ends) }
        }
    }

    private struct PendingEvent: Sendable {
        let event: AcceptedEvent
        var deliveries: [EventRecord.Pending] = []
        /// Of all its deliveries.
        var ends: [EventRecord.EndState] = []

        static func find(
            in view: borrowing LaneView,
            _ part: Range<UInt32>,
            upTo segment: UInt32
        ) -> (found: [PendingEvent], hasMore: Bool) {
            var found: [PendingEvent] = []
            let hasMore = view.forEachDelivery(in: part) { record, event, webhook in
                let isOld = event._withUnsafeGuaranteedRef {
                    $0.position.segment <= segment || $0.original.position.segment <= segment
                }
                guard isOld else { return }
                let event = event.takeUnretainedValue()
                guard let number = event.ids.index(of: record.id), number >= 1 else { return }
                found.append(
                    PendingEvent(
                        event: event,
                        deliveries: [
                            EventRecord.Pending(
                                number: UInt32(clamping: number - 1),
                                webhook: webhook,
                                progress: LaneLoop.progress(of: record)
                            )
                        ]
                    )
                )
            }
            return (found, hasMore)
        }
    }

    /// Writes an event anew with all that is known of its deliveries, and gives its old record up.
    ///
    /// A delivery may end meanwhile. Its end could then stand in front of the copy and go before it, and the copy would bring
    /// the delivery back: so ends are looked at again behind the copy, and it is made once more where there are new ones.
    private func copy(_ event: AcceptedEvent, pending: [EventRecord.Pending], ends: [EventRecord.EndState]) {
        guard let journal, let pinned = journal.read(event.position.rawValue) else { return }
        let known = Set(pending.map(\.number))
        var ends = ends
        while true {
            // Room for copies is short: nothing is copied that is known to be old. Each delivery ends once, so this ends.
            while case let now = event.ends, now != ends {
                guard isOnDisk() else { return }
                ends = now
            }
            // One that is on its way from one place to another is not seen by either look; the next pass sees it.
            for (number, end) in ends.enumerated() where end == 0 && !known.contains(UInt32(clamping: number)) {
                return
            }
            let place =
                pinned.kind == RecordKind.redelivery.rawValue
                ? copyRedelivery(pinned, pending, end: ends.first ?? 0, to: journal)
                : copyEvent(pinned, of: event, pending, ends: ends, to: journal)
            guard let place else { return }
            event.move(to: place)
            guard event.ends != ends else { return }
        }
    }

    private func copyRedelivery(
        _ pinned: PinnedRecord,
        _ pending: [EventRecord.Pending],
        end: EventRecord.EndState,
        to journal: EngineJournal
    ) -> EventBody.Place? {
        guard var record = RedeliveryRecord(pinned.bytes), let delivery = pending.first else { return nil }
        record.progress = delivery.progress
        record.end = end
        let copy = journal.note(.redelivery, length: RedeliveryRecord.encodedLength, copied: true) {
            record.put(into: &$0)
        }
        return copy == .none ? nil : EventBody.Place(position: copy)
    }

    private func copyEvent(
        _ pinned: PinnedRecord,
        of event: AcceptedEvent,
        _ pending: [EventRecord.Pending],
        ends: [EventRecord.EndState],
        to journal: EngineJournal
    ) -> EventBody.Place? {
        guard let old = EventRecord.Decoded(pinned.bytes) else { return nil }
        let payload = UnsafeRawBufferPointer(
            rebasing: pinned.bytes.dropFirst(old.payloadOffset).prefix(old.payloadLength)
        )
        let length =
            old.event.headLength(targets: 0)
            + EventRecord.copyListLength(deliveries: ends.count, pending: pending.count) + payload.count
        var head = 0
        let position = journal.note(.event, length: length, copied: true) { sink in
            old.event.begin(&sink, isCopy: true)
            EventRecord.put(states: ends, pending: pending, into: &sink)
            EventRecord.payload(&sink, length: payload.count, data: old.data)
            head = sink.count
            sink.put(payload)
        }
        guard position != .none else { return nil }
        guard let new = try? journal.journal.pin(position), let base = new.bytes.baseAddress else {
            journal.release(position)
            return nil
        }
        // One that came in another format is sent from memory.
        return old.event.format == configuration.delivery.payloadFormat.number
            ? EventBody.Place(address: base + head, position: position, owner: new.owner)
            : event.placed(at: position)
    }
}
