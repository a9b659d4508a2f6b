import Delivery
import JSONText
import Model
import Synchronization

extension Engine {
    /// A page of deliveries, newest first, with their attempts:
    /// `{"deliveries":[…],"cursor":"dlv_…"}`; `cursor` is null on the last page.
    ///
    /// Pending deliveries are always found. Settled ones are kept as long as `logRetention` says.
    ///
    /// - Parameter query: a JSON document with any of `state`, `webhookId`, `eventId`, `eventType`, `tenant`, `createdAfter`,
    ///   `createdBefore`, `limit`, `cursor`; empty for the newest of all.
    package func deliveries(_ query: UnsafeRawBufferPointer) throws(MartletError) -> [UInt8] {
        try state.checkProcess()
        return try state.deliveries(DeliveryQuery.read(query))
    }

    /// One delivery with its attempts, and with the request's body as `payload` where it is still kept.
    ///
    /// - Throws: ``MartletError/Code/notFound`` also once the log no longer keeps it.
    package func delivery(_ id: UnsafeRawBufferPointer) throws(MartletError) -> [UInt8] {
        try state.checkProcess()
        let id = try EngineState.deliveryID(id)
        guard let found = state.find(id) else { throw state.noDelivery(id) }
        var writer = JSONWriter()
        state.write(found, withPayload: true, to: &writer)
        return writer.bytes
    }
}

extension EngineState {
    /// Entries looked at under one hold of a lane's lock: the lane waits no longer than that.
    private static var stride: UInt64 { 512 }

    func deliveries(_ query: DeliveryQuery) throws(MartletError) -> [UInt8] {
        let wantedType = try wantedType(of: query)
        var page = FoundPage(limit: query.limit)
        for lane in lanes {
            // Pending first: what is settled meanwhile is then found in the log.
            if query.state.includesUnsettled { page.insert(pending(on: lane, query, wantedType: wantedType)) }
            if query.state.includesSettled { findSettled(on: lane, query, wantedType: wantedType, into: &page) }
        }
        page.trim()

        var writer = JSONWriter()
        writer.beginObject()
        writer.key("deliveries")
        writer.beginArray()
        for found in page.deliveries {
            write(found, to: &writer)
        }
        writer.endArray()
        writer.key("cursor")
        if page.hasMore, let last = page.deliveries.last {
            writer.string(last.id.text(.delivery))
        } else {
            writer.null()
        }
        writer.endObject()
        return writer.bytes
    }

    func wantedType(of query: DeliveryQuery) throws(MartletError) -> EventTypeIndex? {
        guard !query.type.isEmpty else { return nil }
        guard let type = catalog.index(of: query.type) else {
            throw MartletError(catalog.unknownType(query.type, key: "eventType"))
        }
        return type
    }

    /// What was settled before this is no longer shown.
    var oldestKept: WallTime {
        WallTime(milliseconds: Clock.wall().milliseconds &- configuration.logRetention.milliseconds)
    }

    func find(_ id: Identifier) -> FoundDelivery? {
        var query = DeliveryQuery()
        // Ids are dense at the low end, so "before the next id" leaves this one as the newest.
        query.cursor = Identifier(high: id.high, low: id.low &+ 1)
        query.limit = 1
        // And nothing older than it.
        query.createdFrom = id.wallTime
        for lane in lanes {
            var page = FoundPage(limit: 1)
            page.insert(pending(on: lane, query, wantedType: nil))
            findSettled(on: lane, query, wantedType: nil, into: &page)
            page.trim()
            if let found = page.deliveries.first, found.id == id { return found }
        }
        return nil
    }

