import Model

/// A delivery is settled. It holds all that the delivery log shows, for the event's own record may be gone by then.
package struct SettledRecord {
    package var delivery: DeliveryKey
    package var webhook: Identifier
    /// How it ended; never 0.
    package var state: EventRecord.EndState
    /// The numbers of the delivery's outcome and of its event's, where records of theirs were written right before; 0 where
    /// not, and in a copy. A power failure may leave this record and take those: then the end does not count, for else
    /// the host would never be told.
    package var outcomes = Outcomes()
    package var attempts: UInt16
    package var settledAt: WallTime
    /// The last attempt, where there was one that no ``AttemptRecord`` tells of.
    package var attempt: AttemptNote?
    package var tag: UInt64
    package var isTest: Bool
    /// The delivery that this one repeats; zero where it repeats none.
    package var redeliveryOf: Identifier
    package var event: EventID
    package var type: String
    /// Empty for the default tenant.
    package var tenant: String

    package struct Outcomes: BitwiseCopyable, Hashable, Sendable {
        package var delivery: UInt64 = 0
        package var event: UInt64 = 0

        package init(delivery: UInt64 = 0, event: UInt64 = 0) {
            self.delivery = delivery
            self.event = event
        }
    }

    package init(
        delivery: DeliveryKey,
        webhook: Identifier,
        state: EventRecord.EndState,
        outcomes: Outcomes = Outcomes(),
        attempts: UInt16,
        settledAt: WallTime,
        attempt: AttemptNote?,
        tag: UInt64,
        isTest: Bool,
        redeliveryOf: Identifier,
        event: EventID,
        type: String,
        tenant: String
    ) {
        self.delivery = delivery
        self.webhook = webhook
        self.state = state
        self.outcomes = outcomes
        self.attempts = attempts
        self.settledAt = settledAt
        self.attempt = attempt
        self.tag = tag
        self.isTest = isTest
        self.redeliveryOf = redeliveryOf
        self.event = event
        self.type = type
        self.tenant = tenant
    }

    package var encodedLength: Int {
        16 + 4 + 16 + 1 + 16 + 2 + 8 + 1 + (attempt?.encodedLength ?? 0) + 8 + 1 + 16 + 66 + 1 + type.utf8.count + 1
            + tenant.utf8.count
    }

    package func put(into sink: inout ByteSink) {
        sink.put(delivery.event)
        sink.put(delivery.number)
        sink.put(state)
        sink.put(outcomes.delivery)
        sink.put(outcomes.event)
        sink.put(webhook)
        sink.put(attempts)
        sink.put(settledAt)
        sink.put(attempt)
        sink.put(tag)
        sink.put(UInt8(isTest ? 1 : 0))
        sink.put(redeliveryOf)
        sink.put(event)
        sink.putShort(type)
        sink.putShort(tenant)
    }

    /// Nil where the bytes are no such record. The texts of the attempt are borrowed from them.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var source = ByteSource(bytes)
        let key = source.getKey()
        delivery = DeliveryKey(event: key, number: source.get())
        state = source.get()
        outcomes = source.getOutcomes()
        webhook = source.getIdentifier()
        attempts = source.get()
        settledAt = source.getTime()
        attempt = source.getAttempt()
        tag = source.get()
        isTest = source.get(UInt8.self) != 0
        redeliveryOf = source.getIdentifier()
        event = source.getEventID()
        type = source.getShort()
        tenant = source.getShort()
        guard source.isValid, state != 0 else { return nil }
    }

    /// What recovery needs of every such record, without the rest.
    package struct Brief {
        package var delivery: DeliveryKey
        package var state: EventRecord.EndState
        package var outcomes: Outcomes

        /// Nil where the bytes are no such record.
        package init?(_ bytes: UnsafeRawBufferPointer) {
            var source = ByteSource(bytes)
            let key = source.getKey()
            delivery = DeliveryKey(event: key, number: source.get())
            state = source.get()
            outcomes = source.getOutcomes()
            guard source.isValid, state != 0 else { return nil }
        }
    }

    /// Writes a record anew that is moved forward: it stands for itself, for its outcomes are on the disk or told by then.
    package static func putCopy(of bytes: UnsafeRawBufferPointer, into sink: inout ByteSink) {
        guard bytes.count >= outcomesEnd else { return sink.put(bytes) }
        sink.put(UnsafeRawBufferPointer(rebasing: bytes[..<outcomesOffset]))
        sink.put(UInt64(0))
        sink.put(UInt64(0))
        sink.put(UnsafeRawBufferPointer(rebasing: bytes[outcomesEnd...]))
    }

    private static var outcomesOffset: Int { 16 + 4 + 1 }
    private static var outcomesEnd: Int { outcomesOffset + 16 }
}

extension ByteSink {
    mutating func put(_ event: EventID) {
        switch event {
        case .generated(let id):
            put(UInt8(0))
            put(id)
        case .own(let text):
            put(UInt8(1))
            putShort(text)
        }
    }
}

extension ByteSource {
    fileprivate mutating func getOutcomes() -> SettledRecord.Outcomes {
        let delivery = get(UInt64.self)
        return SettledRecord.Outcomes(delivery: delivery, event: get())
    }

    mutating func getEventID() -> EventID {
        get(UInt8.self) == 0 ? .generated(getIdentifier()) : .own(getShort())
    }
}
