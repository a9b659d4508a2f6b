// Header section 4: Events

import CMartlet
import Martlet

/// Pushes one event: checks it, matches it against the webhooks and queues a delivery for each that wants it.
///
/// The quick way in. It does no network work and waits for none. MARTLET_OK means accepted: each delivery is made, or
/// reported as failed, expired or canceled.
///
/// type, type_length: the event type, `call.completed` for one; a type of the engine's catalog.
///
/// data, data_length: one JSON value in UTF-8 (RFC 8259), copied; its bytes reach the receiver untouched.
///
/// tag: any number of the caller's own, handed back in each outcome of this event.
///
/// event_id: receives the id the event was given, ended by a NUL; NULL, or MARTLET_ID_SIZE bytes. Empty on an error.
///
/// Threads: any, many at a time.
///
/// Errors: QUEUE_FULL, push again when outcomes have arrived; UNKNOWN_EVENT_TYPE; INVALID_JSON; TOO_LARGE; CLOSED; with a
/// `dataDirectory` STORAGE_FULL, push again when there is room, and STORAGE.
@_cdecl("martlet_push")
public func push(
    _ engine: martlet_engine_t?,
    _ type: UnsafePointer<CChar>?,
    _ typeLength: UInt,
    _ data: UnsafePointer<CChar>?,
    _ dataLength: UInt,
    _ tag: UInt64,
    _ eventID: UnsafeMutablePointer<CChar>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    eventID?.pointee = 0
    return call(engine, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        let type = try name(type, typeLength, "type")
        let receipt = try engine.push(type: type, data: try payload(data, dataLength, "data"), tag: tag)
        guard let eventID else { return }
        fill(UnsafeMutableRawBufferPointer(start: eventID, count: Int(MARTLET_ID_SIZE))) { receipt.write(into: $0) }
    }
}

/// Pushes one whole event as JSON, with its own fields: `eventType` and `data`, and where wanted `id`, `createdAt`, `tag`,
/// `tenant`, `key`, `expirySeconds`, `headers`.
///
/// event, length: a JSON object in UTF-8, copied.
///
/// event_id: receives the event's id, its own or the one it was given, ended by a NUL; NULL, or MARTLET_ID_SIZE bytes. Empty
/// on an error.
///
/// duplicate: receives 1 where its own `id` was accepted before, within the time that `deduplication` names, else 0; a
/// duplicate delivers nothing again and is no error. May be NULL.
///
/// Threads: any, many at a time.
///
/// Errors: those of martlet_push(); INVALID_DOCUMENT, whose text names the key and what is accepted.
@_cdecl("martlet_push_event")
public func pushEvent(
    _ engine: martlet_engine_t?,
    _ event: UnsafePointer<CChar>?,
    _ length: UInt,
    _ eventID: UnsafeMutablePointer<CChar>?,
    _ duplicate: UnsafeMutablePointer<Int32>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    eventID?.pointee = 0
    duplicate?.pointee = 0
    return call(engine, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        let receipt = try engine.pushEvent(try payload(event, length, "event"))
        duplicate?.pointee = receipt.isDuplicate ? 1 : 0
        guard let eventID else { return }
        fill(UnsafeMutableRawBufferPointer(start: eventID, count: Int(MARTLET_ID_SIZE))) {
            receipt.write(into: $0)
        }
    }
}

/// Pushes whole events as JSON, one a line, each with its own fields: `eventType` and `data`, and where wanted `id`,
/// `createdAt`, `tag` and more.
///
/// Lines are taken in order and the first one that is refused ends the call: what was accepted before it stays accepted.
///
/// An event whose own `id` was accepted before, within the time that the configuration's `deduplication` names, is a
/// duplicate: it delivers nothing again, and is no error. Of two pushes of one id at the same time exactly one is accepted;
/// an id whose push was refused is not remembered.
///
/// events, length: JSON objects in UTF-8, one a line, copied; empty lines are passed over.
///
/// accepted: receives how many events were accepted, also on an error; may be NULL. The error text names the line that was
/// refused: go on behind it.
///
/// duplicates: receives how many were duplicates, which `accepted` does not count, also on an error; may be NULL.
///
/// Threads: any, many at a time.
///
/// Errors: those of martlet_push(); INVALID_DOCUMENT, whose text names the key and what is accepted.
@_cdecl("martlet_push_json")
public func pushJSON(
    _ engine: martlet_engine_t?,
    _ events: UnsafePointer<CChar>?,
    _ length: UInt,
    _ accepted: UnsafeMutablePointer<UInt>?,
    _ duplicates: UnsafeMutablePointer<UInt>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    var count = 0
    var repeated = 0
    let status = call(engine, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.pushJSON(try payload(events, length, "events"), accepted: &count, duplicates: &repeated)
    }
    accepted?.pointee = UInt(clamping: count)
    duplicates?.pointee = UInt(clamping: repeated)
    return status
}

/// Adds an event type while the engine runs: events of it can be pushed when the call returns. Types cannot be removed.
///
/// Webhooks that subscribe to `*`, or to a wildcard that covers it, get its events. A type that is known already keeps its
/// webhooks and gets the new title, description and sample, unless the document has a name alone.
///
/// type, length: a JSON object in UTF-8, copied, with `name` and optionally `title`, `description` and `sample`, an example
/// of `data`, which martlet_webhook_test() sends.
///
/// Threads: any. The cost grows with the number of types: give thousands with the configuration's `eventTypes`.
///
/// Errors: INVALID_JSON; INVALID_DOCUMENT, whose text names the key and what is accepted; CLOSED.
@_cdecl("martlet_event_type_add")
public func eventTypeAdd(
    _ engine: martlet_engine_t?,
    _ type: UnsafePointer<CChar>?,
    _ length: UInt,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    call(engine, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.addEventType(try document(type, length, "type"))
    }
}
