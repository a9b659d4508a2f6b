import JSONText
import Model

extension Webhook {
    /// One event to one webhook, as the delivery log shows it.
    public struct Delivery: Sendable, Identifiable {
        /// The delivery's id, `dlv_…`.
        public let id: String
        /// The event's id: the caller's own, or `evt_…`.
        public let eventID: String
        /// The event's type.
        public let eventType: String
        /// The webhook's id, `wh_…`.
        public let webhookID: String
        /// The event's tenant; empty for the default one.
        public let tenant: String
        /// The caller's own number, given at the push.
        public let tag: UInt64
        /// Where it stands.
        public let state: State
        /// True for one that a test made.
        public let isTest: Bool
        /// The delivery that this one repeats.
        public let redeliveryOf: String?
        /// When it was made, in UTC (RFC 3339).
        public let createdAt: String
        /// When it was settled, in UTC (RFC 3339); nil while it is not.
        public let settledAt: String?
        /// When the next attempt is due, in UTC (RFC 3339), where one is waited for.
        public let nextAttemptAt: String?
        /// How many attempts were made; the log may have forgotten some of them.
        public let attemptCount: Int
        /// The attempts that the log keeps, the oldest first.
        public let attempts: [Attempt]
        /// The body of the request, where one delivery was asked for and it is still kept.
        public let payload: String?
        /// The headers that came with the event, as long as the payload is kept.
        public let eventHeaders: [String: String]
        /// The whole document.
        public let json: JSON

        /// Where a delivery stands.
        public enum State: String, CaseIterable, Sendable {
            /// Queued, or waiting for its next attempt.
            case pending
            /// An attempt is under way.
            case inFlight
            /// The receiver answered 2xx.
            case succeeded
            /// Given up.
            case failed
            /// The event's deadline passed.
            case expired
            /// The host canceled it, deleted the webhook or closed the engine first.
            case canceled
        }

        /// One HTTP request.
        public struct Attempt: Hashable, Sendable {
            /// From 1.
            public let number: Int
            /// When it began, in UTC (RFC 3339).
            public let startedAt: String
            /// How long it took, in milliseconds.
            public let durationMs: Double
            /// The HTTP status; nil where there was no answer.
            public let status: Int?
            /// Why it failed; ``DeliveryFailure/none`` for a success.
            public let failure: DeliveryFailure
            /// The failure in more words, where there are some.
            public let error: String?
            /// The beginning of what the receiver answered.
            public let response: String?

            init(_ value: JSONValue) {
                number = value.integer("number") ?? 0
                startedAt = value.text("startedAt")
                durationMs = value.number("durationMs") ?? 0
                status = value.integer("status")
                failure = DeliveryFailure(errorClass: value.optionalText("errorClass"))
                error = value.optionalText("error")
                response = value.optionalText("response")
            }
        }

        /// - Parameter tag: the tag, which a tree of JSON values rounds where it is beyond 2⁶³.
        init(_ value: JSONValue, tag: UInt64? = nil) {
            id = value.text("id")
            eventID = value.text("eventId")
            eventType = value.text("eventType")
            webhookID = value.text("webhookId")
            tenant = value.text("tenant")
            self.tag = tag ?? UInt64(clamping: value["tag"]?.integerValue ?? 0)
            // The engine writes no other.
            state = value.choice("state") ?? .pending
            isTest = value.flag("test") ?? false
            redeliveryOf = value.optionalText("redeliveryOf")
            createdAt = value.text("createdAt")
            settledAt = value.optionalText("settledAt")
            nextAttemptAt = value.optionalText("nextAttemptAt")
            attemptCount = value.integer("attemptCount") ?? 0
            attempts = (value["attempts"]?.arrayValue ?? []).map { Attempt($0) }
            payload = value.optionalText("payload")
            eventHeaders = value.table("eventHeaders")
            json = JSON(value)
        }

        /// The tags of deliveries in the order in which the engine wrote them.
        ///
        /// The mark stands once in each: in a string its quotes would be escaped.
        static func tags(in bytes: [UInt8]) -> [UInt64] {
            let mark = Array(#""tag":"#.utf8)
            var tags: [UInt64] = []
            var rest = bytes[...]
            while let quote = rest.firstIndex(of: UInt8(ascii: "\"")) {
                rest = rest[quote...]
                guard rest.starts(with: mark) else {
                    rest = rest.dropFirst()
                    continue
                }
                rest = rest.dropFirst(mark.count)
                let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                tags.append(UInt64(decimalDigits: digits) ?? 0)
            }
            return tags
        }
    }
}

extension Webhook.Delivery {
    /// Which deliveries are asked for; what is nil asks for all.
    public struct Query: Hashable, Sendable {
        /// In which state. Left out, each call has its own: all for ``Engine/deliveries(_:pageSize:)``, failed for
        /// ``Engine/replay(_:perSecond:)``, what is not settled for ``Engine/cancelDeliveries(_:)-(Webhook.Delivery.Query)``.
        public var state: StateFilter?
        /// Only deliveries to this webhook.
        public var webhookID: String?
        /// Only deliveries of this event.
        public var eventID: String?
        /// Only deliveries of events of this type.
        public var eventType: String?
        /// Only deliveries of this tenant; `""` is the default one.
        public var tenant: String?
        /// Only deliveries made at this time or later (RFC 3339).
        public var createdAfter: String?
        /// Only deliveries made before this time (RFC 3339).
        public var createdBefore: String?

        /// A query for deliveries in a state, or to a webhook, or for all.
        public init(state: StateFilter? = nil, webhookID: String? = nil) {
            self.state = state
            self.webhookID = webhookID
        }

        var document: SettingsDocument {
            var document = SettingsDocument()
            document.set("state", state)
            document.set("webhookId", webhookID)
            document.set("eventId", eventID)
            document.set("eventType", eventType)
            document.set("tenant", tenant)
            document.set("createdAfter", createdAfter)
            document.set("createdBefore", createdBefore)
            return document
        }
    }

    /// States as queries name them.
    public enum StateFilter: String, CaseIterable, Sendable {
        /// All.
        case any
        /// Queued, or waiting for the next attempt.
        case pending
        /// An attempt is under way.
        case inFlight
        /// Pending or in flight.
        case undelivered
        /// The receiver answered 2xx.
        case succeeded
        /// Given up.
        case failed
        /// The event's deadline passed.
        case expired
        /// Canceled by the host.
        case canceled
    }
}
