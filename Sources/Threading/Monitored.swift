import Model

/// A value with a lock that threads wait on: what ``Locked`` is without waiting and ``Monitor`` without a value.
///
/// For cold paths. Any thread may call anything; bodies run with the lock held, so they are short and call nobody.
package final class Monitored<Value>: @unchecked Sendable {
    // Sendable: `value` is touched inside the monitor's lock only.
    private var value: Value
    private let monitor = Monitor()

    package init(_ value: Value) {
        self.value = value
    }

    /// Changes the value and wakes every waiter to look at it.
    package func update<Result>(_ body: (inout Value) -> Result) -> Result {
        monitor.update { body(&value) }
    }

    /// Waits until `answer` gives something, and returns that. Nil where `deadline`, in nanoseconds of the monotonic
    /// clock, passed first. A change that `answer` makes wakes nobody.
    package func wait<Answer>(until deadline: Int64? = nil, for answer: (inout Value) -> Answer?) -> Answer? {
        monitor.wait(until: deadline.map { Instant(nanoseconds: $0) } ?? .distantFuture) { answer(&value) }
    }
}
