import Model

/// Decides whether a lane waits to be woken for deliveries or comes for them by itself.
///
/// A wake is a system call of whoever pushes, and a lane that is quicker than its pushers would be woken for nearly every
/// event. So a lane that has been given many in the last millisecond sleeps for one and then takes what has gathered; under
/// less load each event wakes it and waits for nothing.
struct VisitRate {
    /// Deliveries in a millisecond from which on the lane comes by itself.
    static var threshold: Int { 50 }

    /// How long a lane that comes by itself sleeps at the most.
    static var sleepMilliseconds: Int64 { 1 }

    private var windowEnd = Instant(nanoseconds: .min)
    private var count = 0
    private(set) var isHigh = false

    mutating func taken(_ deliveries: Int, at now: Instant) {
        count &+= deliveries
        guard now >= windowEnd else { return }
        isHigh = count >= VisitRate.threshold
        count = 0
        windowEnd = now.advanced(milliseconds: VisitRate.sleepMilliseconds)
    }
}
