// Header section 5: Outcomes
//
// Where the configuration's `outcomes` asks for them, each accepted delivery reports exactly one outcome when it is
// settled, and each event one when all its deliveries are. Watch the descriptor in the program's own event loop, and poll
// when it is readable until fewer than asked for come. None is ever dropped: those not polled count against the queue.
//
// A redelivery and a test are work of their own: each reports its delivery, and its event once more with one delivery.

import CMartlet
import Martlet

/// A file descriptor that is readable while outcomes wait to be polled.
///
/// It is the reading end of a pipe. Never read, write or close it: martlet_outcomes_poll() empties it. It becomes readable
/// when the first outcome arrives after all were polled, so one wake-up may stand for many.
///
/// fd: receives the descriptor. It is the engine's, valid until martlet_engine_free().
///
/// Threads: any.
///
/// Errors: WRONG_STATE where the configuration does not ask for outcomes.
@_cdecl("martlet_outcomes_fd")
public func outcomesFD(_ engine: martlet_engine_t?, _ fd: UnsafeMutablePointer<Int32>?) -> Int32 {
    fd?.pointee = -1
    return call(engine) { (engine) throws(MartletError) in
        try required(fd, "fd").pointee = try engine.outcomesDescriptor()
    }
}

/// Takes outcomes that wait. Never blocks: with none there it returns MARTLET_OK and a count of 0.
///
/// outcomes: an array of records in the caller's memory.
///
/// stride: bytes from one record to the next, sizeof(martlet_outcome_t) as the caller was compiled. The library fills
/// what both know; the record's size field tells how much that is.
///
/// capacity: records in the array; 0 takes nothing.
///
/// count: receives how many were filled, 0 on an error.
///
/// With a data directory, what a call handed out counts as told once any thread polls again or the engine is closed; a
/// process that ends before is told again. A program that must miss none over a crash handles a batch before anybody asks
/// for the next one, so it polls with one thread, or lets its threads take turns.
///
/// Threads: any; of several that poll, each gets other outcomes. Works after martlet_engine_close().
///
/// Errors: INVALID_ARGUMENT; WRONG_STATE where the configuration does not ask for outcomes; CLOSED after
/// martlet_engine_free().
@_cdecl("martlet_outcomes_poll")
public func outcomesPoll(
    _ engine: martlet_engine_t?,
    _ outcomes: UnsafeMutablePointer<martlet_outcome_t>?,
    _ stride: UInt,
    _ capacity: UInt,
    _ count: UnsafeMutablePointer<UInt>?
) -> Int32 {
    count?.pointee = 0
    return call(engine) { (engine) throws(MartletError) in
        let count = try required(count, "count")
        var records = try RecordWriter(outcomes, stride, capacity)
        let taken = try engine.pollOutcomes(maximum: records.capacity) { records.append($0) }
        count.pointee = UInt(clamping: taken)
    }
}

/// Writes outcomes as C records into the caller's array.
private struct RecordWriter {
    let capacity: Int
    private var next: UnsafeMutableRawPointer?
    private let stride: Int
    private var left: Int

    /// Bytes of the record in the first version of the library, which every caller knows.
    private static let smallestStride: UInt = 200

    init(
        _ outcomes: UnsafeMutablePointer<martlet_outcome_t>?,
        _ stride: UInt,
        _ capacity: UInt
    ) throws(MartletError) {
        guard stride >= RecordWriter.smallestStride else {
            throw MartletError(.invalidArgument, "stride is smaller than a record")
        }
        let (size, overflow) = stride.multipliedReportingOverflow(by: capacity)
        // With the product below `Int.max`, so are its factors.
        guard !overflow, size <= UInt(Int.max), stride <= UInt(Int.max) else {
            throw MartletError(.invalidArgument, "capacity is too large")
        }
        guard outcomes != nil || capacity == 0 else {
            throw MartletError(.invalidArgument, "outcomes is NULL")
        }
        self.capacity = Int(bitPattern: capacity)
        self.left = self.capacity
        self.stride = Int(bitPattern: stride)
        self.next = UnsafeMutableRawPointer(outcomes)
    }

    mutating func append(_ outcome: Outcome) {
        // The engine hands over no more than it was asked for; more would be written past the array.
        guard left > 0, let target = next else { return }
        // A caller knows the record of one version or another; between two sizes there is none.
        let whole = MemoryLayout<martlet_outcome_t>.size
        let size = stride < whole ? Int(Self.smallestStride) : whole
        var record = martlet_outcome_t()
        record.size = UInt32(truncatingIfNeeded: size)
        record.kind = outcome.kind.rawValue
        record.state = outcome.state.rawValue
        record.failure = Int32(outcome.failureCode)
        record.tag = outcome.tag
        record.settled_at_ms = outcome.settledAtMilliseconds
        record.attempts = outcome.attempts
        record.http_status = UInt32(outcome.httpStatus)
        record.deliveries = outcome.deliveries
        record.succeeded = outcome.succeeded
        withUnsafeMutableBytes(of: &record.event_id) { fill($0) { outcome.event.write(into: $0) } }
        if outcome.delivery != .zero {
            withUnsafeMutableBytes(of: &record.delivery_id) { fill($0) { outcome.delivery.write(.delivery, into: $0) } }
        }
        if outcome.webhook != .zero {
            withUnsafeMutableBytes(of: &record.webhook_id) { fill($0) { outcome.webhook.write(.webhook, into: $0) } }
        }
        record.failing_since_ms = outcome.failingSinceMilliseconds
        record.reason = outcome.disabledReason
        // Copied as bytes, so that the caller's array may have any alignment.
        withUnsafeBytes(of: &record) { bytes in
            UnsafeMutableRawBufferPointer(start: target, count: size).copyMemory(from: .init(rebasing: bytes[..<size]))
        }
        left -= 1
        // Stays within the array, whose size was checked above.
        next = target + stride
    }
}
