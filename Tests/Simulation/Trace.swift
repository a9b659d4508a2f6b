import Model

/// What happened in a world: a running hash of all of it, and the last events in full.
///
/// Two runs of one seed must end with the same hash. A world is torn down with its trace, so memory stays bounded.
struct Trace {
    enum Kind: UInt8 {
        case addWebhook, updateWebhook, enable, disable, removeWebhook
        case push, cancel, cancelAll, attemptEnded, startFailed, wallJump, mode
        case run, start, settled, webhookDisabled, webhookReleased
        case crash, restarted, synced
    }

    private struct Event {
        var time: Int64
        var kind: Kind
        var first: Int64
        var second: Int64
        var third: Int64

        var hash: UInt64 {
            var mixed = RandomSource.mix(UInt64(kind.rawValue))
            for part in [time, first, second, third] { mixed = RandomSource.mix(mixed ^ UInt64(bitPattern: part)) }
            return mixed
        }
    }

    private static let remembered = 100

    private(set) var hash: UInt64 = 0
    private(set) var count = 0
    private var last: [Event] = []
    /// The sum of the hashes of unordered events since the last ordered one.
    private var unordered: UInt64 = 0

    mutating func note(_ kind: Kind, at time: Int64, _ first: Int64 = 0, _ second: Int64 = 0, _ third: Int64 = 0) {
        let event = Event(time: time, kind: kind, first: first, second: second, third: third)
        hash = RandomSource.mix(hash ^ unordered)
        unordered = 0
        hash = RandomSource.mix(hash ^ event.hash)
        remember(event)
    }

    /// For events whose order among their like is no promise of the core, as when a removed webhook takes many along.
    mutating func noteUnordered(_ kind: Kind, at time: Int64, _ first: Int64, _ second: Int64, _ third: Int64) {
        let event = Event(time: time, kind: kind, first: first, second: second, third: third)
        unordered &+= event.hash
        remember(event)
    }

    private mutating func remember(_ event: Event) {
        if last.count < Trace.remembered {
            last.append(event)
        } else {
            last[count % Trace.remembered] = event
        }
        count += 1
    }

    /// The last events, oldest first, one a line.
    func lines() -> [String] {
        let split = count > Trace.remembered ? count % Trace.remembered : 0
        return (last[split...] + last[..<split]).map { event in
            let milliseconds = Double(event.time) / 1e6
            return "\(milliseconds) ms  \(event.kind)\(Trace.text(of: event))"
        }
    }

    private static func text(of event: Event) -> String {
        switch event.kind {
        case .addWebhook: " \(event.first) generation \(event.second), limit \(event.third)"
        case .updateWebhook: " \(event.first), limit \(event.second)"
        case .enable, .disable, .removeWebhook, .webhookReleased: " webhook \(event.first)"
        case .webhookDisabled: " webhook \(event.first), reason \(event.second)"
        case .push: " delivery \(event.first) to webhook \(event.second), expires at \(event.third) ns"
        case .cancel, .start: " delivery \(event.first) of webhook \(event.second)"
        case .attemptEnded: " delivery \(event.first), status \(event.second), error class \(event.third)"
        case .startFailed: " delivery \(event.first), again in \(event.second) ms"
        case .settled: " delivery \(event.first), state \(event.second), attempts \(event.third)"
        case .wallJump: " by \(event.first) ms"
        case .mode: " of receiver \(event.first): \(event.second)"
        case .run, .cancelAll: ""
        case .crash:
            " \(event.first == 0 ? "of the process" : "of the power"), \(event.third) of \(event.second) facts synced"
        case .restarted: ": \(event.first) deliveries, \(event.second) webhooks, \(event.third) outcomes"
        case .synced: ", \(event.first) facts"
        }
    }
}
