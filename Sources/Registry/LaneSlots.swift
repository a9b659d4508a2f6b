import Model

/// Deals out places for webhooks on lanes: the lane with the fewest webhooks, and there an index that is free.
struct LaneSlots: Sendable {
    private struct Lane: Sendable {
        var webhooks = 0
        var next: UInt32 = 0
        var free: [WebhookSlot] = []
    }

    private var lanes: [Lane]

    init(laneCount: Int) {
        lanes = Array(repeating: Lane(), count: max(laneCount, 1))
    }

    mutating func take() -> (lane: UInt32, slot: WebhookSlot) {
        var chosen = 0
        for lane in lanes.indices where lanes[lane].webhooks < lanes[chosen].webhooks {
            chosen = lane
        }
        lanes[chosen].webhooks += 1
        if var slot = lanes[chosen].free.popLast() {
            slot.generation &+= 1
            return (UInt32(chosen), slot)
        }
        let slot = WebhookSlot(index: lanes[chosen].next, generation: 1)
        lanes[chosen].next += 1
        return (UInt32(chosen), slot)
    }

    /// The webhook is gone; its index stays taken until its lane has released it.
    mutating func leave(lane: UInt32) {
        guard lanes.indices.contains(Int(lane)) else { return }
        lanes[Int(lane)].webhooks -= 1
    }

    /// The lane has no attempt of the webhook left: the index may be dealt again.
    mutating func release(_ slot: WebhookSlot, lane: Int) {
        guard lanes.indices.contains(lane) else { return }
        lanes[lane].free.append(slot)
    }
}
