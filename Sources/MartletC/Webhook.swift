// Header section 3: Webhooks
//
// A webhook is a JSON document. The library gives it an id, `wh_...`, and answers with the stored document, every field
// present.

import CMartlet
import Martlet

/// Registers a webhook.
///
/// webhook, length: a JSON object in UTF-8, copied; `url` and `events` are needed. Without a `secret` one is made.
///
/// json: receives the stored document with its id and without its secret, to be freed with martlet_free(); may be NULL.
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any. Events pushed after the return see the webhook.
///
/// Errors: INVALID_JSON; INVALID_DOCUMENT, whose text names the key and what is accepted; ADDRESS_REFUSED for a URL that
/// the address guard does not let through.
@_cdecl("martlet_webhook_create")
public func webhookCreate(
    _ engine: martlet_engine_t?,
    _ webhook: UnsafePointer<CChar>?,
    _ length: UInt,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    let output = OutputText(json, jsonLength, isOptional: true)
    return call(engine, output, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.createWebhook(try document(webhook, length, "webhook"))
    }
}

/// Changes a webhook: the keys in the document replace the stored ones, the others stay; null puts a default back.
///
/// id, id_length: the webhook's id.
///
/// webhook, length: a JSON object in UTF-8, copied.
///
/// json: receives the stored document as it is now, to be freed with martlet_free(); may be NULL.
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any. Attempts that start after the return use the new values, for deliveries that were pending too.
///
/// Errors: NOT_FOUND; INVALID_JSON; INVALID_DOCUMENT, whose text names the key and what is accepted; ADDRESS_REFUSED.
@_cdecl("martlet_webhook_update")
public func webhookUpdate(
    _ engine: martlet_engine_t?,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ webhook: UnsafePointer<CChar>?,
    _ length: UInt,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    let output = OutputText(json, jsonLength, isOptional: true)
    return call(engine, output, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.updateWebhook(try name(id, idLength, "id"), try document(webhook, length, "webhook"))
    }
}

/// Says what martlet_webhook_create() would say to a document, or martlet_webhook_update() where there is an id, with the same
/// codes and texts, and changes nothing: for a form that judges while somebody types.
///
/// id, id_length: the id of the webhook that would be changed; with length 0 one would be registered.
///
/// webhook, length: a JSON object in UTF-8, copied.
///
/// Threads: any.
///
/// Errors: those of the two functions, except for a journal that has no room.
@_cdecl("martlet_webhook_check")
public func webhookCheck(
    _ engine: martlet_engine_t?,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ webhook: UnsafePointer<CChar>?,
    _ length: UInt,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    call(engine, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        let id = idLength == 0 ? nil : try name(id, idLength, "id")
        try engine.checkWebhook(id, try document(webhook, length, "webhook"))
    }
}

/// Reads a webhook. Its `disabled` is null while it is enabled, else tells why and since when it is not: by the host, or by
/// Martlet because of what its receiver answered.
///
/// id, id_length: the webhook's id.
///
/// json: receives the stored document without its secrets, to be freed with martlet_free().
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any.
///
/// Errors: NOT_FOUND.
@_cdecl("martlet_webhook_get")
public func webhookGet(
    _ engine: martlet_engine_t?,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    call(engine, OutputText(json, jsonLength), ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.webhook(try name(id, idLength, "id"))
    }
}

/// Lists webhooks in the order of their creation, a page at a time.
///
/// query, length: a JSON object in UTF-8, `{"limit":100,"cursor":"wh_..."}`, both optional; NULL with length 0 asks for the
/// first page, `"id"` for that webhook alone. With `"health":true` each webhook also has `health`, how its receiver
/// does now: `breaker` (`closed`, `open`, `halfOpen`, `ramp`), `pending`, `inFlight`, and `failingSince` and
/// `pausedUntil`, times or null.
///
/// json: receives `{"webhooks":[...],"cursor":"wh_..."}`, to be freed with martlet_free(). The cursor is null on the last
/// page.
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any.
///
/// Errors: INVALID_JSON; INVALID_DOCUMENT, whose text names the key and what is accepted.
@_cdecl("martlet_webhook_list")
public func webhookList(
    _ engine: martlet_engine_t?,
    _ query: UnsafePointer<CChar>?,
    _ length: UInt,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    call(engine, OutputText(json, jsonLength), ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.webhooks(try document(query, length, "query"))
    }
}

