import CPlatform
import Glibc

/// A pipe that holds one byte while something waits for the host, so that its read end is readable exactly then.
///
/// Whoever signals and clears takes care, under a lock, that at most one byte is in it: then neither call waits.
struct SignalPipe: ~Copyable, Sendable {
    /// The read end, for the host to watch. Martlet reads it; the host must not.
    let descriptor: Int32
    private let writeEnd: Int32

    /// Nil where the process has no file descriptors left.
    init?() {
        var readEnd: Int32 = -1
        var writeEnd: Int32 = -1
        guard martlet_platform_pipe(&readEnd, &writeEnd) == 0 else { return nil }
        descriptor = readEnd
        self.writeEnd = writeEnd
    }

    deinit {
        close(descriptor)
        close(writeEnd)
    }

    /// Something waits from here on.
    func signal() {
        var byte: UInt8 = 1
        _ = write(writeEnd, &byte, 1)
    }

    /// Nothing waits any more.
    func clear() {
        var byte: UInt8 = 0
        _ = read(descriptor, &byte, 1)
    }
}
