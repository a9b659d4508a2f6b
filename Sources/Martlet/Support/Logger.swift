import Delivery
import Model
import Synchronization
import Threading

/// Hands Martlet's own messages to the host, where it asked for them: to a handler, to a ring that the host polls, or both.
/// Silent otherwise: the library prints nothing.
final class Logger: Sendable {
    enum Level: Int32, Sendable {
        case error = 1
        case warning = 2
        case info = 3
        case debug = 4

        var name: String {
            switch self {
            case .error: "error"
            case .warning: "warning"
            case .info: "info"
            case .debug: "debug"
            }
        }
    }

    typealias Handler = @Sendable (_ level: Int32, _ message: UnsafeRawBufferPointer) -> Void

    /// The highest level that somebody hears, so that silence costs one load.
    private let level = Atomic<Int32>(0)
    private let hearers = Locked<Hearers>(Hearers())

    private struct Hearers {
        var handler: Handler?
        var handlerLevel: Int32 = 0
        /// Made when it is first asked for, and kept from there on: the host may still watch its descriptor.
        var ring: LogRing?
        var ringLevel: Int32 = 0
        var hasEnded = false
    }

    func set(minimumLevel: Int32, _ handler: Handler?) {
        hearers.withLock { hearers in
            hearers.handler = handler
            hearers.handlerLevel = handler == nil ? 0 : minimumLevel
            level.store(max(hearers.handlerLevel, hearers.ringLevel), ordering: .releasing)
        }
    }

    /// Keeps messages in the ring from here on; with a level of 0 no more. Nil where no file descriptors are left.
    func keep(minimumLevel: Int32) -> LogRing? {
        hearers.withLock { hearers in
            guard let ring = hearers.ring ?? LogRing() else { return nil }
            if hearers.ring == nil, hearers.hasEnded { ring.end() }
            hearers.ring = ring
            hearers.ringLevel = minimumLevel
            level.store(max(hearers.handlerLevel, hearers.ringLevel), ordering: .releasing)
            return ring
        }
    }

    /// Nil where the host never asked to keep messages.
    var ring: LogRing? {
        hearers.withLock { $0.ring }
    }

    /// The engine has ended, and with it its messages.
    func end() {
        let ring = hearers.withLock { hearers in
            hearers.hasEnded = true
            return hearers.ring
        }
        ring?.end()
    }

    /// True where somebody hears this level.
    @inline(__always)
    func hears(_ level: Level) -> Bool {
        level.rawValue <= self.level.load(ordering: .acquiring)
    }

    /// The message is only made where somebody hears it. The handler runs without any lock held.
    func log(_ level: Level, _ message: () -> String) {
        guard hears(level) else { return }
        let (handler, ring) = hearers.withLock { hearers in
            (
                level.rawValue <= hearers.handlerLevel ? hearers.handler : nil,
                level.rawValue <= hearers.ringLevel ? hearers.ring : nil
            )
        }
        guard handler != nil || ring != nil else { return }
        let text = message()
        ring?.append(level, text, at: Clock.wall())
        if let handler { text.withUTF8Bytes { handler(level.rawValue, $0) } }
    }
}
