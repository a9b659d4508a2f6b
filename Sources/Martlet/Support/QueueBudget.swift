import Synchronization

/// Bounds what the engine holds: events not yet settled and told, and the bytes they cost.
///
/// Reserving may be refused, giving back never is, so the bounds hold for every interleaving.
struct QueueBudget: ~Copyable, Sendable {
    let maximumEvents: Int
    let maximumBytes: Int
    private let heldEvents = Atomic<Int>(0)
    private let heldBytes = Atomic<Int>(0)

    init(maximumEvents: Int, maximumBytes: Int) {
        self.maximumEvents = maximumEvents
        self.maximumBytes = maximumBytes
    }

    var events: Int {
        heldEvents.load(ordering: .relaxed)
    }

    var bytes: Int {
        heldBytes.load(ordering: .relaxed)
    }

    enum Refusal {
        case events
        case bytes
    }

    /// Takes one event of `bytes`; nil on success.
    func reserve(bytes: Int) -> Refusal? {
        // Neither sum can overflow: both are bounded by configuration plus one request per thread.
        if heldEvents.wrappingAdd(1, ordering: .relaxed).newValue > maximumEvents {
            heldEvents.wrappingSubtract(1, ordering: .relaxed)
            return .events
        }
        if heldBytes.wrappingAdd(bytes, ordering: .relaxed).newValue > maximumBytes {
            heldBytes.wrappingSubtract(bytes, ordering: .relaxed)
            heldEvents.wrappingSubtract(1, ordering: .relaxed)
            return .bytes
        }
        return nil
    }

    /// Takes room for something that cannot be refused: a notice of Martlet's own, or what an earlier life of the process
    /// accepted.
    func forceReserve(events: Int, bytes: Int) {
        if events != 0 { heldEvents.wrappingAdd(events, ordering: .relaxed) }
        heldBytes.wrappingAdd(bytes, ordering: .relaxed)
    }

    func release(events: Int, bytes: Int) {
        if events != 0 { heldEvents.wrappingSubtract(events, ordering: .relaxed) }
        if bytes != 0 { heldBytes.wrappingSubtract(bytes, ordering: .relaxed) }
    }
}
