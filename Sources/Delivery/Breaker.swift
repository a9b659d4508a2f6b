import Model

/// What a circuit breaker does now; the names are those that hosts read.
package enum BreakerPhase: String, BitwiseCopyable, Sendable {
    case closed
    /// Blocks before `openUntil`; then the next start is the probe.
    case open
    /// The probe is in flight.
    case halfOpen
    /// The probe succeeded: each success lets one more attempt be in flight.
    case ramp
}

/// A circuit breaker: after nothing but failures for a while no attempt starts, then one probe does, then a ramp.
///
/// A delivery whose time comes while the breaker blocks uses up that try without a request. So a breaker takes load off a
/// dead receiver and makes no delivery live longer than its retry schedule: backlogs stay as short as without one.
struct Breaker: BitwiseCopyable, Sendable {
    private(set) var phase = BreakerPhase.closed
    private var openUntil = Int64.min
    private var firstFailure = Int64.min
    private var failures: UInt32 = 0
    private var openings: UInt32 = 0
    private var rampLimit: UInt32 = 0

    /// Attempts that may be in flight as far as the breaker is concerned.
    var limit: Int {
        phase == .ramp ? Int(rampLimit) : .max
    }

    /// True where a try at `now` is used up without a request.
    func blocks(at now: Int64) -> Bool {
        switch phase {
        case .closed, .ramp: false
        case .open: now < openUntil
        case .halfOpen: true
        }
    }

    mutating func started() {
        if phase == .open { phase = .halfOpen }
    }

    /// The probe could not be sent, for a reason that is not the receiver's.
    mutating func startFailed() {
        if phase == .halfOpen { phase = .open }
    }

    mutating func succeeded(maximumInFlight: Int) {
        failures = 0
        switch phase {
        case .closed:
            return
        case .open, .halfOpen:
            phase = .ramp
            rampLimit = 2
        case .ramp:
            rampLimit &+= 1
        }
        if Int(rampLimit) >= maximumInFlight {
            phase = .closed
            openings = 0
        }
    }

    mutating func failed(at now: Instant, policy: WebhookPolicy.BreakerPolicy, random: inout RandomSource) {
        switch phase {
        case .closed:
            if failures == 0 { firstFailure = now.nanoseconds }
            failures &+= 1
            let earliest = Instant(nanoseconds: firstFailure).advanced(milliseconds: policy.afterMilliseconds)
            if Int(failures) >= policy.failures, now >= earliest {
                open(at: now, policy: policy, random: &random)
            }
        case .open:
            // An attempt from before: it says nothing new.
            return
        case .halfOpen, .ramp:
            open(at: now, policy: policy, random: &random)
        }
    }

    mutating func reset() {
        self = Breaker()
    }

    /// With 5 s and at most 60 s: 5, 10, 20, 40, 60, 60 … seconds, each moved by up to a tenth, so that the receivers of a
    /// region that comes back are not probed in step.
    private mutating func open(at now: Instant, policy: WebhookPolicy.BreakerPolicy, random: inout RandomSource) {
        phase = .open
        failures = 0
        let doublings = min(openings, 30)
        let (wait, over) = policy.openMilliseconds.multipliedReportingOverflow(by: 1 << Int64(doublings))
        let capped = over ? policy.maximumOpenMilliseconds : min(wait, policy.maximumOpenMilliseconds)
        openUntil = now.advanced(milliseconds: Verdict.jittered(capped, by: 0.1, random: &random)).nanoseconds
        openings &+= 1
    }
}
