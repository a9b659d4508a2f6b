import Synchronization
import Threading

/// Hands Martlet's own messages to the host, where it asked for them. Silent otherwise: the library prints nothing.
final class Logger: Sendable {
    enum Level: Int32, Sendable {
        case error = 1
        case warning = 2
        case info = 3
        case debug = 4
    }

    typealias Handler = @Sendable (_ level: Int32, _ message: UnsafeRawBufferPointer) -> Void

    private let level = Atomic<Int32>(0)
    private let handler = Locked<Handler?>(nil)

    func set(minimumLevel: Int32, _ handler: Handler?) {
        self.handler.withLock { $0 = handler }
        level.store(handler == nil ? 0 : minimumLevel, ordering: .releasing)
    }

    /// The message is only made where somebody hears it. The handler runs without any lock held.
    func log(_ level: Level, _ message: () -> String) {
        guard level.rawValue <= self.level.load(ordering: .acquiring) else { return }
        guard let handler = handler.withLock({ $0 }) else { return }
        message().withUTF8Bytes { handler(level.rawValue, $0) }
    }
}
