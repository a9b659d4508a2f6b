import CMartlet
import Glibc
import Martlet

// Every convention of the C boundary, once. The functions of this target only name what they take and give.
//
// - Input is pointer + length and never kept: the engine copies what it needs. NULL stands for an empty input when the
//   length is 0.
// - Lengths are checked before a byte is read: no longer than `PTRDIFF_MAX`, and for names and documents than the bounds
//   below, which lie far above what an engine accepts and stop a length that was never set.
// - Output text is one `malloc` block with a NUL behind it, given away on success only; on an error the caller's
//   variables hold NULL and 0.
// - An error text is cut at a character, ends with a NUL, and is empty on success.
// - UTF-8 is checked by whoever reads the bytes: the JSON parser, the event catalog, the id parser.

/// Longest id or event type that is looked at, in bytes.
private let maximumNameLength: UInt = 1_024

/// Longest configuration, webhook document or query that is looked at, in bytes.
private let maximumDocumentLength: UInt = 64 << 20

// MARK: - Calls

/// Runs `body` with the engine behind a handle and turns what it throws into a code and a text.
@inline(__always)
func call(
    _ handle: martlet_engine_t?,
    _ errorText: ErrorText = ErrorText(nil, 0),
    _ body: (Engine) throws(MartletError) -> Void
) -> Int32 {
    errorText.clear()
    do throws(MartletError) {
        try HandleTable.withEngine(handle, body)
        return MARTLET_OK
    } catch {
        return errorText.fill(error)
    }
}

/// Like ``call(_:_:_:)`` for functions that need no engine.
func call(_ errorText: ErrorText, _ body: () throws(MartletError) -> Void) -> Int32 {
    errorText.clear()
    do throws(MartletError) {
        try body()
        return MARTLET_OK
    } catch {
        return errorText.fill(error)
    }
}

/// Like ``call(_:_:_:)`` for functions that give a text away.
func call(
    _ handle: martlet_engine_t?,
    _ output: OutputText,
    _ errorText: ErrorText = ErrorText(nil, 0),
    _ body: (Engine) throws(MartletError) -> [UInt8]
) -> Int32 {
    output.clear()
    return call(handle, errorText) { (engine) throws(MartletError) in
        try output.check()
        try output.give(try body(engine))
    }
}

// MARK: - Input

/// An id or an event type.
@inline(__always)
func name(
    _ pointer: UnsafePointer<CChar>?,
    _ length: UInt,
    _ what: StaticString
) throws(MartletError) -> UnsafeRawBufferPointer {
    try input(pointer, length, maximumNameLength, what)
}

/// A configuration, a webhook or a query.
func document(
    _ pointer: UnsafePointer<CChar>?,
    _ length: UInt,
    _ what: StaticString
) throws(MartletError) -> UnsafeRawBufferPointer {
    try input(pointer, length, maximumDocumentLength, what)
}

/// The data of an event, or whole events: bounded by the engine's own configuration, which it checks before it reads.
@inline(__always)
func payload(
    _ pointer: UnsafePointer<CChar>?,
    _ length: UInt,
    _ what: StaticString
) throws(MartletError) -> UnsafeRawBufferPointer {
    try input(pointer, length, UInt(Int.max), what)
}

@inline(__always)
private func input(
    _ pointer: UnsafePointer<CChar>?,
    _ length: UInt,
    _ limit: UInt,
    _ what: StaticString
) throws(MartletError) -> UnsafeRawBufferPointer {
    guard pointer != nil || length == 0, length <= limit else {
        throw badInput(isNull: pointer == nil, limit, what)
    }
    // No limit is above `Int.max`.
    return UnsafeRawBufferPointer(start: pointer, count: Int(bitPattern: length))
}

@inline(never)
private func badInput(isNull: Bool, _ limit: UInt, _ what: StaticString) -> MartletError {
    if isNull {
        return MartletError(.invalidArgument, "\(what) is NULL with a length above 0")
    }
    return MartletError(.invalidArgument, "\(what) is longer than \(limit) bytes")
}

