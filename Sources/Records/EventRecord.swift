import Model

/// An accepted event: what is known of it, its deliveries, its payload as it is sent.
///
/// There are two forms. A fresh one lists the webhooks of all its deliveries, none of which has been tried. A copy, made when
/// the event is moved forward in the journal, says of each delivery how it ended or how far it has come, and so needs none
/// of the older records.
package struct EventRecord {
    package var key: EventKey
    package var isTest = false
    /// The number of the payload's format.
    package var format: UInt8 = 0
    package var tag: UInt64 = 0
    package var acceptedAt = WallTime(milliseconds: 0)
    /// 0 for none.
    package var orderKey: UInt64 = 0
    /// How long after the push it may still be sent; nil leaves it to the webhooks.
    package var expiryMilliseconds: Int64?
    /// The host's own id; nil where Martlet made it.
    package var ownID: String?
    /// Empty for the default tenant.
    package var tenant = ""
    package var type = ""
    /// In the host's words; nil for `acceptedAt`.
    package var createdAt: String?
    /// Whole lines, each ended by a line feed.
    package var headerLines: [UInt8] = []
    package var deliveries: UInt32 = 0

    package init(key: EventKey) {
        self.key = key
    }

    private struct Flags: OptionSet {
        let rawValue: UInt8
        static let ownID = Flags(rawValue: 1)
        static let createdAt = Flags(rawValue: 2)
        static let expiry = Flags(rawValue: 4)
        static let test = Flags(rawValue: 8)
        static let copy = Flags(rawValue: 16)
    }

    /// One byte a delivery in a copy: 0 while it is not settled, else how it ended.
    package typealias EndState = UInt8

    /// Bytes that ``begin(_:isCopy:)``, the targets and ``payload(_:length:data:)`` need at the most.
    package func headLength(targets: Int) -> Int {
        // A few hundred bytes and the targets: no overflow below the engine's bounds.
        4 * 8 + 128 + (ownID?.utf8.count ?? 0) + tenant.utf8.count + type.utf8.count + (createdAt?.utf8.count ?? 0)
            + headerLines.count + targets * 16
    }

    /// Bytes of the list in a copy: a state for each delivery, and more for those that are not settled.
    package static func copyListLength(deliveries: Int, pending: Int) -> Int {
        deliveries + pending * (4 + 16 + Progress.encodedLength) + 4
    }

    // MARK: Writing

    /// The first part. Behind it come the targets: the webhook of each delivery, or in a copy what
    /// ``put(states:pending:into:)`` writes; and then the payload.
    package func begin(_ sink: inout ByteSink, isCopy: Bool = false) {
        var flags: Flags = []
        if ownID != nil { flags.insert(.ownID) }
        if createdAt != nil { flags.insert(.createdAt) }
        if expiryMilliseconds != nil { flags.insert(.expiry) }
        if isTest { flags.insert(.test) }
        if isCopy { flags.insert(.copy) }
        sink.put(key)
        sink.put(flags.rawValue)
        sink.put(format)
        sink.put(deliveries)
        sink.put(tag)
        sink.put(acceptedAt)
        sink.put(orderKey)
        if let expiryMilliseconds { sink.put(expiryMilliseconds) }
        if let ownID { sink.putShort(ownID) }
        sink.putShort(tenant)
        sink.putShort(type)
        if let createdAt { sink.putShort(createdAt) }
        headerLines.withUnsafeBytes { sink.putLong($0) }
    }

    /// A delivery of a copy that is not settled.
    package struct Pending {
        package var number: UInt32
        package var webhook: Identifier
        package var progress: Progress

        package init(number: UInt32, webhook: Identifier, progress: Progress) {
            self.number = number
            self.webhook = webhook
            self.progress = progress
        }
    }

    /// The list of a copy.
    package static func put(states: [EndState], pending: [Pending], into sink: inout ByteSink) {
        states.withUnsafeBytes { sink.put($0) }
        sink.put(UInt32(clamping: pending.count))
        for delivery in pending {
            sink.put(delivery.number)
            sink.put(delivery.webhook)
            sink.put(delivery.progress)
        }
    }

    /// What stands before the payload's bytes, which the record ends with.
    package static func payload(_ sink: inout ByteSink, length: Int, data: Range<Int>) {
        sink.put(UInt32(clamping: length))
        sink.put(UInt32(clamping: data.lowerBound))
        sink.put(UInt32(clamping: data.count))
    }

    // MARK: Reading

    /// A record taken apart; its bytes stay where they are.
    package struct Decoded {
        package var event: EventRecord
        /// Of the deliveries in their order, in a copy only; empty in a fresh record, where none is settled.
        package var states: UnsafeRawBufferPointer
        /// The webhooks by number, 16 bytes each, in a fresh record only.
        private var webhooks: UnsafeRawBufferPointer
        private var pendingList: UnsafeRawBufferPointer
        /// Where the payload begins in the record.
        package var payloadOffset: Int
        package var payloadLength: Int
        /// Where the pushed bytes stand in the payload.
        package var data: Range<Int>

        /// Nil where the bytes are no event record.
        package init?(_ bytes: UnsafeRawBufferPointer) {
            var source = ByteSource(bytes)
            event = EventRecord(key: source.getKey())
            let flags = Flags(rawValue: source.get())
            event.format = source.get()
            event.deliveries = source.get()
            event.isTest = flags.contains(.test)
            event.tag = source.get()
            event.acceptedAt = source.getTime()
            event.orderKey = source.get()
            if flags.contains(.expiry) { event.expiryMilliseconds = source.get() }
            if flags.contains(.ownID) { event.ownID = source.getShort() }
            event.tenant = source.getShort()
            event.type = source.getShort()
            if flags.contains(.createdAt) { event.createdAt = source.getShort() }
            event.headerLines = Array(source.getLong())
            states = UnsafeRawBufferPointer(start: nil, count: 0)
            webhooks = states
            pendingList = states
            if flags.contains(.copy) {
                states = source.getBytes(Int(event.deliveries))
                let count = Int(source.get(UInt32.self))
                pendingList = source.getBytes(count * (4 + 16 + Progress.encodedLength))
            } else {
                webhooks = source.getBytes(Int(event.deliveries) * 16)
            }
            payloadLength = Int(source.get(UInt32.self))
            let offset = Int(source.get(UInt32.self))
            let count = Int(source.get(UInt32.self))
            payloadOffset = source.offset
            _ = source.getBytes(payloadLength)
            guard source.isValid, event.deliveries > 0, offset + count <= payloadLength else { return nil }
            data = offset..<(offset + count)
        }

        package func state(of number: UInt32) -> EndState {
            number < states.count ? states[Int(number)] : 0
        }

        /// Calls `body` with each delivery that the record shows as not settled.
        package func forEachPending(_ body: (Pending) -> Void) {
            if states.isEmpty {
                var source = ByteSource(webhooks)
                for number in 0..<event.deliveries {
                    body(Pending(number: number, webhook: source.getIdentifier(), progress: Progress()))
                }
            } else {
                var source = ByteSource(pendingList)
                for _ in 0..<(pendingList.count / (4 + 16 + Progress.encodedLength)) {
                    let number = source.get(UInt32.self)
                    let webhook = source.getIdentifier()
                    body(Pending(number: number, webhook: webhook, progress: source.getProgress()))
                }
            }
        }
    }
}
