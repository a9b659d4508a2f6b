import Delivery
import Glibc
import JSONText
import Model
import Registry
import Signing
import Transport

// Webhooks: what the registry holds, what the lanes are told of it.
extension EngineState {
    static func webhookID(_ text: UnsafeRawBufferPointer) throws(MartletError) -> Identifier {
        guard let id = Identifier(utf8: text, kind: .webhook) else {
            throw MartletError(.notFound, "no webhook has this id; ids look like wh_ and 26 more characters")
        }
        return id
    }

    func stored(_ id: Identifier) throws(MartletError) -> StoredWebhook {
        guard let webhook = registry.webhook(id) else { throw notFound(id) }
        return webhook
    }

    func notFound(_ id: Identifier) -> MartletError {
        MartletError(.notFound, "there is no webhook \(id.text(.webhook))")
    }

    func createWebhook(_ document: UnsafeRawBufferPointer) throws(MartletError) -> [UInt8] {
        try checkOpen()
        let (made, url, secret) = try read(document)
        let now = Clock.wall()
        let id = ids.next(at: now)
        let target = try changes.withLock { _ in
            Result { () throws(MartletError) -> WebhookTarget in
                let target = registry.reserve(id: id)
                var webhook = StoredWebhook(
                    id: id,
                    definition: made,
                    createdAt: now,
                    secrets: [StoredSecret(text: secret.text, createdAt: now)],
                    target: target
                )
                if !made.isEnabled { webhook.disabled = DisabledNote(reason: .host, at: now) }
                do throws(MartletError) {
                    webhook.record = try write(webhook)
                } catch {
                    registry.cancel(target)
                    throw error
                }
                // The lane hears of it before any event can match it.
                let specification = specification(of: webhook, url: url.text)
                _ = lanes[Int(target.lane)].put {
                    $0.commands.append(.addWebhook(target.slot, specification, isEnabled: made.isEnabled))
                }
                registry.insert(webhook)
                return target
            }
        }.get()
        try journal?.commit()
        logger.log(.info) { "webhook \(id.text(.webhook)) is registered on lane \(target.lane)" }
        report(url, of: id)
        return try stored(id).json
    }

    /// A new webhook as its document describes it, where it can be registered.
    private func read(
        _ document: UnsafeRawBufferPointer
    ) throws(MartletError) -> (definition: WebhookDefinition, url: EndpointURL, secret: WebhookSecret) {
        var definition: WebhookDefinition
        do {
            definition = try WebhookDefinition(json: document, catalog: catalog)
        } catch {
            throw MartletError(error)
        }
        let url = try judge(definition.url)
        try EngineState.checkFiles(of: definition)
        let secret = try EngineState.secret(definition.secret)
        definition.secret = nil
        return (definition, url, secret)
    }

    /// Says what registering the document would say, or changing the webhook with this id; does neither.
    func checkWebhook(_ id: Identifier?, _ document: UnsafeRawBufferPointer) throws(MartletError) {
        try checkOpen()
        guard let id else {
            _ = try read(document)
            return
        }
        var webhook = try stored(id)
        _ = try read(document, into: &webhook)
    }

    /// Puts what the document names into the webhook's definition; answers its URL.
    private func read(
        _ document: UnsafeRawBufferPointer,
        into webhook: inout StoredWebhook
    ) throws(MartletError) -> EndpointURL {
        do throws(DocumentError) {
            webhook.definition = try webhook.definition.updated(json: document, catalog: catalog)
        } catch {
            throw MartletError(error)
        }
        if webhook.definition.secret != nil {
            throw MartletError(.invalidDocument, "secret can be set when the webhook is created only")
        }
        let url = try judge(webhook.definition.url)
        try EngineState.checkFiles(of: webhook.definition)
        return url
    }

