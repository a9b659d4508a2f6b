import CCurl
import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The loop's turn, and what comes out of it.
extension Transport {
    /// Drives libcurl and sleeps until `deadline`, one of libcurl's timers, an event of a socket, or ``wake()``.
    ///
    /// It never sleeps while completions wait. Call ``nextCompletion()`` until it answers nil after each turn.
    package func poll(until deadline: Instant) {
        releaseReported()
        guard let core else { return }
        runTimers()
        let poller = core.pointee.poller
        core.pointee.sockets.applyChanges(poller: poller)
        let count = poller.wait(milliseconds: sleepMilliseconds(until: deadline))
        for index in 0..<count {
            let event = poller.event(at: index)
            guard event.descriptor != waker.descriptor,
                let ready = core.pointee.sockets.admits(event, poller: poller)
            else { continue }
            var bits: Int32 = 0
            if ready.contains(.readable) { bits |= martlet_curl_select_in }
            if ready.contains(.writable) { bits |= martlet_curl_select_out }
            if let owner = core.pointee.sockets.owner(of: event.descriptor), owner < multis.count {
                act(owner, on: event.descriptor, bits)
            }
        }
        runTimers()
        if core.pointee.lackedSockets || shortageEnds != nil { adaptToShortage(core) }
    }

    /// Lets connections be fewer than there are once descriptors ran out: idle ones then make room for new ones, which
    /// they otherwise would not. Ten seconds after the last shortage the bound is lifted.
    private func adaptToShortage(_ core: UnsafeMutablePointer<TransportCore>) {
        let now = Clock.monotonic()
        if core.pointee.lackedSockets {
            core.pointee.lackedSockets = false
            shortageEnds = now.advanced(milliseconds: 10_000)
            boundConnections(isShort: true)
            closeIdleMultis()
        } else if let end = shortageEnds, end <= now {
            shortageEnds = nil
            boundConnections(isShort: false)
        }
    }

    /// Calls libcurl where a timer of its has come.
    private func runTimers() {
        for index in multis.indices {
            guard let timer = multis[index].timer, timer.nanoseconds == .min || timer <= Clock.monotonic()
            else { continue }
            // libcurl sets the next one while it runs, and only where it differs.
            multis[index].timer = nil
            act(index, on: martlet_curl_socket_timeout, 0)
        }
    }

    private func act(_ index: Int, on descriptor: curl_socket_t, _ bits: Int32) {
        var running: Int32 = 0
        guard let handle = multis[index].handle else { return }
        _ = curl_multi_socket_action(handle, descriptor, bits, &running)
        if Int(running) < multis[index].added {
            multis[index].mayHoldCompletions = true
            mayHoldCompletions = true
        }
    }

    /// For how long to sleep: 0 where something waits already, -1 for ever.
    private func sleepMilliseconds(until deadline: Instant) -> Int32 {
        if mayHoldCompletions || firstFailed != nil { return 0 }
        var end = deadline
        for multi in multis { end = min(end, multi.timer ?? .distantFuture) }
        if end == .distantFuture { return -1 }
        if end.nanoseconds == .min { return 0 }
        let left = end.nanoseconds(since: Clock.monotonic())
        guard left > 0 else { return 0 }
        // Rounded up: to wake early is to wake twice.
        return Int32(min((left - 1) / 1_000_000 + 1, Int64(Int32.max)))
    }

    /// The next attempt that has ended; nil where there is none. What it shows is valid until the next call.
    package func nextCompletion() -> AttemptCompletion? {
        releaseReported()
        guard core != nil else { return nil }
        if let attempt = firstFailed {
            unlinkFailed(attempt)
            return completion(of: attempt, code: CURLE_OUT_OF_MEMORY)
        }
        guard mayHoldCompletions else { return nil }
        for index in multis.indices where multis[index].mayHoldCompletions {
            var left: Int32 = 0
            while let message = curl_multi_info_read(multis[index].handle, &left) {
                var context: UnsafeMutableRawPointer?
                guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                    martlet_curl_get_pointer(easy, CURLINFO_PRIVATE, &context) == CURLE_OK,
                    let attempt = context?.assumingMemoryBound(to: AttemptState.self)
                else { continue }
                let code = message.pointee.data.result
                removeFromMulti(attempt)
                return completion(of: attempt, code: code)
            }
            multis[index].mayHoldCompletions = false
        }
        mayHoldCompletions = false
        return nil
    }

