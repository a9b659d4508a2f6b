import Delivery
import Model
import Registry
import Threading

/// What a lane is asked to do besides delivering. Run on the lane's thread, before any delivery that was put in later.
enum LaneCommand: Sendable {
    case addWebhook(WebhookSlot, LaneWebhook.Specification, isEnabled: Bool, health: WebhookHealth = WebhookHealth())
    case updateWebhook(WebhookSlot, LaneWebhook.Specification)
    case setWebhook(WebhookSlot, enabled: Bool)
    case removeWebhook(WebhookSlot)
    /// Read the lane's state, or cancel; the closure runs on the lane's thread, after every delivery that was put in
    /// before.
    case inspect(@Sendable (borrowing LaneView) -> Void)
    /// End everything and the thread.
    case stop

    var isQuestion: Bool {
        if case .inspect = self { true } else { false }
    }
}

/// What an earlier life of the process saw of a receiver.
struct WebhookHealth: BitwiseCopyable, Sendable {
    // Each webhook has one, so it takes no room beside the two times.
    private var failing = Int64.max
    private var pause = Int64.min

    /// When the failures began that no success has ended.
    var failingSince: Instant? {
        get { failing == .max ? nil : Instant(nanoseconds: failing) }
        set { failing = newValue?.nanoseconds ?? .max }
    }

    /// Until when the receiver asked to be left alone.
    var pausedUntil: Instant? {
        get { pause == .min ? nil : Instant(nanoseconds: pause) }
        set { pause = newValue?.nanoseconds ?? .min }
    }
}

/// One delivery on its way to a lane.
struct InboxDelivery: BitwiseCopyable, Sendable {
    /// An `AcceptedEvent` that stays retained until its last delivery is settled.
    var event: Unmanaged<AcceptedEvent>
    /// Which of the event's deliveries this is.
    var number: UInt32
    var webhook: WebhookSlot
    var webhookID: Identifier
}

extension InboxDelivery {
    init(_ event: Unmanaged<AcceptedEvent>, number: UInt32, to target: WebhookTarget) {
        self.init(event: event, number: number, webhook: target.slot, webhookID: target.id)
    }
}

/// Where other threads leave work for a lane. The lane takes all of it at once; only who puts something into an empty inbox
/// has to wake the lane.
struct LaneInbox: ~Copyable, Sendable {
    private let contents = Locked<Contents>(Contents())

    struct Contents: Sendable {
        var commands: [LaneCommand] = []
        var deliveries: ContiguousArray<InboxDelivery> = []
        /// False once the lane has taken its last look.
        var isOpen = true
        /// The lane comes for deliveries by itself within a millisecond; only a command wakes it.
        var isVisited = false

        var isEmpty: Bool {
            commands.isEmpty && deliveries.isEmpty
        }
    }

    enum Answer {
        /// The lane is awake or will look before it sleeps.
        case taken
        /// Taken, and the lane must be woken.
        case takenWakeNeeded
        /// The lane has ended: nothing was taken.
        case closed
    }

    /// Adds what `fill` appends. It runs with the inbox locked: it only appends.
    func put(_ fill: (inout Contents) -> Void) -> Answer {
        contents.withLock { contents in
            guard contents.isOpen else { return .closed }
            let wasEmpty = contents.isVisited ? contents.commands.isEmpty : contents.isEmpty
            fill(&contents)
            let isEmpty = contents.isVisited ? contents.commands.isEmpty : contents.isEmpty
            return wasEmpty && !isEmpty ? .takenWakeNeeded : .taken
        }
    }

    /// Adds one delivery.
    func put(_ delivery: InboxDelivery) -> Answer {
        contents.withLock { contents in
            guard contents.isOpen else { return .closed }
            let wasEmpty = !contents.isVisited && contents.isEmpty
            contents.deliveries.append(delivery)
            return wasEmpty ? .takenWakeNeeded : .taken
        }
    }

    /// Swaps the contents with `emptied`, whose capacity is used again.
    ///
    /// - Parameter returning: whoever takes comes again within a millisecond, without being woken.
    func take(into emptied: inout Contents, returning: Bool = false) {
        // A burst's memory is given back, ordinary traffic's is kept.
        emptied.commands.removeAll(keepingCapacity: emptied.commands.capacity <= 64)
        emptied.deliveries.removeAll(keepingCapacity: emptied.deliveries.capacity <= 16_384)
        contents.withLock { contents in
            contents.isVisited = returning
            swap(&contents.commands, &emptied.commands)
            swap(&contents.deliveries, &emptied.deliveries)
        }
    }

    /// Takes what is left and refuses everything from now on.
    func close(into emptied: inout Contents) {
        take(into: &emptied)
        contents.withLock { contents in
            contents.isOpen = false
            emptied.commands += contents.commands
            emptied.deliveries += contents.deliveries
            contents.commands = []
            contents.deliveries = []
        }
    }
}
