import JSONText

extension Configuration {
    /// The table of all keys, in the order of the reference page.
    package static let document = Document(
        prototype: Configuration(),
        rules: [{ checkQueueHoldsAnEvent($0) }, { checkSegmentHoldsAnEvent($0) }, { checkJournalHoldsSegments($0) }],
        properties: durability + whereTo + howMuch + delivery + whatIsSent + whatIsKept
    )

    private static let durability: [Property<Configuration>] = [
        .optionalText(
            "dataDirectory",
            \.dataDirectory,
            TextForm(.noControls, bytes: 1...3800),
            default: "nothing is kept",
            "The directory of the journal, made with mode 0700 where it is missing. With it, accepted events, webhooks, "
                + "the delivery log and outcomes not yet read outlive the process. One engine has it open at a time."
        ),
        .choice(
            "sync",
            \.sync,
            "When a power failure can no longer take what was accepted; a crash of the process never can. `always`: "
                + "before the call returns, which then waits for the disk. `interval`: within `syncIntervalMs`. `os`: "
                + "when the operating system likes."
        ),
        .integer(
            "syncIntervalMs",
            \.syncIntervalMilliseconds,
            1...3_600_000,
            "Milliseconds between two writes to the disk where `sync` is `interval`."
        ),
        .integer(
            "journal.maxBytes",
            \.journal.maxBytes,
            196_608...17_592_186_044_416,
            "Bytes of disk that the journal may take. When it gets short, the log and the payloads of settled deliveries "
                + "give way first; then pushes are refused. At least three segments."
        ),
        .integer(
            "journal.segmentBytes",
            \.journal.segmentBytes,
            65_536...2_147_483_648,
            "Bytes of one file of the journal, rounded up to whole pages; one is made ahead. With a `dataDirectory` at least "
                + "1.25 times `maxEventBytes`, or `responseBodyBytes`, and 16,384 more."
        ),
    ]

    private static let whereTo: [Property<Configuration>] = [
        .choice(
            "environment",
            \.environment,
            "`production` accepts https URLs to public addresses only. `development` also accepts http, and receivers "
                + "on this machine."
        ),
        .texts(
            "allowedNetworks",
            \.allowedNetworks,
            of: TextForm(.network, bytes: 1...64),
            count: 0...256,
            "Address blocks that webhooks may reach although they are not public. A single address is a block "
                + "of its own: `10.1.2.3/32`. IPv4 blocks also cover the IPv6 addresses that carry them.",
            encode: { $0 },
            decode: { $0 }
        ),
        .optionalText(
            "caFile",
            \.caFile,
            TextForm(.noControls, bytes: 1...4096),
            default: "the system's certificates",
            "A PEM file of certificate authorities to trust instead of the system's."
        ),
    ]

    private static let howMuch: [Property<Configuration>] = [
        .integer(
            "lanes",
            \.lanes,
            1...64,
            default: "2 on a machine with more than one processor, else 1",
            "Threads that deliver. A webhook belongs to one of them."
        ),
        .integer(
            "maxInFlight",
            \.maxInFlight,
            1...65_535,
            "Requests that may be under way at once in the engine. When they run short, the last quarter goes to webhooks "
                + "that have less than an equal part of them, so that receivers that hang do not collect all."
        ),
        .integer(
            "queue.maxEvents",
            \.queue.maxEvents,
            1...100_000_000,
            "Events that may wait or be under way; a push beyond them is refused."
        ),
        .integer(
            "queue.maxBytes",
            \.queue.maxBytes,
            65_536...1_099_511_627_776,
            "Bytes of memory that waiting events may take; a push beyond them is refused. At least twice "
                + "`maxEventBytes`."
        ),
        .integer(
            "maxEventBytes",
            \.maxEventBytes,
            1024...16_777_216,
            "The largest `data` of one event, in bytes. Receivers are best served below 20 kB."
        ),
        .integer(
            "jsonDepth",
            \.jsonDepth,
            1...512,
            "How deep arrays and objects may nest in a pushed JSON text; a whole event document counts as one level."
        ),
    ]

    /// How deliveries are made; a webhook may override each of them.
    private static let delivery: [Property<Configuration>] = DeliverySettings.properties.map { property in
        property.lifted(to: \.delivery)
    }

    private static let whatIsSent: [Property<Configuration>] = [
        Property(
            "eventTypes",
            \.eventTypes,
            .list(of: .eventType, count: 0...10_000),
            "Event types of your own, beside the built-in ones. A name that is built in is no error: it gets the title, "
                + "description and sample that are given with it.",
            encode: { .array($0.map(\.document)) },
            decode: { value in value.arrayValue?.compactMap { try? EventType(document: $0, key: "eventTypes") } }
        ),
        .text(
            "userAgent",
            \.userAgent,
            TextForm(.printableASCII, bytes: 1...256),
            default: "`\"Martlet/<version>\"`",
            "The `user-agent` header of every request."
        ),
    ]

    private static let whatIsKept: [Property<Configuration>] = [
        .choice(
            "outcomes",
            \.outcomes,
            "What is reported when it is settled: nothing, each event, each delivery, or both. Outcomes that are "
                + "switched on must be drained: those not yet read count against the queue."
        ),
        .integer(
            "responseBodyBytes",
            \.responseBodyBytes,
            0...65_536,
            "How much of a receiver's answer the delivery log keeps, in bytes."
        ),
        .integer(
            "logRetention.attempts",
            \.logRetention.attempts,
            0...10_000_000,
            "Attempts that the delivery log keeps; the oldest go first."
        ),
        .number(
            "logRetention.days",
            \.logRetention.days,
            0.001...3650,
            "For how many days the delivery log keeps what is settled; parts of a day count."
        ),
        .integer(
            "logRetention.payloadBytes",
            \.logRetention.payloadBytes,
            0...1_099_511_627_776,
            "Bytes of memory for the payloads of settled deliveries, which redelivery and replay need; the oldest go "
                + "first, and at the latest with their delivery. 0 keeps none."
        ),
        .integer(
            "deduplication.windowSeconds",
            \.deduplication.windowSeconds,
            0...604_800,
            "For how many seconds the ids that you give your events are remembered: an event pushed again within "
                + "them is a duplicate and delivers nothing. 0 switches it off."
        ),
        .integer(
            "deduplication.maxIds",
            \.deduplication.maximumIDs,
            1...10_000_000,
            "How many ids are remembered at the most, at about 200 bytes each; the oldest go first."
        ),
    ]
}