    private func completion(of attempt: UnsafeMutablePointer<AttemptState>, code: CURLcode) -> AttemptCompletion {
        let now = Clock.monotonic()
        let nanoseconds = max(now.nanoseconds(since: attempt.pointee.startedAt), 0)
        let head = attempt.pointee.head
        var end = TransferEnd()
        end.code = code
        end.headIsComplete = head.isComplete
        end.status = head.status
        // Throwing old names out is the last that libcurl did for it.
        if code == CURLE_OK, !attempt.pointee.trustsNames { attempt.pointee.multi?.pointee.namesCheckedAt = now }
        if !head.isComplete { examine(attempt, nanoseconds: nanoseconds, &end) }
        let errorClass = ErrorClass(end)
        report(attempt)
        return AttemptCompletion(
            token: attempt.pointee.token,
            endedAt: now,
            result: AttemptResult(
                status: head.isComplete ? head.status : 0,
                errorClass: errorClass,
                durationMicroseconds: nanoseconds / 1000,
                retryAfter: head.isComplete ? head.retryAfter : .absent,
                asksToDisable: head.isComplete && head.asksToDisable
            ),
            snippet: UnsafeRawBufferPointer(start: attempt.pointee.snippet, count: attempt.pointee.snippetCount),
            errorText: errorText(of: attempt, code: code, errorClass: errorClass),
            curlCode: Int32(bitPattern: code.rawValue)
        )
    }

    /// Finds out what a transfer without a complete head died of.
    private func examine(_ attempt: UnsafeMutablePointer<AttemptState>, nanoseconds: Int64, _ end: inout TransferEnd) {
        let easy = attempt.pointee.easy
        end.headHasStarted = attempt.pointee.head.status != 0
        end.headIsTooLong = attempt.pointee.halt == .headTooLong
        end.addressesRefused = attempt.pointee.addressesRefused
        end.addressesAllowed = attempt.pointee.addressesAllowed
        end.lackedResources = attempt.pointee.lackedResources
        if end.code == CURLE_COULDNT_RESOLVE_HOST, let core {
            // A resolver without descriptors fails like one without an answer.
            end.lackedResources = core.pointee.poller.isOutOfDescriptors()
            if end.lackedResources { core.pointee.lackedSockets = true }
        }
        var sentBytes = 0
        if attempt.pointee.phase == .running {
            _ = martlet_curl_get_long(easy, CURLINFO_REQUEST_SIZE, &sentBytes)
        }
        end.wasSent = sentBytes > 0
        end.wasResolved = !attempt.pointee.isResolving
        // libcurl counts in milliseconds from a moment that is a little later than ours.
        let deadline = Int64(attempt.pointee.timeoutMilliseconds) * 1_000_000
        end.deadlinePassed = nanoseconds + 2_000_000 >= deadline
    }

    /// The best words there are: our own where we ended the transfer, or libcurl's.
    private func errorText(
        of attempt: UnsafeMutablePointer<AttemptState>,
        code: CURLcode,
        errorClass: ErrorClass
    ) -> UnsafeRawBufferPointer {
        func own(_ text: StaticString) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        }
        if code == CURLE_OK {
            switch errorClass {
            case .badResponse: return own("the answer has no valid status line")
            case .connectionLost: return own("the connection was closed within the response headers")
            default: return own("")
            }
        }
        switch attempt.pointee.halt {
        case .headTooLong: return own("the response headers exceed their limit")
        case .bodyTooLong: return own("the response body exceeds its limit; the rest was not read")
        case .none: break
        }
        if errorClass == .addressRefused { return own("every address of the receiver is refused by the address guard") }
        if attempt.pointee.lackedResources { return own("no socket: out of file descriptors or memory") }
        let buffer = UnsafePointer(attempt.pointee.errorBuffer)
        guard buffer[0] == 0 else { return UnsafeRawBufferPointer(start: buffer, count: strnlen(buffer, 256)) }
        guard let general = curl_easy_strerror(code) else { return own("") }
        return UnsafeRawBufferPointer(start: general, count: strnlen(general, 256))
    }

    /// The address that the last completion's attempt was connected to, or tried last; nil where there was none. Valid as
    /// long as that completion's memory.
    package func lastPrimaryAddress() -> UnsafeRawBufferPointer? {
        guard let attempt = reported else { return nil }
        var text: UnsafePointer<CChar>?
        guard martlet_curl_get_string(attempt.pointee.easy, CURLINFO_PRIMARY_IP, &text) == CURLE_OK, let text,
            text[0] != 0
        else { return nil }
        return UnsafeRawBufferPointer(start: text, count: strnlen(text, 64))
    }

    /// Changes of watched sockets told to the kernel so far, for measurements.
    package var controlCalls: UInt64 {
        core?.pointee.sockets.controlCalls ?? 0
    }
}
