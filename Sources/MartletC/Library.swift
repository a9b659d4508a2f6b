// Header section 1: Library
//
// These functions need no engine and work at any time, also in a forked child.

import CMartlet
import Glibc
import Martlet

/// The version of the loaded library, such as "0.1.0".
///
/// Ownership: static text, never NULL; do not free it.
///
/// Threads: any.
@_cdecl("martlet_version")
public func version() -> UnsafePointer<CChar> {
    martlet_internal_version()
}

/// The version of the loaded library as a number, 0x00MMmmpp.
///
/// A binding compares it with the MARTLET_VERSION_NUMBER it was built against: the library must be the same or newer, with
/// the same major version.
///
/// Threads: any.
@_cdecl("martlet_version_number")
public func versionNumber() -> UInt32 {
    Engine.versionNumber
}

/// The name of a status code without its prefix: "QUEUE_FULL" for MARTLET_ERROR_QUEUE_FULL, "OK" for MARTLET_OK,
/// "UNKNOWN" for a number that is none.
///
/// Ownership: static text, never NULL; do not free it.
///
/// Threads: any.
@_cdecl("martlet_status_name")
public func statusName(_ status: Int32) -> UnsafePointer<CChar> {
    cString(status == MARTLET_OK ? "OK" : knownStatus(status)?.name ?? "UNKNOWN")
}

/// A status code in words, for a person. The error text of the failed call says more: it names the field and what is
/// accepted.
///
/// Ownership: static text, never NULL; do not free it.
///
/// Threads: any.
@_cdecl("martlet_status_text")
public func statusText(_ status: Int32) -> UnsafePointer<CChar> {
    cString(status == MARTLET_OK ? "no error" : knownStatus(status)?.text ?? "unknown status code")
}

/// Lists the status codes, so that a binding can make its constants from the library it loaded.
///
/// index: from 0 upward; index 0 is MARTLET_OK.
///
/// status: receives the code; may be NULL. Not written past the end.
///
/// Returns the code's name as martlet_status_name() gives it, or NULL when the index is past the last code.
///
/// Ownership: static text; do not free it.
///
/// Threads: any.
@_cdecl("martlet_status_at")
public func status(_ index: UInt, _ status: UnsafeMutablePointer<Int32>?) -> UnsafePointer<CChar>? {
    if index == 0 {
        status?.pointee = MARTLET_OK
        return cString("OK")
    }
    let known = MartletError.Code.all
    guard index <= UInt(known.count) else { return nil }
    // The guards above keep the position between 0 and the last one.
    let entry = known[Int(index) - 1]
    status?.pointee = entry.code.rawValue
    return cString(entry.name)
}

/// Frees a text that a function of this library gave to the caller.
///
/// pointer: a text from a `char **` output, or NULL, for which nothing is done. Each text is freed once, with this
/// function: the library may use another allocator than the program.
///
/// Threads: any; it may differ from the one that received the text.
@_cdecl("martlet_free")
public func freeText(_ pointer: UnsafeMutableRawPointer?) {
    free(pointer)
}

private func knownStatus(_ status: Int32) -> (code: MartletError.Code, name: StaticString, text: StaticString)? {
    MartletError.Code.all.first { $0.code.rawValue == status }
}
