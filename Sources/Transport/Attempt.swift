import CCurl
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
    private var nodes: UnsafeMutablePointer<curl_slist>?
    private var nodeCount = 0
    private var nodeCapacity = 0
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

    /// Makes the state ready for a new attempt, whose headers begin with `lines`.
    mutating func reset(token: UInt64, lines: UnsafeRawBufferPointer) {
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
        nodeCount = 0
        errorBuffer[0] = 0
        if let room = beginLine(bytes: lines.count) {
            room.copyMemory(from: lines)
            textCount = lines.count
        }
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
        free(nodes)
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

    // MARK: - Headers

    /// Adds header lines (`name: value` with CRLF between them) of at most `capacity` bytes, which `fill` writes and counts.
    ///
    /// They are joined with those before into one entry of libcurl's list, which sends an entry as it is. That saves it a
    /// look at each of them for each header that it would add itself, so they must be none of those.
    mutating func joinHeaders(capacity: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Int) {
        // Two bytes for the line end in front.
        let isFirst = nodeCount != 1 || textCount == 0
        guard let room = isFirst ? beginLine(bytes: capacity) : reserve(bytes: capacity + 2) else {
            lacksMemory = true
            return
        }
        if isFirst {
            textCount += fill(room)
        } else {
            room.storeBytes(of: UInt16(0x0A0D).littleEndian, as: UInt16.self)
            textCount += 2 + fill(UnsafeMutableRawBufferPointer(rebasing: room[2...]))
        }
    }

    /// Adds one header line made of `name` (with its colon and blank) and `value`, as an entry of its own.
    mutating func addHeader(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard let line = beginLine(bytes: name.count + value.count) else {
            lacksMemory = true
            return
        }
        line.copyMemory(from: name)
        UnsafeMutableRawBufferPointer(rebasing: line[name.count...]).copyMemory(from: value)
        textCount += name.count + value.count
    }

    /// Begins an entry of libcurl's list and makes room for `bytes` of it; nil where there is no memory.
    private mutating func beginLine(bytes: Int) -> UnsafeMutableRawBufferPointer? {
        if nodeCount == nodeCapacity {
            var size = nodeCapacity * MemoryLayout<curl_slist>.stride
            let floor = 8 * MemoryLayout<curl_slist>.stride
            guard let grown = AttemptState.grow(nodes, &size, needed: floor, floor: floor) else { return nil }
            nodes = grown.assumingMemoryBound(to: curl_slist.self)
            nodeCapacity = size / MemoryLayout<curl_slist>.stride
        }
        if nodeCount > 0, textCount > 0 {
            guard let end = reserve(bytes: 0) else { return nil }
            end.storeBytes(of: 0, as: UInt8.self)
            textCount += 1
        } else {
            // Nothing was written into the first entry: it gives its place to this one.
            nodeCount = 0
        }
        guard let room = reserve(bytes: bytes) else { return nil }
        // The text may still move: `linkHeaders` turns positions into pointers. One is added, for zero is no pointer.
        nodes?[nodeCount] = curl_slist(data: UnsafeMutablePointer(bitPattern: textCount + 1), next: nil)
        nodeCount += 1
        return room
    }

    /// Room for `bytes` behind the text, and for the NUL behind them.
    private mutating func reserve(bytes: Int) -> UnsafeMutableRawBufferPointer? {
        let needed = textCount + bytes + 1
        if needed > textCapacity {
            guard let grown = AttemptState.grow(text, &textCapacity, needed: needed, floor: 512) else { return nil }
            text = grown
        }
        return text.map { UnsafeMutableRawBufferPointer(start: $0 + textCount, count: bytes + 1) }
    }

    /// The attempt's own header lines followed by `rest`. Valid until the next header is added.
    func linkHeaders(before rest: UnsafeMutablePointer<curl_slist>?) -> UnsafeMutablePointer<curl_slist>? {
        guard nodeCount > 0, textCount > 0, let nodes, let text else { return rest }
        // Room for it was made with the last line.
        text.storeBytes(of: 0, toByteOffset: textCount, as: UInt8.self)
        for index in 0..<nodeCount {
            let position = Int(bitPattern: nodes[index].data) - 1
            nodes[index].data = (text + position).assumingMemoryBound(to: CChar.self)
            nodes[index].next = index + 1 < nodeCount ? nodes + (index + 1) : rest
        }
        return nodes
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
