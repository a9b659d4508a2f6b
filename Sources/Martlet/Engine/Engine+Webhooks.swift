import JSONText
import Model
import Registry

extension Engine {
    /// Registers a webhook; events match it when this returns.
    ///
    /// - Parameter document: a webhook document, JSON in UTF-8; copied. Without a `secret` one is generated.
    /// - Returns: the stored document with its `id`, without its secret: see ``webhookSecrets(_:)``.
    /// - Throws: ``MartletError/Code/invalidDocument`` and ``MartletError/Code/invalidJSON`` with the key at fault,
    ///   ``MartletError/Code/addressRefused``, ``MartletError/Code/unknownEventType``, ``MartletError/Code/closed``.
    package func createWebhook(_ document: UnsafeRawBufferPointer) throws(MartletError) -> [UInt8] {
        try state.createWebhook(document)
    }

    /// Registers a webhook given as a string.
    @discardableResult
    package func createWebhook(_ document: String) throws(MartletError) -> String {
        let bytes = try document.withUTF8Bytes { bytes throws(MartletError) in try createWebhook(bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Changes the keys that the document names and no others; `null` puts a default back.
    ///
    /// The change applies from the next attempt, for deliveries that are pending too.
    ///
    /// - Returns: the stored document as it is now.
    package func updateWebhook(
        _ id: UnsafeRawBufferPointer,
        _ document: UnsafeRawBufferPointer
    ) throws(MartletError) -> [UInt8] {
        try state.updateWebhook(try EngineState.webhookID(id), document)
    }

    /// Says what ``createWebhook(_:)`` would say to the document, or ``updateWebhook(_:_:)`` where there is an `id`, and
    /// changes nothing.
    package func checkWebhook(
        _ id: UnsafeRawBufferPointer?,
        _ document: UnsafeRawBufferPointer
    ) throws(MartletError) {
        guard let id else { return try state.checkWebhook(nil, document) }
        try state.checkWebhook(try EngineState.webhookID(id), document)
    }

    /// The stored document of a webhook.
    package func webhook(_ id: UnsafeRawBufferPointer) throws(MartletError) -> [UInt8] {
        try state.checkProcess()
        return try state.stored(EngineState.webhookID(id)).json
    }

    /// A page of webhooks in the order of their creation: `{"webhooks":[…],"cursor":"wh_…"}`; `cursor` is null on the
    /// last page.
    ///
    /// - Parameter query: `{"limit":100,"cursor":"wh_…","tenant":"…","health":true}`, all optional; empty for the first page.
    package func webhooks(_ query: UnsafeRawBufferPointer) throws(MartletError) -> [UInt8] {
        try state.listWebhooks(query)
    }

    /// The live signing secrets of a webhook, current first:
    /// `{"secrets":[{"secret":"whsec_…","createdAt":"…","expiresAt":null}]}`; `expiresAt` is null for the current one.
    package func webhookSecrets(_ id: UnsafeRawBufferPointer) throws(MartletError) -> [UInt8] {
        try state.checkProcess()
        return try state.stored(EngineState.webhookID(id)).secretsJSON
    }

    /// Removes a webhook. When this returns, no new attempt for it starts; what was pending is canceled.
    package func deleteWebhook(_ id: UnsafeRawBufferPointer) throws(MartletError) {
        try state.deleteWebhook(try EngineState.webhookID(id))
    }

    /// Enables or disables a webhook.
    ///
    /// When disabling returns, no new attempt for it starts; what is pending waits, and new events pass it by. Enabling
    /// lets what waited go on.
    package func setWebhook(_ id: UnsafeRawBufferPointer, enabled: Bool) throws(MartletError) {
        try state.setWebhook(try EngineState.webhookID(id), enabled: enabled)
    }
}
