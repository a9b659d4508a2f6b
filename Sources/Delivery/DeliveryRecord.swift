import Model

/// One delivery while it is not settled. Trivial and small: a million of them may wait.
package struct DeliveryRecord: BitwiseCopyable, Sendable {
    package var id: Identifier
    /// The engine's name for the event and its payload; the core only hands it back.
    package var event: UInt64
    /// When the next attempt is due, monotonic nanoseconds, while the phase is `waiting`.
    package var due: Int64 = 0
    /// When the delivery expires, monotonic nanoseconds; `Int64.max` for never.
    package var expiry: Int64
    /// Deliveries of one webhook with the same key go one after the other; 0 for none.
    package var orderKey: UInt64 = 0
    /// Where the engine keeps the last attempt in its log; the core only hands it back.
    package var log: UInt64 = .max
    package var webhook: UInt32
    /// Neighbours in the list of the webhook that the phase names.
    package var next = DeliveryRecord.none
    package var previous = DeliveryRecord.none
    /// Attempts that have ended.
    package var attempts: UInt16 = 0
    /// Places of the retry schedule that are used up: attempts, and tries that the breaker turned away.
    package var tries: UInt16 = 0
    package var lastStatus: UInt16 = 0
    package var lastError = ErrorClass.none
    package var phase: Phase
    package var cancelRequested = false
    /// Sent at once whatever the webhook's state, and never tried again.
    package var isTest = false

    static var none: UInt32 { .max }

    package enum Phase: UInt8, BitwiseCopyable, Sendable {
        /// Never tried, ready when its webhook is.
        case queued
        /// A retry whose time has come.
        case due
        /// A retry whose time has not come.
        case waiting
        case inFlight
        /// Behind an earlier delivery of its key.
        case blocked
    }
}

/// The deliveries of one webhook in one phase: a doubly linked list through the records, so that any of them can leave
/// at once.
struct DeliveryList: BitwiseCopyable, Sendable {
    var head = DeliveryRecord.none
    var tail = DeliveryRecord.none

    var isEmpty: Bool {
        head == DeliveryRecord.none
    }
}

extension DeliveryList {
    mutating func append(_ index: UInt32, in records: borrowing Slab<DeliveryRecord>) {
        records[index].previous = tail
        records[index].next = DeliveryRecord.none
        if isEmpty { head = index } else { records[tail].next = index }
        tail = index
    }

    mutating func remove(_ index: UInt32, in records: borrowing Slab<DeliveryRecord>) {
        let next = records[index].next
        let previous = records[index].previous
        if previous == DeliveryRecord.none { head = next } else { records[previous].next = next }
        if next == DeliveryRecord.none { tail = previous } else { records[next].previous = previous }
    }
}
