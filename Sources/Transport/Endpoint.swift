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
    let headers: UnsafeMutablePointer<curl_slist>?
    let resolve: UnsafeMutablePointer<curl_slist>?
    let caFile: UnsafeMutablePointer<CChar>?
    let clientCertificateFile: UnsafeMutablePointer<CChar>?
    let clientKeyFile: UnsafeMutablePointer<CChar>?

    /// A handle last used for another endpoint must have its TLS files set or cleared.
    var hasOwnTLS: Bool {
        caFile != nil || clientCertificateFile != nil || clientKeyFile != nil
    }

    init(_ options: EndpointOptions, serial: UInt64) throws(TransportError) {
        var lines: [String] = []
        if let contentType = options.contentType { lines.append("Content-Type: " + contentType) }
        for (name, value) in options.headers {
            // libcurl takes "name:" for a wish to leave a header out, and "name;" for one without a value.
            lines.append(value.isEmpty ? name + ";" : name + ": " + value)
        }
        // Waiting for a 100 answer would cost a round trip for large bodies.
        lines.append("Expect:")
        let files = [options.caFile, options.clientCertificateFile, options.clientKeyFile].compactMap(\.self)
        for text in [options.url] + files + lines + options.resolve
        where text.utf8.contains(where: { $0 == 0 || $0 == 0x0A || $0 == 0x0D }) {
            throw .invalidText(text)
        }
        self.serial = serial
        url = strdup(options.url)
        caFile = Endpoint.copy(options.caFile)
        clientCertificateFile = Endpoint.copy(options.clientCertificateFile)
        clientKeyFile = Endpoint.copy(options.clientKeyFile)
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
        free(url)
        free(caFile)
        free(clientCertificateFile)
        free(clientKeyFile)
        curl_slist_free_all(headers)
        curl_slist_free_all(resolve)
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
