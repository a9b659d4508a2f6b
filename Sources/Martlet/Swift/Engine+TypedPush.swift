import JSONText

extension Engine {
    /// Pushes one event with data of any `Encodable` type.
    ///
    /// The call matches the event against the webhooks, builds its payload and queues a delivery for each; nothing of it
    /// waits for a receiver.
    ///
    /// Data is written as `JSONEncoder` does, with no white space, and with these forms for types of Foundation: `Date` as RFC
    /// 3339 in UTC with milliseconds, `URL` as text, `Data` inside of other types as base64, `Decimal` as a number. For other
    /// forms encode it yourself and use ``push(_:json:tag:)-(_,Collection<UInt8>,_)``.
    ///
    /// - Parameters:
    ///   - type: an event type of the catalog.
    ///   - data: what happened. ``JSON`` has literals: `["callId": "call_1"] as JSON`.
    ///   - tag: a number of your own that comes back with the outcomes.
    /// - Throws: ``MartletError/Code/queueFull``, push again when outcomes have arrived;
    ///   ``MartletError/Code/unknownEventType``, ``MartletError/Code/tooLarge``, ``MartletError/Code/closed``;
    ///   ``MartletError/Code/invalidArgument`` where the data cannot be encoded.
    @discardableResult
    public func push(_ type: String, _ data: some Encodable, tag: UInt64 = 0) throws(MartletError) -> PushReceipt {
        try push(type, json: try EventEncoder.encode(data), tag: tag)
    }

    /// Not to be taken for JSON: label text that is ready `json:`.
    @available(
        *,
        unavailable,
        message: "say json: for JSON that is ready; wrap a string that is all the data in JSON(_:)"
    )
    public func push(_ type: String, _ data: String, tag: UInt64 = 0) throws(MartletError) -> PushReceipt {
        throw MartletError(.invalidArgument)
    }

    /// Not to be taken for JSON: label bytes that are ready `json:`.
    @available(*, unavailable, message: "say json: for JSON that is ready")
    public func push(_ type: String, _ data: [UInt8], tag: UInt64 = 0) throws(MartletError) -> PushReceipt {
        throw MartletError(.invalidArgument)
    }

    /// Pushes one event with JSON that is ready, which receivers get byte for byte.
    ///
    /// - Parameters:
    ///   - type: an event type of the catalog.
    ///   - json: one JSON value (RFC 8259).
    ///   - tag: a number of your own that comes back with the outcomes.
    /// - Throws: ``MartletError/Code/queueFull``, push again when outcomes have arrived;
    ///   ``MartletError/Code/unknownEventType``, ``MartletError/Code/invalidJSON``, ``MartletError/Code/tooLarge``,
    ///   ``MartletError/Code/closed``.
    @discardableResult
    public func push(_ type: String, json: String, tag: UInt64 = 0) throws(MartletError) -> PushReceipt {
        try push(type: type, data: json, tag: tag)
    }

    /// Pushes one event with JSON that is ready, in UTF-8: `Data`, an array of bytes, a buffer.
    @discardableResult
    public func push(
        _ type: String,
        json: some Collection<UInt8>,
        tag: UInt64 = 0
    ) throws(MartletError) -> PushReceipt {
        try type.withUTF8Bytes { type throws(MartletError) in
            try json.withBytes { json throws(MartletError) in try push(type: type, data: json, tag: tag) }
        }
    }

    // MARK: Full events

    /// Pushes one event with more than its type and data.
    ///
    /// - Returns: its id, and whether it was a duplicate: an event whose own id was accepted a short while ago delivers
    ///   nothing again, and is no error.
    /// - Throws: the errors of ``push(_:json:tag:)-(_,String,_)``; ``MartletError/Code/invalidDocument`` names what is wrong
    ///   with the rest.
    @discardableResult
    public func push(_ event: Event) throws(MartletError) -> PushReceipt {
        var writer = JSONWriter()
        var extraction = JSONText.Extraction()
        let receipt = try push(event, with: &writer, &extraction)
        if !receipt.isDuplicate { try state.journal?.commit() }
        return receipt
    }

    /// Pushes many events in one call, one by one in their order; the first that is refused ends it.
    ///
    /// - Throws: ``BatchError``, which tells what was accepted before: go on behind that.
    @discardableResult
    public func push(contentsOf events: some Sequence<Event>) throws(BatchError) -> BatchReceipt {
        var receipt = BatchReceipt()
        var writer = JSONWriter()
        var extraction = JSONText.Extraction()
        var refusal: MartletError?
        for event in events {
            do throws(MartletError) {
                if try push(event, with: &writer, &extraction).isDuplicate {
                    receipt.duplicates += 1
                } else {
                    receipt.accepted += 1
                }
            } catch {
                let place = receipt.accepted + receipt.duplicates + 1
                refusal = MartletError(error.code, "event \(place): \(error.message)")
                break
            }
        }
        do throws(MartletError) {
            // One wait for the disk for all of them, also for those before one that is refused.
            if receipt.accepted > 0 { try state.journal?.commit() }
            if let refusal { throw refusal }
        } catch {
            throw BatchError(receipt, error)
        }
        return receipt
    }

    /// Pushes events as JSON documents, one a line, with any key of <doc:Configuration>; blank lines are passed over.
    ///
    /// - Parameter lines: UTF-8: `Data`, an array of bytes, the `utf8` of a string.
    /// - Throws: ``BatchError``, which names the line that was refused and tells what was accepted before.
    @discardableResult
    public func push(lines: some Collection<UInt8>) throws(BatchError) -> BatchReceipt {
        var receipt = BatchReceipt()
        do throws(MartletError) {
            try lines.withBytes { lines throws(MartletError) in
                try pushJSON(lines, accepted: &receipt.accepted, duplicates: &receipt.duplicates)
            }
        } catch {
            throw BatchError(receipt, error)
        }
        return receipt
    }

    private func push(
        _ event: Event,
        with writer: inout JSONWriter,
        _ extraction: inout JSONText.Extraction
    ) throws(MartletError) -> PushReceipt {
        try state.checkOpen()
        writer.removeAll()
        try event.write(to: &writer)
        return try writer.bytes.withBytes { document throws(MartletError) in
            try pushLine(document, extraction: &extraction)
        }
    }
}

/// What became of many events.
public struct BatchReceipt: Hashable, Sendable {
    /// Events that were accepted.
    public var accepted = 0
    /// Events whose own id was accepted a short while ago; they deliver nothing again.
    public var duplicates = 0

    /// Nothing.
    public init() {}
}

/// One of many events was refused; those before it were accepted and go on.
public struct BatchError: Error, Sendable, CustomStringConvertible {
    /// What was done before.
    public let receipt: BatchReceipt
    /// Which event was refused, and why.
    public let error: MartletError

    init(_ receipt: BatchReceipt, _ error: MartletError) {
        self.receipt = receipt
        self.error = error
    }

    /// The error, and what was accepted.
    public var description: String {
        "\(error); \(receipt.accepted) accepted before it"
    }
}
