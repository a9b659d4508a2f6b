import CHardware
import Glibc
import Synchronization

/// What the append lock guards.
struct AppendState {
    var active: Segment?
    /// Made ahead, becomes the active one at roll-over.
    var prepared: Segment?
    /// Where the next record starts.
    var tail = 0
    var nextSequence: UInt64
    /// The number of the next segment to be prepared.
    var nextNumber: UInt32
    /// Past this offset the preparation thread is asked to make pages ready further on.
    var pagesMark = Int.max
    /// The housekeeping thread knows that there is something to sync.
    var isDirtyKnown = true
    var isClosed = false

    init(_ found: Recovery.Found) {
        active = found.active
        prepared = found.prepared
        tail = found.tail
        nextSequence = found.nextSequence
        nextNumber = found.nextNumber
        // The first pages are made by whoever writes them: a journal that is hardly used prepares little.
        pagesMark = found.tail + 64 << 10
    }

    /// What is left over until there is a next segment: ordinary appends leave seven eighths, those that help others to die
    /// three quarters, so that copies always have room to empty an old segment that is half needed, and to grow a little.
    private func reserve(_ options: AppendOptions) -> Int {
        guard prepared == nil, !options.contains(.copied) else { return 0 }
        let capacity = active?.capacity ?? 0
        return options.contains(.reserve) ? capacity / 4 * 3 : capacity / 8 * 7
    }

    func room(_ options: AppendOptions) -> Int {
        guard let active else { return 0 }
        return active.capacity &- tail &- reserve(options)
    }

    /// - Parameter isLast: the prepared segment is for copies.
    func ordinaryRoom(isLast: Bool) -> Int {
        let next = isLast && active != nil ? nil : prepared
        return max(room([]), 0) + (next.map { $0.capacity - SegmentHeader.bytes } ?? 0)
    }

    /// What notes may still fill, with `files` more that may be made: all but the last one, which is for copies.
    func roomForNotes(files: Int, of segmentBytes: Int) -> Int {
        let ahead = files &+ (prepared == nil ? 0 : 1)
        guard ahead > 0 else { return max(room(.note), 0) }
        let left = active.map { $0.capacity &- tail } ?? 0
        return left &+ (ahead &- 1) &* (segmentBytes &- SegmentHeader.bytes)
    }
}

extension Journal {
    /// Writes one record, the buffers one after another as its body, and answers where it stands. It counts as needed
    /// until ``release(_:)``. It is refused where ``AppendOptions/note`` records could then fill less than `keeping` bytes,
    /// as far as ``JournalOptions/maximumBytes`` goes.
    ///
    /// The buffers are borrowed for the call and must not change meanwhile. `kind` is 1 to 255. Makes no system call and
    /// allocates nothing, except where the next segment is not ready, where a background thread sleeps that is needed now,
    /// and in mode `always`, where it waits for the disk unless `options` has ``AppendOptions/lazy``.
    ///
    /// Throws ``JournalError/noSpace`` or ``JournalError/limitReached`` while no room can be had (one attempt in 100 ms
    /// looks for some), ``JournalError/recordTooLarge(maximum:)``, ``JournalError/syncFailed(code:)``,
    /// ``JournalError/closed``.
    package func append(
        kind: UInt8,
        _ first: UnsafeRawBufferPointer,
        _ second: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        _ third: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        _ fourth: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        options: AppendOptions = .ordinary,
        keeping: Int = 0
    ) throws(JournalError) -> Position {
        let draft = try Draft(kind, (first, second, third, fourth), options, keeping: keeping, in: self)
        return try append(draft).position
    }

    /// The same, with the record's bytes where they stand now.
    package func appendPinned(
        kind: UInt8,
        _ first: UnsafeRawBufferPointer,
        _ second: UnsafeRawBufferPointer,
        _ third: UnsafeRawBufferPointer,
        options: AppendOptions,
        keeping: Int
    ) throws(JournalError) -> PinnedRecord {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        var draft = try Draft(kind, (first, second, third, none), options, keeping: keeping, in: self)
        draft.isPinned = true
        let placed = try append(draft)
        guard let segment = placed.segment else { throw .closed }
        return PinnedRecord(segment, placed.position, kind: kind, sequence: placed.sequence, length: draft.length)
    }

