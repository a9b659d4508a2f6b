/// How many attempts of a webhook may be in flight: found by trying, as congestion control does.
///
/// Additive increase, multiplicative decrease, judged once a round trip, as in Vector's adaptive request concurrency: a
/// round that used the whole limit, met no push-back and was no slower than before raises the limit by one; one with
/// push-back (timeout, 429, 5xx, lost connection), or clearly slower, takes a tenth away. Until the first decrease the
/// limit doubles, so that a healthy receiver is not made to wait for the search.
struct ConcurrencyLimit: BitwiseCopyable, Sendable {
    /// Where the search starts.
    private static var initial: Double { 16 }
    /// Weight of the newest round in the running mean.
    private static var weight: Double { 0.4 }
    /// A round is slow when its mean is above the running mean by so many deviations …
    private static var tolerance: Double { 2.5 }
    /// … and by so many microseconds: below that it is the noise of machines, not a queue at the receiver.
    private static var noiseMicroseconds: Double { 5_000 }

    private var current = ConcurrencyLimit.initial
    private var isSearching = true
    private var wasFull = false
    private var sawPushBack = false
    private var roundEnd = Int64.min
    private var roundSum = 0.0
    private var roundCount = 0.0
    private var mean = -1.0
    private var deviation = 0.0

    /// At least 1.
    func limit(maximum: Int) -> Int {
        max(1, min(Int(current), maximum))
    }

    /// An attempt started and used the last place.
    mutating func filled() {
        wasFull = true
    }

    /// `durationMicroseconds` is of an attempt that the receiver answered; nil where it says nothing about its speed.
    mutating func ended(at now: Int64, durationMicroseconds: Int64?, isPushBack: Bool, maximum: Int) {
        if isPushBack { sawPushBack = true }
        if let durationMicroseconds {
            roundSum += Double(durationMicroseconds)
            roundCount += 1
        }
        guard now >= roundEnd else { return }
        judgeRound(maximum: maximum)
        // One round trip, between a millisecond and a minute.
        let length = min(max(mean, 1_000), 60_000_000)
        let (end, over) = now.addingReportingOverflow(Int64(length) * 1_000)
        roundEnd = over ? .max : end
    }

    private mutating func judgeRound(maximum: Int) {
        let roundMean = roundCount > 0 ? roundSum / roundCount : mean
        let isKnown = mean >= 0 && roundCount > 0
        let slowAbove = mean + max(deviation * ConcurrencyLimit.tolerance, ConcurrencyLimit.noiseMicroseconds)
        if sawPushBack || (isKnown && roundMean > slowAbove && wasFull) {
            current = max(1, current * 0.9)
            isSearching = false
        } else if wasFull && current < Double(maximum) {
            current = min(isSearching ? current * 2 : current + 1, Double(maximum))
        }
        if roundCount > 0 {
            let difference = isKnown ? roundMean - mean : 0
            mean = isKnown ? mean + ConcurrencyLimit.weight * difference : roundMean
            deviation += ConcurrencyLimit.weight * (abs(difference) - deviation)
        }
        roundSum = 0
        roundCount = 0
        wasFull = false
        sawPushBack = false
    }
}
