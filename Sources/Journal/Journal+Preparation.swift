import CHardware
import Glibc
import Synchronization

/// What appenders and the preparation thread tell each other.
struct PreparationState: Sendable {
    var wantsSegment = false
    var wantsPages = false
    var isStopped = false
    /// An attempt is under way.
    var isRunning = false
    /// Attempts that ended.
    var finished = 0
    /// Why the last attempt failed.
    var failure: JournalError?
    /// Monotonic nanoseconds before which no append asks for another attempt.
    var retryAt: Int64 = 0
}

// Segments are made ahead by a thread of their own, so that an append neither waits for room nor for pages.
extension Journal {
    private static var retryNanoseconds: Int64 { 100_000_000 }
    /// How far ahead of the newest record pages are made ready.
    private static var pagesAhead: Int { 8 << 20 }

    /// Asks for a segment and waits for the answer. Throws why there is none.
    func obtainSegment() throws(JournalError) {
        enum Step {
            case refused(JournalError)
            case wait(Int)
        }
        let now = SystemClock.monotonic()
        let step: Step = preparation.update { state in
            if state.isStopped { return .refused(.closed) }
            // One that is due may find more than the last one did.
            let isDue = state.isRunning || state.wantsSegment
            if let failure = state.failure, now < state.retryAt, !isDue { return .refused(failure) }
            state.wantsSegment = true
            return .wait(state.finished)
        }
        switch step {
        case .refused(let error): throw error
        case .wait(let seen): _ = preparation.wait { $0.isStopped || $0.finished != seen ? () : nil }
        }
    }

    /// Room came back: an attempt that failed for want of it, or is about to, is repeated at once.
    func retryPreparation() {
        preparation.update { state in
            if state.failure != nil || state.isRunning { state.wantsSegment = true }
        }
    }

    /// The thread's body.
    func runPreparation() {
        var pages = PagesReady()
        while true {
            guard let job = nextPreparation() else { return }
            if job.segment { attemptPreparation() }
            if job.pages { makePagesReady(&pages) }
        }
    }

    private func nextPreparation() -> (segment: Bool, pages: Bool)? {
        let job: (segment: Bool, pages: Bool)?? = preparation.wait { state in
            if state.isStopped { return .some(nil) }
            guard state.wantsSegment || state.wantsPages else { return nil }
            defer {
                state.isRunning = state.wantsSegment
                state.wantsSegment = false
                state.wantsPages = false
            }
            return (state.wantsSegment, state.wantsPages)
        }
        return job ?? nil
    }

    private func attemptPreparation() {
        let (isNeeded, number, floor) = appending.withLock { ($0.prepared == nil, $0.nextNumber, $0.nextSequence) }
        var failure: JournalError?
        if isNeeded {
            do throws(JournalError) {
                let segment = try makeSegment(number: number, sequenceFloor: floor)
                appending.withLock { state in
                    state.prepared = segment
                    state.nextNumber = number + 1
                }
            } catch {
                failure = error
                counters.preallocationFailures.add(1, ordering: .relaxed)
            }
        }
        let retryAt = SystemClock.monotonic() &+ Journal.retryNanoseconds
        preparation.update { state in
            state.isRunning = false
            state.finished &+= 1
            state.failure = failure
            state.retryAt = retryAt
        }
    }

    /// The first segment of a new directory, on the thread that opens.
    func prepareFirst() throws(JournalError) {
        let (number, floor) = appending.withLock { ($0.nextNumber, $0.nextSequence) }
        let segment = try makeSegment(number: number, sequenceFloor: floor)
        appending.withLock { state in
            state.prepared = segment
            state.nextNumber = number + 1
        }
    }

    /// Makes a file under a temporary name, reserves its room, and gives it its name once its header is written: a crash
    /// at any point leaves a whole segment or a file that opening removes.
    private func makeSegment(number: UInt32, sequenceFloor: UInt64) throws(JournalError) -> Segment {
        guard counters.bytesOnDisk.load(ordering: .relaxed) <= options.maximumBytes - options.segmentBytes,
            number < UInt32.max
        else { throw .limitReached }
        var salt: UInt64 = 0
        let code = withUnsafeMutableBytes(of: &salt) { martlet_hw_random($0.baseAddress, $0.count) }
        if code != 0 { throw .system(operation: "read", path: "random bytes", code: code) }
        let header = SegmentHeader(
            number: number,
            segmentBytes: options.segmentBytes,
            createdMilliseconds: SystemClock.milliseconds(),
            sequenceFloor: sequenceFloor,
            salt: salt
        )
        let unfinished = SegmentName.unfinishedFile(number)
        let file = try files.open(unfinished, in: directory, .replace, mode: options.fileMode)
        defer { files.close(file) }
        do throws(JournalError) {
            let segment = try fill(file, header, unfinished)
            counters.bytesOnDisk.add(options.segmentBytes, ordering: .relaxed)
            return segment
        } catch {
            // A file that was reserved in part keeps others from the room.
            try? files.remove(unfinished, in: directory)
            throw error
        }
    }

    private func fill(_ file: Int32, _ header: SegmentHeader, _ unfinished: String) throws(JournalError) -> Segment {
        try files.allocate(file, bytes: header.segmentBytes, unfinished)
        try write(header.encoded, to: file, unfinished)
        let mapping = try files.map(file, bytes: header.segmentBytes, writable: true, unfinished)
        let segment = try Segment(header: header, mapping: mapping)
        let name = SegmentName.file(header.number)
        guard options.sync == .always else {
            try files.rename(unfinished, to: name, in: directory)
            return segment
        }
        // Appends that wait for the disk then wait for their own pages only, not for the file to exist.
        try files.sync(file, unfinished)
        try files.rename(unfinished, to: name, in: directory)
        do throws(JournalError) {
            try files.syncDirectory(directory)
        } catch {
            try? files.remove(name, in: directory)
            throw error
        }
        segment.syncedBytes = SegmentHeader.bytes
        return segment
    }

    private func write(_ bytes: [UInt8], to file: Int32, _ name: String) throws(JournalError) {
        let result = bytes.withUnsafeBytes { buffer -> JournalError? in
            do throws(JournalError) {
                try files.write(buffer, to: file, at: 0, name)
                return nil
            } catch {
                return error
            }
        }
        if let result { throw result }
    }

    /// How far pages have been made ready, by segment number.
    private struct PagesReady {
        var isSupported = true
        var number: UInt32 = 0
        var end = 0
    }

    /// Makes pages ready from the newest record on, and the first ones of the next segment where this one ends.
    private func makePagesReady(_ ready: inout PagesReady) {
        // Against the wait for the disk a page fault is nothing.
        guard ready.isSupported, options.sync != .always else { return }
        let (active, prepared, tail) = appending.withLock { ($0.active, $0.prepared, $0.tail) }
        guard let active else { return }
        let from = ready.number == active.number ? max(ready.end, tail) : tail
        var end = min(tail + Journal.pagesAhead, active.capacity)
        if from < end { ready.isSupported = active.mapping.populate(from..<end) }
        ready.number = active.number
        ready.end = end
        let mark = end == active.capacity ? Int.max : end - Journal.pagesAhead / 2
        if end == active.capacity, ready.isSupported, let prepared {
            end = min(Journal.pagesAhead, prepared.capacity)
            ready.isSupported = prepared.mapping.populate(0..<end)
            ready.number = prepared.number
            ready.end = end
        }
        appending.withLock { state in
            if state.active === active { state.pagesMark = mark }
        }
    }
}
