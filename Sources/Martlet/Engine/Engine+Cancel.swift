import Delivery
import Model
import Synchronization

extension Engine {
    /// Cancels a delivery that is not settled.
    ///
    /// One that waits is settled as canceled when this returns. One that is in flight cannot be called back: it is tried no
    /// more, and settled as canceled when its attempt ends without success, as succeeded where it ends with one.
    ///
    /// - Throws: ``MartletError/Code/notFound``; ``MartletError/Code/wrongState`` for one that is settled already;
    ///   ``MartletError/Code/closed``.
    package func cancel(_ delivery: UnsafeRawBufferPointer) throws(MartletError) {
        try state.checkOpen()
        let id = try EngineState.deliveryID(delivery)
        if state.cancel(where: { record, _, _ in record.id == id }, isSingle: true) > 0 { return }
        guard let found = state.find(id) else { throw state.noDelivery(id) }
        // One whose cancellation was asked for before is on its way to what is wanted.
        guard found.settledAt != nil else { return }
        throw MartletError(.wrongState, "delivery \(id.text(.delivery)) is settled: it \(found.state.rawValue)")
    }

    /// Cancels every delivery that matches a query and is not settled, as ``cancel(_:)`` does.
    ///
    /// - Parameter query: a JSON document with any of `state` (by default `undelivered`; also `pending`, which leaves those
    ///   in flight alone, and `inFlight`), `webhookId`, `eventId`, `eventType`, `createdAfter`, `createdBefore`. Empty
    ///   cancels everything.
    /// - Returns: how many were canceled, those in flight among them.
    package func cancelDeliveries(_ query: UnsafeRawBufferPointer) throws(MartletError) -> Int {
        try state.checkOpen()
        let query = try DeliveryQuery.read(query, as: DeliveryQuery.cancelDocument)
        let wantedType = try state.wantedType(of: query)
        return state.cancel(
            where: { record, event, webhook in
                query.accepts(
                    record.phase == .inFlight ? .inFlight : .pending,
                    id: record.id,
                    webhook: webhook,
                    event: event.id,
                    type: event.type,
                    tenant: event.tenant,
                    wantedType: wantedType
                )
            },
            isSingle: false
        )
    }
}

extension EngineState {
    static func deliveryID(_ text: UnsafeRawBufferPointer) throws(MartletError) -> Identifier {
        guard let id = Identifier(utf8: text, kind: .delivery) else {
            throw MartletError(.notFound, "no delivery has this id; ids look like dlv_ and 26 more characters")
        }
        return id
    }

    func noDelivery(_ id: Identifier) -> MartletError {
        MartletError(.notFound, "there is no delivery \(id.text(.delivery)), or the log no longer keeps it")
    }

    /// Cancels what `accepts` answers true for, lane by lane, where `isSingle` up to the first that has some.
    func cancel(
        where accepts: @escaping @Sendable (DeliveryRecord, AcceptedEvent, _ webhook: Identifier) -> Bool,
        isSingle: Bool
    ) -> Int {
        var count = 0
        for lane in lanes where count == 0 || !isSingle {
            count += lane.inspect { $0.cancel(where: accepts) } ?? 0
        }
        return count
    }
}
