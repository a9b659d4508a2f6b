import Delivery
import Model

/// One world from its beginning to its end. Nothing of it depends on anything but its seed.
struct Segment {
    let seed: UInt64
    let steps: Int
    let hasDisk: Bool

    /// - Parameter number: which world of the seed.
    init(seed: UInt64, number: Int, hasDisk: Bool) {
        self.hasDisk = hasDisk
        let own = RandomSource.mix(seed ^ RandomSource.mix(UInt64(number) &+ 1))
        self.seed = own
        var random = RandomSource(seed: ~own)
        steps = 200 + random.next(below: random.next(below: 2) == 0 ? 2000 : 8000)
    }

    /// Answers the world as it ended, the steps it made, and what went wrong.
    func run(progress: (Int) -> Void) -> (world: World, steps: Int, violation: Violation?) {
        let world = World(seed: seed)
        var step = 0
        do throws(Violation) {
            let store = hasDisk ? try world.attachDisk() : nil
            while step < steps {
                progress(step)
                if let store { try world.stepOnDisk(store) } else { try world.step() }
                step += 1
            }
            if let store { try world.endOnDisk(store) } else { try world.end() }
        } catch {
            world.store?.close()
            return (world, step, error)
        }
        return (world, step, nil)
    }
}

extension World {
    /// Time passes, things are fed, the core runs.
    func step() throws(Violation) {
        advance()
        let inputs = [0, 0, 0, 1, 1, 1, 1, 2, 2, 4][random.next(below: 10)]
        // A lane may take its inbox before or after it hears what has ended.
        let endsFirst = random.next(below: 2) == 0
        if endsFirst { try endFlights() }
        for _ in 0..<inputs { try randomInput() }
        if !endsFirst { try endFlights() }
        try run()
    }

    private func advance() {
        guard random.next(below: 100) >= profile.stillPercent else { return }
        let next = nextEvent ?? now + 1_000_000_000
        switch random.next(below: 40) {
        case 0...25: now = next
        // Between two events nothing may happen.
        case 26...35: now += Int64(random.next(below: Int(min(next - now, 60_000_000_000))))
        // Late, as on a busy machine.
        case 36...38: now = next + Int64(random.next(below: 2_000_000_000))
        default: now += Int64(random.next(below: 60_000)) * 1_000_000
        }
    }

    /// Brings the world to its end: drained or closed, then everything must be accounted for.
    func end() throws(Violation) {
        if random.next(below: 2) == 0 {
            try drain()
        } else {
            try cancelAll()
            for slot in (live + gone).prefix(3) {
                let event = UInt64(oracle.deliveries.count)
                try enqueue(NewDelivery(id: nextIdentifier(), event: event, webhook: slot))
            }
            try cancelAll()
        }
        try run()
        for slot in live { try remove(slot) }
        try require(oracle.pending == 0 && core.pending == 0, "\(core.pending) deliveries were lost")
        try require(core.inFlight == 0, "\(core.inFlight) attempts were lost")
        if let lost = oracle.deliveries.firstIndex(where: { $0.phase != .settled }) {
            throw Violation("delivery \(lost) was never settled")
        }
        if let webhook = oracle.webhooks.first(where: { $0.occupancy != .free }) {
            throw Violation("webhook \(webhook.slot.index) was never released")
        }
        try require(
            released.count == Int(nextIndex),
            "\(released.count) of \(nextIndex) webhook indexes are free again"
        )
    }

    /// With every receiver well and every webhook enabled, all that is pending must end by itself.
    func drain() throws(Violation) {
        for slot in live { receivers[Int(slot.index)].mode = .healthy }
        // Each delivery takes a few more events; timers of settled ones are events too.
        for _ in 0..<1000 + 20 * oracle.deliveries.count {
            try endFlights()
            // Late results can disable one again.
            for slot in live where !core.isEnabled(slot) { try set(slot, enabled: true) }
            try run()
            if oracle.pending == 0 { return }
            guard let next = nextEvent else { throw Violation("\(oracle.pending) deliveries wait for nothing") }
            now = max(now, next)
        }
        throw Violation("\(oracle.pending) deliveries do not end")
    }
}
