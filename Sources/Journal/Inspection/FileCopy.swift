import Glibc

/// A copy of a file in memory, for looking at files that may be anything.
///
/// Not a mapping: where the disk fails, or another program shortens the file, a read is an error and the touch of a mapped
/// page ends the process (SIGBUS).
final class FileCopy {
    private let memory: UnsafeMutableRawPointer
    let count: Int
    /// Bytes that the disk did not give back; they are zeros here.
    private(set) var unreadableBytes = 0

    private static let pieceBytes = 64 << 10

    /// Reads the first `count` bytes. Throws where not even memory for them is there.
    init(_ files: FileSystem, _ file: Int32, count: Int, _ name: String) throws(JournalError) {
        // Cleared memory takes room only where it is written to.
        guard let memory = calloc(max(count, 1), 1) else {
            throw .system(operation: "read", path: name, code: ENOMEM)
        }
        self.memory = memory
        self.count = count
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: FileCopy.pieceBytes, alignment: 8)
        defer { piece.deallocate() }
        // From the end, because records are written from the start: where one is seen, those before it are seen too.
        for start in stride(from: 0, to: count, by: piece.count).reversed() {
            let wanted = UnsafeMutableRawBufferPointer(rebasing: piece[..<min(piece.count, count - start)])
            do throws(JournalError) {
                let done = try files.read(file, at: start, into: wanted, name)
                let read = UnsafeRawBufferPointer(rebasing: wanted[..<done])
                guard let base = read.baseAddress, !FileCopy.isZero(read) else { continue }
                (memory + start).copyMemory(from: base, byteCount: done)
            } catch {
                unreadableBytes += wanted.count
            }
        }
    }

    private static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress, bytes.count > 1 else { return bytes.allSatisfy { $0 == 0 } }
        // The same as itself moved by a byte, and starting with a zero.
        return bytes[0] == 0 && memcmp(base, base + 1, bytes.count - 1) == 0
    }

    deinit {
        free(memory)
    }

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: memory, count: count)
    }
}