/// A pointer the function cannot do without.
@inline(__always)
func required<Pointee>(
    _ pointer: UnsafeMutablePointer<Pointee>?,
    _ what: StaticString
) throws(MartletError) -> UnsafeMutablePointer<Pointee> {
    guard let pointer else { throw MartletError(.invalidArgument, "\(what) is NULL") }
    return pointer
}

/// A truth value as C passes it: 1 or 0.
func flag(_ value: Int32, _ what: StaticString) throws(MartletError) -> Bool {
    switch value {
    case 0: return false
    case 1: return true
    default: throw MartletError(.invalidArgument, "\(what) is neither 0 nor 1")
    }
}

// MARK: - Output

/// The caller's buffer for the text of an error.
struct ErrorText {
    private let start: UnsafeMutablePointer<CChar>?
    private let size: UInt

    @inline(__always)
    init(_ start: UnsafeMutablePointer<CChar>?, _ size: UInt) {
        self.start = start
        self.size = size
    }

    @inline(__always)
    func clear() {
        guard let start, size > 0 else { return }
        start.pointee = 0
    }

    /// Writes the message, cut to fit, and answers the code.
    @inline(never)
    func fill(_ error: MartletError) -> Int32 {
        guard let start, size > 0 else { return error.code.rawValue }
        let buffer = UnsafeMutableRawBufferPointer(start: start, count: Int(clamping: size))
        copyText(error.message, into: buffer)
        return error.code.rawValue
    }
}

/// Copies `text` and a NUL, cut before the character that does not fit.
private func copyText(_ text: String, into buffer: UnsafeMutableRawBufferPointer) {
    var text = text
    text.withUTF8 { bytes in
        // The buffer holds at least one byte, so this is not negative.
        var count = min(bytes.count, buffer.count - 1)
        if count < bytes.count {
            // A byte 10xxxxxx continues a character (RFC 3629): the cut goes before the one that starts it.
            while count > 0, bytes[count] & 0xC0 == 0x80 {
                count -= 1
            }
        }
        buffer.copyBytes(from: bytes.prefix(count))
        buffer[count] = 0
    }
}

/// The caller's variables for a text that the library allocates.
struct OutputText {
    private let text: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    private let length: UnsafeMutablePointer<UInt>?
    private let isOptional: Bool

    /// An optional text may be NULL: the function then does its work and gives nothing.
    init(
        _ text: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
        _ length: UnsafeMutablePointer<UInt>?,
        isOptional: Bool = false
    ) {
        self.text = text
        self.length = length
        self.isOptional = isOptional
    }

    func clear() {
        text?.pointee = nil
        length?.pointee = 0
    }

    /// Called before the engine does anything.
    func check() throws(MartletError) {
        guard isOptional || text != nil else { throw MartletError(.invalidArgument, "the output pointer is NULL") }
    }

    func give(_ bytes: [UInt8]) throws(MartletError) {
        if let text {
            // An array is never as long as `Int.max`, so one more byte for the NUL cannot overflow.
            guard let block = malloc(bytes.count + 1) else { throw MartletError(.outOfResources) }
            let copy = UnsafeMutableRawBufferPointer(start: block, count: bytes.count + 1)
            copy.copyBytes(from: bytes)
            copy[bytes.count] = 0
            text.pointee = block.assumingMemoryBound(to: CChar.self)
        }
        length?.pointee = UInt(bytes.count)
    }
}

/// Fills a fixed field with what `write` puts there, ended by a NUL and padded with NULs.
@inline(__always)
func fill(_ field: UnsafeMutableRawBufferPointer, _ write: (UnsafeMutableRawBufferPointer) -> Int) {
    // A field is never empty; its last byte is kept for the NUL.
    let count = write(UnsafeMutableRawBufferPointer(rebasing: field.dropLast()))
    UnsafeMutableRawBufferPointer(rebasing: field.dropFirst(count)).initializeMemory(as: UInt8.self, repeating: 0)
}

/// The text of a `StaticString` literal, valid as long as the library is loaded and ended by a NUL.
func cString(_ literal: StaticString) -> UnsafePointer<CChar> {
    // A literal of one or more ASCII letters is stored as a pointer; Swift puts a NUL behind it.
    UnsafeRawPointer(literal.utf8Start).assumingMemoryBound(to: CChar.self)
}