    private func append(
        _ draft: borrowing Draft
    ) throws(JournalError) -> (position: Position, sequence: UInt64, segment: Segment?) {
        while true {
            let outcome = appending.withLock { place(draft, &$0) }
            switch outcome {
            case .placed(let position, let sequence, let wakes, let segment):
                if !wakes.isEmpty { wake(wakes) }
                if draft.options.contains(.lazy) || options.sync != .always { return (position, sequence, segment) }
                do throws(JournalError) {
                    try sync(through: sequence)
                } catch {
                    _ = release(position)
                    throw error
                }
                return (position, sequence, segment)
            case .needsSegment: try obtainSegment()
            case .keptBack:
                counters.preallocationFailures.add(1, ordering: .relaxed)
                throw .limitReached
            case .closed: throw .closed
            }
        }
    }

    /// The sequence of the newest record: what ``sync(through:)`` takes to make everything so far safe.
    package var lastSequence: UInt64 {
        appending.withLock { $0.nextSequence &- 1 }
    }

    /// A record before it has a place. Not copyable, so that nobody copies it on the way.
    private struct Draft: ~Copyable {
        typealias Parts = (
            UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer
        )

        let kind: UInt8
        let length: Int
        /// The body's part, which needs no lock.
        let checksum: UInt32
        let parts: Parts
        let options: AppendOptions
        let keeping: Int
        var isPinned = false

        init(
            _ kind: UInt8,
            _ parts: Parts,
            _ options: AppendOptions,
            keeping: Int,
            in journal: Journal
        ) throws(JournalError) {
            // Four buffers that exist in memory: the sum does not overflow.
            let bodyLength = parts.0.count &+ parts.1.count &+ parts.2.count &+ parts.3.count
            length = RecordFormat.headerBytes &+ bodyLength
            guard length <= journal.maximumRecordBytes else {
                throw .recordTooLarge(maximum: journal.maximumRecordBytes &- RecordFormat.headerBytes)
            }
            guard kind != RecordFormat.fillerKind else { throw .reservedKind }
            var checksum = martlet_hw_crc32c(0, parts.0.baseAddress, parts.0.count)
            if parts.1.count != 0 { checksum = martlet_hw_crc32c(checksum, parts.1.baseAddress, parts.1.count) }
            if parts.2.count != 0 { checksum = martlet_hw_crc32c(checksum, parts.2.baseAddress, parts.2.count) }
            if parts.3.count != 0 { checksum = martlet_hw_crc32c(checksum, parts.3.baseAddress, parts.3.count) }
            self.checksum = checksum
            self.kind = kind
            self.parts = parts
            self.options = options
            self.keeping = keeping
        }
    }

    private struct Wakes: OptionSet {
        let rawValue: UInt8
        static let pages = Wakes(rawValue: 1)
        static let segment = Wakes(rawValue: 2)
        static let sync = Wakes(rawValue: 4)
    }

    private enum Outcome {
        /// The segment where it was asked for.
        case placed(Position, sequence: UInt64, Wakes, Segment?)
        case needsSegment
        /// What room there is, is for copies or for what the caller has yet to write.
        case keptBack
        case closed
    }

    /// There may be none behind the one that is prepared.
    var isLastSegment: Bool {
        counters.bytesOnDisk.load(ordering: .relaxed) > options.maximumBytes &- options.segmentBytes
    }

    /// How many files the bound allows beside those there are.
    private var filesLeft: Int {
        let bytes = options.maximumBytes &- counters.bytesOnDisk.load(ordering: .relaxed)
        return bytes < options.segmentBytes ? 0 : bytes / options.segmentBytes
    }

