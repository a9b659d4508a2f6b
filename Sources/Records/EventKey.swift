import Model

/// What names an accepted event in the journal: the run of ids that was set aside for it. The ids of its deliveries follow
/// from it.
package typealias EventKey = IdentifierGenerator.Series

/// One delivery: its event, and which of the event's deliveries it is, from 0.
package struct DeliveryKey: Hashable, BitwiseCopyable, Sendable {
    package var event: EventKey
    package var number: UInt32

    package init(event: EventKey, number: UInt32) {
        self.event = event
        self.number = number
    }

    package var id: Identifier {
        event[Int(number) &+ 1]
    }
}

extension ByteSink {
    mutating func put(_ key: EventKey) {
        put(key.first)
        put(key.seed)
    }

    package mutating func put(_ id: Identifier) {
        put(id.high)
        put(id.low)
    }

    mutating func put(_ time: WallTime) {
        put(time.milliseconds)
    }
}

extension ByteSource {
    mutating func getKey() -> EventKey {
        let first = get(UInt64.self)
        return EventKey(first: first, seed: get(UInt64.self))
    }

    mutating func getIdentifier() -> Identifier {
        let high = get(UInt64.self)
        return Identifier(high: high, low: get(UInt64.self))
    }

    mutating func getTime() -> WallTime {
        WallTime(milliseconds: get(Int64.self))
    }
}
