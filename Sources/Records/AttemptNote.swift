import Model

/// One attempt as the delivery log shows it.
package struct AttemptNote {
    package var number: UInt16
    package var startedAt: WallTime
    package var durationMicroseconds: Int64
    package var status: UInt16
    package var errorClass: ErrorClass
    /// The beginning of the receiver's answer; borrowed.
    package var snippet: UnsafeRawBufferPointer
    /// The fault in words; borrowed.
    package var error: UnsafeRawBufferPointer

    package init(
        number: UInt16,
        startedAt: WallTime,
        durationMicroseconds: Int64,
        status: UInt16,
        errorClass: ErrorClass,
        snippet: UnsafeRawBufferPointer,
        error: UnsafeRawBufferPointer
    ) {
        self.number = number
        self.startedAt = startedAt
        self.durationMicroseconds = durationMicroseconds
        self.status = status
        self.errorClass = errorClass
        self.snippet = snippet
        self.error = error
    }

    package var encodedLength: Int {
        2 + 8 + 8 + 2 + 1 + 8 + snippet.count + error.count
    }
}

extension ByteSink {
    mutating func put(_ attempt: AttemptNote?) {
        put(UInt8(attempt == nil ? 0 : 1))
        guard let attempt else { return }
        put(attempt.number)
        put(attempt.startedAt)
        put(attempt.durationMicroseconds)
        put(attempt.status)
        put(attempt.errorClass.rawValue)
        putLong(attempt.snippet)
        putLong(attempt.error)
    }
}

extension ByteSource {
    mutating func getAttempt() -> AttemptNote? {
        guard get(UInt8.self) != 0 else { return nil }
        let number = get(UInt16.self)
        let startedAt = getTime()
        let duration = get(Int64.self)
        let status = get(UInt16.self)
        let errorClass = ErrorClass(rawValue: get()) ?? .local
        let snippet = getLong()
        return AttemptNote(
            number: number,
            startedAt: startedAt,
            durationMicroseconds: duration,
            status: status,
            errorClass: errorClass,
            snippet: snippet,
            error: getLong()
        )
    }
}

/// A try of a delivery that will be tried again.
package struct AttemptRecord {
    package var delivery: DeliveryKey
    package var webhook: Identifier
    package var progress: Progress
    /// Nil where the breaker turned the try away.
    package var attempt: AttemptNote?

    package init(delivery: DeliveryKey, webhook: Identifier, progress: Progress, attempt: AttemptNote?) {
        self.delivery = delivery
        self.webhook = webhook
        self.progress = progress
        self.attempt = attempt
    }

    package var encodedLength: Int {
        16 + 4 + 16 + Progress.encodedLength + 1 + (attempt?.encodedLength ?? 0)
    }

    package func put(into sink: inout ByteSink) {
        sink.put(delivery.event)
        sink.put(delivery.number)
        sink.put(webhook)
        sink.put(progress)
        sink.put(attempt)
    }

    /// Nil where the bytes are no such record. The texts are borrowed from them.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var source = ByteSource(bytes)
        let event = source.getKey()
        delivery = DeliveryKey(event: event, number: source.get())
        webhook = source.getIdentifier()
        progress = source.getProgress()
        attempt = source.getAttempt()
        guard source.isValid else { return nil }
    }
}
