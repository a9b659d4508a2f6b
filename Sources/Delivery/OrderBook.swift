/// The deliveries of one webhook that wait for an earlier one of their key.
///
/// A key has one delivery at a time that may be attempted, from its first attempt through its retries until it is settled;
/// the others wait here in the order they came.
struct OrderBook: Sendable {
    private struct Queue: Sendable {
        var active: UInt32
        var blocked = DeliveryList()
    }

    private var queues: [UInt64: Queue] = [:]

    /// True where the delivery may go; false where it was put behind others of its key.
    mutating func admit(_ delivery: UInt32, key: UInt64, in records: borrowing Slab<DeliveryRecord>) -> Bool {
        guard queues[key] != nil else {
            queues[key] = Queue(active: delivery)
            return true
        }
        records[delivery].phase = .blocked
        queues[key]?.blocked.append(delivery, in: records)
        return false
    }

    /// Takes a blocked delivery out.
    mutating func remove(_ delivery: UInt32, key: UInt64, in records: borrowing Slab<DeliveryRecord>) {
        queues[key]?.blocked.remove(delivery, in: records)
    }

    /// The active delivery of the key is settled; answers the one that may go now.
    mutating func settled(_ delivery: UInt32, key: UInt64, in records: borrowing Slab<DeliveryRecord>) -> UInt32? {
        guard let queue = queues[key], queue.active == delivery else { return nil }
        guard !queue.blocked.isEmpty else {
            queues[key] = nil
            return nil
        }
        let next = queue.blocked.head
        queues[key]?.blocked.remove(next, in: records)
        queues[key]?.active = next
        return next
    }

    /// The first delivery that waits behind the active one of the key.
    func firstBlocked(key: UInt64) -> UInt32? {
        guard let queue = queues[key], !queue.blocked.isEmpty else { return nil }
        return queue.blocked.head
    }
}
