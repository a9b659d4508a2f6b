import Model

/// A circuit breaker: after many failures in a row no attempt starts for a while, then one probe, then a ramp.
///
/// Deliveries that wait for it use up no attempt.
struct Breaker: BitwiseCopyable, Sendable {
    enum Phase: UInt8, BitwiseCopyable, Sendable {
        case closed
        /// Nothing starts before `openUntil`; then the next start is the probe.
        case open
        /// The probe is in flight.
        case halfOpen
        /// The probe succeeded: each success lets one more attempt be in flight.
        case ramp
    }

    private(set) var phase = Phase.closed
    private(set) var openUntil = Int64.min
    private var failures: UInt32 = 0
    private var openings: UInt32 = 0
    private var rampLimit: UInt32 = 0

    /// Attempts that may be in flight as far as the breaker is concerned.
    var limit: Int {
        switch phase {
        case .closed, .open: .max
        case .halfOpen: 0
        case .ramp: Int(rampLimit)
        }
    }

    mutating func started(at now: Int64) {
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
            failures &+= 1
            if Int(failures) >= policy.failures { open(at: now, policy: policy, random: &random) }
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
