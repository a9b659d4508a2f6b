import CCurl
import JSONText
import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Names an attempt from ``Transport/begin(endpoint:token:)`` until its completion is handed out or it is canceled.
///
/// A stale one is recognised and ignored.
package struct AttemptSlot: Hashable, Sendable {
    let index: UInt32
    let generation: UInt32
}

/// What came of an attempt. The bytes it shows are the slot's memory: they are valid until the next call of
/// `nextCompletion`, `poll`, `begin` or `close` of the transport that handed it out.
package struct AttemptCompletion {
    /// As given to ``Transport/begin(endpoint:token:)``.
    package var token: UInt64
    package var endedAt: Instant
    package var result: AttemptResult
    /// The start of the response body, at most ``TransportOptions/snippetBytes``.
    package var snippet: UnsafeRawBufferPointer
    /// What went wrong, in words, in UTF-8 without NUL; empty where nothing did.
    package var errorText: UnsafeRawBufferPointer
    /// libcurl's own code, 0 where the transfer went through.
    package var curlCode: Int32
}

/// The memory of one slot: an easy handle, and all that libcurl is pointed at for its attempt.
///
/// A trivial value in plain memory of malloc that lives as long as the multi handle, so that no callback can meet a freed
/// context. Only the lane's thread touches it.
struct AttemptState {
    enum Phase: UInt8 {
        case free
        /// Between `begin` and `submit`.
        case building
        /// In the multi handle.
        case running
        /// Could not be started; waits to be handed out.
        case failed
        /// Handed out; its memory is still lent to the caller.
        case reported
    }

    /// What ended a transfer from our side.
    enum Halt: UInt8 {
        case none
        case headTooLong
        case bodyTooLong
    }

    let easy: UnsafeMutableRawPointer
    let core: UnsafeMutablePointer<TransportCore>
    /// Of the endpoint; set while the slot is not free.
    var multi: UnsafeMutablePointer<MultiHandle>?
    let index: UInt32
    var generation: UInt32 = 0
    var phase = Phase.free
    var halt = Halt.none
    var lacksMemory = false
    var isResolving = false
    var lackedResources = false
    var addressesRefused: UInt32 = 0
    var addressesAllowed: UInt32 = 0
    /// The next slot in the list this one is in (free, or failed).
    var next: UnsafeMutablePointer<AttemptState>?

    var token: UInt64 = 0
    var startedAt = Instant(nanoseconds: 0)
    var head = ResponseHead()
    var bodyBytes = 0
    /// Retained while the slot is not free.
    var endpoint: Unmanaged<Endpoint>?

    // What the handle was set to last, so that what stays the same is not set again.
    var endpointSerial: UInt64 = 0
    var hasOwnTLS = false
    /// What libcurl is kept from writing is what a large body asks for.
    var isLarge = false
    var timeoutMilliseconds = 0
    var connectTimeoutMilliseconds = 0
    /// Names are taken as the multi handle has them, without a look at their age.
    var trustsNames = false
    /// The last attempt made a connection, maybe because a kept one had died: see `Transport.reset`.
    var needsReset = false

    // Grown where needed, kept from attempt to attempt.
    private(set) var snippet: UnsafeMutableRawPointer?
    private(set) var snippetCount = 0
    private var snippetCapacity = 0
    private var text: UnsafeMutableRawPointer?
    private var textCount = 0
    private var textCapacity = 0
    /// One of the lines added is an `Accept` header.
    private var hasAccept = false
    /// `CURL_ERROR_SIZE` bytes for libcurl's words on an error.
    let errorBuffer: UnsafeMutablePointer<CChar>

    init(
        easy: UnsafeMutableRawPointer,
        core: UnsafeMutablePointer<TransportCore>,
        index: UInt32,
        errorBuffer: UnsafeMutablePointer<CChar>
    ) {
        self.easy = easy
        self.core = core
        self.index = index
        self.errorBuffer = errorBuffer
    }

    /// Makes the state ready for a new attempt, whose request begins with `head`.
    mutating func reset(token: UInt64, head prefix: UnsafeRawBufferPointer) {
        self.token = token
        halt = .none
        lacksMemory = false
        isResolving = false
        lackedResources = false
        addressesRefused = 0
        addressesAllowed = 0
        head = ResponseHead()
        bodyBytes = 0
        snippetCount = 0
        textCount = 0
        hasAccept = false
        errorBuffer[0] = 0
        put(prefix)
    }

