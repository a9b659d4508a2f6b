import CCurl

/// What an easy handle is told: once when it is made, and per attempt.
extension Transport {
    /// How long the address of a name is used before it is asked for again: libcurl's own default.
    private static var nameLifetimeSeconds: Int { 60 }

    /// Sets what no attempt changes; false where libcurl refuses an option or lacks memory.
    func configureConstants(of attempt: UnsafeMutablePointer<AttemptState>) -> Bool {
        guard let core else { return false }
        var easy = EasyOptions(attempt.pointee.easy)
        easy.set(CURLOPT_PRIVATE, pointer: attempt)
        easy.set(CURLOPT_ERRORBUFFER, pointer: attempt.pointee.errorBuffer)
        easy.set(CURLOPT_HEADERFUNCTION, function: headerArrived)
        easy.set(CURLOPT_HEADERDATA, pointer: attempt)
        easy.set(CURLOPT_WRITEFUNCTION, function: bodyArrived)
        easy.set(CURLOPT_WRITEDATA, pointer: attempt)
        easy.setSocketFunctions(open: openSocket, close: closeSocket)
        easy.set(CURLOPT_OPENSOCKETDATA, pointer: attempt)
        easy.set(CURLOPT_CLOSESOCKETDATA, pointer: core)
        easy.setResolverStart(resolverStarts)
        easy.set(CURLOPT_RESOLVER_START_DATA, pointer: attempt)

        // No signals, and no waiting for a resolver thread when a handle is removed.
        easy.set(CURLOPT_NOSIGNAL, 1)
        easy.set(CURLOPT_QUICK_EXIT, 1)
        easy.set(CURLOPT_PROTOCOLS_STR, text: "http,https")
        easy.set(CURLOPT_FOLLOWLOCATION, 0)
        easy.set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        // An empty text also keeps libcurl from looking at the environment.
        if let proxy = options.proxy {
            easy.set(CURLOPT_PROXY, text: proxy)
            easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        } else {
            easy.set(CURLOPT_PROXY, text: "")
        }
        // NO_PROXY of the environment says nothing either.
        easy.set(CURLOPT_NOPROXY, text: "")
        easy.set(CURLOPT_SSL_VERIFYPEER, 1)
        easy.set(CURLOPT_SSL_VERIFYHOST, 2)
        easy.set(CURLOPT_SSLVERSION, martlet_curl_tls_1_2)
        if let caFile = options.caFile { easy.set(CURLOPT_CAINFO, text: caFile) }
        easy.set(CURLOPT_HTTP_VERSION, usesHTTP2 ? martlet_curl_http_2_tls : martlet_curl_http_1_1)
        if usesHTTP2 { easy.set(CURLOPT_PIPEWAIT, 1) }
        easy.set(CURLOPT_HTTP09_ALLOWED, 0)
        easy.set(CURLOPT_TCP_NODELAY, 1)
        easy.set(CURLOPT_TCP_KEEPALIVE, 0)
        easy.set(CURLOPT_DNS_CACHE_TIMEOUT, Transport.nameLifetimeSeconds)
        easy.set(CURLOPT_MAXLIFETIME_CONN, max(options.connectionLifetimeSeconds, 1))
        // Answers are small, and each transfer in flight has such a buffer.
        easy.set(CURLOPT_BUFFERSIZE, 4096)
        easy.set(CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024)
        easy.set(CURLOPT_POST, 1)
        return easy.failure == CURLE_OK
    }

    /// Sets what differs from the handle's last attempt; false where libcurl lacks memory.
    func configure(
        _ attempt: UnsafeMutablePointer<AttemptState>,
        for endpoint: Endpoint,
        body: UnsafeRawBufferPointer,
        timeout: Int,
        connectTimeout: Int
    ) -> Bool {
        var easy = EasyOptions(attempt.pointee.easy)
        // Far below where libcurl begins to ask for a 100 answer, which is 1 MiB.
        let isLarge = body.count >= 512 * 1024
        if attempt.pointee.endpointSerial != endpoint.serial {
            // Only a handle that took everything counts as set up.
            attempt.pointee.endpointSerial = 0
            // The text is what libcurl speaks of, the parsed one is what it uses.
            easy.set(CURLOPT_URL, text: endpoint.url)
            easy.set(CURLOPT_CURLU, pointer: endpoint.parsedURL.map { UnsafeRawPointer($0) })
            easy.set(CURLOPT_RESOLVE, list: endpoint.resolve)
            if endpoint.hasOwnTLS || attempt.pointee.hasOwnTLS {
                attempt.pointee.hasOwnTLS = true
                setTLSFiles(of: endpoint, &easy)
                attempt.pointee.hasOwnTLS = endpoint.hasOwnTLS
            }
            easy.set(CURLOPT_HTTPHEADER, list: endpoint.withheld(forLargeBody: isLarge))
            guard easy.failure == CURLE_OK else { return false }
            attempt.pointee.endpointSerial = endpoint.serial
            attempt.pointee.isLarge = isLarge
        } else if attempt.pointee.isLarge != isLarge {
            easy.set(CURLOPT_HTTPHEADER, list: endpoint.withheld(forLargeBody: isLarge))
            attempt.pointee.isLarge = isLarge
        }
        attempt.pointee.endHead(bodyBytes: body.count, acceptsAll: endpoint.acceptsAll)
        // Sent verbatim behind the method. libcurl writes " HTTP/1.1" and a line end after it, which is the last header's value.
        easy.set(CURLOPT_REQUEST_TARGET, text: attempt.pointee.headText)
        easy.set(CURLOPT_POSTFIELDSIZE_LARGE, offset: Int64(body.count))
        // Without a pointer libcurl would read the body from standard input.
        easy.set(CURLOPT_POSTFIELDS, pointer: body.baseAddress ?? UnsafeRawPointer(attempt.pointee.errorBuffer))
        if attempt.pointee.timeoutMilliseconds != timeout {
            attempt.pointee.timeoutMilliseconds = timeout
            easy.set(CURLOPT_TIMEOUT_MS, timeout)
        }
        if attempt.pointee.connectTimeoutMilliseconds != connectTimeout {
            attempt.pointee.connectTimeoutMilliseconds = connectTimeout
            easy.set(CURLOPT_CONNECTTIMEOUT_MS, connectTimeout)
        }
        let startedAt = attempt.pointee.startedAt
        let trustsNames = isVersion7 && attempt.pointee.multi?.pointee.knowsYoungNames(at: startedAt) == true
        if attempt.pointee.trustsNames != trustsNames {
            attempt.pointee.trustsNames = trustsNames
            easy.set(CURLOPT_DNS_CACHE_TIMEOUT, trustsNames ? -1 : Transport.nameLifetimeSeconds)
        }
        return easy.failure == CURLE_OK
    }

    private func setTLSFiles(of endpoint: Endpoint, _ easy: inout EasyOptions) {
        if let caFile = endpoint.caFile {
            easy.set(CURLOPT_CAINFO, text: caFile)
        } else if let caFile = options.caFile {
            easy.set(CURLOPT_CAINFO, text: caFile)
        } else {
            // What a fresh handle has: libcurl's built-in file.
            var builtIn: UnsafePointer<CChar>?
            _ = martlet_curl_get_string(easy.easy, CURLINFO_CAINFO, &builtIn)
            easy.set(CURLOPT_CAINFO, text: builtIn)
        }
        easy.set(CURLOPT_SSLCERT, text: endpoint.clientCertificateFile)
        easy.set(CURLOPT_SSLKEY, text: endpoint.clientKeyFile)
    }
}
