import Model

extension Outcome {
    /// Why the last attempt failed; ``DeliveryFailure/none`` for a success and for an event.
    public var failure: DeliveryFailure {
        DeliveryFailure(rawValue: failureCode)
    }

    /// For a notice that a webhook was disabled: why; otherwise nil.
    public var reason: Webhook.DisabledReason? {
        guard kind == .webhookDisabled else { return nil }
        return switch disabledReason {
        case 1: .gone
        case 2: .receiverAsked
        case 3: .failing
        default: Webhook.DisabledReason(rawValue: "unknown")
        }
    }

    /// For a notice that a webhook was disabled: when the failures began that no success has ended, in UTC (RFC 3339).
    public var failingSince: String? {
        guard failingSinceMilliseconds != 0 else { return nil }
        return Timestamp.text(WallTime(milliseconds: failingSinceMilliseconds))
    }

    /// When it was settled, in UTC (RFC 3339).
    public var settledAt: String {
        Timestamp.text(WallTime(milliseconds: settledAtMilliseconds))
    }
}

extension Outcome: CustomStringConvertible {
    /// What became of what, for a log.
    public var description: String {
        switch kind {
        case .delivery:
            "delivery \(deliveryID) of \(eventID): \(state.name), attempts \(attempts), HTTP \(httpStatus), failure \(failure)"
        case .event:
            "event \(eventID): \(state.name), \(succeeded) of \(deliveries) deliveries"
        case .webhookDisabled:
            "webhook \(webhookID) disabled: \(reason?.rawValue ?? "")"
        }
    }
}
