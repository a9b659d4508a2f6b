import Model
import Signing

/// Signs and verifies requests as Standard Webhooks 1.0.0 says (`v1`, HMAC-SHA256), without an engine: for programs that
/// receive webhooks, and for tests.
public enum WebhookSignature {
    /// How far a timestamp may be from the receiver's clock where nothing else is asked for, in seconds.
    public static var defaultToleranceSeconds: Int64 { StandardWebhooks.defaultToleranceSeconds }

    /// The value of the header `webhook-signature`.
    ///
    /// - Parameters:
    ///   - secrets: one secret, `whsec_` and base64, or several with spaces or line ends between: each gives one signature,
    ///     in this order.
    ///   - id: the value of `webhook-id`: not empty, without a dot.
    ///   - timestamp: the value of `webhook-timestamp`: unix seconds, 0 or more.
    ///   - body: the bytes of the request body as they are sent.
    /// - Returns: `v1,<base64>`, with a space between several.
    /// - Throws: ``MartletError/Code/invalidArgument`` names what is wrong; never the secret.
    package static func sign(
        secrets: UnsafeRawBufferPointer,
        id: UnsafeRawBufferPointer,
        timestamp: Int64,
        body: UnsafeRawBufferPointer
    ) throws(MartletError) -> String {
        let keys = try read(secrets).map(\.key)
        var header = [UInt8](repeating: 0, count: StandardWebhooks.signatureLength(keyCount: keys.count))
        let result = header.withUnsafeMutableBytes { header in
            Result { () throws(SigningFailure) in
                try StandardWebhooks.sign(id: id, timestamp: timestamp, body: body, keys: keys, into: header)
            }
        }
        switch result {
        case .success(let length): return String(decoding: header.prefix(length), as: UTF8.self)
        case .failure(let failure): throw MartletError(.invalidArgument, "\(failure)")
        }
    }

    /// Returns where a request is what the sender signed, and throws where it is not.
    ///
    /// One matching signature is enough. Signatures are compared in constant time, and what came over the network is never
    /// trusted: no value of it makes this trap or take more than a pass over body and header for each secret.
    ///
    /// - Parameters:
    ///   - secrets: one secret, or several with spaces or line ends between, as while one is being rotated.
    ///   - id: the header `webhook-id` as received.
    ///   - timestamp: the header `webhook-timestamp` as received; empty where it was missing.
    ///   - signatures: the header `webhook-signature` as received; empty where it was missing.
    ///   - body: the bytes of the request body as received, before anything has parsed them.
    ///   - now: the receiver's clock, unix seconds; nil for the wall clock.
    ///   - toleranceSeconds: the greatest difference between the timestamp and the clock, either way; below 0 for the
    ///     default.
    /// - Throws: ``MartletError/Code/verificationFailed`` with the reason; ``MartletError/Code/invalidArgument`` where a
    ///   secret cannot be read.
    package static func verify(
        secrets: UnsafeRawBufferPointer,
        id: UnsafeRawBufferPointer,
        timestamp: UnsafeRawBufferPointer,
        signatures: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        now: Int64? = nil,
        toleranceSeconds: Int64 = WebhookSignature.defaultToleranceSeconds
    ) throws(MartletError) {
        let secrets = try read(secrets)
        do {
            try StandardWebhooks.verify(
                id: id,
                timestamp: timestamp,
                signatureHeader: signatures,
                body: body,
                secrets: secrets,
                now: now ?? Clock.wall().seconds,
                toleranceSeconds: toleranceSeconds < 0 ? defaultToleranceSeconds : toleranceSeconds
            )
        } catch {
            throw MartletError(.verificationFailed, "\(error)")
        }
    }

    /// More than anybody rotates through; bounds what a mistaken argument can cost.
    private static var maximumSecrets: Int { 16 }

    private static func read(_ text: UnsafeRawBufferPointer) throws(MartletError) -> [WebhookSecret] {
        let separators: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
        let parts = text.split(whereSeparator: { separators.contains($0) })
        guard !parts.isEmpty else { throw MartletError(.invalidArgument, "there is no secret") }
        guard parts.count <= maximumSecrets else {
            throw MartletError(.invalidArgument, "there are \(parts.count) secrets, at most \(maximumSecrets) may be")
        }
        var secrets: [WebhookSecret] = []
        for part in parts {
            do {
                secrets.append(try WebhookSecret(utf8: UnsafeRawBufferPointer(rebasing: part)))
            } catch {
                throw MartletError(.invalidArgument, "\(error)")
            }
        }
        return secrets
    }
}
