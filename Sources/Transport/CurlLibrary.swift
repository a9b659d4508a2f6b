import CCurl

/// The libcurl that is loaded into this process.
enum CurlLibrary {
    /// What the loaded libcurl is and can.
    struct Loaded: Sendable {
        /// As `0xXXYYZZ`.
        var version: UInt32
        var offersHTTP2: Bool
    }

    /// Starts libcurl once per process, however many threads ask, and says what was found.
    ///
    /// There is no matching `curl_global_cleanup`: the host may use libcurl too, and its end is the process's end.
    static let loaded: Result<Loaded, TransportError> = {
        guard curl_global_init(martlet_curl_global_all) == CURLE_OK else {
            return .failure(.unusableLibrary("libcurl could not be initialised"))
        }
        guard let info = martlet_curl_version_information() else {
            return .failure(.unusableLibrary("libcurl does not say its version"))
        }
        let version = info.pointee.version_num
        guard version >= 0x075700 else {
            return .failure(.unusableLibrary("libcurl 7.87.0 or later is needed"))
        }
        guard info.pointee.features & martlet_curl_feature_asynchronous_dns != 0 else {
            return .failure(.unusableLibrary("libcurl was built without asynchronous name resolution"))
        }
        return .success(
            Loaded(
                version: version,
                // 7.88 fails the second request on some HTTP/2 connections and streams at a server's request limit.
                offersHTTP2: version >= 0x080000 && info.pointee.features & martlet_curl_feature_http2 != 0
            )
        )
    }()
}

/// Sets options of an easy handle one after another and remembers whether all of them were taken.
struct EasyOptions {
    let easy: UnsafeMutableRawPointer
    private(set) var failure = CURLE_OK

    init(_ easy: UnsafeMutableRawPointer) {
        self.easy = easy
    }

    private mutating func note(_ code: CURLcode) {
        if code != CURLE_OK && failure == CURLE_OK { failure = code }
    }

    mutating func set(_ option: CURLoption, _ value: Int) {
        note(martlet_curl_set_long(easy, option, value))
    }

    mutating func set(_ option: CURLoption, offset value: Int64) {
        note(martlet_curl_set_offset(easy, option, value))
    }

    /// libcurl copies the text.
    mutating func set(_ option: CURLoption, text value: UnsafePointer<CChar>?) {
        note(martlet_curl_set_string(easy, option, value))
    }

    /// libcurl keeps the pointer.
    mutating func set(_ option: CURLoption, pointer value: UnsafeRawPointer?) {
        note(martlet_curl_set_pointer(easy, option, value))
    }

    /// libcurl keeps the pointer.
    mutating func set(_ option: CURLoption, list value: UnsafeMutablePointer<curl_slist>?) {
        note(martlet_curl_set_list(easy, option, value))
    }

    mutating func set(_ option: CURLoption, function value: @escaping curl_write_callback) {
        note(martlet_curl_set_write_function(easy, option, value))
    }

    mutating func setSocketFunctions(
        open: @escaping curl_opensocket_callback,
        close: @escaping curl_closesocket_callback
    ) {
        note(martlet_curl_set_opensocket_function(easy, open))
        note(martlet_curl_set_closesocket_function(easy, close))
    }

    mutating func setResolverStart(_ value: @escaping curl_resolver_start_callback) {
        note(martlet_curl_set_resolver_start_function(easy, value))
    }
}
