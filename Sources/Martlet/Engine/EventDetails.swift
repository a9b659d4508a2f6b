import Model

/// What only some events carry; most have none of it.
final class EventDetails: Sendable {
    /// A checked timestamp in the caller's words; nil for the time of the push.
    let createdAt: String?
    /// Whole header lines `name: value`, each ended by a line feed, checked.
    let headerLines: [UInt8]
    /// Of the event's `key`, where a webhook orders by it; 0 for none. Two keys that share a number only wait for each other
    /// without need.
    let orderKey: UInt64
    /// How long after the push the event may still be sent; nil leaves it to the webhooks.
    let expiryMilliseconds: Int64?

    init(createdAt: String?, headerLines: [UInt8], orderKey: UInt64, expiryMilliseconds: Int64?) {
        self.createdAt = createdAt
        self.headerLines = headerLines
        self.orderKey = orderKey
        self.expiryMilliseconds = expiryMilliseconds
    }

    /// What they cost beside the event.
    var memorySize: Int {
        64 + (createdAt?.utf8.count ?? 0) + headerLines.count
    }

    /// Nil where the document asks for nothing out of the ordinary.
    convenience init?(_ event: NewEvent) {
        guard event.createdAt != nil || event.key != nil || event.expiryMilliseconds != nil || !event.headers.isEmpty
        else { return nil }
        var lines: [UInt8] = []
        for header in event.headers {
            lines += "\(header.name): \(header.value)\n".utf8
        }
        self.init(
            createdAt: event.createdAt,
            headerLines: lines,
            orderKey: event.key.map(EventDetails.number) ?? 0,
            expiryMilliseconds: event.expiryMilliseconds
        )
    }

    /// FNV-1a over the key's bytes, mixed, and never 0; the same after a restart, which an order that survives one needs.
    private static func number(ofKey key: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        return max(RandomSource.mix(hash), 1)
    }
}
