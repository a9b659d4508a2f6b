import Threading

extension Engine {
    /// Waits until every accepted event is settled: delivered, failed, expired or canceled.
    ///
    /// The wait blocks no thread of the task's pool, and goes on when the task is canceled. Outcomes need not be taken for it to
    /// end.
    ///
    /// - Parameter timeout: the longest wait; zero only looks.
    /// - Throws: ``MartletError/Code/timedOut`` when some were still pending; they go on.
    public func flush(timeout: Duration) async throws(MartletError) {
        try await Engine.aside { () throws(MartletError) in try self.syncFlush(timeout: timeout) }
    }

    /// The same for a program without tasks: waits on this thread.
    public func syncFlush(timeout: Duration) throws(MartletError) {
        try flush(timeoutMilliseconds: timeout.wholeMilliseconds)
    }

    /// Refuses new events from now on, waits until the pending ones are settled, and ends the engine's threads.
    ///
    /// What is still pending after the timeout is canceled. Outcomes, the log, statistics and webhooks can still be read
    /// afterwards. May be called again and by several tasks: each waits for the same end. The wait blocks no thread of the
    /// task's pool, and goes on when the task is canceled.
    ///
    /// - Parameter timeout: how long accepted events may go on; zero cancels them at once. The call takes at most 100 ms longer.
    /// - Throws: ``MartletError/Code/timedOut`` when something had to be canceled, or another close still waits; the engine is
    ///   closed all the same.
    public func close(timeout: Duration = .seconds(10)) async throws(MartletError) {
        try await Engine.aside { () throws(MartletError) in try self.syncClose(timeout: timeout) }
    }

    /// The same for a program without tasks: waits on this thread.
    public func syncClose(timeout: Duration = .seconds(10)) throws(MartletError) {
        try close(timeoutMilliseconds: timeout.wholeMilliseconds)
    }

    /// Runs a call that waits on a thread of its own.
    private static func aside(
        _ call: @escaping @Sendable () throws(MartletError) -> Void
    ) async throws(MartletError) {
        let pending = PendingCall(call)
        let result = await withUnsafeContinuation { continuation in
            let run = { @Sendable in continuation.resume(returning: pending.run()) }
            // Where the process has no threads left, the wait is worth blocking this one.
            if !OwnedThread.start(name: "martlet-wait", run) { run() }
        }
        try result.get()
    }
}

/// A call of an engine that is let go of once it has returned: the thread that made it may end later than its caller goes
/// on, and an engine that it still held would keep its `dataDirectory` although its owner has let go of it.
final class PendingCall: Sendable {
    private let call: Locked<(@Sendable () throws(MartletError) -> Void)?>

    init(_ call: @escaping @Sendable () throws(MartletError) -> Void) {
        self.call = Locked(call)
    }

    /// Makes the call, the first time.
    func run() -> Result<Void, MartletError> {
        let call = call.withLock { call in
            defer { call = nil }
            return call
        }
        return Result { () throws(MartletError) in try call?() }
    }
}

extension Duration {
    /// Rounded up, and cut to what fits.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, isTooLong) = seconds.multipliedReportingOverflow(by: 1000)
        guard !isTooLong else { return seconds < 0 ? .min : .max }
        // Below a second, so the quotient is at most 1000.
        let rest = attoseconds / 1_000_000_000_000_000 + (attoseconds % 1_000_000_000_000_000 > 0 ? 1 : 0)
        let (sum, overflow) = product.addingReportingOverflow(rest)
        return overflow ? (seconds < 0 ? .min : .max) : sum
    }
}

// MARK: - Log and event types

extension Engine {
    /// How urgent a message of Martlet is.
    public enum LogLevel: Int32, CaseIterable, Comparable, Sendable {
        /// Martlet could not do its work.
        case error = 1
        /// Something needs attention: a webhook was disabled, a receiver keeps failing.
        case warning = 2
        /// Life cycle of the engine and its webhooks, and what opening found in a data directory.
        case info = 3
        /// Every attempt.
        case debug = 4

        /// More urgent is less.
        public static func < (left: LogLevel, right: LogLevel) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    /// Sets who hears Martlet's own messages, or nobody, which is how an engine starts: Martlet prints nothing.
    ///
    /// The handler runs on the engine's threads and on those that call it: it must be quick, and must not call a method that
    /// changes a webhook, reads deliveries or statistics, flushes or closes.
    ///
    /// - Parameters:
    ///   - level: messages less urgent than this are not made.
    ///   - handler: gets each message, one line; nil to remove it.
    public func setLog(
        level: LogLevel = .info,
        _ handler: (@Sendable (_ level: LogLevel, _ message: String) -> Void)?
    ) throws(MartletError) {
        guard let handler else { return try setLog(minimumLevel: level.rawValue, nil) }
        try setLog(minimumLevel: level.rawValue) { level, message in
            handler(LogLevel(rawValue: level) ?? .error, String(decoding: message, as: UTF8.self))
        }
    }

    /// Adds an event type; events of it can be pushed when this returns.
    ///
    /// A type that is known already keeps its webhooks and gets the new title, description and sample, unless it has a name
    /// alone. Types cannot be removed. Add thousands by the configuration.
    ///
    /// - Throws: ``MartletError/Code/invalidDocument``, ``MartletError/Code/closed``.
    public func addEventType(_ type: EventTypeDescription) throws(MartletError) {
        try addEventType(JSON(type.document))
    }

    /// Adds an event type that a JSON document describes, with `name`, and optionally `title`, `description` and `sample`.
    public func addEventType(_ document: JSON) throws(MartletError) {
        try document.bytes.withBytes { document throws(MartletError) in try addEventType(document) }
    }

    /// The event types that events may have, the built-in ones first.
    public func eventTypes() throws(MartletError) -> [EventTypeDescription] {
        let types = try Engine.read(eventTypesJSON())["eventTypes"]?.arrayValue ?? []
        return types.map { type in
            EventTypeDescription(
                type.text("eventType"),
                title: type.optionalText("title"),
                description: type.optionalText("description"),
                sample: type["sample"].map { JSON($0) }
            )
        }
    }
}
