// Header section 7: Signatures
//
// Standard Webhooks 1.0.0, `v1`: for programs that receive webhooks, and for tests. These functions need no engine and work
// at any time, also in a forked child.

import CMartlet
import Martlet

/// Signs a request: gives the value of the header `webhook-signature`.
///
/// secrets, secrets_length: one secret, `whsec_` and base64, or several with spaces or line ends between: each gives one
/// signature, in this order.
///
/// id, id_length: the value of `webhook-id`; not empty, without a dot.
///
/// timestamp: the value of `webhook-timestamp`, unix seconds, 0 or more.
///
/// body, body_length: the request body as it is sent.
///
/// signature: receives `v1,` and base64, for each further secret a space and the same, ended by a NUL; empty on an error.
///
/// signature_size: its bytes. MARTLET_SIGNATURE_SIZE is enough for five secrets, each takes 48.
///
/// Threads: any.
///
/// Errors: INVALID_ARGUMENT, whose text says what is wrong and never shows the secret.
@_cdecl("martlet_sign")
public func sign(
    _ secrets: UnsafePointer<CChar>?,
    _ secretsLength: UInt,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ timestamp: Int64,
    _ body: UnsafePointer<CChar>?,
    _ bodyLength: UInt,
    _ signature: UnsafeMutablePointer<CChar>?,
    _ signatureSize: UInt,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    if signatureSize > 0 { signature?.pointee = 0 }
    return call(ErrorText(error, errorSize)) { () throws(MartletError) in
        let output = try required(signature, "signature")
        let text = try WebhookSignature.sign(
            secrets: try payload(secrets, secretsLength, "secrets"),
            id: try payload(id, idLength, "id"),
            timestamp: timestamp,
            body: try payload(body, bodyLength, "body")
        )
        guard signatureSize > UInt(text.utf8.count) else {
            throw MartletError(
                .invalidArgument,
                "signature has \(signatureSize) bytes, \(text.utf8.count + 1) are needed"
            )
        }
        // One byte more than the text was just found to be there.
        for (offset, byte) in text.utf8.enumerated() {
            output[offset] = CChar(bitPattern: byte)
        }
        output[text.utf8.count] = 0
    }
}

/// Verifies a request: MARTLET_OK where one of its signatures was made with one of the secrets, over exactly this id,
/// timestamp and body, and its time is near enough.
///
/// Headers and body may hold anything: they are not trusted, and signatures are compared in constant time.
///
/// secrets, secrets_length: one secret, `whsec_` and base64, or several with spaces or line ends between, as while one is
/// being rotated.
///
/// id, id_length: the header `webhook-id` as received.
///
/// timestamp, timestamp_length: the header `webhook-timestamp` as received; empty where it was missing.
///
/// signatures, signatures_length: the header `webhook-signature` as received; empty where it was missing.
///
/// body, body_length: the request body as received, before anything has parsed it.
///
/// now_seconds: the receiver's clock in unix seconds; 0 for the system's.
///
/// tolerance_seconds: how far the timestamp may be from the clock, either way; below 0 for 300.
///
/// Threads: any.
///
/// Errors: VERIFICATION_FAILED, whose text says why: answer such a request with 400 or 401 and believe nothing of it.
/// INVALID_ARGUMENT where a secret cannot be read.
@_cdecl("martlet_verify")
public func verify(
    _ secrets: UnsafePointer<CChar>?,
    _ secretsLength: UInt,
    _ id: UnsafePointer<CChar>?,
    _ idLength: UInt,
    _ timestamp: UnsafePointer<CChar>?,
    _ timestampLength: UInt,
    _ signatures: UnsafePointer<CChar>?,
    _ signaturesLength: UInt,
    _ body: UnsafePointer<CChar>?,
    _ bodyLength: UInt,
    _ nowSeconds: Int64,
    _ toleranceSeconds: Int64,
    _ error: UnsafeMutablePointer<CChar>?,
    _ errorSize: UInt
) -> Int32 {
    call(ErrorText(error, errorSize)) { () throws(MartletError) in
        try WebhookSignature.verify(
            secrets: try payload(secrets, secretsLength, "secrets"),
            id: try payload(id, idLength, "id"),
            timestamp: try payload(timestamp, timestampLength, "timestamp"),
            signatures: try payload(signatures, signaturesLength, "signatures"),
            body: try payload(body, bodyLength, "body"),
            now: nowSeconds == 0 ? nil : nowSeconds,
            toleranceSeconds: toleranceSeconds
        )
    }
}
