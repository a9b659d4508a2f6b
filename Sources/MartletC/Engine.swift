// Header section 2: Engine
//
// An engine is one instance: its own threads, queue and webhooks. A process may open several, up to 4,096.

import CMartlet
import Martlet

/// Opens an engine and starts its threads.
///
/// configuration, length: a JSON object in UTF-8, copied; `{}`, or NULL with length 0, takes every default. The keys stand
/// in the configuration reference.
///
/// engine: receives the handle, or NULL on an error. Give it back with martlet_engine_free().
///
/// Threads: any. After a fork the child cannot use an engine of its parent but may open its own.
///
/// Errors: INVALID_JSON; INVALID_DOCUMENT for an unknown key, a wrong type or a value outside its range, which the text
/// names; IN_USE when another engine has the data directory open, STORAGE when it cannot be used, STORAGE_FULL when its disk
/// has no room; OUT_OF_RESOURCES for threads, descriptors, memory or handles.
@_cdecl("martlet_engine_open")
public func engineOpen(
    _ configuration: UnsafePointer<CChar>?,
    _ length: UInt,
    _ engine: UnsafeMutablePointer<martlet_engine_t?>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    open(
        configuration,
        length,
        binding: UnsafeRawBufferPointer(start: nil, count: 0),
        engine,
        ErrorText(error, errorSize)
    )
}

/// Opens an engine as martlet_engine_open() does, for a binding or framework that wants to be seen: its name is added to
/// the `user-agent` header, also behind one that the configuration sets.
///
/// binding, binding_length: `name` or `name/version`, copied: 1 to 64 characters, each part a token of RFC 9110,
/// section 5.6.2, such as `martlet-python/0.1.0`.
///
/// configuration, length, engine: as for martlet_engine_open().
///
/// Threads: any.
///
/// Errors: those of martlet_engine_open(); INVALID_ARGUMENT for a name that is none.
@_cdecl("martlet_engine_open_as")
public func engineOpenAs(
    _ binding: UnsafePointer<CChar>?,
    _ bindingLength: UInt,
    _ configuration: UnsafePointer<CChar>?,
    _ length: UInt,
    _ engine: UnsafeMutablePointer<martlet_engine_t?>?,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    let errorText = ErrorText(error, errorSize)
    errorText.clear()
    engine?.pointee = nil
    do throws(MartletError) {
        let product = try name(binding, bindingLength, "binding")
        guard !product.isEmpty else { throw MartletError(.invalidArgument, "binding is empty") }
        return open(configuration, length, binding: product, engine, errorText)
    } catch {
        return errorText.fill(error)
    }
}

private func open(
    _ configuration: UnsafePointer<CChar>?,
    _ length: UInt,
    binding: UnsafeRawBufferPointer,
    _ engine: UnsafeMutablePointer<martlet_engine_t?>?,
    _ errorText: ErrorText
) -> Int32 {
    errorText.clear()
    engine?.pointee = nil
    do throws(MartletError) {
        let output = try required(engine, "engine")
        let bytes = try document(configuration, length, "configuration")
        output.pointee = try HandleTable.insert { () throws(MartletError) in
            try Engine(configuration: bytes, binding: binding)
        }
        return MARTLET_OK
    } catch {
        return errorText.fill(error)
    }
}

/// Waits until every accepted event is settled: delivered, given up, expired or canceled.
///
/// Events pushed while it waits are waited for too. Outcomes need not be polled for it to end.
///
/// timeout_ms: the longest wait in milliseconds; 0 only asks.
///
/// Threads: any, except a log callback. Other calls go on meanwhile.
///
/// Errors: TIMED_OUT when work is left, which goes on; INVALID_ARGUMENT for a negative time.
@_cdecl("martlet_engine_flush")
public func engineFlush(_ engine: martlet_engine_t?, _ timeoutMs: Int64) -> Int32 {
    call(engine) { (engine) throws(MartletError) in
        try engine.flush(timeoutMilliseconds: timeoutMs)
    }
}

/// Closes an engine: refuses new events at once, gives the accepted ones some time, then cancels those that are left and
/// stops the threads.
///
/// The handle stays valid until martlet_engine_free(): outcomes can still be polled, and the delivery log, webhooks,
/// statistics and metrics be read. Pushes and changes of webhooks return CLOSED. It may be called again: each call waits
/// for the same end.
///
/// timeout_ms: how long accepted events may go on, in milliseconds; 0 cancels them at once. The call takes at most 100 ms
/// longer, which is for the threads to end.
///
/// Threads: any, except a log callback.
///
/// Errors: TIMED_OUT when something had to be canceled, or another thread's close still waits; the engine is closed all
/// the same. INVALID_ARGUMENT for a negative time.
@_cdecl("martlet_engine_close")
public func engineClose(_ engine: martlet_engine_t?, _ timeoutMs: Int64) -> Int32 {
    call(engine) { (engine) throws(MartletError) in
        try engine.close(timeoutMilliseconds: timeoutMs)
    }
}

/// Frees an engine. One that is still open is closed first, without time for its events: to let them finish, use
/// martlet_engine_close() before. It waits 100 ms at most for threads to end.
///
/// engine: a handle, or NULL, for which nothing is done. It is not valid afterwards: calls with it return CLOSED, and
/// freeing it again does nothing. The outcomes descriptor is closed, and outcomes that were not polled are gone.
///
/// Threads: any, except a log callback; also while other threads are inside calls with the same handle: the memory goes
/// when the last of them has returned. In a forked child it does nothing to an engine of the parent.
@_cdecl("martlet_engine_free")
public func engineFree(_ engine: martlet_engine_t?) {
    HandleTable.remove(engine)
}

/// Counters and gauges of the engine as a JSON object: queue, deliveries by state, attempts, lanes.
///
/// json: receives the text, to be freed with martlet_free().
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any.
///
/// Errors: CLOSED after martlet_engine_free().
@_cdecl("martlet_engine_stats_json")
public func engineStatsJSON(
    _ engine: martlet_engine_t?,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?
) -> Int32 {
    call(engine, OutputText(json, jsonLength)) { (engine) throws(MartletError) in
        try engine.statsJSON()
    }
}

/// The metrics of the engine in the Prometheus text format, version 0.0.4, for the host's own metrics endpoint.
///
/// text: receives the text, to be freed with martlet_free().
///
/// text_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any.
///
/// Errors: CLOSED after martlet_engine_free().
@_cdecl("martlet_engine_metrics_text")
public func engineMetricsText(
    _ engine: martlet_engine_t?,
    _ text: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ textLength: UnsafeMutablePointer<UInt>?
) -> Int32 {
    call(engine, OutputText(text, textLength)) { (engine) throws(MartletError) in
        try engine.metricsText()
    }
}

/// The event types that can be pushed, built in and configured, as a JSON document.
///
/// json: receives the text, to be freed with martlet_free().
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any.
///
/// Errors: CLOSED after martlet_engine_free().
@_cdecl("martlet_engine_event_types_json")
public func engineEventTypesJSON(
    _ engine: martlet_engine_t?,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?
) -> Int32 {
    call(engine, OutputText(json, jsonLength)) { (engine) throws(MartletError) in
        try engine.eventTypesJSON()
    }
}
