/// Writes a record's fields one after another: numbers little-endian and unaligned, texts behind their length.
///
/// Writing past the end is noted and does nothing, so a length that was computed wrong costs a record and not the process.
package struct ByteSink {
    @usableFromInline let buffer: UnsafeMutableRawBufferPointer
    @usableFromInline package internal(set) var count = 0
    /// Something did not fit.
    @usableFromInline package internal(set) var isOverrun = false

    @inlinable
    package init(_ buffer: UnsafeMutableRawBufferPointer) {
        self.buffer = buffer
    }

    @inlinable
    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    @inlinable @inline(__always)
    package mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        let size = MemoryLayout<Number>.size
        guard buffer.count - count >= size else {
            isOverrun = true
            return
        }
        buffer.storeBytes(of: number.littleEndian, toByteOffset: count, as: Number.self)
        count += size
    }

    @inlinable @inline(__always)
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
