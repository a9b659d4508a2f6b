import CHardware

/// The layout of a record. All numbers are little-endian.
///
/// | offset | bytes | what |
/// |---|---|---|
/// | 0 | 4 | length of header and body, without the padding |
/// | 4 | 4 | CRC32C |
/// | 8 | 1 | kind; 0 is a filler of the journal's own |
/// | 9 | 7 | sequence: grows by 1 with each record; a filler has that of the record before it |
/// | 16 | | body, then zeros to a multiple of 8 |
///
/// The checksum covers the body, then the 8 bytes of kind and sequence, then the length as 8 bytes, then the salt of the
/// segment's header. The salt binds a record to its segment: a body cannot pose as a record, because who wrote the body
/// does not know the salt.
enum RecordFormat {
    static let headerBytes = 16
    /// 56 bits: at ten million records a second, two hundred years.
    static let maximumSequence: UInt64 = 1 << 56 - 1
    static let fillerKind: UInt8 = 0

    /// What a record of `length` bytes takes. `length` is at most a segment, so nothing overflows.
    static func padded(_ length: Int) -> Int {
        (length &+ 7) & ~7
    }

    /// The word at offset 8.
    static func identity(kind: UInt8, sequence: UInt64) -> UInt64 {
        UInt64(kind) | sequence << 8
    }

    static func kind(_ identity: UInt64) -> UInt8 {
        UInt8(truncatingIfNeeded: identity)
    }

    static func sequence(_ identity: UInt64) -> UInt64 {
        identity >> 8
    }

    /// The word at offset 0. Never 0, because a length is at least 16.
    static func seal(length: Int, checksum: UInt32) -> UInt64 {
        UInt64(UInt32(truncatingIfNeeded: length)) | UInt64(checksum) << 32
    }

    static func length(_ seal: UInt64) -> Int {
        Int(UInt32(truncatingIfNeeded: seal))
    }

    static func checksum(_ seal: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: seal >> 32)
    }

    /// The checksum of a record whose body has the CRC32C `body`.
    static func checksum(body: UInt32, identity: UInt64, length: Int, salt: UInt64) -> UInt32 {
        let tail = (identity.littleEndian, UInt64(length).littleEndian, salt.littleEndian)
        return withUnsafeBytes(of: tail) { martlet_hw_crc32c(body, $0.baseAddress, $0.count) }
    }

    static func checksum(body: UnsafeRawBufferPointer) -> UInt32 {
        martlet_hw_crc32c(0, body.baseAddress, body.count)
    }
}
