import Model

/// A webhook as it is from here on: it replaces every earlier record of the same id.
package struct WebhookRecord: Sendable {
    package struct Secret: Hashable, Sendable {
        package var text: String
        package var createdAt: WallTime
        /// Nil for the current one.
        package var expiresAt: WallTime?

        package init(text: String, createdAt: WallTime, expiresAt: WallTime?) {
            self.text = text
            self.createdAt = createdAt
            self.expiresAt = expiresAt
        }
    }

    package var id: Identifier
    package var createdAt: WallTime
    package var updatedAt: WallTime
    package var disabled: DisabledNote?
    package var secrets: [Secret]
    /// The definition as a JSON document, without its secret.
    package var document: [UInt8]

    package init(
        id: Identifier,
        createdAt: WallTime,
        updatedAt: WallTime,
        disabled: DisabledNote?,
        secrets: [Secret],
        document: [UInt8]
    ) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.disabled = disabled
        self.secrets = secrets
        self.document = document
    }

    package var encodedLength: Int {
        64 + 64 + secrets.reduce(0) { $0 + 32 + min($1.text.utf8.count, 255) } + document.count
    }

    package func put(into sink: inout ByteSink) {
        sink.put(id)
        sink.put(createdAt)
        sink.put(updatedAt)
        if let disabled {
            sink.putShort(disabled.reason.rawValue)
            sink.put(disabled.at)
            sink.put(disabled.since?.milliseconds ?? .min)
        } else {
            sink.putShort("")
        }
        sink.put(UInt8(clamping: secrets.count))
        for secret in secrets.prefix(255) {
            sink.putShort(secret.text)
            sink.put(secret.createdAt)
            sink.put(secret.expiresAt?.milliseconds ?? .max)
        }
        document.withUnsafeBytes { sink.putLong($0) }
    }

    /// Nil where the bytes are no such record.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var document = UnsafeRawBufferPointer(start: nil, count: 0)
        self.init(bytes, document: &document)
        self.document = Array(document)
    }

    /// The same without a copy of the document: it stands in `document`, which is valid as long as `bytes` are.
    package init?(_ bytes: UnsafeRawBufferPointer, document place: inout UnsafeRawBufferPointer) {
        var source = ByteSource(bytes)
        id = source.getIdentifier()
        createdAt = source.getTime()
        updatedAt = source.getTime()
        let reason = source.getShort()
        disabled = nil
        if !reason.isEmpty {
            let at = source.getTime()
            let since = source.get(Int64.self)
            disabled = DisabledNote(
                // A reason of a later version: the host finds the webhook disabled, which holds in any case.
                reason: DisabledNote.Reason(rawValue: reason) ?? .host,
                at: at,
                since: since == .min ? nil : WallTime(milliseconds: since)
            )
        }
        secrets = []
        for _ in 0..<source.get(UInt8.self) {
            let text = source.getShort()
            let createdAt = source.getTime()
            let end = source.get(Int64.self)
            secrets.append(
                Secret(text: text, createdAt: createdAt, expiresAt: end == .max ? nil : WallTime(milliseconds: end))
            )
        }
        document = []
        place = source.getLong()
        guard source.isValid else { return nil }
    }

    /// The id that a record of a webhook, of its removal or of its health begins with.
    package static func id(_ bytes: UnsafeRawBufferPointer) -> Identifier? {
        var source = ByteSource(bytes)
        let id = source.getIdentifier()
        return source.isValid ? id : nil
    }
}

/// What the receiver of a webhook was last seen to do: what must outlast a restart.
package struct HealthRecord: BitwiseCopyable, Hashable, Sendable {
    package var webhook: Identifier
    /// When the failures began that no success has ended.
    package var failingSince: WallTime?
    /// Until when the receiver asked to be left alone.
    package var pausedUntil: Progress.Due?

    package init(webhook: Identifier, failingSince: WallTime?, pausedUntil: Progress.Due?) {
        self.webhook = webhook
        self.failingSince = failingSince
        self.pausedUntil = pausedUntil
    }

    package static var encodedLength: Int { 16 + 8 + 16 }

    package func put(into sink: inout ByteSink) {
        sink.put(webhook)
        sink.put(failingSince?.milliseconds ?? .max)
        sink.put(pausedUntil?.at.milliseconds ?? .min)
        sink.put(pausedUntil?.waitMilliseconds ?? 0)
    }

    /// Nil where the bytes are no such record.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var source = ByteSource(bytes)
        webhook = source.getIdentifier()
        let since = source.get(Int64.self)
        failingSince = since == .max ? nil : WallTime(milliseconds: since)
        let until = source.getTime()
        let wait = source.get(Int64.self)
        pausedUntil = until.milliseconds == .min ? nil : Progress.Due(at: until, waitMilliseconds: wait)
        guard source.isValid else { return nil }
    }
}

/// An id that the host gave an event.
package struct SeenRecord: Hashable, Sendable {
    package var acceptedAt: WallTime
    /// The id, with its tenant in front where that is not the default one.
    package var key: String

    package init(acceptedAt: WallTime, key: String) {
        self.acceptedAt = acceptedAt
        self.key = key
    }

    package static var maximumLength: Int { 8 + 256 }

    package func put(into sink: inout ByteSink) {
        sink.put(acceptedAt)
        sink.putShort(key)
    }

    /// Nil where the bytes are no such record.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var source = ByteSource(bytes)
        acceptedAt = source.getTime()
        key = source.getShort()
        guard source.isValid else { return nil }
    }

    /// An id holds no slash, so the two cannot be taken for another pair.
    package static func key(id: String, tenant: String) -> String {
        tenant.isEmpty ? id : "\(tenant)/\(id)"
    }
}
