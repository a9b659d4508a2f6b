import CCurl
import Model

/// One multi handle of a transport, with what its callbacks need, in plain memory that outlives it.
///
/// A transport has several, for libcurl looks through the connections of a multi handle one after the other whenever a
/// transfer ends, and through those of the receiver when one begins: with thousands in one handle that is most of a
/// delivery's cost. A receiver always belongs to the same one, so that its connections are found again.
struct MultiHandle {
    let core: UnsafeMutablePointer<TransportCore>
    /// Its place in the transport.
    let index: UInt16
    /// libcurl's handle, made at the first use.
    var handle: UnsafeMutableRawPointer?
    /// When libcurl wants to be called for its timers; nil for never.
    var timer: Instant?
    /// Attempts that are in it, for telling whether libcurl has ended some of them.
    var added = 0
    /// Sockets that the callbacks made and did not close yet, idle connections included.
    var connections = 0
    /// When libcurl last threw out the addresses of names that had become too old.
    var namesCheckedAt = Instant(nanoseconds: .min)
    /// libcurl was called since all completions were taken, so that some may wait.
    var mayHoldCompletions = false

    /// Whether all addresses are known to be young enough for an attempt that begins at `time`.
    ///
    /// libcurl 7 looks at each address it knows whenever a transfer ends. Once a second is enough for those that are kept
    /// for a minute.
    func knowsYoungNames(at time: Instant) -> Bool {
        time < namesCheckedAt.advanced(milliseconds: 1000)
    }

    /// Attempts that one is made for.
    static var attempts: Int { 128 }
    static var maximumCount: Int { 16 }

    static func count(maximumInFlight: Int) -> Int {
        min((maximumInFlight - 1) / attempts + 1, maximumCount)
    }
}

extension Transport {
    /// The multi handle of a receiver; nil where there is no memory for it.
    func multi(of endpoint: Endpoint) -> UnsafeMutablePointer<MultiHandle>? {
        guard let first = multis.baseAddress else { return nil }
        // Below the number of them.
        let multi = first + Int(endpoint.place % UInt(multis.count))
        return multi.pointee.handle != nil || make(multi) ? multi : nil
    }

    /// Makes libcurl's handle; none of the settings can fail on a fresh one.
    func make(_ multi: UnsafeMutablePointer<MultiHandle>) -> Bool {
        guard let handle = curl_multi_init() else { return false }
        _ = martlet_curl_multi_set_socket_function(handle, socketChanged)
        _ = martlet_curl_multi_set_pointer(handle, CURLMOPT_SOCKETDATA, multi)
        _ = martlet_curl_multi_set_timer_function(handle, timerChanged)
        _ = martlet_curl_multi_set_pointer(handle, CURLMOPT_TIMERDATA, multi)
        _ = martlet_curl_multi_set_long(handle, CURLMOPT_MAXCONNECTS, keptConnections)
        let pipelining = usesHTTP2 ? martlet_curl_pipe_multiplex : martlet_curl_pipe_nothing
        _ = martlet_curl_multi_set_long(handle, CURLMOPT_PIPELINING, pipelining)
        // Later releases resolve in a pool of 20 threads, which as many dead names would hold for as long as the system's
        // resolver tries. Before 8.20 these two are unknown, there is a thread per name, and the answer is ignored.
        let resolverThreads = min(max(options.maximumInFlight, 20), max(128 / multis.count, 20))
        _ = martlet_curl_multi_set_long(handle, martlet_curl_multi_resolve_threads_max, resolverThreads)
        _ = martlet_curl_multi_set_long(handle, martlet_curl_multi_quick_exit, 1)
        multi.pointee.handle = handle
        return true
    }

    /// Connections that one multi handle keeps.
    private var keptConnections: Int {
        let all = options.maximumConnections ?? max(256, 4 * options.maximumInFlight)
        return max(all / multis.count, 1)
    }

    /// Bounds the connections, so that idle ones make room for new ones, or lifts the bound.
    func boundConnections(isShort: Bool) {
        for multi in multis {
            guard let handle = multi.handle else { continue }
            // Some fewer than there are, so that resolvers and the host find room too.
            let bound = isShort ? max(multi.connections - multi.connections / 8 - 1, 1) : 0
            _ = martlet_curl_multi_set_long(handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, bound)
            let kept = isShort ? min(bound, keptConnections) : keptConnections
            _ = martlet_curl_multi_set_long(handle, CURLMOPT_MAXCONNECTS, kept)
        }
    }

    /// Closes the connections of multi handles that have nothing else: no transfer of theirs would ever make room.
    func closeIdleMultis() {
        guard multis.count > 1, let first = multis.baseAddress else { return }
        for index in multis.indices {
            let multi = first + index
            guard multi.pointee.added == 0, !multi.pointee.mayHoldCompletions, multi.pointee.connections > 0,
                let handle = multi.pointee.handle
            else { continue }
            // Handles that were in it are in none now; the next use makes it anew.
            _ = curl_multi_cleanup(handle)
            multi.pointee.handle = nil
            multi.pointee.timer = nil
        }
    }
}
