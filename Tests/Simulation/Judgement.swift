import Model

/// What the result of an attempt should mean: the design's table, written a second time.
enum Judgement {
    case success
    case failure
    case disable
    /// The next attempt starts after a wait within these milliseconds.
    case retry(ClosedRange<Int64>)

    static func of(_ result: AttemptResult, tries: Int, policy: RetryPolicy, asked: Int64?) -> Judgement {
        let kind: RetryPolicy.RetryOn
        switch (result.status, result.errorClass) {
        case (200..<300, _): return .success
        case (410, _): return .disable
        case _ where result.asksToDisable: return .disable
        case (0, .timeout): kind = .timeout
        case (0, _): kind = .connection
        case (408, _), (425, _): kind = .requestTimeout
        case (429, _): kind = .tooManyRequests
        case (500..<600, _): kind = .serverError
        default: return .failure
        }
        guard policy.retryOn.contains(kind) else { return .failure }
        return next(after: tries, policy: policy, asked: asked ?? 0)
    }

    /// What follows when `tries` places of the schedule are used up: the next one, no sooner than asked for.
    static func next(after tries: Int, policy: RetryPolicy, asked: Int64) -> Judgement {
        guard tries <= policy.delaysMilliseconds.count else { return .failure }
        let delay = Double(policy.delaysMilliseconds[tries - 1])
        let shortest = max(Int64(delay * (1 - policy.jitter)) - 1, asked, 0)
        let longest = max(Int64(delay * (1 + policy.jitter)), Int64(Double(asked) * (1 + policy.jitter))) + 1
        return .retry(shortest...max(longest, shortest))
    }

    /// The milliseconds that the receiver asks to be left alone, nil where it does not.
    static func wait(askedBy result: AttemptResult, policy: RetryPolicy, wall: WallTime) -> Int64? {
        guard [429, 503].contains(result.status) else { return nil }
        let wait: Int128
        switch result.retryAfter {
        case .absent: return nil
        case .delay(let seconds): wait = Int128(seconds) * 1000
        case .date(let seconds): wait = Int128(seconds) * 1000 - Int128(wall.milliseconds)
        }
        return Int64(min(max(wait, 0), Int128(policy.retryAfterCapMilliseconds)))
    }

    /// True where the receiver is overloaded or away.
    static func isPushBack(_ result: AttemptResult) -> Bool {
        if result.status == 0 { return ![.local, .addressRefused].contains(result.errorClass) }
        return [408, 425, 429].contains(result.status) || result.status / 100 == 5
    }
}
