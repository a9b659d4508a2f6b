#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Judges an address that a name resolved to; false refuses it, and libcurl goes on to the next one.
///
/// It runs on the lane's thread for every new connection, right before the socket is made, so what it sees is what is
/// dialled. Behind a proxy it sees the proxy's address.
package typealias AddressJudge = @Sendable (_ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Bool

/// What all attempts of one ``Transport`` have in common.
package struct TransportOptions: Sendable {
    /// Attempts that may be begun at a time; ``Transport/begin(endpoint:token:)`` answers nil past it. At least 1.
    package var maximumInFlight: Int
    package var userAgent: String
    /// A PEM file of certificate authorities instead of the system's; nil for the system's.
    package var caFile: String?
    /// Ask for HTTP/2 where the receiver offers it over TLS. Ignored before libcurl 8.0, which fails streams on connections
    /// that a server ends by its request limit.
    package var http2 = false
    /// A proxy URL. Nil means none: the environment's proxy variables are never looked at.
    package var proxy: String?
    /// Bytes of response headers, those of 1xx answers included, past which an attempt ends as a bad response.
    package var responseHeaderCapBytes = 64 * 1024
    /// Bytes of a response body past which an attempt ends; its verdict stands, the connection is closed.
    package var responseBodyCapBytes = 64 * 1024
    /// Bytes of a response body that are kept for the log, 0 … 65,536.
    package var snippetBytes = 1024
    /// Asked about each resolved address; nil lets all pass.
    package var addressJudge: AddressJudge?
    /// Connections kept, idle ones included; past it the longest idle one is closed. Nil means four for each attempt that may
    /// be in flight, and at least 256. Each costs a file descriptor.
    ///
    /// Fewer than there are receivers served in turn means a new connection, over TLS a costly one, per delivery.
    package var maximumConnections: Int?
    /// How long a connection may be reused after it was made, in seconds: it bounds how long an old address is kept.
    package var connectionLifetimeSeconds = 600

    package init(maximumInFlight: Int, userAgent: String) {
        self.maximumInFlight = maximumInFlight
        self.userAgent = userAgent
    }
}

/// What all attempts to one receiver have in common.
package struct EndpointOptions: Sendable {
    /// An absolute http or https URL without user information.
    package var url: String
    /// Header lines sent with every attempt, after the attempt's own: names and values without CR, LF and NUL.
    package var headers: [(name: String, value: String)]
    /// Sent as `content-type`; nil leaves it to ``headers``.
    package var contentType: String?
    /// A PEM file of certificate authorities instead of ``TransportOptions/caFile``.
    package var caFile: String?
    /// PEM files of the certificate, and its key, that this client shows to the receiver.
    package var clientCertificateFile: String?
    package var clientKeyFile: String?
    /// Answers for names in place of the resolver's, as libcurl's `CURLOPT_RESOLVE` takes them: `host:port:address,address`.
    package var resolve: [String]

    package init(
        url: String,
        headers: [(name: String, value: String)] = [],
        contentType: String? = "application/json",
        caFile: String? = nil,
        clientCertificateFile: String? = nil,
        clientKeyFile: String? = nil,
        resolve: [String] = []
    ) {
        self.url = url
        self.headers = headers
        self.contentType = contentType
        self.caFile = caFile
        self.clientCertificateFile = clientCertificateFile
        self.clientKeyFile = clientKeyFile
        self.resolve = resolve
    }
}

/// Why a transport or an endpoint could not be made.
package enum TransportError: Error, Hashable, Sendable {
    /// The libcurl that is loaded cannot be used; the text says why.
    case unusableLibrary(String)
    /// A call to the operating system failed with this error number.
    case system(call: String, error: Int32)
    case outOfMemory
    /// A text that goes to libcurl or on the wire holds a byte that it must not hold (NUL, CR or LF).
    case invalidText(String)
    /// The transport was closed.
    case closed
}
