@testable import Journal

/// Headers of formats that do not exist yet.
enum Newer {
    static func header(version: UInt32) -> [UInt8] {
        let header = SegmentHeader(number: 9, segmentBytes: 4096, createdMilliseconds: 0, sequenceFloor: 1, salt: 5)
        var bytes = header.encoded
        bytes.withUnsafeMutableBytes { bytes in
            for start in [0, 64] {
                bytes.storeBytes(of: version.littleEndian, toByteOffset: start + 8, as: UInt32.self)
                let checksum = RecordFormat.checksum(body: UnsafeRawBufferPointer(rebasing: bytes[start..<start + 60]))
                bytes.storeBytes(of: checksum.littleEndian, toByteOffset: start + 60, as: UInt32.self)
            }
        }
        return bytes
    }
}