/// Reads the signing secrets of a webhook, to hand them to whoever runs the receiver.
///
/// id, id_length: the webhook's id.
///
/// json: receives `{"secrets":[{"secret":"whsec_...","createdAt":"...","expiresAt":null}]}`, to be freed with
/// martlet_free(): those that are live, the current one first, which alone has no end. Keep it out of logs.
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any.
///
/// Errors: NOT_FOUND.
@_cdecl("martlet_webhook_secrets")
public func webhookSecrets(
    _ engine: martlet_engine_t?,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    call(engine, OutputText(json, jsonLength), ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.webhookSecrets(try name(id, idLength, "id"))
    }
}

/// Makes a new signing secret the current one; the former ones go on signing for a while.
///
/// Requests carry one signature for each live secret, the current one first: a receiver that checks with either is content.
/// At most five are live; one more makes the oldest give way, however long it had left.
///
/// id, id_length: the webhook's id.
///
/// options, length: a JSON object in UTF-8 with any of `secret`, a secret of the caller's own (`whsec_` and base64 of 24 to
/// 64 bytes), and `overlapSeconds`, how long the former ones stay live, 0 to 604800, by default 86400. NULL with length 0
/// takes a new random secret and a day.
///
/// json: receives the live secrets as martlet_webhook_secrets() gives them, to be freed with martlet_free(); may be NULL.
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any. Attempts that start after the return are signed so, those of pending deliveries too.
///
/// Errors: NOT_FOUND; INVALID_JSON; INVALID_DOCUMENT, also for a secret that is the current one already; CLOSED.
@_cdecl("martlet_webhook_rotate_secret")
public func webhookRotateSecret(
    _ engine: martlet_engine_t?,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ options: UnsafePointer<CChar>?,
    _ length: UInt,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    let output = OutputText(json, jsonLength, isOptional: true)
    return call(engine, output, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.rotateSecret(try name(id, idLength, "id"), try document(options, length, "options"))
    }
}

/// Sends a test to a webhook now, to see whether its receiver works.
///
/// It goes out whatever the webhook has subscribed to, also to a disabled one, past its limits, once and without retries,
/// and nothing is drawn from its result: a 410 disables nothing. The request carries the header `webhook-test: true`, the
/// delivery `"test":true`. It counts against the queue; its result is read with martlet_delivery_get() and comes as the
/// outcomes of one delivery and its event.
///
/// id, id_length: the webhook's id.
///
/// request, length: a JSON object in UTF-8 with `eventType`, and optionally `data`, any JSON value, whose bytes are sent as
/// they stand; without it the catalog's sample of the type is sent.
///
/// json: receives `{"eventId":"evt_...","deliveryId":"dlv_..."}`, to be freed with martlet_free(); may be NULL.
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any.
///
/// Errors: NOT_FOUND; UNKNOWN_EVENT_TYPE; INVALID_JSON; INVALID_DOCUMENT, whose text names the key and what is accepted;
/// TOO_LARGE; QUEUE_FULL; CLOSED.
@_cdecl("martlet_webhook_test")
public func webhookTest(
    _ engine: martlet_engine_t?,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ request: UnsafePointer<CChar>?,
    _ length: UInt,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    let output = OutputText(json, jsonLength, isOptional: true)
    return call(engine, output, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.testWebhook(try name(id, idLength, "id"), try document(request, length, "request"))
    }
}

/// Deletes a webhook. Its deliveries that are not settled are canceled, and each reports its outcome.
///
/// id, id_length: the webhook's id.
///
/// Threads: any. After the return no attempt for it starts; one that is on its way may still arrive.
///
/// Errors: NOT_FOUND.
@_cdecl("martlet_webhook_delete")
public func webhookDelete(
    _ engine: martlet_engine_t?,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    call(engine, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.deleteWebhook(try name(id, idLength, "id"))
    }
}

/// Enables or disables a webhook. New events pass a disabled one by, and what is pending for it waits until it is enabled
/// again. To set what it is already changes nothing.
///
/// id, id_length: the webhook's id.
///
/// enabled: 1 or 0.
///
/// Threads: any. After a disable returned no attempt for it starts; one that is on its way may still arrive.
///
/// Errors: NOT_FOUND; INVALID_ARGUMENT for another number than 1 or 0.
@_cdecl("martlet_webhook_set_enabled")
public func webhookSetEnabled(
    _ engine: martlet_engine_t?,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ enabled: Int32,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    call(engine, ErrorText(error, errorSize)) { (engine) throws(MartletError) in
        try engine.setWebhook(try name(id, idLength, "id"), enabled: try flag(enabled, "enabled"))
    }
}
