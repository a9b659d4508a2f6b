import Testing

@testable import Signing

@Suite("Webhook secrets")
struct WebhookSecretTests {
    @Test("the text form is read and written")
    func text() throws {
        let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let secret = try WebhookSecret(text)
        #expect(secret.bytes == bytes(hex: "31f290f6bf06298aab4f08d43c3f082cf648a362da2da4b0"))
        #expect(secret.text == text)
    }

    @Test("the base64 alone is accepted too")
    func withoutPrefix() throws {
        let secret = try WebhookSecret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        #expect(secret == (try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")))
    }

    @Test("24 to 64 bytes are accepted", arguments: 0...100)
    func lengths(count: Int) throws {
        let text = WebhookSecret.prefix + Base64.encode(pattern(count))
        if (24...64).contains(count) {
            #expect(try WebhookSecret(text).bytes == pattern(count))
            #expect(try WebhookSecret(bytes: pattern(count)).text == text)
        } else {
            #expect(throws: WebhookSecretError.wrongLength(count)) { try WebhookSecret(text) }
            #expect(throws: WebhookSecretError.wrongLength(count)) { try WebhookSecret(bytes: pattern(count)) }
        }
    }

    @Test(
        "what is not base64 is refused",
        arguments: [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
            " whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa_-", "whsec",
            "pässword",
        ]
    )
    func notBase64(text: String) {
        #expect(throws: WebhookSecretError.notBase64) { try WebhookSecret(text) }
    }

    @Test("ed25519 keys are told apart", arguments: ["whsk_6Xb/dCcHpPea21PS", "whpk_1SiA4o9hyqTCpIqC", "whsk_"])
    func asymmetric(text: String) {
        #expect(throws: WebhookSecretError.asymmetric) { try WebhookSecret(text) }
    }

    @Test("errors name what is accepted and never show the secret")
    func errorTexts() {
        for error in [WebhookSecretError.notBase64, .wrongLength(12), .asymmetric] {
            #expect(error.description.contains("whsec_"))
            #expect(error.description.contains("24 to 64 bytes"))
        }
        #expect(WebhookSecretError.wrongLength(12).description.contains("12 bytes"))
    }

    @Test("a generated secret has 32 bytes, is never the same, and reads back")
    func generate() throws {
        let secrets = try (0..<50).map { _ in try WebhookSecret.generate() }
        #expect(Set(secrets.map(\.text)).count == 50)
        for secret in secrets {
            #expect(secret.bytes.count == 32)
            #expect(try WebhookSecret(secret.text) == secret)
        }
    }

    @Test("printing, interpolating and dumping a secret does not show it")
    func redacted() throws {
        let secret = try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        var shown = "\(secret) \(String(reflecting: secret)) \(String(reflecting: [secret]))"
        dump([secret], to: &shown)
        #expect(!shown.contains("MfKQ"))
        #expect(!shown.contains("49"), "the first byte, 0x31, as a number")
        #expect(shown.contains("24 bytes, not shown"))
    }

    @Test("secrets are equal when their bytes are")
    func equality() throws {
        #expect(try WebhookSecret(bytes: pattern(24)) == WebhookSecret(bytes: pattern(24)))
        #expect(try WebhookSecret(bytes: pattern(24)) != WebhookSecret(bytes: pattern(25)))
        var other = pattern(24)
        other[23] ^= 1
        #expect(try WebhookSecret(bytes: pattern(24)) != WebhookSecret(bytes: other))
    }
}
