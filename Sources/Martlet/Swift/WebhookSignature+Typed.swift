extension WebhookSignature {
    /// The value of the header `webhook-signature`.
    ///
    /// - Parameters:
    ///   - secrets: `whsec_` and base64 each; every one gives a signature, in this order.
    ///   - id: the value of `webhook-id`: not empty, without a dot.
    ///   - timestamp: the value of `webhook-timestamp`: unix seconds, 0 or more.
    ///   - body: the bytes of the request body as they are sent.
    /// - Returns: `v1,<base64>`, with a space between several.
    /// - Throws: ``MartletError/Code/invalidArgument`` names what is wrong; never the secret.
    public static func sign(
        secrets: [String],
        id: String,
        timestamp: Int64,
        body: some Collection<UInt8>
    ) throws(MartletError) -> String {
        try secrets.joined(separator: " ").withUTF8Bytes { secrets throws(MartletError) in
            try id.withUTF8Bytes { id throws(MartletError) in
                try body.withBytes { body throws(MartletError) in
                    try sign(secrets: secrets, id: id, timestamp: timestamp, body: body)
                }
            }
        }
    }

    /// Returns where a request is what the sender signed, and throws where it is not: answer it with 400 or 401 then, and
    /// believe nothing of it.
    ///
    /// One matching signature is enough. Signatures are compared in constant time, and nothing that came over the network is
    /// trusted.
    ///
    /// ```swift
    /// try WebhookSignature.verify(body: body, secrets: [secret]) { request.headers[$0].first }
    /// ```
    ///
    /// - Parameters:
    ///   - body: the bytes of the request body as received, before anything has parsed them.
    ///   - secrets: one secret, or several, as while one is being rotated.
    ///   - toleranceSeconds: the greatest difference between the timestamp and the clock, either way.
    ///   - header: gives the value of a header by its name, in lower case; nil where it is missing.
    /// - Throws: ``MartletError/Code/verificationFailed`` with the reason; ``MartletError/Code/invalidArgument`` where a secret
    ///   cannot be read.
    public static func verify(
        body: some Collection<UInt8>,
        secrets: [String],
        toleranceSeconds: Int64 = WebhookSignature.defaultToleranceSeconds,
        header: (_ name: String) -> String?
    ) throws(MartletError) {
        try verify(
            secrets: secrets,
            id: header("webhook-id") ?? "",
            timestamp: header("webhook-timestamp") ?? "",
            signatures: header("webhook-signature") ?? "",
            body: body,
            toleranceSeconds: toleranceSeconds
        )
    }

    /// The same with each header on its own.
    ///
    /// - Parameters:
    ///   - secrets: one secret, or several, as while one is being rotated.
    ///   - id: the header `webhook-id` as received; empty where it was missing, as the next two.
    ///   - timestamp: the header `webhook-timestamp`.
    ///   - signatures: the header `webhook-signature`.
    ///   - body: the bytes of the request body as received, before anything has parsed them.
    ///   - now: the receiver's clock, unix seconds; nil for the system's.
    ///   - toleranceSeconds: the greatest difference between the timestamp and the clock, either way.
    public static func verify(
        secrets: [String],
        id: String,
        timestamp: String,
        signatures: String,
        body: some Collection<UInt8>,
        now: Int64? = nil,
        toleranceSeconds: Int64 = WebhookSignature.defaultToleranceSeconds
    ) throws(MartletError) {
        try secrets.joined(separator: " ").withUTF8Bytes { secrets throws(MartletError) in
            try id.withUTF8Bytes { id throws(MartletError) in
                try timestamp.withUTF8Bytes { timestamp throws(MartletError) in
                    try signatures.withUTF8Bytes { signatures throws(MartletError) in
                        try body.withBytes { body throws(MartletError) in
                            try verify(
                                secrets: secrets,
                                id: id,
                                timestamp: timestamp,
                                signatures: signatures,
                                body: body,
                                now: now,
                                toleranceSeconds: toleranceSeconds
                            )
                        }
                    }
                }
            }
        }
    }
}
