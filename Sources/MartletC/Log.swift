// Header section 8: Log
//
// Martlet's own messages: a receiver that keeps failing, a webhook that was disabled, a journal without room. An engine
// makes none until the host asks, by a callback, by the descriptor, or by both.

import CMartlet
import Martlet

/// Sets or removes the log callback. Without one the engine logs nothing: the library never prints.
///
/// minimum_level: MARTLET_LOG_ERROR to MARTLET_LOG_DEBUG; messages less urgent than this are not made.
///
/// callback: called for each message, or NULL to remove it.
///
/// context: handed to the callback, never looked at. It must stay valid until martlet_engine_free() has returned: a
/// message that is under way on another thread may still reach the old callback after this returns.
///
/// Threads: any. The callback runs on the engine's own threads, with all signals blocked, and inside calls of the host's,
/// several at a time: it must be quick, must not throw or jump out, and must not call this library with the same engine.
///
/// Errors: INVALID_ARGUMENT for a level that is none.
@_cdecl("martlet_set_log")
public func setLog(
    _ engine: martlet_engine_t?,
    _ minimumLevel: Int32,
    _ callback: martlet_log_t?,
    _ context: UnsafeMutableRawPointer?
) -> Int32 {
    call(engine) { (engine) throws(MartletError) in
        guard let callback else { return try engine.setLog(minimumLevel: minimumLevel, nil) }
        let target = LogTarget(callback: callback, context: context)
        try engine.setLog(minimumLevel: minimumLevel) { level, message in target.log(level, message) }
    }
}

/// Keeps messages for martlet_log_poll(), and gives a file descriptor that is readable while some wait. For programs
/// whose language lets no foreign thread in, and for those that have an event loop.
///
/// It is the reading end of a pipe. Never read, write or close it: martlet_log_poll() empties it. Once the engine is closed
/// it stays readable, so that whoever watches it comes to see the end.
///
/// minimum_level: MARTLET_LOG_ERROR to MARTLET_LOG_DEBUG; messages less urgent than this are not kept. 0 keeps no more from
/// here on. Calling again changes the level; the descriptor stays the same.
///
/// fd: receives the descriptor. It is the engine's, valid until martlet_engine_free().
///
/// Threads: any.
///
/// Errors: INVALID_ARGUMENT for a level that is none; OUT_OF_RESOURCES where no descriptors are left.
@_cdecl("martlet_log_fd")
public func logFD(_ engine: martlet_engine_t?, _ minimumLevel: Int32, _ fd: UnsafeMutablePointer<Int32>?) -> Int32 {
    fd?.pointee = -1
    return call(engine) { (engine) throws(MartletError) in
        let fd = try required(fd, "fd")
        fd.pointee = try engine.logDescriptor(minimumLevel: minimumLevel)
    }
}

/// Takes all messages that wait, the oldest first, as a JSON object. Never blocks.
///
/// `messages` is an array of objects with `level` ("error", "warning", "info" or "debug"), `time` (RFC 3339, in UTC) and
/// `text`, one line. `dropped` counts the messages that gave way to newer ones since the last poll: 1,024 messages of
/// together 256 KiB wait at the most. `ended` is true once the engine is closed: then stop watching.
///
/// json: receives the text, to be freed with martlet_free().
///
/// json_length: receives its bytes without the NUL; may be NULL.
///
/// Threads: any; of several that poll, each gets other messages. Works after martlet_engine_close().
///
/// Errors: WRONG_STATE where martlet_log_fd() was not called; CLOSED after martlet_engine_free().
@_cdecl("martlet_log_poll")
public func logPoll(
    _ engine: martlet_engine_t?,
    _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ jsonLength: UnsafeMutablePointer<UInt>?
) -> Int32 {
    call(engine, OutputText(json, jsonLength)) { (engine) throws(MartletError) in
        try engine.pollLog()
    }
}

/// The host's log callback with its context.
///
/// Unchecked: the context is the host's, passed through and never read; the header asks for a callback that any thread may
/// call.
private struct LogTarget: @unchecked Sendable {
    let callback: martlet_log_t
    let context: UnsafeMutableRawPointer?

    func log(_ level: Int32, _ message: UnsafeRawBufferPointer) {
        withUnsafeTemporaryAllocation(byteCount: message.count + 1, alignment: 1) { copy in
            copy.copyBytes(from: message)
            copy[message.count] = 0
            callback(context, level, copy.baseAddress?.assumingMemoryBound(to: CChar.self), message.count)
        }
    }
}
