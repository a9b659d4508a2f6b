import Model

/// How far a delivery has come that is not settled.
package struct Progress: BitwiseCopyable, Hashable, Sendable {
    /// Attempts made.
    package var attempts: UInt16 = 0
    /// Places of the retry schedule that are used up.
    package var tries: UInt16 = 0
    /// Of the last attempt.
    package var lastStatus: UInt16 = 0
    package var lastError = ErrorClass.none
    /// When the next attempt is due; nil for as soon as may be.
    package var due: Due?

    /// A time on the wall clock, and how far off it was when it was set: what is left of it never exceeds that, however the
    /// clock was set since.
    package struct Due: BitwiseCopyable, Hashable, Sendable {
        package var at: WallTime
        package var waitMilliseconds: Int64

        package init(at: WallTime, waitMilliseconds: Int64) {
            self.at = at
            self.waitMilliseconds = waitMilliseconds
        }

        package func left(at now: WallTime) -> Int64 {
            let (left, over) = at.milliseconds.subtractingReportingOverflow(now.milliseconds)
            return over ? max(waitMilliseconds, 0) : min(max(left, 0), max(waitMilliseconds, 0))
        }
    }

    package init() {}

    /// Of two states of one delivery the one that has come further.
    package static func later(_ left: Progress, _ right: Progress) -> Progress {
        (left.tries, left.attempts) > (right.tries, right.attempts) ? left : right
    }

    static var encodedLength: Int { 25 }
}

extension ByteSink {
    mutating func put(_ progress: Progress) {
        put(progress.attempts)
        put(progress.tries)
        put(progress.lastStatus)
        put(progress.lastError.rawValue)
        put(UInt16(progress.due == nil ? 0 : 1))
        put(progress.due?.at.milliseconds ?? 0)
        put(progress.due?.waitMilliseconds ?? 0)
    }
}

extension ByteSource {
    mutating func getProgress() -> Progress {
        var progress = Progress()
        progress.attempts = get()
        progress.tries = get()
        progress.lastStatus = get()
        progress.lastError = ErrorClass(rawValue: get()) ?? .local
        let hasDue = get(UInt16.self) != 0
        let at = getTime()
        let wait = get(Int64.self)
        if hasDue { progress.due = Progress.Due(at: at, waitMilliseconds: wait) }
        return progress
    }
}