    /// Changes a webhook, in the journal first. What `change` leaves as it is, stays; nil where there is no such webhook.
    ///
    /// - Parameter tell: what the lane has to hear of it.
    func change(
        _ id: Identifier,
        _ change: (inout StoredWebhook) throws(MartletError) -> Void,
        tell: (StoredWebhook, inout LaneInbox.Contents) -> Void
    ) throws(MartletError) -> StoredWebhook {
        let webhook = try changes.withLock { _ in
            Result { () throws(MartletError) -> StoredWebhook in
                guard var webhook = registry.webhook(id) else { throw notFound(id) }
                let former = webhook
                webhook.updatedAt = Clock.wall()
                try change(&webhook)
                // The host has spoken: why the webhook is disabled is noted anew where that changed.
                if webhook.definition.isEnabled {
                    webhook.disabled = nil
                } else if former.definition.isEnabled {
                    webhook.disabled = DisabledNote(reason: .host, at: webhook.updatedAt)
                }
                let record = try write(webhook)
                guard replace(webhook, record: record) else { throw notFound(id) }
                self.tell(webhook) { tell(webhook, &$0) }
                return webhook
            }
        }.get()
        // The change holds from the next attempt on: also from the one that would start right after this call.
        lanes[Int(webhook.target.lane)].synchronize()
        try journal?.commit()
        return webhook
    }

    func updateWebhook(_ id: Identifier, _ document: UnsafeRawBufferPointer) throws(MartletError) -> [UInt8] {
        try checkOpen()
        var judged: EndpointURL?
        let webhook = try change(id) { (webhook) throws(MartletError) in
            judged = try read(document, into: &webhook)
        } tell: { webhook, contents in
            let specification = specification(of: webhook, url: judged?.text ?? webhook.definition.url)
            contents.commands.append(.updateWebhook(webhook.target.slot, specification))
            contents.commands.append(.setWebhook(webhook.target.slot, enabled: webhook.definition.isEnabled))
        }
        if let judged { report(judged, of: id) }
        return webhook.json
    }

    func setWebhook(_ id: Identifier, enabled: Bool) throws(MartletError) {
        try checkOpen()
        _ = try change(id) { (webhook) throws(MartletError) in
            if enabled { _ = try judge(webhook.definition.url) }
            webhook.definition.isEnabled = enabled
        } tell: { webhook, contents in
            contents.commands.append(.setWebhook(webhook.target.slot, enabled: enabled))
        }
    }

    func deleteWebhook(_ id: Identifier) throws(MartletError) {
        try checkOpen()
        let webhook = try changes.withLock { _ in
            Result { () throws(MartletError) -> StoredWebhook in
                guard let webhook = registry.webhook(id) else { throw notFound(id) }
                try writeRemoval(of: webhook)
                _ = registry.remove(id)
                tell(webhook) { $0.commands.append(.removeWebhook(webhook.target.slot)) }
                return webhook
            }
        }.get()
        lanes[Int(webhook.target.lane)].synchronize()
        try journal?.commit()
    }

    func listWebhooks(_ query: UnsafeRawBufferPointer) throws(MartletError) -> [UInt8] {
        try checkProcess()
        let query = try WebhookQuery.read(query)
        let (page, hasMore) =
            if query.id.isEmpty {
                registry.webhooks(after: query.cursor, limit: query.limit, tenant: query.tenant)
            } else {
                (Identifier(query.id, kind: .webhook).flatMap(registry.webhook).map { [$0] } ?? [], false)
            }
        let health = query.health ? health(of: page) : [:]
        let now = Clock.monotonic()
        let wall = Clock.wall()
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("webhooks")
        writer.beginArray()
        for webhook in page {
            webhook.definition.write(
                to: &writer,
                id: webhook.id,
                createdAt: webhook.createdAt,
                updatedAt: webhook.updatedAt,
                disabled: webhook.disabled
            ) { writer in
                guard let health = health[webhook.id] else { return }
                writer.key("health")
                health.write(to: &writer, now: now, wall: wall)
            }
        }
        writer.endArray()
        writer.key("cursor")
        if hasMore, let last = page.last {
            writer.string(last.id.text(.webhook))
        } else {
            writer.null()
        }
        writer.endObject()
        return writer.bytes
    }

    /// One question to each lane, whatever the number of webhooks. A lane that has ended knows of none.
    private func health(of page: [StoredWebhook]) -> [Identifier: ReceiverHealth] {
        var all: [Identifier: ReceiverHealth] = [:]
        for lane in lanes {
            let targets = page.map(\.target).filter { Int($0.lane) == lane.number }
            guard !targets.isEmpty else { continue }
            let found = lane.inspect { view in
                var found: [(Identifier, ReceiverHealth)] = []
                for target in targets { found.append((target.id, view.health(of: target.slot))) }
                return found
            }
            for (id, health) in found ?? [] { all[id] = health }
        }
        return all
    }