    /// Under the append lock: copies the record and makes it valid with one store, or answers why not.
    private func place(_ draft: borrowing Draft, _ state: inout AppendState) -> Outcome {
        if state.isClosed { return .closed }
        let bytes = RecordFormat.padded(draft.length)
        var wakes: Wakes = []
        if draft.keeping != 0 {
            // No overflow: what is kept for stands in memory.
            let room = state.roomForNotes(files: filesLeft, of: options.segmentBytes)
            // A file that is being made is in neither number.
            if bytes &+ draft.keeping > room { return state.prepared == nil ? .needsSegment : .keptBack }
        }
        if bytes > state.room(draft.options) {
            // Kept back, not used up: an attempt to get room is due before this is refused.
            guard let next = state.prepared, bytes <= next.capacity &- SegmentHeader.bytes else { return .needsSegment }
            // The last segment that there may be is for copies, which empty others.
            if state.active != nil, !draft.options.contains(.copied), isLastSegment { return .keptBack }
            rollOver(to: next, &state)
            wakes = [.pages, .segment]
        }
        guard let active = state.active, state.nextSequence <= RecordFormat.maximumSequence else {
            return .needsSegment
        }
        // The state keeps it: no reference is counted on a line of memory that all appenders share.
        let (position, sequence) = Unmanaged.passUnretained(active)._withUnsafeGuaranteedRef { active in
            Journal.write(draft, bytes: bytes, into: active, &state)
        }

        if state.tail > state.pagesMark {
            state.pagesMark = .max
            wakes.insert(.pages)
        }
        if !state.isDirtyKnown {
            state.isDirtyKnown = true
            wakes.insert(.sync)
        }
        return .placed(position, sequence: sequence, wakes, draft.isPinned ? active : nil)
    }

    /// Copies the record behind the last one of `active`, where there is room for its `bytes`.
    @inline(__always)
    private static func write(
        _ draft: borrowing Draft,
        bytes: Int,
        into active: Segment,
        _ state: inout AppendState
    ) -> (position: Position, sequence: UInt64) {
        let offset = state.tail
        let sequence = state.nextSequence
        let identity = RecordFormat.identity(kind: draft.kind, sequence: sequence)
        let checksum = RecordFormat.checksum(
            body: draft.checksum,
            identity: identity,
            length: draft.length,
            salt: active.header.salt
        )
        let place = active.mapping.place(at: offset, length: draft.length)
        place.storeBytes(of: identity.littleEndian, toByteOffset: 8, as: UInt64.self)
        var at = place + RecordFormat.headerBytes
        Journal.copy(draft.parts.0, &at)
        Journal.copy(draft.parts.1, &at)
        Journal.copy(draft.parts.2, &at)
        Journal.copy(draft.parts.3, &at)
        active.keep(at: offset, bytes: bytes)
        active.mapping.publish(RecordFormat.seal(length: draft.length, checksum: checksum), at: offset)

        state.tail = offset &+ bytes
        state.nextSequence = sequence &+ 1
        return (Position(segment: active.number, offset: offset, recordBytes: bytes), sequence)
    }

    /// `at` has room for `part`: the place was checked for the whole record.
    @inline(__always)
    private static func copy(_ part: UnsafeRawBufferPointer, _ at: inout UnsafeMutableRawPointer) {
        guard let base = part.baseAddress, part.count != 0 else { return }
        memcpy(at, base, part.count)
        at += part.count
    }

    private func rollOver(to next: Segment, _ state: inout AppendState) {
        state.active?.seal(at: state.tail)
        table.withLock { $0.append(next) }
        state.active = next
        state.prepared = nil
        state.tail = SegmentHeader.bytes
        state.pagesMark = .max
    }

    private func wake(_ wakes: Wakes) {
        if wakes.contains(.pages) || wakes.contains(.segment) {
            preparation.update { state in
                state.wantsPages = true
                if wakes.contains(.segment) { state.wantsSegment = true }
            }
        }
        if wakes.contains(.sync) || wakes.contains(.segment) {
            housekeeping.update { state in
                if wakes.contains(.sync) { state.isDirty = true }
                // The sealed one may be dead already.
                if wakes.contains(.segment) { state.wantsDeletion = true }
            }
        }
    }
}
