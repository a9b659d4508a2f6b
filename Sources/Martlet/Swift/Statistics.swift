import JSONText

/// The figures of an engine at one moment. Counts are since it was opened.
public struct Statistics: Sendable {
    /// `open`, `closing` or `closed`.
    public let state: String
    /// How long the engine is open, in milliseconds.
    public let uptimeMs: Int
    /// Registered webhooks.
    public let webhooks: Int
    /// What waits, and how much may.
    public let queue: Queue
    /// What was pushed.
    public let events: Events
    /// What became of it, for all lanes together.
    public let deliveries: Deliveries
    /// Outcomes the host has not taken yet.
    public let outcomesWaiting: Int
    /// The data directory; nil without one.
    public let journal: Journal?
    /// What became of it, for each lane.
    public let lanes: [Deliveries]
    /// The whole document.
    public let json: JSON

    /// What counts against the bounds of the queue.
    public struct Queue: Hashable, Sendable {
        /// Events.
        public let events: Int
        /// Bytes.
        public let bytes: Int
        /// How many events may be.
        public let maxEvents: Int
        /// How many bytes may be.
        public let maxBytes: Int
    }

    /// What was pushed.
    public struct Events: Hashable, Sendable {
        /// Events that were accepted.
        public let accepted: Int
        /// Accepted events that no webhook wanted.
        public let unmatched: Int
        /// Events that were refused for want of room.
        public let refused: Int
        /// Events pushed again under an id seen before.
        public let duplicates: Int
        /// Accepted events that are not settled.
        public let unsettled: Int
    }

    /// What became of deliveries.
    public struct Deliveries: Hashable, Sendable {
        /// Accepted and not settled.
        public let pending: Int
        /// With an attempt under way.
        public let inFlight: Int
        /// Settled with a 2xx.
        public let succeeded: Int
        /// Given up.
        public let failed: Int
        /// Settled because their time was over.
        public let expired: Int
        /// Canceled.
        public let canceled: Int
        /// HTTP requests made.
        public let attempts: Int
        /// Those that were not the first of their delivery.
        public let retries: Int
        /// How attempts ended; ``DeliveryFailure/none`` for success.
        public let attemptsByFailure: [DeliveryFailure: Int]
        /// Webhooks that Martlet disabled.
        public let webhooksDisabled: Int

        init(_ value: JSONValue?) {
            let value = value ?? .null
            pending = value.count("pending")
            inFlight = value.count("inFlight")
            succeeded = value.count("succeeded")
            failed = value.count("failed")
            expired = value.count("expired")
            canceled = value.count("canceled")
            attempts = value.count("attempts")
            retries = value.count("retries")
            var byFailure: [DeliveryFailure: Int] = [:]
            for member in value["attemptsByErrorClass"]?.objectValue?.members ?? [] {
                guard let count = member.value.integerValue.flatMap({ Int(exactly: $0) }) else { continue }
                byFailure[DeliveryFailure(errorClass: member.key), default: 0] += count
            }
            attemptsByFailure = byFailure
            webhooksDisabled = value.count("webhooksDisabled")
        }
    }

    /// How the data directory does, and what opening found there.
    public struct Journal: Hashable, Sendable {
        /// Files with records.
        public let segments: Int
        /// Bytes of all files.
        public let bytesOnDisk: Int
        /// How many bytes may be.
        public let maxBytes: Int
        /// Writes to the disk that failed.
        public let syncFailures: Int
        /// What opening found.
        public let recovery: Recovery
    }

    /// What opening a data directory found.
    public struct Recovery: Hashable, Sendable {
        /// Events that are not settled.
        public let events: Int
        /// Deliveries that go on.
        public let deliveries: Int
        /// Registered webhooks.
        public let webhooks: Int
        /// Outcomes that nobody took.
        public let outcomes: Int
        /// Damaged stretches that were set aside.
        public let quarantined: Int
        /// Records that are known to be missing.
        public let lostRecords: Int
        /// Records that cannot be read.
        public let unreadableRecords: Int

        init(_ value: JSONValue) {
            events = value.count("events")
            deliveries = value.count("deliveries")
            webhooks = value.count("webhooks")
            outcomes = value.count("outcomes")
            quarantined = value.count("quarantined")
            lostRecords = value.count("lostRecords")
            unreadableRecords = value.count("unreadableRecords")
        }
    }

    init(_ value: JSONValue) {
        state = value.text("state")
        uptimeMs = value.count("uptimeMs")
        webhooks = value.count("webhooks")
        let queue = value["queue"] ?? .null
        self.queue = Queue(
            events: queue.count("events"),
            bytes: queue.count("bytes"),
            maxEvents: queue.count("maxEvents"),
            maxBytes: queue.count("maxBytes")
        )
        let events = value["events"] ?? .null
        self.events = Events(
            accepted: events.count("accepted"),
            unmatched: events.count("unmatched"),
            refused: events.count("refused"),
            duplicates: events.count("duplicates"),
            unsettled: events.count("unsettled")
        )
        deliveries = Deliveries(value["deliveries"])
        outcomesWaiting = value.count("outcomesWaiting")
        journal = value["journal"].map { journal in
            Journal(
                segments: journal.count("segments"),
                bytesOnDisk: journal.count("bytesOnDisk"),
                maxBytes: journal.count("maxBytes"),
                syncFailures: journal.count("syncFailures"),
                recovery: Recovery(journal["recovery"] ?? .null)
            )
        }
        lanes = (value["lanes"]?.arrayValue ?? []).map { Deliveries($0) }
        json = JSON(value)
    }
}

extension JSONValue {
    fileprivate func count(_ key: String) -> Int {
        integer(key) ?? 0
    }
}

extension Engine {
    /// The engine's figures.
    public func statistics() throws(MartletError) -> Statistics {
        Statistics(try Engine.read(statsJSON()))
    }

    /// The engine's figures in the Prometheus text format, version 0.0.4, for the host's own metrics endpoint.
    public func metrics() throws(MartletError) -> String {
        String(decoding: try metricsText(), as: UTF8.self)
    }
}
