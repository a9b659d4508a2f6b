import Model

/// One more delivery of an event whose payload stands in another record. Moving it forward writes it again, with its
/// progress.
package struct RedeliveryRecord: Hashable, Sendable {
    package var key: EventKey
    /// The event whose payload it sends, no redelivery itself.
    package var source: EventKey
    /// The delivery that it repeats.
    package var repeats: Identifier
    package var tag: UInt64
    package var acceptedAt: WallTime
    package var webhook: Identifier
    package var progress: Progress
    /// How it ended, in a copy that was overtaken by the end; else 0.
    package var end: EventRecord.EndState = 0

    package init(
        key: EventKey,
        source: EventKey,
        repeats: Identifier,
        tag: UInt64,
        acceptedAt: WallTime,
        webhook: Identifier,
        progress: Progress
    ) {
        self.key = key
        self.source = source
        self.repeats = repeats
        self.tag = tag
        self.acceptedAt = acceptedAt
        self.webhook = webhook
        self.progress = progress
    }

    package static var encodedLength: Int { 16 + 16 + 16 + 8 + 8 + 16 + Progress.encodedLength + 1 }

    package func put(into sink: inout ByteSink) {
        sink.put(key)
        sink.put(source)
        sink.put(repeats)
        sink.put(tag)
        sink.put(acceptedAt)
        sink.put(webhook)
        sink.put(progress)
        sink.put(end)
    }

    /// Nil where the bytes are no such record.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var source = ByteSource(bytes)
        key = source.getKey()
        self.source = source.getKey()
        repeats = source.getIdentifier()
        tag = source.get()
        acceptedAt = source.getTime()
        webhook = source.getIdentifier()
        progress = source.getProgress()
        end = source.get()
        guard source.isValid else { return nil }
    }
}
