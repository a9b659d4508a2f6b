import Delivery
import Model

/// The circuit breaker as the design has it. The time it stays open is moved at random, so only its bounds are known.
struct BreakerModel {
    enum Answer {
        case passes
        /// Only the core knows.
        case mayBlock
        case blocks
    }

    private enum Phase {
        case closed
        case open
        case probing
        case ramp
    }

    private var phase = Phase.closed
    private var failuresInRow = 0
    private var firstFailure: Int64 = 0
    private var timesOpened = 0
    private var allowed = 0
    private var opens: ClosedRange<Int64> = 0...0
    /// A probe started in the run that is being judged: it may have blocked others, even if it then failed to start.
    private var sawProbe = false

    /// Attempts it lets be in flight.
    var limit: Int {
        phase == .ramp ? allowed : .max
    }

    /// What happens to a delivery whose time has come.
    func answer(at now: Int64) -> Answer {
        switch phase {
        case .closed, .ramp: .passes
        case .probing: .blocks
        case .open: now < opens.lowerBound ? .blocks : now < opens.upperBound ? .mayBlock : .passes
        }
    }

    /// True where a delivery can have lost a try in the run that is being judged.
    func mayHaveBlocked(at now: Int64) -> Bool {
        sawProbe || answer(at: now) != .passes
    }

    mutating func beginRun() {
        sawProbe = false
    }

    mutating func started() {
        guard phase == .open else { return }
        phase = .probing
        sawProbe = true
    }

    mutating func startFailed() {
        if phase == .probing { phase = .open }
    }

    mutating func ended(_ result: AttemptResult, at now: Int64, policy: WebhookPolicy) {
        guard let breaker = policy.breaker else { return }
        guard Judgement.isPushBack(result) else {
            // Without an answer it was this side's fault, and nothing is known of the receiver.
            return result.status == 0 ? startFailed() : succeeded(maximumInFlight: policy.maximumInFlight)
        }
        switch phase {
        case .closed:
            if failuresInRow == 0 { firstFailure = now }
            failuresInRow += 1
            let isLong = now - firstFailure >= breaker.afterMilliseconds * 1_000_000
            if isLong, failuresInRow >= breaker.failures { open(at: now, breaker) }
        case .probing, .ramp:
            open(at: now, breaker)
        case .open:
            break
        }
    }

    mutating func reset() {
        self = BreakerModel()
    }

    private mutating func succeeded(maximumInFlight: Int) {
        failuresInRow = 0
        guard phase != .closed else { return }
        allowed = phase == .ramp ? allowed + 1 : 2
        phase = .ramp
        guard allowed >= maximumInFlight else { return }
        phase = .closed
        timesOpened = 0
    }

    private mutating func open(at now: Int64, _ policy: WebhookPolicy.BreakerPolicy) {
        phase = .open
        failuresInRow = 0
        let wait = Double(policy.openMilliseconds) * Double(1 << min(timesOpened, 30))
        let capped = min(wait, Double(policy.maximumOpenMilliseconds))
        opens = now + Int64(capped * 0.9 - 1) * 1_000_000...now + Int64(capped * 1.1 + 1) * 1_000_000
        timesOpened += 1
    }
}
