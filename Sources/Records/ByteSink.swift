/// Writes a record's fields one after another: numbers little-endian and unaligned, texts behind their length.
///
/// Writing past the end is noted and does nothing, so a length that was computed wrong costs a record and not the process.
package struct ByteSink {
    private let buffer: UnsafeMutableRawBufferPointer
    package private(set) var count = 0
    /// Something did not fit.
    package private(set) var isOverrun = false

    package init(_ buffer: UnsafeMutableRawBufferPointer) {
        self.buffer = buffer
    }

    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    package mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        let size = MemoryLayout<Number>.size
        guard buffer.count - count >= size else {
            isOverrun = true
            return
        }
        buffer.storeBytes(of: number.littleEndian, toByteOffset: count, as: Number.self)
        count += size
    }

    package mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard buffer.count - count >= bytes.count else {
            isOverrun = true
            return
        }
        UnsafeMutableRawBufferPointer(rebasing: buffer[count..<(count + bytes.count)]).copyMemory(from: bytes)
        count += bytes.count
    }

    /// A text of at most 255 bytes behind a byte with its length; longer ones are cut.
    package mutating func putShort(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            put(UInt8(clamping: utf8.count))
            put(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(utf8).prefix(255)))
        }
    }

    /// Bytes behind a 32-bit length.
    package mutating func putLong(_ bytes: UnsafeRawBufferPointer) {
        put(UInt32(clamping: bytes.count))
        put(bytes)
    }

    package mutating func putLong(_ text: String) {
        var text = text
        text.withUTF8 { putLong(UnsafeRawBufferPointer($0)) }
    }
}
