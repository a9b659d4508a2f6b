import Model

/// A webhook sender inside your process: register webhooks, push events, hear what became of them.
///
/// An engine owns its threads, queue and webhooks; a process may open several. Every method may be called from any thread,
/// and none blocks on a receiver. In a forked child all of them throw ``MartletError/Code/forked``: open an engine there.
///
/// Close the engine to give pending deliveries time. An engine that is only let go of ends at once and cancels what is
/// pending.
public final class Engine: Sendable {
    let state: EngineState

    /// Opens an engine.
    ///
    /// - Parameter configuration: a JSON document in UTF-8, copied; empty for every default. The keys stand in the
    ///   configuration reference.
    /// - Throws: ``MartletError/Code/invalidDocument`` and ``MartletError/Code/invalidJSON`` name what is wrong with the
    ///   document, ``MartletError/Code/outOfResources`` what the process ran out of.
    package init(configuration: UnsafeRawBufferPointer) throws(MartletError) {
        state = try EngineState(Engine.read(configuration))
    }

    /// Opens an engine from a JSON document in a string, whose keys stand in <doc:Configuration>.
    ///
    /// - Throws: ``MartletError/Code/invalidDocument`` and ``MartletError/Code/invalidJSON`` name what is wrong with the
    ///   document, ``MartletError/Code/outOfResources`` what the process ran out of.
    public init(configuration: String = "{}") throws(MartletError) {
        var settings = try configuration.withUTF8Bytes { bytes throws(MartletError) in try Engine.read(bytes) }
        settings.userAgent += " martlet-swift/\(Version.text)"
        state = try EngineState(settings)
    }

    /// Opens an engine for a language binding, whose `name/version` is added to the `user-agent` header.
    package init(configuration: UnsafeRawBufferPointer, binding: UnsafeRawBufferPointer) throws(MartletError) {
        var settings = try Engine.read(configuration)
        if !binding.isEmpty {
            guard let product = UserAgent.product(binding) else {
                throw MartletError(
                    .invalidArgument,
                    "binding must be name or name/version in 1 to 64 letters, digits and !#$%&'*+-.^_`|~"
                )
            }
            settings.userAgent += " \(product)"
        }
        state = try EngineState(settings)
    }

    private static func read(_ bytes: UnsafeRawBufferPointer) throws(MartletError) -> Model.Configuration {
        do {
            return try Model.Configuration(json: bytes)
        } catch {
            throw MartletError(error)
        }
    }

    deinit {
        // Threads hold the state, not this object: letting go of the last reference ends them.
        shutDown()
    }

    /// The library's version, such as `0.1.0`.
    public static var version: String {
        Version.text
    }

    /// The library's version as `0x00MMmmpp`.
    public static var versionNumber: UInt32 {
        UInt32(Version.major << 16 | Version.minor << 8 | Version.patch)
    }

    /// False in a forked child of the process that opened this engine. Costs no system call.
    public var belongsToThisProcess: Bool {
        ProcessGuard.isCurrent(state.process)
    }

    // MARK: End

    /// Waits until every accepted event is settled: delivered, failed, expired or canceled.
    ///
    /// - Parameter timeoutMilliseconds: 0 only looks.
    /// - Throws: ``MartletError/Code/timedOut`` when some were still pending; they go on.
    package func flush(timeoutMilliseconds: Int64) throws(MartletError) {
        try state.flush(timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Refuses new events from now on, waits until the pending ones are settled, and ends the threads.
    ///
    /// What is still pending after the timeout is canceled. Outcomes, the log, statistics and webhooks can still be read
    /// afterwards. May be called again and from several threads: each waits for the same end.
    ///
    /// - Parameter timeoutMilliseconds: 0 cancels at once. The call takes at most 100 ms longer, which is for the threads
    ///   to end.
    /// - Throws: ``MartletError/Code/timedOut`` when something had to be canceled, or another thread's close still waits.
    package func close(timeoutMilliseconds: Int64) throws(MartletError) {
        defer { endOutcomes() }
        try state.close(timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Ends the engine at once: what is pending is canceled, and a close that waits is cut short.
    public func shutDown() {
        state.shutDown()
        endOutcomes()
    }

    /// The threads have ended: who waits for outcomes is to see that none come any more.
    private func endOutcomes() {
        // In a forked child a lock may be held by a thread that is not there.
        guard belongsToThisProcess else { return }
        state.outcomes?.end()
        state.endLog()
    }
}

extension String {
    /// Lends the UTF-8 bytes, with a typed throw.
    func withUTF8Bytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var copy = self
        // The library's own withUTF8 throws untyped.
        return try copy.withUTF8 { bytes in
            Swift.Result { () throws(Failure) in try body(UnsafeRawBufferPointer(bytes)) }
        }.get()
    }
}

extension MartletError {
    init(_ error: DocumentError) {
        switch error.code {
        case .invalidJSON: self.init(.invalidJSON, error.message)
        case .unknownEventType: self.init(.unknownEventType, error.message)
        default: self.init(.invalidDocument, error.message)
        }
    }
}
