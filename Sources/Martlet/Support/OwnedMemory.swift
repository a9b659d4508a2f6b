import Glibc

/// Memory from malloc that goes with this object.
final class OwnedMemory: @unchecked Sendable {
    // Sendable: nobody writes the bytes.
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    deinit {
        free(UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }
}