    /// The handle was reset: nothing of what it was told holds any more.
    mutating func forgetSettings() {
        endpointSerial = 0
        hasOwnTLS = false
        timeoutMilliseconds = 0
        connectTimeoutMilliseconds = 0
        trustsNames = false
    }

    func freeMemory() {
        free(snippet)
        free(text)
        free(errorBuffer)
    }

    /// Twice the memory, and at least `needed` bytes; nil, and all as before, where there is none.
    private static func grow(
        _ memory: UnsafeMutableRawPointer?,
        _ capacity: inout Int,
        needed: Int,
        floor: Int
    ) -> UnsafeMutableRawPointer? {
        // Header and body caps keep these sizes far below where doubling overflows.
        let size = max(needed, capacity * 2, floor)
        guard let grown = realloc(memory, size) else { return nil }
        capacity = size
        return grown
    }

    // MARK: - The request's head

    /// Adds header lines (`name: value` with CRLF between them) of at most `capacity` bytes, which `fill` writes and counts.
    mutating func addLines(capacity: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Int) {
        guard let room = reserve(bytes: capacity + AttemptState.lineEnd.utf8CodeUnitCount) else { return }
        textCount += fill(UnsafeMutableRawBufferPointer(rebasing: room[..<capacity]))
        put(AttemptState.lineEnd)
    }

    /// Adds one header line without its line end.
    mutating func addLine(_ line: UnsafeRawBufferPointer) {
        put(line)
        put(AttemptState.lineEnd)
        hasAccept = hasAccept || AttemptState.isAccept(line)
    }

    /// Writes what depends on the body, and the name of the last header, whose value libcurl writes: see
    /// `Transport.configure`.
    mutating func endHead(bodyBytes count: Int, acceptsAll: Bool) {
        if acceptsAll && !hasAccept { put("Accept: */*\r\n") }
        put("Content-Length: ")
        if let room = reserve(bytes: DecimalText.maximumLength) {
            textCount += DecimalText.write(Int64(count), into: room) ?? 0
        }
        put("\r\nSent-Over:\0")
    }

    /// The text that ``endHead(bodyBytes:acceptsAll:)`` ended with a NUL.
    var headText: UnsafePointer<CChar>? {
        lacksMemory ? nil : text.map { UnsafePointer($0.assumingMemoryBound(to: CChar.self)) }
    }

    private static var lineEnd: StaticString { "\r\n" }

    private static func isAccept(_ line: UnsafeRawBufferPointer) -> Bool {
        let name: StaticString = "accept:"
        guard line.count >= name.utf8CodeUnitCount, let start = line.baseAddress else { return false }
        // In bounds: the line is as long as the name.
        return strncasecmp(
            start.assumingMemoryBound(to: CChar.self),
            UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self),
            name.utf8CodeUnitCount
        ) == 0
    }

    private mutating func put(_ text: StaticString) {
        put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let room = reserve(bytes: bytes.count) else { return }
        room.copyMemory(from: bytes)
        textCount += bytes.count
    }

    /// Room for `bytes` behind the text; without memory none, and the attempt fails.
    private mutating func reserve(bytes: Int) -> UnsafeMutableRawBufferPointer? {
        let needed = textCount + bytes
        if needed > textCapacity {
            guard let grown = AttemptState.grow(text, &textCapacity, needed: needed, floor: 1024) else {
                lacksMemory = true
                return nil
            }
            text = grown
        }
        return text.map { UnsafeMutableRawBufferPointer(start: $0 + textCount, count: bytes) }
    }

    // MARK: - Body

    /// Keeps the part of `bytes` that fits the snippet of `limit` bytes. Without memory it keeps less.
    mutating func keep(_ bytes: UnsafeRawBufferPointer, limit: Int) {
        let wanted = min(bytes.count, limit - snippetCount)
        guard wanted > 0, let base = bytes.baseAddress else { return }
        if snippetCount + wanted > snippetCapacity {
            let needed = snippetCount + wanted
            guard let grown = AttemptState.grow(snippet, &snippetCapacity, needed: needed, floor: 256) else { return }
            snippet = grown
        }
        guard let snippet else { return }
        (snippet + snippetCount).copyMemory(from: base, byteCount: wanted)
        snippetCount += wanted
    }
}