    private func pending(on lane: Lane, _ query: DeliveryQuery, wantedType: EventTypeIndex?) -> FoundPage {
        let number = lane.number
        let isSingle = query.limit == 1
        return lane.inspect { view in
            var page = FoundPage(limit: query.limit)
            view.forEachDelivery { record, event, webhook in
                let state = record.phase == .inFlight ? DeliveryQuery.State.inFlight : .pending
                guard
                    query.accepts(
                        state,
                        id: record.id,
                        webhook: webhook,
                        event: event.id,
                        type: event.type,
                        tenant: event.tenant,
                        wantedType: wantedType
                    )
                else { return }
                page.insert(
                    FoundDelivery(
                        id: record.id,
                        event: event.id,
                        type: event.type,
                        tag: event.tag,
                        webhook: webhook,
                        state: state,
                        attempts: record.attempts,
                        settledAt: nil,
                        nextAttempt: record.phase == .waiting ? Instant(nanoseconds: record.due) : nil,
                        lastAttempt: record.log,
                        lane: number,
                        isTest: event.isTest,
                        redeliveryOf: event.redeliveryOf,
                        tenant: event.tenant,
                        source: isSingle ? event : nil
                    )
                )
            }
            return page
        } ?? FoundPage(limit: query.limit)
    }

    /// From the newest backward: once the page is full, an older entry costs a comparison and no place on the page.
    private func findSettled(
        on lane: Lane,
        _ query: DeliveryQuery,
        wantedType: EventTypeIndex?,
        into page: inout FoundPage
    ) {
        let oldest = oldestKept
        payloads.expire(before: oldest)
        var position = UInt64.max
        var isDone = false
        while !isDone {
            let chunk = lane.report.withLock { report in
                var chunk: [LoggedDelivery] = []
                report.log.expire(before: oldest)
                position = min(position, report.log.settledCount)
                let first = report.log.firstSettled
                let end = max(first, position - min(position, EngineState.stride))
                while position > end {
                    position -= 1
                    guard let entry = report.log.settled(at: position),
                        query.accepts(
                            entry.state.asQueried,
                            id: entry.id,
                            webhook: entry.webhook,
                            event: entry.event,
                            type: entry.type,
                            tenant: entry.tenant,
                            wantedType: wantedType
                        ),
                        page.hasPlace(for: entry.id)
                    else { continue }
                    chunk.append(entry)
                }
                isDone = position <= first
                return chunk
            }
            for entry in chunk { page.insert(FoundDelivery(entry, lane: lane.number)) }
        }
    }

    /// Calls `body` with every settled delivery that the lane's log keeps, the oldest first, with no lock held.
    func forEachSettled(on lane: Lane, _ body: (FoundDelivery) -> Void) {
        var position: UInt64 = 0
        var isDone = false
        let oldest = oldestKept
        payloads.expire(before: oldest)
        while !isDone {
            let chunk = lane.report.withLock { report in
                report.log.expire(before: oldest)
                position = max(position, report.log.firstSettled)
                let end = min(position &+ EngineState.stride, report.log.settledCount)
                var chunk: [LoggedDelivery] = []
                while position < end {
                    if let entry = report.log.settled(at: position) { chunk.append(entry) }
                    position += 1
                }
                isDone = position >= report.log.settledCount
                return chunk
            }
            for entry in chunk {
                body(FoundDelivery(entry, lane: lane.number))
            }
        }
    }
}

extension Configuration.LogRetention {
    /// The range of the key keeps the product small.
    var milliseconds: Int64 {
        Int64(days * 86_400_000)
    }
}

extension Outcome.State {
    var asQueried: DeliveryQuery.State {
        switch self {
        case .succeeded: .succeeded
        case .failed: .failed
        case .expired: .expired
        case .canceled: .canceled
        }
    }
}

extension FoundDelivery {
    init(_ entry: LoggedDelivery, lane: Int) {
        self.init(
            id: entry.id,
            event: entry.event,
            type: entry.type,
            tag: entry.tag,
            webhook: entry.webhook,
            state: entry.state.asQueried,
            attempts: entry.attempts,
            settledAt: entry.settledAt,
            nextAttempt: nil,
            lastAttempt: entry.lastAttempt,
            lane: lane,
            isTest: entry.isTest,
            redeliveryOf: entry.redeliveryOf,
            tenant: entry.tenant,
            payload: entry.payload
        )
    }
}
