import JSONText

/// A webhook as the host describes it: where to send, what, and how. Its id, times and secrets are kept beside it.
package struct WebhookDefinition: Sendable, Equatable {
    package struct MetadataEntry: Hashable, Sendable {
        package let key: String
        package let value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// Type and length are right; whether it may be called is for the address guard to say.
    package var url: String
    /// At least one, each once, in the order given.
    package var events: [EventSubscription]
    /// The agents whose call events it gets, each once; nil for all.
    package var agents: [String]?
    package var isEnabled = true
    /// Nil where all of it has its default, so that most webhooks of many are small.
    private var rare: Rare?

    package init(url: String, events: [EventSubscription]) {
        self.url = url
        self.events = events
    }
}

// MARK: - What only some have

extension WebhookDefinition {
    fileprivate struct RareValues: Equatable, Sendable {
        var tenant = ""
        var workflows: [String]?
        var filter: ContentFilter?
        var headers: [HeaderField] = []
        var clientCertificateFile: String?
        var clientKeyFile: String?
        var description = ""
        var metadata: [MetadataEntry] = []
        var overrides = SettingOverrides()
        var secret: String?
    }

    /// Shared by copies of a definition, and never changed.
    fileprivate final class Rare: Equatable, Sendable {
        let values: RareValues

        init(_ values: RareValues) {
            self.values = values
        }

        static func == (left: Rare, right: Rare) -> Bool {
            left === right || left.values == right.values
        }
    }

    private var rareValues: RareValues {
        get { rare?.values ?? RareValues() }
        set { rare = newValue == RareValues() ? nil : Rare(newValue) }
    }

    /// Whose webhook it is; empty for the default tenant. It never changes.
    package var tenant: String {
        get { rare?.values.tenant ?? "" }
        set { rareValues.tenant = newValue }
    }

    /// The workflows whose workflow events it gets, each once; nil for all.
    package var workflows: [String]? {
        get { rare?.values.workflows }
        set { rareValues.workflows = newValue }
    }

    /// What else must hold of an event's data; nil for nothing.
    package var filter: ContentFilter? {
        get { rare?.values.filter }
        set { rareValues.filter = newValue }
    }

    /// In the order given; no name twice.
    package var headers: [HeaderField] {
        get { rare?.values.headers ?? [] }
        set { rareValues.headers = newValue }
    }

    /// PEM files of the certificate that is shown to the receiver, and of its key; nil for none.
    package var clientCertificateFile: String? {
        get { rare?.values.clientCertificateFile }
        set { rareValues.clientCertificateFile = newValue }
    }

    /// Nil where the key stands in the certificate's file.
    package var clientKeyFile: String? {
        get { rare?.values.clientKeyFile }
        set { rareValues.clientKeyFile = newValue }
    }

    package var description: String {
        get { rare?.values.description ?? "" }
        set { rareValues.description = newValue }
    }

    package var metadata: [MetadataEntry] {
        get { rare?.values.metadata ?? [] }
        set { rareValues.metadata = newValue }
    }

    /// Delivery settings of its own; the engine's hold for the rest.
    package var overrides: SettingOverrides {
        get { rare?.values.overrides ?? SettingOverrides() }
        set { rareValues.overrides = newValue }
    }

    /// The signing secret of a new webhook, as given. Take it out before the definition is kept: it is never printed.
    package var secret: String? {
        get { rare?.values.secret }
        set { rareValues.secret = newValue }
    }
}

extension WebhookDefinition {
    /// Keeps what is equal in the other one's memory.
    package mutating func share(with other: WebhookDefinition) {
        if events == other.events { events = other.events }
        if rare == other.rare { rare = other.rare }
    }
}

// MARK: - Reading

extension WebhookDefinition {
    /// Reads the document of a new webhook.
    ///
    /// - Parameter catalog: what the named event types are checked against.
    package init(json bytes: UnsafeRawBufferPointer, catalog: EventCatalog) throws(DocumentError) {
        let value = try Document<WebhookDefinition>.value(of: bytes)
        self = try WebhookDefinition.document.parse(value)
        try check(against: catalog)
    }

    /// Reads what ``writeStored(to:)`` wrote. Its event types are taken as they are: the catalog may have changed since.
    package init(stored bytes: UnsafeRawBufferPointer) throws(DocumentError) {
        self = try WebhookDefinition.document.parse(Document<WebhookDefinition>.value(of: bytes))
    }

    /// This definition with the keys that an update document names changed, and no others.
    ///
    /// A `null` puts the default back. `events`, `headers` and `metadata` are replaced whole, not merged.
    package func updated(
        json bytes: UnsafeRawBufferPointer,
        catalog: EventCatalog
    ) throws(DocumentError) -> WebhookDefinition {
        let value = try Document<WebhookDefinition>.value(of: bytes)
        let changed = try WebhookDefinition.document.update(self, with: value)
        try changed.check(against: catalog)
        return changed
    }

    /// Types never leave a catalog, so entries that were right before stay right.
    private func check(against catalog: EventCatalog) throws(DocumentError) {
        for case .type(let name) in events where catalog.index(of: name) == nil {
            throw catalog.unknownType(name, key: "events")
        }
    }
}

// MARK: - Writing

extension WebhookDefinition {
    /// Writes what ``init(stored:)`` reads: every key that makes the definition, without the secret.
    package func writeStored(to writer: inout JSONWriter) {
        writer.beginObject()
        WebhookDefinition.document.writeMembers(of: self, to: &writer)
        writer.endObject()
    }

    /// Writes the webhook as the host gets it from get and list: every key but the secret.
    ///
    /// Header values are shown, credentials among them: the document can be edited and handed back. Whoever shows it to
    /// people must hide them.
    package func write(
        to writer: inout JSONWriter,
        id: Identifier,
        createdAt: WallTime,
        updatedAt: WallTime,
        disabled: DisabledNote? = nil,
        more: (inout JSONWriter) -> Void = { _ in }
    ) {
        writer.beginObject()
        writer.key("id")
        writer.string(id.text(.webhook))
        WebhookDefinition.document.writeMembers(of: self, to: &writer)
        writer.key("disabled")
        if let disabled { disabled.write(to: &writer) } else { writer.null() }
        writer.key("createdAt")
        writer.string(Timestamp.text(createdAt))
        writer.key("updatedAt")
        writer.string(Timestamp.text(updatedAt))
        more(&writer)
        writer.endObject()
    }
}
