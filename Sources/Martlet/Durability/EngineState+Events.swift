import Glibc
import Journal
import Model
import Records
import Registry

/// An event that is to be accepted; its bytes are still the caller's.
///
/// Not copyable, as what is made of it: a copy would count half a dozen references in each push.
struct EventDraft: ~Copyable {
    /// For the event and each of its deliveries.
    var ids: IdentifierGenerator.Series
    /// The host's own; nil where Martlet makes it.
    var ownID: String?
    var type: EventTypeIndex
    var typeName: String
    /// Nil for the default tenant.
    var tenant: Tenant?
    var tag: UInt64
    var acceptedAt: WallTime
    var details: EventDetails?
    var isTest = false
    /// Valid JSON.
    var data: UnsafeRawBufferPointer
}

// Making an event: its place in the queue's budget, its payload, its record.
extension EngineState {
    /// Beside the payload: the event object with its allocation overhead.
    static var eventOverheadBytes: Int { 256 }

    /// What a pending delivery may cost: its record, its timers, its place in an inbox.
    static var deliveryOverheadBytes: Int { 200 }

    /// Journal room that nothing new may take: what becomes of each pending delivery is yet to be written. An end with its
    /// outcomes takes about what the delivery and its outcomes cost in memory.
    var roomForEnds: Int { budget.bytes }

    /// Takes the event's share of the queue and builds its payload; with a journal it is written there and survives a crash
    /// from here on.
    ///
    /// - Parameter isLazy: the caller waits for the disk itself, with ``EngineJournal/commit()``.
    func make(
        _ draft: borrowing EventDraft,
        for targets: Targets,
        isLazy: Bool
    ) throws(MartletError) -> AcceptedEvent {
        let content = PayloadFrame.Content(
            typeName: draft.typeName,
            createdAt: draft.details?.createdAt,
            acceptedAt: draft.acceptedAt,
            data: draft.data
        )
        // In a journal the payload is no memory of ours.
        let layout = frame.layout(content)
        let payloadBytes = journal == nil ? layout.length : 0
        let held =
            payloadBytes + (draft.details?.memorySize ?? 0) + Self.eventOverheadBytes
            + targets.count * Self.deliveryOverheadBytes
        try reserve(held + outcomeBytes(deliveries: targets.count))
        let body: EventBody
        do throws(MartletError) {
            body = try build(draft, content, layout, targets, isLazy: isLazy)
        } catch {
            budget.release(events: 1, bytes: held + outcomeBytes(deliveries: targets.count))
            throw error
        }
        let needsEnds = journal != nil && targets.count > 1
        let isPlain = draft.ownID == nil && draft.tenant == nil && draft.details == nil && !needsEnds
        return AcceptedEvent(
            AcceptedEvent.Parts(
                ids: draft.ids,
                tag: draft.tag,
                acceptedAt: draft.acceptedAt,
                deliveries: UInt32(clamping: targets.count),
                type: draft.type,
                isTest: draft.isTest,
                reservedBytes: held
            ),
            body: body,
            extras: isPlain
                ? nil
                : AcceptedEvent.Extras(
                    ownID: draft.ownID,
                    tenant: draft.tenant,
                    details: draft.details,
                    ends: needsEnds ? targets.count : 0
                )
        )
    }

    private func build(
        _ draft: borrowing EventDraft,
        _ content: borrowing PayloadFrame.Content,
        _ layout: PayloadFrame.Layout,
        _ targets: Targets,
        isLazy: Bool
    ) throws(MartletError) -> EventBody {
        guard let journal else {
            guard let memory = payloadPool.allocate(layout.length) else {
                throw refuse(.outOfResources, "there is no memory for an event of \(draft.data.count) bytes")
            }
            return EventBody(memory: frame.write(content, layout, into: memory), data: layout.data)
        }
        do throws(JournalError) {
            return try write(draft, content, layout, targets, isLazy: isLazy, to: journal)
        } catch {
            let error = MartletError(error)
            if error.code == .storageFull { keeper.nudge() }
            throw refuse(error.code, error.message)
        }
    }

    private func write(
        _ draft: borrowing EventDraft,
        _ content: borrowing PayloadFrame.Content,
        _ layout: PayloadFrame.Layout,
        _ targets: Targets,
        isLazy: Bool,
        to journal: EngineJournal
    ) throws(JournalError) -> EventBody {
        var record = EventRecord(key: draft.ids)
        record.isTest = draft.isTest
        record.format = configuration.delivery.payloadFormat.number
        record.tag = draft.tag
        record.acceptedAt = draft.acceptedAt
        record.ownID = draft.ownID
        record.tenant = draft.tenant?.name ?? ""
        record.type = draft.typeName
        record.deliveries = UInt32(clamping: targets.count)
        if let details = draft.details {
            record.orderKey = details.orderKey
            record.expiryMilliseconds = details.expiryMilliseconds
            record.createdAt = details.createdAt
            record.headerLines = details.headerLines
        }
        let (length, data) = (layout.length, layout.data)
        let room = record.headLength(targets: targets.count) + data.lowerBound
        let place = try withUnsafeTemporaryAllocation(byteCount: room, alignment: 8) { area in
            Result { () throws(JournalError) -> EventBody.Place in
                var sink = ByteSink(area)
                record.begin(&sink)
                for number in targets.indices { sink.put(targets[number].id) }
                EventRecord.payload(&sink, length: length, data: data)
                let head = sink.count
                frame.putOpening(content, into: &sink)
                guard !sink.isOverrun else { throw .recordTooLarge(maximum: room) }
                try journal.checkPlace()
                let pinned = try journal.journal.appendPinned(
                    kind: RecordKind.event.rawValue,
                    sink.bytes,
                    draft.data,
                    frame.closingBytes,
                    options: isLazy ? .lazy : .ordinary,
                    keeping: roomForEnds
                )
                return EventBody.Place(
                    address: pinned.bytes.baseAddress.map { $0 + head },
                    position: pinned.position,
                    owner: pinned.owner
                )
            }
        }.get()
        return EventBody(place, length: length, data: data, in: journal)
    }
}

extension DeliverySettings.PayloadFormat {
    /// What stands for it in a journal; never changed.
    var number: UInt8 {
        switch self {
        case .subverse: 0
        case .standard: 1
        case .raw: 2
        }
    }
}
