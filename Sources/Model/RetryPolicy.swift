/// When and how often a delivery is tried again.
package struct RetryPolicy: Hashable, Sendable {
    /// The wait before the first, second, … retry, in milliseconds. Its count is the number of retries.
    package var delaysMilliseconds: [Int64]
    /// Each wait is multiplied by a random factor in 1 - jitter … 1 + jitter, so that receivers are not hit in step.
    package var jitter: Double
    package var retryOn: RetryOn
    /// The longest wait that a receiver's `Retry-After` can ask for, in milliseconds.
    package var retryAfterCapMilliseconds: Int64

    package init(
        delaysMilliseconds: [Int64] = [1_000, 5_000, 25_000],
        jitter: Double = 0.1,
        retryOn: RetryOn = .all,
        retryAfterCapMilliseconds: Int64 = 3_600_000
    ) {
        self.delaysMilliseconds = delaysMilliseconds
        self.jitter = jitter
        self.retryOn = retryOn
        self.retryAfterCapMilliseconds = retryAfterCapMilliseconds
    }

    /// Kinds of failures that are tried again.
    package struct RetryOn: OptionSet, Hashable, Sendable {
        package var rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// The attempt's deadline passed.
        package static let timeout = RetryOn(rawValue: 1)
        /// Name resolution, connection and TLS faults, lost connections and answers that are not HTTP.
        package static let connection = RetryOn(rawValue: 2)
        /// Status 408 and 425.
        package static let requestTimeout = RetryOn(rawValue: 4)
        /// Status 429.
        package static let tooManyRequests = RetryOn(rawValue: 8)
        /// Status 500 to 599.
        package static let serverError = RetryOn(rawValue: 16)

        package static let all: RetryOn = [.timeout, .connection, .requestTimeout, .tooManyRequests, .serverError]
    }
}
