/// What went wrong: a code to decide on and one line to show a person.
public struct MartletError: Error, Sendable, CustomStringConvertible {
    /// What to decide on.
    public let code: Code
    /// One line that names the field and what is accepted; never empty, never secret.
    public let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package init(_ code: Code) {
        self.init(code, code.text)
    }

    /// The code's name and the message.
    public var description: String {
        "\(code.name): \(message)"
    }
}

extension MartletError {
    /// An error code. The numbers are those of the C ABI and never change their meaning; new ones may be added, so treat
    /// an unknown one as ``internal``.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The number, below zero for errors.
        public let rawValue: Int32

        /// A code with this number, known or not.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// A null pointer, a wrong length, bad UTF-8 or a value outside its range.
        public static let invalidArgument = Code(rawValue: -1)
        /// Bytes that should be JSON are not (RFC 8259), or nest too deep.
        public static let invalidJSON = Code(rawValue: -2)
        /// A document with an unknown key, a wrong type or a value that is not accepted.
        public static let invalidDocument = Code(rawValue: -3)
        /// No webhook or delivery with this id.
        public static let notFound = Code(rawValue: -4)
        /// The event type is neither built in nor configured.
        public static let unknownEventType = Code(rawValue: -5)
        /// The queue holds as many events or bytes as configured: push again once outcomes arrive.
        public static let queueFull = Code(rawValue: -6)
        /// The event is larger than `maxEventBytes` or than the whole queue.
        public static let tooLarge = Code(rawValue: -7)
        /// The URL or its address is not allowed by the address guard.
        public static let addressRefused = Code(rawValue: -8)
        /// The time given passed before the work was done; it goes on.
        public static let timedOut = Code(rawValue: -9)
        /// The engine is closed, or the handle was freed.
        public static let closed = Code(rawValue: -10)
        /// The call was made in a forked child; open an engine there instead.
        public static let forked = Code(rawValue: -11)
        /// The call is not possible as the engine is configured, or from this thread.
        public static let wrongState = Code(rawValue: -12)
        /// Out of memory, threads, file descriptors or engine handles.
        public static let outOfResources = Code(rawValue: -13)
        /// A signature or its time is not valid.
        public static let verificationFailed = Code(rawValue: -14)
        /// A fault in Martlet itself; please report it.
        public static let `internal` = Code(rawValue: -15)
        /// The disk, the user's share of it or `journal.maxBytes` is full: nothing was accepted. Push again when there is
        /// room; what was accepted before goes on.
        public static let storageFull = Code(rawValue: -16)
        /// The data directory cannot be used as it is, or the system failed to write it; the message says what to do.
        public static let storage = Code(rawValue: -17)
        /// Another engine, of this process or of another, has the data directory open.
        public static let inUse = Code(rawValue: -18)
    }
}

extension MartletError.Code {
    /// The known codes with their C names and texts, in the order of their numbers.
    package static let all: [(code: MartletError.Code, name: StaticString, text: StaticString)] = [
        (.invalidArgument, "INVALID_ARGUMENT", "an argument is null, too long or outside its range"),
        (.invalidJSON, "INVALID_JSON", "the bytes are not valid JSON"),
        (.invalidDocument, "INVALID_DOCUMENT", "the document has an unknown key or a value that is not accepted"),
        (.notFound, "NOT_FOUND", "there is nothing with this id"),
        (.unknownEventType, "UNKNOWN_EVENT_TYPE", "the event type is not in the catalog"),
        (.queueFull, "QUEUE_FULL", "the queue is full; push again when deliveries have been settled"),
        (.tooLarge, "TOO_LARGE", "the event is larger than the engine accepts"),
        (.addressRefused, "ADDRESS_REFUSED", "the address guard refuses this address"),
        (.timedOut, "TIMED_OUT", "the time given passed before the work was done"),
        (.closed, "CLOSED", "the engine is closed"),
        (.forked, "FORKED", "this engine belongs to the parent process; open one after fork"),
        (.wrongState, "WRONG_STATE", "the call is not possible in this state"),
        (.outOfResources, "OUT_OF_RESOURCES", "memory, threads, file descriptors or handles ran out"),
        (.verificationFailed, "VERIFICATION_FAILED", "the signature is not valid"),
        (.internal, "INTERNAL", "a fault in Martlet"),
        (.storageFull, "STORAGE_FULL", "the disk or the journal's share of it is full; nothing was accepted"),
        (.storage, "STORAGE", "the data directory cannot be used or written"),
        (.inUse, "IN_USE", "another engine has the data directory open"),
    ]

    /// The name as in C, without its prefix: `QUEUE_FULL`.
    public var name: String {
        Self.all.first { $0.code == self }.map { String(describing: $0.name) } ?? "UNKNOWN"
    }

    /// One line for a person.
    public var text: String {
        Self.all.first { $0.code == self }.map { String(describing: $0.text) } ?? "unknown code \(rawValue)"
    }
}
