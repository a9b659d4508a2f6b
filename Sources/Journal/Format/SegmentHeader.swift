import CHardware

/// The first 128 bytes of a segment: the same 64 bytes twice, so that one damaged byte does not cost the segment.
///
/// | offset | bytes | what |
/// |---|---|---|
/// | 0 | 8 | `MRTLTJNL` |
/// | 8 | 4 | format version, 1 |
/// | 12 | 4 | offset of the first record, 128 |
/// | 16 | 8 | segment number, as in the file's name |
/// | 24 | 8 | bytes of the file |
/// | 32 | 8 | when it was made, milliseconds since 1970 |
/// | 40 | 8 | no record in it has a lower sequence |
/// | 48 | 8 | salt of the checksums, random |
/// | 56 | 4 | 0 |
/// | 60 | 4 | CRC32C of the 60 bytes before |
///
/// Magic, version and the place of the checksum stay as they are in every later format: that is how an older program
/// tells a newer file from a damaged one.
struct SegmentHeader: Equatable, Sendable {
    static let currentVersion: UInt32 = 1
    static let bytes = 128
    static let copyBytes = 64
    static let magic = UInt64(bigEndian: 0x4d52_544c_544a_4e4c)

    var number: UInt32
    var segmentBytes: Int
    var createdMilliseconds: Int64
    var sequenceFloor: UInt64
    var salt: UInt64

    enum Decoded: Equatable {
        case valid(SegmentHeader, DamagedCopy)
        case newer(version: UInt32)
        /// Neither copy has a fitting checksum.
        case damaged
    }

    /// Which of the two copies does not serve.
    enum DamagedCopy: Equatable {
        case none
        case first
        case second
    }

    var encoded: [UInt8] {
        var copy = [UInt8](repeating: 0, count: SegmentHeader.copyBytes)
        copy.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: SegmentHeader.magic.littleEndian, toByteOffset: 0, as: UInt64.self)
            bytes.storeBytes(of: SegmentHeader.currentVersion.littleEndian, toByteOffset: 8, as: UInt32.self)
            bytes.storeBytes(of: UInt32(SegmentHeader.bytes).littleEndian, toByteOffset: 12, as: UInt32.self)
            bytes.storeBytes(of: UInt64(number).littleEndian, toByteOffset: 16, as: UInt64.self)
            bytes.storeBytes(of: UInt64(segmentBytes).littleEndian, toByteOffset: 24, as: UInt64.self)
            bytes.storeBytes(of: createdMilliseconds.littleEndian, toByteOffset: 32, as: Int64.self)
            bytes.storeBytes(of: sequenceFloor.littleEndian, toByteOffset: 40, as: UInt64.self)
            bytes.storeBytes(of: salt.littleEndian, toByteOffset: 48, as: UInt64.self)
            let checksum = martlet_hw_crc32c(0, bytes.baseAddress, 60)
            bytes.storeBytes(of: checksum.littleEndian, toByteOffset: 60, as: UInt32.self)
        }
        return copy + copy
    }

    /// Reads the header at the start of a segment; `bytes` may be shorter than one.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> Decoded {
        guard let first = copy(0, of: bytes) else { return .damaged }
        let second = copy(copyBytes, of: bytes)
        if let decoded = decodeCopy(first) {
            guard case .valid(let header, _) = decoded, let second, !second.elementsEqual(first) else { return decoded }
            return .valid(header, .second)
        }
        guard let second, let decoded = decodeCopy(second) else { return .damaged }
        guard case .valid(let header, _) = decoded else { return decoded }
        return .valid(header, .first)
    }

    private static func copy(_ start: Int, of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        start + copyBytes <= bytes.count ? UnsafeRawBufferPointer(rebasing: bytes[start..<start + copyBytes]) : nil
    }

    /// `copy` has 64 bytes.
    private static func decodeCopy(_ copy: UnsafeRawBufferPointer) -> Decoded? {
        func load<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: Number.Type) -> Number {
            Number(littleEndian: copy.loadUnaligned(fromByteOffset: offset, as: type))
        }
        guard load(0, UInt64.self) == magic, load(60, UInt32.self) == martlet_hw_crc32c(0, copy.baseAddress, 60) else {
            return nil
        }
        let version = load(8, UInt32.self)
        guard version <= currentVersion else { return .newer(version: version) }
        guard
            version == currentVersion, load(12, UInt32.self) == UInt32(bytes),
            let number = UInt32(exactly: load(16, UInt64.self)), number != 0,
            let segmentBytes = Int(exactly: load(24, UInt64.self)), segmentBytes >= bytes
        else { return nil }
        let header = SegmentHeader(
            number: number,
            segmentBytes: segmentBytes,
            createdMilliseconds: load(32, Int64.self),
            sequenceFloor: load(40, UInt64.self),
            salt: load(48, UInt64.self)
        )
        return .valid(header, .none)
    }
}