    // MARK: Parts

    func tell(_ webhook: StoredWebhook, _ fill: (inout LaneInbox.Contents) -> Void) {
        _ = lanes[Int(webhook.target.lane)].put(fill)
    }

    func judge(_ url: String) throws(MartletError) -> EndpointURL {
        do {
            return try EndpointURL(url, judgedBy: addressGuard)
        } catch {
            throw MartletError(error.reason == .addressRefused ? .addressRefused : .invalidDocument, error.text)
        }
    }

    /// Refuses files of a client certificate that attempts could not read: better now than at each of them.
    private static func checkFiles(of definition: WebhookDefinition) throws(MartletError) {
        let files = [
            ("clientCertificateFile", definition.clientCertificateFile), ("clientKeyFile", definition.clientKeyFile),
        ]
        for case (let key, .some(let path)) in files {
            guard let reason = fault(ofFile: path) else { continue }
            throw MartletError(.invalidDocument, "\(key) must be a file that this process can read: \(reason)")
        }
    }

    /// Why `path` is no regular file that can be read; nil where it is.
    private static func fault(ofFile path: String) -> String? {
        // Opened as attempts will do it, which judges all rights at once; a pipe without a writer must not hold the caller.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        defer { _ = Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return String(cString: strerror(errno)) }
        return status.st_mode & S_IFMT == S_IFREG ? nil : "not a regular file"
    }

    /// An address that only `allowedNetworks` opens is worth a line in the host's log.
    private func report(_ url: EndpointURL, of id: Identifier) {
        guard let note = url.configurationNote else { return }
        logger.log(.warning) { "webhook \(id.text(.webhook)): \(note)" }
    }

    static func secret(_ given: String?) throws(MartletError) -> WebhookSecret {
        do {
            return try given.map { text throws(WebhookSecretError) in try WebhookSecret(text) } ?? .generate()
        } catch {
            throw MartletError(.invalidDocument, "secret: \(error)")
        }
    }

    func specification(of webhook: StoredWebhook, url: String) -> LaneWebhook.Specification {
        let definition = webhook.definition
        let overrides = definition.overrides
        return LaneWebhook.Specification(
            id: webhook.id,
            // The same text is kept once.
            url: url == definition.url ? definition.url : url,
            extras: LaneWebhook.EndpointExtras(definition),
            secrets: webhook.secrets,
            settings: overrides.values.isEmpty
                ? ownSettings
                : LaneSettings(configuration.delivery.overridden(by: overrides), engine: configuration)
        )
    }
}

extension StoredWebhook {
    /// The document that create, update and get answer.
    var json: [UInt8] {
        var writer = JSONWriter()
        definition.write(to: &writer, id: id, createdAt: createdAt, updatedAt: updatedAt, disabled: disabled)
        return writer.bytes
    }
}

/// Which page of webhooks is asked for.
struct WebhookQuery: Sendable {
    var limit = 100
    var after = ""
    /// Nil: all of them.
    var tenant: String?
    var id = ""
    var health = false

    var cursor = Identifier.zero

    private static let document = Document(
        prototype: WebhookQuery(),
        properties: [
            .integer("limit", \.limit, 1...1000, "How many webhooks a page holds at the most."),
            .text("cursor", \.after, TextForm(.identifier, bytes: 1...64), "The `cursor` of the page before."),
            .optionalText("tenant", \.tenant, Tenant.form, default: "all of them", "Only webhooks of this tenant."),
            .text("id", \.id, TextForm(.identifier, bytes: 1...64), "Only the webhook with this id."),
            .boolean("health", \.health, "Each webhook also has `health`, how its receiver does now."),
        ]
    )

    static func read(_ bytes: UnsafeRawBufferPointer) throws(MartletError) -> WebhookQuery {
        do throws(DocumentError) {
            let value = try Document<WebhookQuery>.value(of: bytes, isEmptyAllowed: true)
            var query = try document.parse(value)
            if !query.after.isEmpty {
                guard let cursor = Identifier(query.after, kind: .webhook) else {
                    throw DocumentError(.outOfRange, key: "cursor", message: "cursor must be one that a page gave")
                }
                query.cursor = cursor
            }
            return query
        } catch {
            throw MartletError(error)
        }
    }
}
