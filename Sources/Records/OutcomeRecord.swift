import Model

/// Something the host is to be told. It counts until a `told` record names its number.
package struct OutcomeRecord: Hashable, Sendable {
    /// Ascending over the life of the journal.
    package var number: UInt64
    /// The delivery or, by a delivery number of ``ofEvent`` or ``ofDeliveries``, the event that is told of: it has ended,
    /// whether or not the record of that end was written. Nil for a notice about a webhook.
    package var subject: DeliveryKey?
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
        subject: DeliveryKey?,
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
        self.subject = subject
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

    /// Stands for all deliveries of an event.
    package static var ofEvent: UInt32 { .max }
    /// Stands for an event each of whose deliveries has an outcome of its own. Those tell that they have ended, and this one
    /// counts where all have: a power failure may leave it and take one of them.
    package static var ofDeliveries: UInt32 { .max - 1 }

    /// Enough for every record of this kind.
    package static var maximumLength: Int { 256 }

    package func put(into sink: inout ByteSink) {
        sink.put(number)
        sink.put(subject?.event ?? EventKey(first: 0, seed: 0))
        sink.put(subject?.number ?? 0)
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
        let event = source.getKey()
        let delivery = source.get(UInt32.self)
        subject = event.first == 0 ? nil : DeliveryKey(event: event, number: delivery)
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
        self.event = source.getEventID()
        self.delivery = source.getIdentifier()
        webhook = source.getIdentifier()
        guard source.isValid else { return nil }
    }

    /// What recovery needs of every such record, without the rest.
    package static func peek(
        _ bytes: UnsafeRawBufferPointer
    ) -> (number: UInt64, subject: DeliveryKey?, state: EventRecord.EndState)? {
        var source = ByteSource(bytes)
        let number = source.get(UInt64.self)
        let event = source.getKey()
        let delivery = source.get(UInt32.self)
        _ = source.get(UInt8.self)
        let state = source.get(UInt8.self)
        guard source.isValid else { return nil }
        return (number, event.first == 0 ? nil : DeliveryKey(event: event, number: delivery), state)
    }
}

/// Outcomes that the host was told.
package enum ToldRecord {
    package static func numbers(_ bytes: UnsafeRawBufferPointer) -> [UInt64] {
        var source = ByteSource(bytes)
        return (0..<(bytes.count / 8)).map { _ in source.get() }
    }
}
