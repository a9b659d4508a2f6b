#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Everything the host decides when it opens an engine. The initial values here are the defaults.
///
/// The keys of the JSON document, their ranges and their meaning stand in one table: ``document``.
package struct Configuration: Sendable, Equatable {
    package enum Environment: String, CaseIterable, Sendable {
        case production
        case development
    }

    /// What the host wants to hear about.
    package enum Outcomes: String, CaseIterable, Sendable {
        case off
        /// One outcome for each event, once all its deliveries are settled.
        case events
        /// One outcome for each delivery.
        case deliveries
        case all
    }

    package struct Queue: Sendable, Equatable {
        package var maxEvents = 100_000
        package var maxBytes = 268_435_456

        /// What one webhook may hold of the queue where nothing else is set.
        package var defaultShare: Int {
            max(maxEvents / 2, 1000)
        }
    }

    package struct LogRetention: Sendable, Equatable {
        package var attempts = 10_000
        package var days = 30.0
        package var payloadBytes = 67_108_864
    }

    /// How long ids that the host gave its events are remembered.
    package struct Deduplication: Sendable, Equatable {
        package var windowSeconds: Int64 = 600
        package var maximumIDs = 100_000
    }

    /// When what was accepted is forced to the disk.
    package enum Sync: String, CaseIterable, Sendable {
        case always
        case interval
        case os
    }

    package struct Journal: Sendable, Equatable {
        package var maxBytes = 4_294_967_296
        package var segmentBytes = 33_554_432

        /// ``segmentBytes`` in whole pages.
        package var wholeSegmentBytes: Int {
            // The key's range leaves room for a page.
            min((segmentBytes + 4095) / 4096 * 4096, 2_147_483_648)
        }
    }

    /// Nil: nothing outlives the process.
    package var dataDirectory: String?
    package var sync = Sync.interval
    package var syncIntervalMilliseconds: Int64 = 100
    package var journal = Journal()
    package var environment = Environment.production
    /// As given: reading them is the address guard's task, and its errors say what to write instead.
    package var allowedNetworks: [String] = []
    package var lanes = Configuration.defaultLanes
    package var maxInFlight = 1024
    package var queue = Queue()
    package var maxEventBytes = 1_048_576
    package var jsonDepth = 64
    package var delivery = DeliverySettings()
    /// The host's own, without the built-in ones.
    package var eventTypes: [EventType] = []
    package var responseBodyBytes = 1024
    package var logRetention = LogRetention()
    package var deduplication = Deduplication()
    package var outcomes = Outcomes.off
    /// Nil: the system's certificate authorities.
    package var caFile: String?
    package var userAgent = "Martlet/\(Version.text)"

    package init() {}

    /// One where there is one processor, so that the host's own threads keep their share of it.
    package static let defaultLanes = sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 ? 2 : 1
}

// MARK: - Reading and writing

extension Configuration {
    /// Reads a configuration document: JSON, or nothing at all for every default.
    package init(json bytes: UnsafeRawBufferPointer) throws(DocumentError) {
        let value = try Document<Configuration>.value(of: bytes, isEmptyAllowed: true)
        self = try Configuration.document.parse(value)
    }

    package init(json text: String) throws(DocumentError) {
        let bytes = Array(text.utf8)
        self = try bytes.withUnsafeBytes { bytes in
            Result { () throws(DocumentError) in try Configuration(json: bytes) }
        }.get()
    }

    /// Refuses a queue that cannot hold what a single push may bring: such a push would be told "full" for ever.
    static func checkQueueHoldsAnEvent(_ configuration: Configuration) -> DocumentError? {
        let limit = configuration.queue.maxBytes / 2
        guard configuration.maxEventBytes > limit else { return nil }
        return DocumentError(
            .conflict,
            key: "maxEventBytes",
            message: "maxEventBytes must be at most half of queue.maxBytes, which is \(limit), "
                + "not \(configuration.maxEventBytes)"
        )
    }

    /// Refuses files of a journal that the largest event or a receiver's longest answer does not fit into.
    static func checkSegmentHoldsAnEvent(_ configuration: Configuration) -> DocumentError? {
        guard configuration.dataDirectory != nil else { return nil }
        let isEvent = configuration.maxEventBytes >= configuration.responseBodyBytes
        let largest = isEvent ? configuration.maxEventBytes : configuration.responseBodyBytes
        let least = largest / 4 * 5 + 16_384
        guard configuration.journal.segmentBytes < least else { return nil }
        return DocumentError(
            .conflict,
            key: "journal.segmentBytes",
            message: "journal.segmentBytes must be at least \(least) for "
                + (isEvent ? "events of maxEventBytes" : "answers of responseBodyBytes")
                + " = \(largest), not \(configuration.journal.segmentBytes)"
        )
    }

    /// Refuses a journal that could not roll over: one file takes records, one is made ahead, one is being emptied.
    static func checkJournalHoldsSegments(_ configuration: Configuration) -> DocumentError? {
        let segments = configuration.journal.wholeSegmentBytes.multipliedReportingOverflow(by: 3)
        guard configuration.dataDirectory != nil,
            segments.overflow || configuration.journal.maxBytes < segments.partialValue
        else { return nil }
        return DocumentError(
            .conflict,
            key: "journal.maxBytes",
            message:
                "journal.maxBytes must hold three segments of journal.segmentBytes, \(segments.partialValue) bytes, "
                + "not \(configuration.journal.maxBytes)"
        )
    }
}
