/// Why an attempt did not succeed. Raw values are stored in journals and reported through the C ABI: they are only
/// ever added to.
package enum ErrorClass: UInt8, BitwiseCopyable, CaseIterable, Sendable {
    /// The receiver answered 2xx.
    case none = 0
    /// The name could not be resolved.
    case dns = 1
    /// Every address of the receiver is refused by the address guard.
    case addressRefused = 2
    /// No connection: refused, unreachable, or not established within the connect timeout.
    case connect = 3
    /// The TLS handshake failed.
    case tls = 4
    /// The receiver's certificate is not trusted, expired or for another host.
    case certificate = 5
    /// The deadline of the whole attempt passed.
    case timeout = 6
    /// The connection broke after it was established and before the status line and headers were complete.
    case connectionLost = 7
    /// The answer is not HTTP, or its headers exceed the cap.
    case badResponse = 8
    /// A complete answer with a status other than 2xx.
    case httpStatus = 9
    /// Martlet could not make the request (out of memory, out of file descriptors).
    case local = 10
    /// No request was made: the webhook's circuit breaker was open.
    case circuitOpen = 11
    /// No request was made: the webhook had as many deliveries pending as it may.
    case backlogFull = 12

    /// A short name for logs and metric labels.
    package var name: String {
        switch self {
        case .none: "none"
        case .dns: "dns"
        case .addressRefused: "address_refused"
        case .connect: "connect"
        case .tls: "tls"
        case .certificate: "certificate"
        case .timeout: "timeout"
        case .connectionLost: "connection_lost"
        case .badResponse: "bad_response"
        case .httpStatus: "http_status"
        case .local: "local"
        case .circuitOpen: "circuit_open"
        case .backlogFull: "backlog_full"
        }
    }
}

/// A `Retry-After` header as the receiver sent it (RFC 9110 section 10.2.3).
package enum RetryAfter: BitwiseCopyable, Hashable, Sendable {
    case absent
    /// Seconds from the answer.
    case delay(seconds: Int64)
    /// A point in time, seconds since 1970.
    case date(seconds: Int64)
}

/// What came of one HTTP request. A trivial value: response bytes and error texts travel beside it.
package struct AttemptResult: BitwiseCopyable, Hashable, Sendable {
    /// The HTTP status, 0 where no complete status line and headers arrived.
    package var status: UInt16
    package var errorClass: ErrorClass
    /// From the start of the attempt (name resolution included) to its end.
    package var durationMicroseconds: Int64
    package var retryAfter: RetryAfter
    /// The receiver answered with `webhook-delivery: disable`.
    package var asksToDisable: Bool

    package init(
        status: UInt16,
        errorClass: ErrorClass,
        durationMicroseconds: Int64,
        retryAfter: RetryAfter = .absent,
        asksToDisable: Bool = false
    ) {
        self.status = status
        self.errorClass = errorClass
        self.durationMicroseconds = durationMicroseconds
        self.retryAfter = retryAfter
        self.asksToDisable = asksToDisable
    }
}
