import JSONText
import Model
import Registry
import Signing
import Transport

extension Engine {
    /// Makes a new signing secret the current one; the former ones go on signing for a while, so that receivers have time to
    /// change over.
    ///
    /// Each request then carries one signature for each live secret, the current one first. At most five secrets are live:
    /// one more makes the oldest give way, however long it had left.
    ///
    /// - Parameters:
    ///   - id: the webhook.
    ///   - options: a JSON document with any of `secret`, a secret of your own (`whsec_` and base64), and `overlapSeconds`,
    ///     0 to 604,800, by default 86,400: how long the former secrets stay live, none beyond its own end. Empty for a
    ///     generated secret and a day.
    /// - Returns: what ``webhookSecrets(_:)`` answers now. From the next attempt on it holds, for pending deliveries too.
    /// - Throws: ``MartletError/Code/notFound``, ``MartletError/Code/invalidDocument``, also for a secret that is the current
    ///   one already, ``MartletError/Code/closed``.
    package func rotateSecret(
        _ id: UnsafeRawBufferPointer,
        _ options: UnsafeRawBufferPointer
    ) throws(MartletError) -> [UInt8] {
        try state.rotateSecret(try EngineState.webhookID(id), options)
    }
}

extension EngineState {
    func rotateSecret(_ id: Identifier, _ options: UnsafeRawBufferPointer) throws(MartletError) -> [UInt8] {
        try checkOpen()
        let options = try RotationOptions.read(options)
        let secret = try EngineState.secret(options.secret)
        var judged: EndpointURL?
        let webhook = try change(id) { (webhook) throws(MartletError) in
            if webhook.secrets.first?.text == secret.text {
                throw MartletError(.invalidDocument, "secret is the current secret of this webhook already")
            }
            let now = Clock.wall()
            let end = WallTime(milliseconds: now.milliseconds &+ options.overlapSeconds &* 1000)
            judged = try judge(webhook.definition.url)
            webhook.rotate(to: secret.text, at: now, overlapEnd: end)
        } tell: { webhook, contents in
            let specification = specification(of: webhook, url: judged?.text ?? webhook.definition.url)
            contents.commands.append(.updateWebhook(webhook.target.slot, specification))
        }
        logger.log(.info) { "webhook \(id.text(.webhook)) has a new secret" }
        return webhook.secretsJSON
    }
}

extension StoredWebhook {
    /// The secrets that are live now.
    var secretsJSON: [UInt8] {
        let now = Clock.wall()
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("secrets")
        writer.beginArray()
        for secret in secrets where secret.isLive(at: now) {
            writer.beginObject()
            writer.key("secret")
            writer.string(secret.text)
            writer.key("createdAt")
            writer.string(Timestamp.text(secret.createdAt))
            writer.key("expiresAt")
            if let end = secret.expiresAt { writer.string(Timestamp.text(end)) } else { writer.null() }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

/// How a secret is replaced.
struct RotationOptions: Sendable {
    var secret: String?
    var overlapSeconds: Int64 = 86_400

    private static let document = Document(
        prototype: RotationOptions(),
        properties: [
            .optionalText(
                "secret",
                \.secret,
                TextForm(.printableASCII, bytes: 1...512),
                exposure: .secret,
                default: "a new random one",
                "The new secret, `whsec_` and base64 of 24 to 64 bytes."
            ),
            .integer(
                "overlapSeconds",
                \.overlapSeconds,
                0...604_800,
                "For how many seconds the former secrets sign too."
            ),
        ]
    )

    static func read(_ bytes: UnsafeRawBufferPointer) throws(MartletError) -> RotationOptions {
        do throws(DocumentError) {
            return try document.parse(Document<RotationOptions>.value(of: bytes, isEmptyAllowed: true))
        } catch {
            throw MartletError(error)
        }
    }
}
