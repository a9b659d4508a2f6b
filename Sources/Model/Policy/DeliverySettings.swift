import JSONText

/// How deliveries are made: set for the engine, and overridden for a webhook where its document names a key.
///
/// The initial values are the defaults; keys, ranges and meaning stand in ``document``.
package struct DeliverySettings: Sendable, Equatable {
    package enum PayloadFormat: String, CaseIterable, Sendable {
        /// `eventType`, `createdAt`, `data`
        case subverse
        /// `type`, `timestamp`, `data`: the payload that Standard Webhooks recommends.
        case standard
        /// The pushed bytes alone.
        case raw
    }

    /// Which deliveries of a webhook wait for which.
    package enum Ordering: String, CaseIterable, Sendable {
        case none
        /// Those of one key go one after the other, in the order they were pushed.
        case key
        /// All of them do.
        case strict
    }

    package struct RateLimit: Hashable, Sendable {
        /// 0 for no limit.
        package var perSecond = 0.0
        package var burst = 10
    }

    package struct Breaker: Hashable, Sendable {
        /// Failures in a row; 0 for no breaker.
        package var failures = 20
        package var afterMilliseconds: Int64 = 10_000
        package var openMilliseconds: Int64 = 5_000
        package var maximumOpenMilliseconds: Int64 = 60_000
    }

    package var timeoutMilliseconds: Int64 = 5000
    package var connectTimeoutMilliseconds: Int64 = 3000
    package var maximumInFlight = 64
    /// Nil: a share of the queue.
    package var maximumPending: Int?
    package var isAdaptive = true
    package var retry = RetryPolicy()
    package var ordering = Ordering.none
    package var rateLimit = RateLimit()
    package var breaker = Breaker()
    /// 0 for never.
    package var disableAfterMilliseconds: Int64 = 432_000_000
    /// 0 for never.
    package var expiryMilliseconds: Int64 = 0
    package var payloadFormat = PayloadFormat.subverse

    package init() {}

    /// The connect timeout that applies: it never outlasts the deadline of the whole attempt.
    package var effectiveConnectTimeoutMilliseconds: Int64 {
        min(connectTimeoutMilliseconds, timeoutMilliseconds)
    }

    /// These settings with the keys changed that a webhook names.
    package func overridden(by overrides: SettingOverrides) -> DeliverySettings {
        var settings = self
        for property in DeliverySettings.properties {
            guard let value = overrides.values[property.key] else { continue }
            // Overrides were checked when they came in.
            _ = property.set(&settings, value)
        }
        return settings
    }
}

/// The settings that a webhook has of its own, by their keys, each checked against the table.
package struct SettingOverrides: Sendable, Equatable {
    package var values: [String: JSONValue] = [:]

    package init() {}
}

extension Property {
    /// The same key in a document that holds this one's root.
    func lifted<Outer>(
        to path: WritableKeyPath<Outer, Root> & Sendable
    ) -> Property<Outer> {
        let (get, set) = (get, set)
        let reset = reset
        return Property<Outer>(
            like: self,
            key: key,
            defaultText: defaultText,
            isOmittedWhenNull: false,
            get: { get($0[keyPath: path]) },
            set: { set(&$0[keyPath: path], $1) },
            reset: { outer, outerPrototype in reset(&outer[keyPath: path], outerPrototype[keyPath: path]) }
        )
    }

    /// The same key as an override: absent, or a value that the shape accepts.
    func overriding<Outer>(
        as name: String? = nil,
        at path: WritableKeyPath<Outer, SettingOverrides> & Sendable,
        scratch: Root
    ) -> Property<Outer> {
        let (key, read, set) = (key, get, set)
        return Property<Outer>(
            like: self,
            key: name ?? key,
            defaultText: "the engine's `\(key)`",
            isOmittedWhenNull: true,
            get: { $0[keyPath: path].values[key] ?? .null },
            set: { outer, value in
                var scratch = scratch
                guard set(&scratch, value) else { return false }
                // As the table prints it, so that a document reads the same when it comes back.
                outer[keyPath: path].values[key] = read(scratch)
                return true
            },
            reset: { outer, _ in outer[keyPath: path].values[key] = nil }
        )
    }
}
