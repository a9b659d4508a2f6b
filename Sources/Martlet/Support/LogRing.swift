import Model
import Threading

/// Messages that wait for a host which no foreign thread may call: the newest ones, and a pipe that tells of them.
///
/// The pipe holds one byte while messages wait or the engine has ended, so its read end is readable exactly then. The end is
/// told by a byte and not by closing the pipe: a forked child may hold its write end.
final class LogRing: Sendable {
    struct Message {
        let level: Logger.Level
        let time: WallTime
        let text: String
    }

    /// What a host takes at once.
    struct Batch {
        var messages: [Message] = []
        /// Messages that gave way to newer ones since the last batch.
        var dropped: UInt64 = 0
        var hasEnded = false
    }

    /// Messages that are kept, and the bytes of their texts.
    static let maximumCount = 1_024
    static let maximumBytes = 256 << 10

    private let pipe: SignalPipe
    private let waiting = Locked<Waiting>(Waiting())

    private struct Waiting {
        /// The oldest is at `head`; what is before it has given way.
        var messages: ContiguousArray<Message> = []
        var head = 0
        var bytes = 0
        var dropped: UInt64 = 0
        var hasEnded = false

        var count: Int { messages.count - head }
        var isReadable: Bool { count > 0 || hasEnded }

        mutating func dropOldest() {
            bytes -= messages[head].text.utf8.count
            head += 1
            dropped &+= 1
            // Moving the rest forward costs as much as the drops before saved.
            if head >= LogRing.maximumCount {
                messages.removeSubrange(0..<head)
                head = 0
            }
        }
    }

    /// Nil where the process has no file descriptors left.
    init?() {
        guard let pipe = SignalPipe() else { return nil }
        self.pipe = pipe
    }

    /// For the host to watch.
    var descriptor: Int32 { pipe.descriptor }

    func append(_ level: Logger.Level, _ text: String, at time: WallTime) {
        waiting.withLock { waiting in
            let wasReadable = waiting.isReadable
            waiting.messages.append(Message(level: level, time: time, text: text))
            waiting.bytes += text.utf8.count
            // The newest one stays, however long it is.
            while waiting.count > 1, waiting.count > Self.maximumCount || waiting.bytes > Self.maximumBytes {
                waiting.dropOldest()
            }
            if !wasReadable { pipe.signal() }
        }
    }

    /// The engine has ended: the descriptor is readable from here on.
    func end() {
        waiting.withLock { waiting in
            let wasReadable = waiting.isReadable
            waiting.hasEnded = true
            if !wasReadable { pipe.signal() }
        }
    }

    /// Takes all messages that wait, oldest first.
    func take() -> Batch {
        waiting.withLock { waiting in
            let wasReadable = waiting.isReadable
            let batch = Batch(
                messages: Array(waiting.messages[waiting.head...]),
                dropped: waiting.dropped,
                hasEnded: waiting.hasEnded
            )
            let hasEnded = waiting.hasEnded
            waiting = Waiting()
            waiting.hasEnded = hasEnded
            if wasReadable, !hasEnded { pipe.clear() }
            return batch
        }
    }
}
