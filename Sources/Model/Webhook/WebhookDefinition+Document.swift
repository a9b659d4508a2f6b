import JSONText

extension WebhookDefinition {
    /// The table of all keys, in the order of the reference page.
    package static let document = Document(
        prototype: WebhookDefinition(url: "", events: []),
        rules: [{ HeaderField.fault(in: $0.headers, key: "headers") }, keyWithoutCertificate],
        properties: [
            Property(readOnly: "id", .text(TextForm(.identifier, bytes: 1...64)), "The webhook's id, `wh_…`."),
            .text(
                "url",
                \.url,
                TextForm(.noControls, bytes: 1...2048),
                presence: .required,
                exposure: .notInMessages,
                "Where requests go. Production takes https only, and public addresses."
            ),
            Property(
                "events",
                \.events,
                .list(of: .text(TextForm(.subscription, bytes: 1...128)), count: 1...1024),
                presence: .required,
                "The event types to send: a name, all below a prefix as `call.*`, or `*` for all. A name must exist; "
                    + "a wildcard also covers types that are added later. Repeated entries count once.",
                encode: { .array($0.map { .string($0.text) }) },
                decode: distinctSubscriptions
            ),
            .text(
                "tenant",
                \.tenant,
                Tenant.form,
                presence: .createOnly("delete the webhook and create one for the other tenant"),
                "Whose webhook it is. An event reaches only webhooks of its own tenant."
            ),
            .identifiers(
                "agents",
                \.agents,
                "Gets only call events (`call.*`) whose `data.agentId` is one of these strings. A call event without "
                    + "that field, or with one that is not a string, does not match. Other events are not affected."
            ),
            .identifiers(
                "workflows",
                \.workflows,
                "The same for workflow events (`workflow.*`) and `data.workflowId`."
            ),
            Property(
                "filter",
                \.filter,
                .filter,
                defaultText: "none: every event",
                "Gets only events whose `data` meets these conditions.",
                encode: { $0?.document ?? .null },
                // Two levels of optional: the outer one refuses.
                decode: { value in (try? ContentFilter(value)).map { .some($0) } }
            ),
            .map(
                "headers",
                \.headers,
                keys: HeaderField.nameForm,
                values: HeaderField.valueForm,
                count: 0...HeaderField.maximumCount,
                "Headers to add to each request, such as `Authorization`. Those of the connection, the body, the "
                    + "target, `sent-over` and `webhook-*` cannot be set. All together may take "
                    + "\(HeaderField.maximumTotalBytes) bytes. The values are shown by get and list.",
                encode: { ($0.name, $0.value) },
                decode: { HeaderField(name: $0, value: $1) }
            ),
            .optionalText(
                "clientCertificateFile",
                \.clientCertificateFile,
                filePath,
                default: "none",
                "A PEM file on this machine with the certificate to show to a receiver that asks for one (mutual TLS), "
                    + "and those between it and its authority. It is read for each new connection. Set it for your own "
                    + "receivers, not from what customers send."
            ),
            .optionalText(
                "clientKeyFile",
                \.clientKeyFile,
                filePath,
                default: "in `clientCertificateFile`",
                "A PEM file with the private key of that certificate, without a passphrase."
            ),
            .boolean("enabled", \.isEnabled, "A webhook that is not enabled gets no new attempts."),
            .text("description", \.description, TextForm(bytes: 0...512), "A note for people."),
            .map(
                "metadata",
                \.metadata,
                keys: TextForm(.noControls, bytes: 1...128),
                values: TextForm(bytes: 0...1024),
                count: 0...32,
                "Facts that your program keeps with the webhook. They are not sent.",
                encode: { ($0.key, $0.value) },
                decode: { MetadataEntry(key: $0, value: $1) }
            ),
            .optionalText(
                "secret",
                \.secret,
                TextForm(.printableASCII, bytes: 1...512),
                presence: .createOnly("rotate the secret instead"),
                exposure: .secret,
                default: "a new random one",
                "The signing secret of a new webhook, `whsec_` and base64 of 24 to 64 bytes. It is not shown by get "
                    + "and list."
            ),
            Property(
                readOnly: "disabled",
                .json,
                "Why the webhook is disabled: null while it is enabled, else `reason`, `at` and `since`. The reason is "
                    + "`host` (your program did it), `gone` (the receiver answered 410), `receiver_asked` (it answered "
                    + "`webhook-delivery: disable`) `failing` (nothing but failures for `disableAfterSeconds`) or "
                    + "`refused` (the engine was opened with a configuration that does not accept the URL); "
                    + "`since` is when the failures began, or null. Enabling clears it."
            ),
            Property(readOnly: "createdAt", .text(TextForm(.timestamp, bytes: 1...64)), "When the webhook was made."),
            Property(readOnly: "updatedAt", .text(TextForm(.timestamp, bytes: 1...64)), "When it was last changed."),
        ] + overrides
    )

