import CCurl
import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Performs the HTTP attempts of one lane over libcurl's multi handles and one event queue.
///
/// It knows neither retries nor queues: an attempt is begun, given its headers, submitted, and comes out of
/// ``nextCompletion()`` exactly once, unless it is canceled or the transport is closed. The lane's thread must have SIGPIPE
/// blocked or ignored, since TLS libraries write without `MSG_NOSIGNAL`.
///
/// After ``close()`` every call is harmless and does nothing. A transport that is dropped without it leaks, for libcurl
/// calls back into it while it is taken down.
// Unchecked: it is handed to the lane's thread once and confined to it from then on; `wake` alone, which touches only
// the Sendable waker, may be called from elsewhere. So checks of overlapping access are left out where each attempt would
// pay for them; libcurl's callbacks touch the core's memory only, never this object.
package final class Transport: @unchecked Sendable {
    /// For threads that wake the lane; stays valid after ``close()``.
    package let waker: Waker
    /// Attempts begun whose completion was not handed out yet.
    @exclusivity(unchecked) package private(set) var inFlight = 0

    let options: TransportOptions
    /// Nil once closed.
    @exclusivity(unchecked) var core: UnsafeMutablePointer<TransportCore>?
    /// Plain memory that libcurl's callbacks point at; freed by ``close()`` after everything of libcurl's.
    let multis: UnsafeMutableBufferPointer<MultiHandle>
    let usesHTTP2: Bool
    /// libcurl 7 repeats work for each transfer that later releases do not.
    let isVersion7: Bool
    /// libcurl was called since ``nextCompletion()`` last answered nil, so that completions may wait.
    @exclusivity(unchecked) var mayHoldCompletions = false
    /// When the bound on connections that a shortage of descriptors brought about is lifted; nil where there is none.
    var shortageEnds: Instant?
    /// The slot whose memory is lent to the caller.
    @exclusivity(unchecked) var reported: UnsafeMutablePointer<AttemptState>?
    /// Attempts that could not be started, the oldest first.
    @exclusivity(unchecked) var firstFailed: UnsafeMutablePointer<AttemptState>?
    private var lastFailed: UnsafeMutablePointer<AttemptState>?
    @exclusivity(unchecked) private var firstFree: UnsafeMutablePointer<AttemptState>?
    /// Every slot by its index; never shrinks.
    @exclusivity(unchecked) private var slots: [UnsafeMutablePointer<AttemptState>] = []
    private var lastSerial: UInt64 = 0

    /// Makes the multi handle and the event queue; libcurl is started with the first transport of the process.
    package init(_ options: TransportOptions) throws(TransportError) {
        let library = try CurlLibrary.loaded.get()
        var options = options
        options.maximumInFlight = min(max(options.maximumInFlight, 1), Int(Int32.max) / 4)
        options.snippetBytes = min(max(options.snippetBytes, 0), 65_536)
        guard !options.userAgent.utf8.contains(where: { $0 == 0 || $0 == 0x0A || $0 == 0x0D }) else {
            throw .invalidText(options.userAgent)
        }
        let waker = try Waker()
        let poller = try Poller()
        do throws(TransportError) {
            try poller.watchWakes(of: waker.descriptor)
        } catch {
            poller.destroy()
            throw error
        }
        let count = MultiHandle.count(maximumInFlight: options.maximumInFlight)
        multis = .allocate(capacity: count)
        let core = UnsafeMutablePointer<TransportCore>.allocate(capacity: 1)
        core.initialize(
            to: TransportCore(
                poller: poller,
                multis: multis,
                judge: options.addressJudge,
                headerCap: options.responseHeaderCapBytes,
                bodyCap: options.responseBodyCapBytes,
                snippetCap: options.snippetBytes
            )
        )
        self.options = options
        self.waker = waker
        for index in 0..<count {
            multis.initializeElement(at: index, to: MultiHandle(core: core, index: UInt16(index)))
        }
        self.core = core
        usesHTTP2 = options.http2 && library.offersHTTP2
        isVersion7 = library.version < 0x080000
        // The first at once: who opens an engine is told of a lack of memory, who pushes is not.
        guard let first = multis.baseAddress, make(first) else {
            close()
            throw .outOfMemory
        }
    }

    /// Prepares a receiver. Its files and URL are not looked at before an attempt is made.
    package func makeEndpoint(_ options: EndpointOptions) throws(TransportError) -> Endpoint {
        lastSerial += 1
        return try Endpoint(
            options,
            userAgent: self.options.userAgent,
            isForwarded: self.options.proxy.map { !$0.lowercased().hasPrefix("socks") } ?? false,
            serial: lastSerial
        )
    }

    /// Attempts whose name is being resolved. A lane bounds them: dead names must not hold what live ones need.
    ///
    /// libcurl before 8.20 starts a thread for each, later releases share up to 128; an attempt that ends by its deadline
    /// leaves its thread behind until the system's resolver gives up.
    package var resolving: Int {
        core?.pointee.resolving ?? 0
    }

    /// Makes the current or next ``poll(until:)`` return. Any thread may call it.
    package func wake() {
        waker.wake()
    }

    // MARK: - Attempts

    /// Takes a slot for an attempt; its headers come next, then it is submitted.
    ///
    /// Nil where as many attempts are in flight as may be, or there is no memory: then nothing was begun.
    package func begin(endpoint: Endpoint, token: UInt64) -> AttemptSlot? {
        releaseReported()
        guard core != nil, inFlight < options.maximumInFlight, let multi = multi(of: endpoint), let attempt = takeSlot()
        else { return nil }
        attempt.pointee.multi = multi
        attempt.pointee.reset(token: token, head: UnsafeRawBufferPointer(endpoint.head))
        attempt.pointee.phase = .building
        attempt.pointee.endpoint = Unmanaged.passRetained(endpoint)
        inFlight += 1
        return AttemptSlot(index: attempt.pointee.index, generation: attempt.pointee.generation)
    }

    /// Adds header lines of Martlet's own (`webhook-…`): `fill` writes them, with CRLF between them and at most `capacity`
    /// bytes, and answers how many these are.
    package func addOwnHeaders(
        _ slot: AttemptSlot,
        capacity: Int,
        _ fill: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        guard let attempt = find(slot), attempt.pointee.phase == .building else { return }
        attempt.pointee.addLines(capacity: capacity, fill)
    }

    /// Adds header lines (`name: value`, separated by LF or CRLF) that were checked when they came into the process.
    package func addHeaderLines(_ slot: AttemptSlot, _ lines: UnsafeRawBufferPointer) {
        guard let attempt = find(slot), attempt.pointee.phase == .building else { return }
        var rest = lines[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
            var line = rest[..<end]
            rest = rest[min(end + 1, rest.endIndex)...]
            while let last = line.last, last <= 0x20 { line = line.dropLast() }
            if !line.isEmpty { attempt.pointee.addLine(UnsafeRawBufferPointer(rebasing: line)) }
        }
    }

    /// Starts the attempt; its completion comes out of ``nextCompletion()`` even where it could not be started.
    ///
    /// `body` must stay valid and unchanged until then, or until the attempt is canceled or the transport closed. The timeout
    /// runs from now to the last byte of the answer, the connect timeout until the connection is ready, name and TLS
    /// handshake included. Both are in 1 … 2³¹ - 1 milliseconds; a connect timeout of 0 or less means the whole timeout.
    package func submit(
        _ slot: AttemptSlot,
        body: UnsafeRawBufferPointer,
        timeoutMilliseconds: Int64,
        connectTimeoutMilliseconds: Int64
    ) {
        guard core != nil, let attempt = find(slot), attempt.pointee.phase == .building,
            let endpoint = attempt.pointee.endpoint
        else { return }
        attempt.pointee.startedAt = Clock.monotonic()
        let timeout = Int(min(max(timeoutMilliseconds, 1), Int64(Int32.max)))
        let connect = connectTimeoutMilliseconds > 0 ? Int(min(connectTimeoutMilliseconds, Int64(timeout))) : timeout
        let isReady = endpoint._withUnsafeGuaranteedRef { endpoint in
            configure(attempt, for: endpoint, body: body, timeout: timeout, connectTimeout: connect)
        }
        if isReady, !attempt.pointee.lacksMemory, let multi = attempt.pointee.multi,
            curl_multi_add_handle(multi.pointee.handle, attempt.pointee.easy) == CURLM_OK
        {
            attempt.pointee.phase = .running
            multi.pointee.added += 1
        } else {
            fail(attempt)
        }
    }

    /// Ends an attempt at once, begun or submitted. No completion follows, and its body may be freed.
    ///
    /// One whose completion was handed out already is left alone.
    package func cancel(_ slot: AttemptSlot) {
        guard core != nil, let attempt = find(slot) else { return }
        switch attempt.pointee.phase {
        case .building:
            break
        case .running:
            removeFromMulti(attempt)
        case .failed:
            unlinkFailed(attempt)
        case .free, .reported:
            return
        }
        inFlight -= 1
        recycle(attempt)
    }

    // MARK: - Slots

    /// The state that `slot` names; nil for one that is over.
    private func find(_ slot: AttemptSlot) -> UnsafeMutablePointer<AttemptState>? {
        guard Int(slot.index) < slots.count else { return nil }
        let attempt = slots[Int(slot.index)]
        return attempt.pointee.generation == slot.generation ? attempt : nil
    }

    private func takeSlot() -> UnsafeMutablePointer<AttemptState>? {
        guard let attempt = firstFree else { return makeSlot() }
        guard !attempt.pointee.needsReset || reset(attempt) else { return nil }
        firstFree = attempt.pointee.next
        attempt.pointee.next = nil
        return attempt
    }

    /// Sets a handle up anew; false where libcurl lacks memory, and then it has to be done again.
    ///
    /// When a kept connection turns out to be dead, libcurl repeats the request on a new one. It counts that over the whole
    /// life of a handle and fails the request at the sixth time (`CONN_MAX_RETRIES`); only this clears the count. It keeps
    /// connections and TLS sessions.
    private func reset(_ attempt: UnsafeMutablePointer<AttemptState>) -> Bool {
        curl_easy_reset(attempt.pointee.easy)
        attempt.pointee.forgetSettings()
        guard configureConstants(of: attempt) else { return false }
        attempt.pointee.needsReset = false
        return true
    }

    private func makeSlot() -> UnsafeMutablePointer<AttemptState>? {
        guard let core, let easy = curl_easy_init() else { return nil }
        guard let state = malloc(MemoryLayout<AttemptState>.stride), let buffer = malloc(Int(CURL_ERROR_SIZE)) else {
            curl_easy_cleanup(easy)
            return nil
        }
        let attempt = state.bindMemory(to: AttemptState.self, capacity: 1)
        attempt.initialize(
            to: AttemptState(
                easy: easy,
                core: core,
                index: UInt32(slots.count),
                errorBuffer: buffer.bindMemory(to: CChar.self, capacity: Int(CURL_ERROR_SIZE))
            )
        )
        guard configureConstants(of: attempt) else {
            curl_easy_cleanup(easy)
            attempt.pointee.freeMemory()
            free(state)
            return nil
        }
        slots.append(attempt)
        return attempt
    }

    /// Gives a slot back whose attempt is over.
    private func recycle(_ attempt: UnsafeMutablePointer<AttemptState>) {
        endResolving(attempt)
        var connections = 0
        _ = martlet_curl_get_long(attempt.pointee.easy, CURLINFO_NUM_CONNECTS, &connections)
        if connections > 0 { attempt.pointee.needsReset = true }
        attempt.pointee.endpoint?.release()
        attempt.pointee.endpoint = nil
        attempt.pointee.phase = .free
        attempt.pointee.generation &+= 1
        attempt.pointee.next = firstFree
        firstFree = attempt
    }

    /// Ends the loan of the last completion's memory.
    func releaseReported() {
        guard let attempt = reported else { return }
        reported = nil
        recycle(attempt)
    }

    /// Marks an attempt as handed out.
    func report(_ attempt: UnsafeMutablePointer<AttemptState>) {
        attempt.pointee.phase = .reported
        reported = attempt
        inFlight -= 1
    }

    func removeFromMulti(_ attempt: UnsafeMutablePointer<AttemptState>) {
        guard let multi = attempt.pointee.multi else { return }
        _ = curl_multi_remove_handle(multi.pointee.handle, attempt.pointee.easy)
        multi.pointee.added -= 1
    }

    /// Queues the completion of an attempt that could not be started.
    private func fail(_ attempt: UnsafeMutablePointer<AttemptState>) {
        attempt.pointee.phase = .failed
        attempt.pointee.next = nil
        if let last = lastFailed { last.pointee.next = attempt } else { firstFailed = attempt }
        lastFailed = attempt
    }

    /// Takes an attempt out of the queue of those that could not be started.
    func unlinkFailed(_ attempt: UnsafeMutablePointer<AttemptState>) {
        var before: UnsafeMutablePointer<AttemptState>?
        var current = firstFailed
        while let candidate = current, candidate != attempt {
            before = candidate
            current = candidate.pointee.next
        }
        guard current == attempt else { return }
        if let before { before.pointee.next = attempt.pointee.next } else { firstFailed = attempt.pointee.next }
        if lastFailed == attempt { lastFailed = before }
        attempt.pointee.next = nil
    }

    // MARK: - End

    /// Ends all attempts without a completion and frees everything. Never waits for the network.
    package func close() {
        guard let core else { return }
        for attempt in slots {
            if attempt.pointee.phase == .running { removeFromMulti(attempt) }
            curl_easy_cleanup(attempt.pointee.easy)
        }
        // Closes the pooled connections, which calls back into the core.
        for multi in multis {
            if let handle = multi.handle { _ = curl_multi_cleanup(handle) }
        }
        for attempt in slots {
            attempt.pointee.endpoint?.release()
            attempt.pointee.freeMemory()
            free(attempt)
        }
        slots = []
        firstFree = nil
        firstFailed = nil
        lastFailed = nil
        reported = nil
        inFlight = 0
        core.pointee.sockets.destroy()
        core.pointee.poller.destroy()
        multis.deinitialize()
        multis.deallocate()
        core.deinitialize(count: 1)
        core.deallocate()
        self.core = nil
    }
}
