import CCurl

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A receiver with all that stays the same from attempt to attempt, prepared once by ``Transport/makeEndpoint(_:)``.
///
/// Confined to the lane's thread. It may be dropped while attempts to it are in flight: they hold it.
package final class Endpoint {
    /// Never used twice within a process's transport: tells a handle whether it was set up for this endpoint.
    let serial: UInt64
    // Plain memory that libcurl's handles point at or copy from; this object owns it.
    let url: UnsafeMutablePointer<CChar>?
    /// The same, taken apart: libcurl would do that for each transfer. Nil where it cannot be, which a transfer then tells.
    let parsedURL: OpaquePointer?
    /// The same for all that have the receiver's name and port in common: tells which multi handle they belong to.
    let place: UInt
    /// What the head of each request holds between its method and the attempt's own lines: the target, and lines, each with
    /// its CRLF.
    let head: UnsafeMutableRawBufferPointer
    /// No header of the endpoint says what kinds of answers are welcome, so that the attempt does.
    let acceptsAll: Bool
    /// Names of headers that libcurl would write, each with a colon and no value, which keeps it from that. The first keeps
    /// it from asking for a 100 answer.
    private let withheld: UnsafeMutablePointer<curl_slist>?
    let resolve: UnsafeMutablePointer<curl_slist>?
    let caFile: UnsafeMutablePointer<CChar>?
    let clientCertificateFile: UnsafeMutablePointer<CChar>?
    let clientKeyFile: UnsafeMutablePointer<CChar>?

    /// A handle last used for another endpoint must have its TLS files set or cleared.
    var hasOwnTLS: Bool {
        caFile != nil || clientCertificateFile != nil || clientKeyFile != nil
    }

    /// - Parameter isForwarded: the request goes to a proxy that sends it on, so that its target is the whole URL.
    init(
        _ options: EndpointOptions,
        userAgent: String,
        isForwarded: Bool,
        serial: UInt64
    ) throws(TransportError) {
        let parsed = Endpoint.parse(options.url)
        // What cannot be taken apart is not sent: libcurl says so when an attempt is made.
        var lines = [(Endpoint.target(of: parsed, isForwarded: isForwarded) ?? "/") + " HTTP/1.1"]
        // Waiting for a 100 answer would cost a round trip for large bodies.
        var withheld = ["Expect:", "Content-Length:", "Accept:"]
        if let host = Endpoint.hostHeader(of: parsed) {
            lines.append("Host: " + host)
            withheld.append("Host:")
        }
        if let contentType = options.contentType { lines.append("Content-Type: " + contentType) }
        if options.contentType != nil || options.names("content-type") { withheld.append("Content-Type:") }
        lines.append("User-Agent: " + userAgent)
        for (name, value) in options.headers { lines.append(value.isEmpty ? name + ":" : name + ": " + value) }
        let files = [options.caFile, options.clientCertificateFile, options.clientKeyFile].compactMap(\.self)
        for text in [options.url] + files + lines + options.resolve
        where text.utf8.contains(where: { $0 == 0 || $0 == 0x0A || $0 == 0x0D }) {
            // `deinit` does not run for what was not made whole.
            curl_url_cleanup(parsed)
            throw .invalidText(text)
        }
        parsedURL = parsed
        place = Endpoint.place(of: parsed)
        self.serial = serial
        url = strdup(options.url)
        caFile = Endpoint.copy(options.caFile)
        clientCertificateFile = Endpoint.copy(Endpoint.certificatePath(options))
        clientKeyFile = Endpoint.copy(options.clientKeyFile)
        let bytes = Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
        head = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        head.copyBytes(from: bytes)
        acceptsAll = !options.names("accept")
        self.withheld = Endpoint.list(withheld)
        resolve = Endpoint.list(options.resolve)
        // From here on `deinit` frees what was made.
        guard url != nil, self.withheld != nil, (resolve != nil) != options.resolve.isEmpty,
            (caFile != nil) == (options.caFile != nil),
            (clientCertificateFile != nil) == (options.clientCertificateFile != nil),
            (clientKeyFile != nil) == (options.clientKeyFile != nil)
        else { throw .outOfMemory }
    }

    // Only plain memory is freed here, and only when no attempt holds the object: no handle in flight points at it.
    deinit {
        head.deallocate()
        curl_url_cleanup(parsedURL)
        free(url)
        free(caFile)
        free(clientCertificateFile)
        free(clientKeyFile)
        curl_slist_free_all(withheld)
        curl_slist_free_all(resolve)
    }

    /// The headers that libcurl is not to write into a request with a large body, or into one with a small body: it asks for
    /// a 100 answer from 1 MiB on only, and looks through the list for each header that it knows.
    func withheld(forLargeBody isLarge: Bool) -> UnsafeMutablePointer<curl_slist>? {
        isLarge ? withheld : withheld?.pointee.next
    }

    /// libcurl lets one webhook use a connection that another opened with the same certificate, and does not compare their
    /// keys: who names a certificate would need no key for it. So each key has a spelling of its own for the same path.
    /// Hashes are seeded at random, so that nobody can choose two keys that share one.
    private static func certificatePath(_ options: EndpointOptions) -> String? {
        guard let certificate = options.clientCertificateFile, let key = options.clientKeyFile else {
            return options.clientCertificateFile
        }
        var hasher = Hasher()
        hasher.combine(key)
        let hash = UInt(bitPattern: hasher.finalize())
        var path = certificate.utf8.first == UInt8(ascii: "/") ? "/." : "."
        for bit in 0..<UInt.bitWidth {
            path += hash >> bit & 1 == 1 ? "/." : "/"
        }
        return path + "/" + certificate
    }

    private static func parse(_ url: String) -> OpaquePointer? {
        guard let handle = curl_url() else { return nil }
        guard curl_url_set(handle, CURLUPART_URL, url, UInt32(CURLU_DISALLOW_USER)) == CURLUE_OK else {
            curl_url_cleanup(handle)
            return nil
        }
        return handle
    }

    private static func place(of url: OpaquePointer?) -> UInt {
        var hasher = Hasher()
        if let url {
            hasher.combine(part(CURLUPART_HOST, of: url))
            hasher.combine(part(CURLUPART_PORT, of: url, UInt32(CURLU_DEFAULT_PORT)))
        }
        return UInt(bitPattern: hasher.finalize())
    }

    /// The host as libcurl would write it; nil for what it would write in another form, an IPv6 address or a foreign name,
    /// and then does.
    private static func hostHeader(of url: OpaquePointer?) -> String? {
        guard let url, let scheme = part(CURLUPART_SCHEME, of: url), let host = part(CURLUPART_HOST, of: url),
            let port = part(CURLUPART_PORT, of: url, UInt32(CURLU_DEFAULT_PORT)), let last = host.utf8.last
        else { return nil }
        let isPlain = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        // Of a final dot releases make different things.
        guard isPlain, last != UInt8(ascii: ".") else { return nil }
        let isUsual = (scheme == "http" && port == "80") || (scheme == "https" && port == "443")
        return isUsual ? host : host + ":" + port
    }

    /// The request's target as libcurl would write it (RFC 9112 section 3.2): path and query, or for a proxy that sends the
    /// request on, the whole URL; nil for a URL that cannot be taken apart.
    private static func target(of url: OpaquePointer?, isForwarded: Bool) -> String? {
        guard let url else { return nil }
        if isForwarded, part(CURLUPART_SCHEME, of: url) == "http" {
            curl_url_set(url, CURLUPART_FRAGMENT, nil, 0)
            return part(CURLUPART_URL, of: url, UInt32(CURLU_NO_DEFAULT_PORT))
        }
        guard let path = part(CURLUPART_PATH, of: url, UInt32(CURLU_URLENCODE)) else { return nil }
        return part(CURLUPART_QUERY, of: url, martlet_curl_url_get_empty).map { path + "?" + $0 } ?? path
    }

    private static func part(_ which: CURLUPart, of url: OpaquePointer, _ flags: UInt32 = 0) -> String? {
        var pointer: UnsafeMutablePointer<CChar>?
        guard curl_url_get(url, which, &pointer, flags) == CURLUE_OK, let pointer else { return nil }
        // libcurl hands over a NUL-terminated copy that the caller frees.
        defer { curl_free(pointer) }
        return String(cString: pointer)
    }

    private static func copy(_ text: String?) -> UnsafeMutablePointer<CChar>? {
        text.flatMap { strdup($0) }
    }

    /// A list of copies of `lines`; nil for no lines, or where there is no memory.
    private static func list(_ lines: [String]) -> UnsafeMutablePointer<curl_slist>? {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            guard let longer = curl_slist_append(list, line) else {
                curl_slist_free_all(list)
                return nil
            }
            list = longer
        }
        return list
    }
}

extension EndpointOptions {
    /// Whether ``headers`` have one of this name, which is in lower case.
    fileprivate func names(_ name: String) -> Bool {
        headers.contains { $0.name.lowercased() == name }
    }
}
