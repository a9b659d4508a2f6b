import CCurl

/// The parts of a URL as libcurl's own parser sees them, which is what a transfer with this URL would use.
struct ParsedURL {
    /// The URL put together again by libcurl: numeric IPv4 hosts in dotted form, IPv6 hosts shortened, dot segments of the
    /// path removed.
    let text: String
    let scheme: String
    /// Percent-decoded; an IPv6 address stands in brackets and without its zone.
    let host: String
    let hasZone: Bool
    /// Decimal digits, nil where the URL names none.
    let port: String?

    /// Parses `text`, which must be printable ASCII.
    ///
    /// No scheme is guessed and user-info is refused. The flags that libcurl adds when it dials (guess the scheme, allow
    /// unknown ones) change nothing for a text that starts with `http://` or `https://`, which the caller has checked.
    init(_ text: String) throws(EndpointURLError) {
        guard let handle = curl_url() else { throw ParsedURL.error(CURLUE_OUT_OF_MEMORY) }
        defer { curl_url_cleanup(handle) }
        let code = curl_url_set(handle, CURLUPART_URL, text, UInt32(CURLU_DISALLOW_USER))
        guard code == CURLUE_OK else { throw ParsedURL.error(code) }
        self.text = try ParsedURL.required(handle, CURLUPART_URL)
        scheme = try ParsedURL.required(handle, CURLUPART_SCHEME)
        host = try ParsedURL.required(handle, CURLUPART_HOST)
        hasZone = try ParsedURL.part(handle, CURLUPART_ZONEID) != nil
        port = try ParsedURL.part(handle, CURLUPART_PORT)
    }

    /// The parts of ``text``, of which `input` was the parsed text: most often that is the same, and parsed already.
    func settled(from input: String) throws(EndpointURLError) -> ParsedURL {
        if text == input { return self }
        let settled = try ParsedURL(text)
        guard settled.text != text else { return settled }
        // What transfers are given is `text`.
        return ParsedURL(text, partsOf: settled)
    }

    private init(_ text: String, partsOf other: ParsedURL) {
        self.text = text
        (scheme, host, hasZone, port) = (other.scheme, other.host, other.hasZone, other.port)
    }

    /// The same URL with another host, put together by libcurl.
    func replacingHost(_ host: String) throws(EndpointURLError) -> String {
        guard let handle = curl_url() else { throw ParsedURL.error(CURLUE_OUT_OF_MEMORY) }
        defer { curl_url_cleanup(handle) }
        var code = curl_url_set(handle, CURLUPART_URL, text, 0)
        if code == CURLUE_OK {
            code = curl_url_set(handle, CURLUPART_HOST, host, 0)
        }
        guard code == CURLUE_OK else { throw ParsedURL.error(code) }
        return try ParsedURL.required(handle, CURLUPART_URL)
    }

    private static func required(_ handle: OpaquePointer, _ which: CURLUPart) throws(EndpointURLError) -> String {
        guard let value = try part(handle, which) else { throw error(CURLUE_NO_HOST) }
        return value
    }

    /// One part as a string, nil where the URL lacks it.
    private static func part(_ handle: OpaquePointer, _ which: CURLUPart) throws(EndpointURLError) -> String? {
        var pointer: UnsafeMutablePointer<CChar>?
        let code = curl_url_get(handle, which, &pointer, 0)
        guard code != CURLUE_OUT_OF_MEMORY else { throw error(code) }
        guard code == CURLUE_OK, let pointer else { return nil }
        // libcurl hands over a NUL-terminated copy that the caller frees.
        defer { curl_free(pointer) }
        return String(cString: pointer)
    }

    private static func error(_ code: CURLUcode) -> EndpointURLError {
        switch code {
        case CURLUE_OUT_OF_MEMORY:
            EndpointURLError(.outOfMemory, "url cannot be checked: out of memory")
        case CURLUE_USER_NOT_ALLOWED:
            EndpointURLError(.userInfo, "url must not carry a user name or password; use a header for credentials")
        case CURLUE_BAD_PORT_NUMBER:
            EndpointURLError(.port, "url port must be a number from 1 to 65535")
        case CURLUE_NO_HOST:
            EndpointURLError(.host, "url has no host")
        case CURLUE_BAD_HOSTNAME:
            EndpointURLError(.host, "url host is not a name or an address")
        case CURLUE_BAD_IPV6:
            EndpointURLError(.host, "url host in brackets is not an IPv6 address")
        case CURLUE_UNSUPPORTED_SCHEME:
            EndpointURLError(.scheme, "url scheme is not supported by this build of libcurl")
        default:
            EndpointURLError(.malformed, "url cannot be parsed: \(String(cString: curl_url_strerror(code)))")
        }
    }
}
