import Model
import Threading

/// Events whose deliveries are settled, for redelivery: the newest, within a number of bytes and of events.
///
/// An entry of the delivery log names its event by a number, so that the log stays small and an event that gave way is
/// simply not found. The event holds the one payload that all its deliveries shared.
final class KeptPayloads: Sendable {
    /// The number of no event.
    static var none: UInt64 { .max }

    /// Beside the payload: the event object, its allocation overhead and the place here.
    private static var overheadBytes: Int { 256 }

    private let maximumBytes: Int
    private let maximumCount: Int
    private let retentionMilliseconds: Int64
    private let state = Locked(State())

    private struct State {
        var events: ContiguousArray<Entry?> = []
        /// Entries before this index are gone.
        var head = 0
        /// The number of the entry at index 0.
        var base: UInt64 = 0
        var bytes = 0

        var first: UInt64 { base + UInt64(head) }
        var end: UInt64 { base + UInt64(events.count) }
    }

    private struct Entry {
        var event: AcceptedEvent
        var bytes: Int
        var at: WallTime
    }

    init(maximumBytes: Int, maximumCount: Int, retentionMilliseconds: Int64) {
        self.maximumBytes = maximumBytes
        self.maximumCount = maximumCount
        self.retentionMilliseconds = retentionMilliseconds
    }

    /// Keeps the event from its first settled delivery on and answers its number, the same as long as it is kept.
    func keep(_ event: AcceptedEvent, at now: WallTime) -> UInt64 {
        guard maximumBytes > 0, maximumCount > 0 else { return KeptPayloads.none }
        let event = event.original
        let bytes = event.payloadBytes + KeptPayloads.overheadBytes
        guard bytes <= maximumBytes else { return KeptPayloads.none }
        let oldest = WallTime(milliseconds: now.milliseconds &- retentionMilliseconds)
        return state.withLock { state in
            KeptPayloads.expire(&state, before: oldest)
            if event.keptNumber != KeptPayloads.none, event.keptNumber >= state.first { return event.keptNumber }
            let number = state.end
            event.keptNumber = number
            state.events.append(Entry(event: event, bytes: bytes, at: now))
            state.bytes += bytes
            while state.bytes > maximumBytes || state.end - state.first > UInt64(maximumCount) {
                KeptPayloads.dropFirst(&state)
            }
            return number
        }
    }

    /// The event of this number; nil once it gave way.
    func event(_ number: UInt64) -> AcceptedEvent? {
        state.withLock { state in
            guard number != KeptPayloads.none, number >= state.first, number < state.end else { return nil }
            return state.events[Int(number - state.base)]?.event
        }
    }

    /// The events whose records stand in segments up to `segment`.
    func events(upTo segment: UInt32) -> [AcceptedEvent] {
        state.withLock { state in
            state.events[state.head...].compactMap { entry in
                entry.flatMap { $0.event.position.segment <= segment ? $0.event : nil }
            }
        }
    }

    /// Lets go of events whose records stand in segments up to `segment`.
    func drop(upTo segment: UInt32) {
        // Released outside of the lock.
        var dropped: [AcceptedEvent] = []
        state.withLock { state in
            for index in state.head..<state.events.count {
                guard let entry = state.events[index], entry.event.position.segment <= segment else { continue }
                dropped.append(entry.event)
                state.bytes -= entry.bytes
                state.events[index] = nil
            }
        }
    }

    /// Lets go of what was kept before `time`.
    func expire(before time: WallTime) {
        state.withLock { KeptPayloads.expire(&$0, before: time) }
    }

    private static func expire(_ state: inout State, before time: WallTime) {
        while state.head < state.events.count {
            if let entry = state.events[state.head], entry.at >= time { return }
            dropFirst(&state)
        }
    }

    var bytes: Int {
        state.withLock { $0.bytes }
    }

    private static func dropFirst(_ state: inout State) {
        guard state.head < state.events.count else { return }
        state.bytes -= state.events[state.head]?.bytes ?? 0
        state.events[state.head] = nil
        state.head += 1
        // Moving the rest forward costs as much as the drops before saved.
        if state.head >= 1024, state.head * 2 >= state.events.count {
            state.events.removeSubrange(0..<state.head)
            state.base += UInt64(state.head)
            state.head = 0
        }
    }
}
