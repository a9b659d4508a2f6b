import JSONText
import Model

extension Engine {
    /// Adds an event type; events of it can be pushed when this returns.
    ///
    /// Webhooks that subscribe to `*`, or to a wildcard that covers it, get its events. A type that is known already keeps
    /// its webhooks and gets the new title, description and sample, unless the document has a name alone. Types cannot be
    /// removed. The cost grows with the number of types: add thousands by the configuration's `eventTypes`.
    ///
    /// - Parameter document: JSON in UTF-8 with `name`, and optionally `title`, `description` and `sample`, an example of
    ///   `data` that a test delivery sends; copied.
    /// - Throws: ``MartletError/Code/invalidDocument`` and ``MartletError/Code/invalidJSON`` with the key at fault,
    ///   ``MartletError/Code/closed``.
    package func addEventType(_ document: UnsafeRawBufferPointer) throws(MartletError) {
        try state.checkOpen()
        let type: EventType
        do {
            type = try EventType(json: document)
        } catch {
            throw MartletError(error)
        }
        try state.addEventType(type, document)
    }

    /// The event types an event may have, with a sample of each: `{"eventTypes":[…]}` in the order in which they were
    /// added, the built-in ones first.
    package func eventTypesJSON() throws(MartletError) -> [UInt8] {
        try state.checkProcess()
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("eventTypes")
        state.catalog.write(to: &writer)
        writer.endObject()
        return writer.bytes
    }
}