    /// As long as the longest path that Linux takes (`PATH_MAX`).
    private static let filePath = TextForm(.noControls, bytes: 1...4096)

    @Sendable
    private static func keyWithoutCertificate(_ definition: WebhookDefinition) -> DocumentError? {
        guard definition.clientKeyFile != nil, definition.clientCertificateFile == nil else { return nil }
        return DocumentError(
            .conflict,
            key: "clientKeyFile",
            message: "clientKeyFile is of no use without clientCertificateFile"
        )
    }

    /// Keys that say "per webhook" where they stand for all of them.
    private static let names = ["maxInFlightPerWebhook": "maxInFlight", "maxPendingPerWebhook": "maxPending"]

    /// What the engine's configuration sets for all webhooks, and this one may set for itself.
    private static let overrides: [Property<WebhookDefinition>] = DeliverySettings.properties.map { property in
        property.overriding(
            as: names[property.key],
            at: \.overrides,
            scratch: DeliverySettings()
        )
    }

    @Sendable
    private static func distinctSubscriptions(_ value: JSONValue) -> [EventSubscription]? {
        guard let items = value.arrayValue else { return nil }
        var seen = Set<EventSubscription>()
        var result: [EventSubscription] = []
        for item in items {
            guard let subscription = item.stringValue.flatMap(EventSubscription.init) else { return nil }
            if seen.insert(subscription).inserted { result.append(subscription) }
        }
        return result
    }
}

extension Property {
    /// An array of ids, each of which counts once; absent for all.
    fileprivate static func identifiers(
        _ key: String,
        _ path: WritableKeyPath<Root, [String]?> & Sendable,
        _ documentation: String
    ) -> Property {
        Property(
            key,
            path,
            .list(of: .text(TextForm(bytes: 1...256)), count: 1...1000),
            defaultText: "all",
            documentation,
            encode: { $0.map { .array($0.map { .string($0) }) } ?? .null },
            decode: { value in
                guard let items = value.arrayValue else { return nil }
                if items.count == 1, let id = items.first?.stringValue { return [id] }
                // Bytes are compared: equivalent spellings of é are different ids.
                var seen = Set<[UInt8]>()
                return items.compactMap(\.stringValue).filter { seen.insert(Array($0.utf8)).inserted }
            }
        )
    }

    /// An object of strings as an array of pairs, which keeps the order.
    fileprivate static func map<Pair: Sendable>(
        _ key: String,
        _ path: WritableKeyPath<Root, [Pair]> & Sendable,
        keys: TextForm,
        values: TextForm,
        count: ClosedRange<Int>,
        _ documentation: String,
        encode: @escaping @Sendable (Pair) -> (String, String),
        decode: @escaping @Sendable (String, String) -> Pair
    ) -> Property {
        Property(
            key,
            path,
            .map(keys: keys, values: values, count: count),
            exposure: .notInMessages,
            documentation,
            encode: { pairs in
                var object = JSONObject()
                for pair in pairs {
                    let (key, value) = encode(pair)
                    object[key] = .string(value)
                }
                return .object(object)
            },
            decode: { value in
                value.objectValue?.members.compactMap { member in
                    member.value.stringValue.map { decode(member.key, $0) }
                }
            }
        )
    }
}
