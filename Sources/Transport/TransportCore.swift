import CCurl
import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What libcurl's callbacks need of a transport, in plain memory that outlives the multi handle.
///
/// Callbacks run inside calls that the transport makes, so each access is a short one of a field: none is held across
/// a call of libcurl.
struct TransportCore {
    var poller: Poller
    var sockets = SocketTable()
    /// Attempts whose name is being resolved.
    var resolving = 0
    /// By a socket's multi handle.
    let multis: UnsafeMutableBufferPointer<MultiHandle>
    /// A socket could not be made for want of descriptors or memory since the loop last looked.
    var lackedSockets = false
    let judge: AddressJudge?
    let headerCap: Int
    let bodyCap: Int
    let snippetCap: Int
}

// The callbacks below are C functions. A context pointer is the core, a multi handle's or a slot's state, as set beside them.

/// `CURLMOPT_SOCKETFUNCTION`: libcurl says what it waits for on a descriptor. Context: the multi handle.
func socketChanged(
    _ easy: UnsafeMutableRawPointer?,
    _ descriptor: curl_socket_t,
    _ what: Int32,
    _ context: UnsafeMutableRawPointer?,
    _ unused: UnsafeMutableRawPointer?
) -> Int32 {
    guard let multi = context?.assumingMemoryBound(to: MultiHandle.self) else { return 0 }
    let core = multi.pointee.core
    let interest: Poller.Interest =
        switch what {
        case martlet_curl_poll_in: .readable
        case martlet_curl_poll_out: .writable
        case martlet_curl_poll_inout: [.readable, .writable]
        default: []
        }
    if core.pointee.sockets.isUntracked(descriptor), isInternal(easy) {
        // Later releases watch a descriptor of the multi handle's own, which lives as long as that, and forget it whenever
        // no transfer runs. Where there is no memory it stays untracked, which costs calls and nothing else.
        _ = core.pointee.sockets.opened(descriptor, by: multi.pointee.index)
    }
    let poller = core.pointee.poller
    core.pointee.sockets.want(interest, of: descriptor, by: multi.pointee.index, poller: poller)
    return 0
}

/// Whether `easy` is one of libcurl's own handles: ours all carry their slot.
private func isInternal(_ easy: UnsafeMutableRawPointer?) -> Bool {
    guard let easy else { return false }
    var context: UnsafeMutableRawPointer?
    return martlet_curl_get_pointer(easy, CURLINFO_PRIVATE, &context) == CURLE_OK && context == nil
}

/// `CURLMOPT_TIMERFUNCTION`: libcurl says when it wants to be called. Context: the multi handle.
func timerChanged(
    _ multi: UnsafeMutableRawPointer?,
    _ milliseconds: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let multi = context?.assumingMemoryBound(to: MultiHandle.self) else { return 0 }
    multi.pointee.timer =
        switch milliseconds {
        case ..<0: nil
        case 0: Instant(nanoseconds: .min)
        default: Clock.monotonic().advanced(milliseconds: Int64(milliseconds))
        }
    return 0
}

/// `CURLOPT_OPENSOCKETFUNCTION`: asks the judge about the address and makes the socket. Context: the slot.
func openSocket(
    _ context: UnsafeMutableRawPointer?,
    _ purpose: curlsocktype,
    _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let attempt = context?.assumingMemoryBound(to: AttemptState.self), let address else {
        return martlet_curl_socket_bad
    }
    let core = attempt.pointee.core
    endResolving(attempt)
    if let judge = core.pointee.judge {
        // The structure ends in a `sockaddr` that is longer than its declared type: judge it where it lies.
        let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) ?? 0
        let start = UnsafeRawPointer(address) + offset
        guard judge(start.assumingMemoryBound(to: sockaddr.self), socklen_t(address.pointee.addrlen)) else {
            attempt.pointee.addressesRefused &+= 1
            return martlet_curl_socket_bad
        }
    }
    attempt.pointee.addressesAllowed &+= 1
    let descriptor = openSocket(for: address.pointee)
    guard descriptor >= 0 else {
        let shortages = [EMFILE, ENFILE, ENOBUFS, ENOMEM]
        if shortages.contains(errno) {
            attempt.pointee.lackedResources = true
            core.pointee.lackedSockets = true
        }
        return martlet_curl_socket_bad
    }
    guard let multi = attempt.pointee.multi, core.pointee.sockets.opened(descriptor, by: multi.pointee.index) else {
        attempt.pointee.lackedResources = true
        closeDescriptor(descriptor)
        return martlet_curl_socket_bad
    }
    multi.pointee.connections += 1
    return descriptor
}

/// `CURLOPT_CLOSESOCKETFUNCTION`. Context: the core, for connections outlive the attempts that opened them.
func closeSocket(_ context: UnsafeMutableRawPointer?, _ descriptor: curl_socket_t) -> Int32 {
    if let core = context?.assumingMemoryBound(to: TransportCore.self) {
        let poller = core.pointee.poller
        if let multi = core.pointee.sockets.owner(of: descriptor), multi < core.pointee.multis.count {
            core.pointee.multis[multi].connections -= 1
        }
        core.pointee.sockets.closing(descriptor, poller: poller)
    }
    closeDescriptor(descriptor)
    return 0
}

/// `CURLOPT_RESOLVER_START_FUNCTION`: the resolver is about to be asked. Context: the slot.
func resolverStarts(
    _ resolver: UnsafeMutableRawPointer?,
    _ reserved: UnsafeMutableRawPointer?,
    _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let attempt = context?.assumingMemoryBound(to: AttemptState.self) else { return 0 }
    if !attempt.pointee.isResolving {
        attempt.pointee.isResolving = true
        attempt.pointee.core.pointee.resolving += 1
    }
    return 0
}

/// Notes that an attempt no longer resolves a name, if it did.
func endResolving(_ attempt: UnsafeMutablePointer<AttemptState>) {
    guard attempt.pointee.isResolving else { return }
    attempt.pointee.isResolving = false
    attempt.pointee.core.pointee.resolving -= 1
}

/// `CURLOPT_HEADERFUNCTION`: one header line. Context: the slot. Any answer but the size ends the transfer.
func headerArrived(
    _ bytes: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let attempt = context?.assumingMemoryBound(to: AttemptState.self) else { return 0 }
    // libcurl's `size` is always 1.
    attempt.pointee.head.consume(UnsafeRawBufferPointer(start: bytes, count: count))
    guard attempt.pointee.head.byteCount <= attempt.pointee.core.pointee.headerCap else {
        attempt.pointee.halt = .headTooLong
        return 0
    }
    return count
}

/// `CURLOPT_WRITEFUNCTION`: a part of the body. Context: the slot. Any answer but the size ends the transfer.
func bodyArrived(
    _ bytes: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let attempt = context?.assumingMemoryBound(to: AttemptState.self) else { return 0 }
    let core = attempt.pointee.core
    attempt.pointee.keep(UnsafeRawBufferPointer(start: bytes, count: count), limit: core.pointee.snippetCap)
    // Never past the cap by more than one part, so this cannot overflow.
    attempt.pointee.bodyBytes += count
    guard attempt.pointee.bodyBytes <= core.pointee.bodyCap else {
        attempt.pointee.halt = .bodyTooLong
        return 0
    }
    return count
}
