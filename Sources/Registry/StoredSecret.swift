import Model

/// A signing secret of a webhook.
package struct StoredSecret: Sendable {
    /// `whsec_` and base64.
    package var text: String
    package var createdAt: WallTime
    /// Nil for the current one.
    package var expiresAt: WallTime?

    package init(text: String, createdAt: WallTime, expiresAt: WallTime? = nil) {
        self.text = text
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }

    /// Requests are signed with it at `time`.
    package func isLive(at time: WallTime) -> Bool {
        expiresAt.map { $0 > time } ?? true
    }
}

extension StoredWebhook {
    /// How many secrets sign a request at the most: each costs a pass over the body and 48 bytes of a header.
    package static let maximumSecrets = 5

    /// Makes `text` the current secret; the former ones stay live until `overlapEnd`, or until their own end where that
    /// comes first.
    ///
    /// Those whose time has passed go, and past ``maximumSecrets`` the oldest. A former secret can become the current one
    /// again. The order is the current one, then by their end, the latest first: so those that are live come first.
    package mutating func rotate(to text: String, at now: WallTime, overlapEnd: WallTime) {
        var former = secrets.filter { $0.isLive(at: now) && $0.text != text }
        for index in former.indices {
            former[index].expiresAt = min(former[index].expiresAt ?? overlapEnd, overlapEnd)
        }
        former.removeAll { !$0.isLive(at: now) }
        while former.count >= StoredWebhook.maximumSecrets,
            // Of those made in one millisecond the last is the oldest: new ones come in front.
            let oldest = former.indices.reversed().min(by: { former[$0].createdAt < former[$1].createdAt })
        {
            former.remove(at: oldest)
        }
        // Those that end together stay in their order, newer ones in front.
        let ordered = former.enumerated().sorted { left, right in
            let (leftEnd, rightEnd) = (left.element.expiresAt ?? overlapEnd, right.element.expiresAt ?? overlapEnd)
            return leftEnd == rightEnd ? left.offset < right.offset : leftEnd > rightEnd
        }
        secrets = [StoredSecret(text: text, createdAt: now)] + ordered.map(\.element)
    }
}
