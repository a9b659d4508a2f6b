import Model

/// Why an attempt, and so perhaps its delivery, failed. New reasons may be added.
public struct DeliveryFailure: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number, as `MARTLET_FAILURE_…` in C.
    public let rawValue: UInt8

    /// A reason by its number, known or not.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// No failure: the receiver answered 2xx, or nothing was sent.
    public static let none = DeliveryFailure(.none)
    /// The name could not be resolved.
    public static let dns = DeliveryFailure(.dns)
    /// Every address of the receiver is refused by the address guard.
    public static let addressRefused = DeliveryFailure(.addressRefused)
    /// No connection: refused, unreachable, or not established within the connect timeout.
    public static let connect = DeliveryFailure(.connect)
    /// The TLS handshake failed.
    public static let tls = DeliveryFailure(.tls)
    /// The receiver's certificate is not trusted, has expired or is for another host.
    public static let certificate = DeliveryFailure(.certificate)
    /// The deadline of the whole attempt passed.
    public static let timeout = DeliveryFailure(.timeout)
    /// The connection broke before the status line and headers were complete.
    public static let connectionLost = DeliveryFailure(.connectionLost)
    /// The answer is not HTTP, or its headers exceed the cap.
    public static let badResponse = DeliveryFailure(.badResponse)
    /// A complete answer with a status other than 2xx.
    public static let httpStatus = DeliveryFailure(.httpStatus)
    /// Martlet could not make the request, for want of memory or file descriptors.
    public static let local = DeliveryFailure(.local)
    /// No request was made: the circuit breaker of the webhook was open.
    public static let circuitOpen = DeliveryFailure(.circuitOpen)
    /// No request was made: the webhook had as many deliveries pending as it may.
    public static let backlogFull = DeliveryFailure(.backlogFull)

    /// The word for it in documents and metrics, such as `http_status`.
    public var description: String {
        ErrorClass(rawValue: rawValue)?.name ?? "unknown"
    }

    private init(_ errorClass: ErrorClass) {
        rawValue = errorClass.rawValue
    }

    /// By its word; nil is no failure. A word that is not known counts as ``local``.
    init(errorClass name: String?) {
        guard let name else {
            self = .none
            return
        }
        self.init(ErrorClass.allCases.first { $0.name == name } ?? .local)
    }
}
