import Model

/// What the result of an attempt means for its delivery.
package enum Verdict: Hashable, Sendable {
    case success
    /// Try again after this wait.
    case retry(afterMilliseconds: Int64)
    /// The failure is final, or no retry is left.
    case giveUp
    /// The receiver wants nothing any more: final, and the webhook is disabled.
    case disable(DisableReason)
}

extension Verdict {
    /// Judges `result`, the attempt number `attempt` (from 1) of a delivery.
    ///
    /// 2xx is success and nothing else is. Redirects fail and are never followed. 410 fails and disables (Standard
    /// Webhooks 1.0.0). 408, 425, 429, 5xx, timeouts and connection faults are tried again as the policy says; other 4xx
    /// are final. An address that the guard refuses is tried again like any connection fault, for a name may resolve to
    /// another address later.
    package static func of(
        _ result: AttemptResult,
        attempt: Int,
        policy: RetryPolicy,
        at wall: WallTime,
        random: inout RandomSource
    ) -> Verdict {
        if (200...299).contains(result.status) { return .success }
        if result.status == 410 { return .disable(.gone) }
        if result.asksToDisable { return .disable(.receiverAsked) }
        guard policy.retryOn.contains(kind(of: result)), attempt >= 1, attempt <= policy.delaysMilliseconds.count else {
            return .giveUp
        }
        let scheduled = jittered(policy.delaysMilliseconds[attempt - 1], by: policy.jitter, random: &random)
        let asked = wait(askedBy: result, cap: policy.retryAfterCapMilliseconds, at: wall)
        // A receiver that names a time is not asked earlier; a little later spreads what it turned away.
        guard let asked, asked > scheduled else { return .retry(afterMilliseconds: scheduled) }
        let spread = Double(asked) * policy.jitter * random.nextUnit()
        let (wait, over) = asked.addingReportingOverflow(Int64(min(spread, 3_600_000)))
        return .retry(afterMilliseconds: over ? asked : wait)
    }

    /// The wait that `Retry-After` asks for on 429 and 503 (RFC 6585 section 4, RFC 9110 section 10.2.3), at most `cap`;
    /// nil where there is none.
    package static func wait(askedBy result: AttemptResult, cap: Int64, at wall: WallTime) -> Int64? {
        guard result.status == 429 || result.status == 503 else { return nil }
        let milliseconds: Int64
        switch result.retryAfter {
        case .absent:
            return nil
        case .delay(let seconds):
            let (wait, over) = seconds.multipliedReportingOverflow(by: 1000)
            milliseconds = over ? (seconds < 0 ? 0 : .max) : wait
        case .date(let seconds):
            let (target, over) = seconds.multipliedReportingOverflow(by: 1000)
            let (difference, under) = target.subtractingReportingOverflow(wall.milliseconds)
            milliseconds = over || under ? (seconds < 0 ? 0 : .max) : difference
        }
        return min(max(milliseconds, 0), max(cap, 0))
    }

    /// True where the receiver is overloaded or away: what makes a sender slow down. Other failures are answers of a
    /// receiver that works.
    package static func isPushBack(_ result: AttemptResult) -> Bool {
        switch result.status {
        case 0: result.errorClass != .local && result.errorClass != .addressRefused
        case 408, 425, 429, 500...599: true
        default: false
        }
    }

    /// The option that decides whether such a failure is tried again; empty where it never is.
    ///
    /// `RetryOn.contains([])` holds, so a failure that is never retried answers a bit that no policy has.
    private static func kind(of result: AttemptResult) -> RetryPolicy.RetryOn {
        switch result.status {
        case 0:
            result.errorClass == .timeout ? .timeout : .connection
        case 408, 425: .requestTimeout
        case 429: .tooManyRequests
        case 500...599: .serverError
        default: .never
        }
    }

    /// `delay` times a random factor in 1 - jitter … 1 + jitter. With delay 5,000 and jitter 0.1: 4,500 … 5,500.
    package static func jittered(_ delay: Int64, by jitter: Double, random: inout RandomSource) -> Int64 {
        guard jitter > 0, delay > 0 else { return max(delay, 0) }
        let factor = 1 + jitter * (2 * random.nextUnit() - 1)
        let moved = Double(delay) * factor
        // Delays are bounded by configuration far below 2^53, so the conversion is exact enough and cannot trap.
        return moved >= 0 && moved < 9e15 ? Int64(moved) : delay
    }
}

extension RetryPolicy.RetryOn {
    fileprivate static let never = RetryPolicy.RetryOn(rawValue: 0x80)
}
