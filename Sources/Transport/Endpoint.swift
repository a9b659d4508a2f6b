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
    /// What the headers of each attempt begin with: lines with CRLF between them.
    let lines: UnsafeMutableRawBufferPointer
    /// Sent after the attempt's own, each an entry of libcurl's list. The first keeps it from asking for a 100 answer.
    private let headers: UnsafeMutablePointer<curl_slist>?
    let resolve: UnsafeMutablePointer<curl_slist>?
    let caFile: UnsafeMutablePointer<CChar>?
    let clientCertificateFile: UnsafeMutablePointer<CChar>?
    let clientKeyFile: UnsafeMutablePointer<CChar>?

    /// A handle last used for another endpoint must have its TLS files set or cleared.
    var hasOwnTLS: Bool {
        caFile != nil || clientCertificateFile != nil || clientKeyFile != nil
    }

    /// - Parameter writesHost: libcurl writes a host of its own twice for each request; one that is a line like any other
    ///   only once.
    init(
        _ options: EndpointOptions,
        userAgent: String,
        writesHost: Bool,
        serial: UInt64
    ) throws(TransportError) {
        let parsed = Endpoint.parse(options.url)
        // libcurl looks for a content type, so that stands first. The agent is not set as an option: it would be written
        // twice as well.
        var first: [String] = []
        // Waiting for a 100 answer would cost a round trip for large bodies.
        var lines = ["Expect:"]
        if let contentType = options.contentType { first.append("Content-Type: " + contentType) }
        if writesHost, let host = Endpoint.hostHeader(of: parsed) {
            first.append("Host: " + host)
            lines.append("Host:")
        }
        first.append("User-Agent: " + userAgent)
        for (name, value) in options.headers {
            // libcurl takes "name:" for a wish to leave a header out, and "name;" for one without a value.
            lines.append(value.isEmpty ? name + ";" : name + ": " + value)
        }
        let files = [options.caFile, options.clientCertificateFile, options.clientKeyFile].compactMap(\.self)
        for text in [options.url] + files + first + lines + options.resolve
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
        let joined = Array(first.joined(separator: "\r\n").utf8)
        self.lines = UnsafeMutableRawBufferPointer.allocate(byteCount: joined.count, alignment: 1)
        self.lines.copyBytes(from: joined)
        headers = Endpoint.list(lines)
        resolve = Endpoint.list(options.resolve)
        // From here on `deinit` frees what was made.
        guard url != nil, headers != nil, (resolve != nil) != options.resolve.isEmpty,
            (caFile != nil) == (options.caFile != nil),
            (clientCertificateFile != nil) == (options.clientCertificateFile != nil),
            (clientKeyFile != nil) == (options.clientKeyFile != nil)
        else { throw .outOfMemory }
    }

    // Only plain memory is freed here, and only when no attempt holds the object: no handle in flight points at it.
    deinit {
        lines.deallocate()
        curl_url_cleanup(parsedURL)
        free(url)
        free(caFile)
        free(clientCertificateFile)
        free(clientKeyFile)
        curl_slist_free_all(headers)
        curl_slist_free_all(resolve)
    }

    /// What libcurl is to send after the attempt's own headers, for a body of this length: it asks for a 100 answer from
    /// 1 MiB on, and for all others the first entry is one too many.
    func headers(forBody length: Int) -> UnsafeMutablePointer<curl_slist>? {
        length < 512 * 1024 ? headers?.pointee.next : headers
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

    /// The host as libcurl would send it; nil for what it would send in another form, an IPv6 address or a foreign name.
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
