// Header section 6: Deliveries

import CMartlet
import Martlet

/// Lists deliveries with their attempts, the newest first, a page at a time. Pending ones are always found, settled ones as
/// long as the configuration's `logRetention` says.
///
/// query, length: a JSON object in UTF-8 with any of `state` (`any`, `pending`, `inFlight`, `undelivered` for both of these,
/// `succeeded`, `failed`, `expired`, `canceled`), `webhookId`, `eventId`, `eventType`, `createdAfter` (at this time or
/// later) and `createdBefore` (RFC 3339), `limit` (1 to 1000, by default 100) and `cursor`; NULL with length 0 asks for the
/// newest of all.
///
/// json: receives `{"deliveries":[...],"cursor":"dlv_..."}`, to be freed with martlet_free(). The cursor is null on the
/// last page.
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any.
///
/// Errors: INVALID_JSON; INVALID_DOCUMENT, whose text names the key and what is accepted.
@_cdecl("martlet_deliveries")
public func deliveries(
    _ engine: martlet_engine_t?,
    _ query: UnsafePointer<CChar>?,
    _ length: UInt,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    call(engine, OutputText(json, jsonLength), ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.deliveries(try document(query, length, "query"))
    }
}

/// Reads one delivery with its attempts: number, start, duration, HTTP status, failure and what the receiver answered.
///
/// Beside what the listing shows it has `payload`: the body of the request as a string, while the delivery is not settled
/// and afterwards as long as the configuration's `logRetention.payloadBytes` lets it be kept; then null.
/// So long it also has `eventHeaders`, an object of the headers that came with the event.
///
/// id, id_length: the delivery's id.
///
/// json: receives the document, to be freed with martlet_free().
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any.
///
/// Errors: NOT_FOUND, also for a delivery so old that it has left the log.
@_cdecl("martlet_delivery_get")
public func deliveryGet(
    _ engine: martlet_engine_t?,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    call(engine, OutputText(json, jsonLength), ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.delivery(try name(id, idLength, "id"))
    }
}

/// Sends the event of a settled delivery to its webhook once more, as a new delivery.
///
/// The receiver gets the same event id and payload, signed anew. The new delivery starts the retry schedule from its
/// beginning, does not expire, and shows the old one's id as `redeliveryOf`. It is new work: it counts against the queue,
/// reports an outcome of its own and one more for its event, with one delivery.
///
/// id, id_length: the id of a delivery in any settled state.
///
/// delivery_id: receives the new delivery's id, ended by a NUL; NULL, or MARTLET_ID_SIZE bytes. Empty on an error.
///
/// Threads: any.
///
/// Errors: NOT_FOUND when the delivery has left the log or its webhook was deleted; WRONG_STATE when it is not settled, was
/// a test, its webhook is disabled or its payload is no longer kept; QUEUE_FULL; CLOSED.
@_cdecl("martlet_redeliver")
public func redeliver(
    _ engine: martlet_engine_t?,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ deliveryID: UnsafeMutablePointer<CChar>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    deliveryID?.pointee = 0
    return call(engine, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        let delivery = try engine.redeliverID(try name(id, idLength, "id"))
        guard let deliveryID else { return }
        fill(UnsafeMutableRawBufferPointer(start: deliveryID, count: Int(MARTLET_ID_SIZE))) {
            delivery.write(.delivery, into: $0)
        }
    }
}

/// Redelivers all settled deliveries that match a query, the oldest first, spread over time so that a receiver that has
/// just recovered is not flooded.
///
/// All are queued at once, each to be sent when its turn comes. A delivery that was redelivered before is left out, for its
/// redelivery stands for it; so a replay may be repeated. Tests are left out.
///
/// query, length: a JSON object in UTF-8 with any of `state` (by default `failed`; `any` is every settled one),
/// `webhookId`, `eventId`, `eventType`, `createdAfter`, `createdBefore`, and `perSecond`, deliveries a second to each
/// webhook, 0.1 to 10000, by default 50; NULL with length 0 replays all that failed.
///
/// json: receives `{"replayed":12,"skipped":3,"durationSeconds":0.24}`, to be freed with martlet_free(): how many were
/// queued, how many were not because their payload is no longer kept or their webhook is deleted or disabled, and over what
/// time they are spread. May be NULL.
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any.
///
/// Errors: QUEUE_FULL when the queue takes no more: the error text tells how many went in, these go on, and the same call
/// later takes up the rest. INVALID_JSON; INVALID_DOCUMENT, whose text names the key and what is accepted; CLOSED.
@_cdecl("martlet_replay")
public func replay(
    _ engine: martlet_engine_t?,
    _ query: UnsafePointer<CChar>?,
    _ length: UInt,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    let output = OutputText(json, jsonLength, isOptional: true)
    return call(engine, output, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.replay(try document(query, length, "query"))
    }
}

/// Cancels a delivery that is not settled. One that waits is settled when the call returns. One in flight is tried no more:
/// it is settled as canceled when its attempt ends without success, as succeeded when it ends with one.
///
/// id, id_length: the delivery's id.
///
/// Threads: any. The outcome comes as for any delivery.
///
/// Errors: NOT_FOUND; WRONG_STATE for one that is settled already; CLOSED.
@_cdecl("martlet_delivery_cancel")
public func deliveryCancel(
    _ engine: martlet_engine_t?,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    call(engine, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.cancel(try name(id, idLength, "id"))
    }
}

/// Cancels every delivery that matches a query and is not settled, each as martlet_delivery_cancel() does.
///
/// query, length: a JSON object in UTF-8 with any of `state` (by default `undelivered`; `pending` leaves those in flight
/// alone; `inFlight`), `webhookId`, `eventId`, `eventType`, `createdAfter` and `createdBefore`. NULL with length 0 cancels
/// everything that is not settled.
///
/// canceled: receives how many were canceled, those in flight among them; 0 on an error; may be NULL.
///
/// Threads: any.
///
/// Errors: INVALID_JSON; INVALID_DOCUMENT, whose text names the key and what is accepted; CLOSED.
@_cdecl("martlet_deliveries_cancel")
public func deliveriesCancel(
    _ engine: martlet_engine_t?,
    _ query: UnsafePointer<CChar>?,
    _ length: UInt,
    _ canceled: UnsafeMutablePointer<UInt>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    canceled?.pointee = 0
    return call(engine, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        let count = try engine.cancelDeliveries(try document(query, length, "query"))
        canceled?.pointee = UInt(clamping: count)
    }
}
