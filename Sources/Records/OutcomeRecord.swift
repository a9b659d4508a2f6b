import Model

/// Something the host is to be told. It counts until a `told` record names its number.
package struct OutcomeRecord: Hashable, Sendable {
    /// Ascending over the life of the journal.
    package var number: UInt64
    package var kind: UInt8
    package var state: UInt8
    package var failure: UInt8
    package var httpStatus: UInt16
    package var attempts: UInt32
    package var deliveries: UInt32
    package var succeeded: UInt32
    package var disabledReason: UInt32
    package var tag: UInt64
    package var settledAt: WallTime
    /// 0 for none.
    package var failingSince: WallTime
    package var event: EventID
    package var delivery: Identifier
    package var webhook: Identifier

    package init(
        number: UInt64,
        kind: UInt8,
        state: UInt8,
        failure: UInt8,
        httpStatus: UInt16,
        attempts: UInt32,
        deliveries: UInt32,
        succeeded: UInt32,
        disabledReason: UInt32,
        tag: UInt64,
        settledAt: WallTime,
        failingSince: WallTime,
        event: EventID,
        delivery: Identifier,
        webhook: Identifier
    ) {
        self.number = number
        self.kind = kind
        self.state = state
        self.failure = failure
        self.httpStatus = httpStatus
        self.attempts = attempts
        self.deliveries = deliveries
        self.succeeded = succeeded
        self.disabledReason = disabledReason
        self.tag = tag
        self.settledAt = settledAt
        self.failingSince = failingSince
        self.event = event
        self.delivery = delivery
        self.webhook = webhook
    }

    /// Enough for every record of this kind.
    package static var maximumLength: Int { 256 }

    package func put(into sink: inout ByteSink) {
        sink.put(number)
        sink.put(kind)
        sink.put(state)
        sink.put(failure)
        sink.put(httpStatus)
        sink.put(attempts)
        sink.put(deliveries)
        sink.put(succeeded)
        sink.put(disabledReason)
        sink.put(tag)
        sink.put(settledAt)
        sink.put(failingSince)
        sink.put(event)
        sink.put(delivery)
        sink.put(webhook)
    }

    /// Nil where the bytes are no such record.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var source = ByteSource(bytes)
        number = source.get()
        kind = source.get()
        state = source.get()
        failure = source.get()
        httpStatus = source.get()
        attempts = source.get()
        deliveries = source.get()
        succeeded = source.get()
        disabledReason = source.get()
        tag = source.get()
        settledAt = source.getTime()
        failingSince = source.getTime()
        event = source.getEventID()
        delivery = source.getIdentifier()
        webhook = source.getIdentifier()
        guard source.isValid else { return nil }
    }

    package static func number(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        var source = ByteSource(bytes)
        let number = source.get(UInt64.self)
        return source.isValid ? number : nil
    }
}

/// Outcomes that the host was told.
package enum ToldRecord {
    package static func numbers(_ bytes: UnsafeRawBufferPointer) -> [UInt64] {
        var source = ByteSource(bytes)
        return (0..<(bytes.count / 8)).map { _ in source.get() }
    }
}
