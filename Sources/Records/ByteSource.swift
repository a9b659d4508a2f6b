/// Reads what ``ByteSink`` wrote. Reading past the end gives zeros and is noted: look at ``isValid`` at the end.
package struct ByteSource {
    private let bytes: UnsafeRawBufferPointer
    package private(set) var offset = 0
    private var isShort = false

    package init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// False once a field lay past the end.
    package var isValid: Bool {
        !isShort
    }

    package mutating func get<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number {
        let size = MemoryLayout<Number>.size
        guard bytes.count - offset >= size else {
            isShort = true
            return 0
        }
        defer { offset += size }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    package mutating func getBytes(_ count: Int) -> UnsafeRawBufferPointer {
        guard count >= 0, bytes.count - offset >= count else {
            isShort = true
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
    }

    package mutating func getShort() -> String {
        let count = get(UInt8.self)
        return String(decoding: getBytes(Int(count)), as: UTF8.self)
    }

    package mutating func getLong() -> UnsafeRawBufferPointer {
        let count = get(UInt32.self)
        return getBytes(Int(count))
    }
}
