import Delivery
import JSONText
import Model

/// How a webhook's receiver does, for a host that lists webhooks.
struct ReceiverHealth: Sendable {
    var breaker: BreakerPhase
    /// Not settled, those in flight among them.
    var pending: Int
    var inFlight: Int
    /// Nil where the last attempt succeeded, or none was made.
    var failingSince: Instant?
    /// Until when the receiver asked to be left alone; nil once that is over.
    var pausedUntil: Instant?

    func write(to writer: inout JSONWriter, now: Instant, wall: WallTime) {
        writer.beginObject()
        writer.key("breaker")
        writer.string(breaker.rawValue)
        writer.key("pending")
        writer.integer(pending)
        writer.key("inFlight")
        writer.integer(inFlight)
        writer.key("failingSince")
        ReceiverHealth.write(failingSince, to: &writer, now: now, wall: wall)
        writer.key("pausedUntil")
        ReceiverHealth.write(pausedUntil.flatMap { $0 > now ? $0 : nil }, to: &writer, now: now, wall: wall)
        writer.endObject()
    }

    private static func write(_ time: Instant?, to writer: inout JSONWriter, now: Instant, wall: WallTime) {
        guard let time else { return writer.null() }
        let offset = time.nanoseconds(since: now) / 1_000_000
        writer.string(Timestamp.text(WallTime(milliseconds: wall.milliseconds &+ offset)))
    }
}
