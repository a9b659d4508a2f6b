import CCurl
import Model

/// All that is known of a transfer when libcurl has ended it.
struct TransferEnd {
    var code: CURLcode = CURLE_OK
    /// The status line and all headers of the final answer arrived.
    var headIsComplete = false
    var status: UInt16 = 0
    /// A status line arrived, of whatever answer.
    var headHasStarted = false
    /// The cap of header bytes was passed before the head was complete.
    var headIsTooLong = false
    /// The request, or a part of it, was sent.
    var wasSent = false
    /// The name was resolved, or there was none to resolve.
    var wasResolved = false
    /// The deadline of the whole attempt had passed at the end.
    var deadlinePassed = false
    /// Addresses that the judge refused and let pass.
    var addressesRefused: UInt32 = 0
    var addressesAllowed: UInt32 = 0
    /// A socket could not be made for want of descriptors or memory.
    var lackedResources = false
}

extension ErrorClass {
    /// The class of a transfer's end.
    ///
    /// A complete head decides whatever became of the body: a verdict needs no more.
    init(_ end: TransferEnd) {
        if end.headIsComplete {
            self = (200...299).contains(end.status) ? .none : .httpStatus
            return
        }
        if end.headIsTooLong {
            self = .badResponse
            return
        }
        if end.addressesRefused > 0 && end.addressesAllowed == 0 {
            self = .addressRefused
            return
        }
        self = ErrorClass.withoutHead(end)
    }

    private static func withoutHead(_ end: TransferEnd) -> ErrorClass {
        switch end.code {
        case CURLE_OPERATION_TIMEDOUT:
            // Not the deadline: then the connect timeout, which covers the name too.
            if end.deadlinePassed { return .timeout }
            return end.wasResolved ? .connect : .dns
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            return end.lackedResources ? .local : .dns
        case CURLE_COULDNT_CONNECT:
            return end.lackedResources ? .local : .connect
        case CURLE_PROXY:
            return .connect
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CLIENTCERT,
            CURLE_SSL_SHUTDOWN_FAILED, CURLE_USE_SSL_FAILED:
            return .tls
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
            CURLE_SSL_INVALIDCERTSTATUS:
            return .certificate
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND,
            CURLE_HTTP2, CURLE_HTTP2_STREAM:
            return .connectionLost
        case CURLE_OK where end.headHasStarted:
            // The connection was closed within the head, which libcurl takes for the end of the answer.
            return .connectionLost
        case CURLE_OK, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_WRITE_ERROR:
            return .badResponse
        default:
            // Codes that speak of this side, unless it had spoken already and an answer brought them about: out of memory or
            // too large at a header line past libcurl's own limit, unsupported protocol at an answer in HTTP/0.9.
            return end.wasSent ? .badResponse : .local
        }
    }
}
