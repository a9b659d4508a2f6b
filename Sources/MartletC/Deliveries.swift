// Header section 6: Delivery log

import CMartlet
import Martlet

/// Lists deliveries with their attempts, the newest first, a page at a time. Pending ones are always found, settled ones as
/// long as the configuration's `logRetention` says.
///
/// query, length: a JSON object in UTF-8 with any of `state`, `webhookId`, `eventId`, `eventType`, `limit` and `cursor`;
/// NULL with length 0 asks for the newest of all.
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
