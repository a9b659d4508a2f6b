import JSONText
import Model

extension Engine {
    /// Sets who hears Martlet's own messages; nil for nobody, which is how an engine starts.
    ///
    /// The handler runs on the engine's threads and on those that call it: it must be quick, and must not call a method that
    /// changes a webhook, reads deliveries or statistics, flushes or closes.
    ///
    /// - Parameters:
    ///   - minimumLevel: 1 errors, 2 warnings too, 3 notices too, 4 everything.
    ///   - handler: the level and the message in UTF-8, lent for the call.
    package func setLog(
        minimumLevel: Int32,
        _ handler: (@Sendable (_ level: Int32, _ message: UnsafeRawBufferPointer) -> Void)?
    ) throws(MartletError) {
        try state.checkProcess()
        guard (1...4).contains(minimumLevel) || handler == nil else {
            throw MartletError(.invalidArgument, "minimum_level must be from 1 to 4, not \(minimumLevel)")
        }
        state.logger.set(minimumLevel: minimumLevel, handler)
        if handler != nil { state.tellRecovery() }
    }

    /// Keeps messages for ``pollLog()`` and answers the descriptor that is readable while some wait, and for good once the
    /// engine is closed.
    ///
    /// - Parameter minimumLevel: as for ``setLog(minimumLevel:_:)``; 0 keeps no more.
    package func logDescriptor(minimumLevel: Int32) throws(MartletError) -> Int32 {
        try state.checkProcess()
        guard (0...4).contains(minimumLevel) else {
            throw MartletError(.invalidArgument, "minimum_level must be from 0 to 4, not \(minimumLevel)")
        }
        guard let ring = state.logger.keep(minimumLevel: minimumLevel) else {
            throw MartletError(.outOfResources, "no file descriptors are left for the pipe of the log")
        }
        if minimumLevel > 0 { state.tellRecovery() }
        return ring.descriptor
    }

    /// Takes the messages that wait, as a JSON document.
    package func pollLog() throws(MartletError) -> [UInt8] {
        try state.checkProcess()
        guard let ring = state.logger.ring else {
            throw MartletError(.wrongState, "the engine keeps no messages: ask for the log's descriptor first")
        }
        let batch = ring.take()
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("messages")
        writer.beginArray()
        for message in batch.messages {
            writer.beginObject()
            writer.key("level")
            writer.string(message.level.name)
            writer.key("time")
            writer.string(Timestamp.text(message.time))
            writer.key("text")
            writer.string(message.text)
            writer.endObject()
        }
        writer.endArray()
        writer.key("dropped")
        writer.integer(Int64(clamping: batch.dropped))
        writer.key("ended")
        writer.bool(batch.hasEnded)
        writer.endObject()
        return writer.bytes
    }
}

extension EngineState {
    /// No message comes any more. A close beside a longer one leaves that to the other.
    func endLog() {
        guard phase.load(ordering: .acquiring) == .stopped else { return }
        logger.end()
    }

    /// What opening found, for the host that could not listen then; told once, to the first who does.
    func tellRecovery() {
        guard journal != nil, let found = recovery.withLock({ $0 }),
            !isRecoveryTold.exchange(true, ordering: .relaxed)
        else { return }
        logger.log(.info) {
            "the dataDirectory is open: \(found.webhooks) webhooks, \(found.deliveries) pending deliveries of "
                + "\(found.events) events, \(found.outcomes) outcomes to tell; read in \(found.milliseconds) ms"
        }
        if found.journal.quarantinedStretches > 0 || found.unreadable > 0 {
            logger.log(.warning) {
                "the dataDirectory was damaged: \(found.journal.quarantinedStretches) stretches of "
                    + "\(found.journal.quarantinedBytes) bytes are set aside, \(found.unreadable) records are unreadable"
            }
        }
    }
}
