/// A point on the monotonic clock, in nanoseconds since an arbitrary start.
///
/// Timers and durations use it, so that a wall clock that jumps delays nothing and repeats nothing.
package struct Instant: BitwiseCopyable, Comparable, Hashable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Later than every instant a clock can show.
    package static let distantFuture = Instant(nanoseconds: .max)

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// This instant moved by `milliseconds`; saturates instead of overflowing.
    package func advanced(milliseconds: Int64) -> Instant {
        let (delta, wide) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, over) = nanoseconds.addingReportingOverflow(wide ? (milliseconds < 0 ? .min : .max) : delta)
        return Instant(nanoseconds: over ? (delta < 0 ? .min : .max) : sum)
    }

    /// Nanoseconds from `earlier` to this instant; saturates instead of overflowing.
    package func nanoseconds(since earlier: Instant) -> Int64 {
        let (difference, over) = nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        return over ? (nanoseconds < 0 ? .min : .max) : difference
    }
}

/// A wall-clock time in milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
package struct WallTime: BitwiseCopyable, Comparable, Hashable, Sendable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Whole seconds, rounded down: what a `webhook-timestamp` header carries.
    package var seconds: Int64 {
        milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000
    }

    package static func < (left: WallTime, right: WallTime) -> Bool {
        left.milliseconds < right.milliseconds
    }
}
