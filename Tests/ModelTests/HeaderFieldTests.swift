import JSONText
import Testing

@testable import Model

@Suite("Custom headers")
struct HeaderFieldTests {
    @Test(arguments: [
        "Authorization", "X-API-Key", "x-client-id", "Accept", "traceparent", "Cookie", "!#$%&'*+-.^_`|~9", "webhook",
        "Proxy", "Hosts",
    ])
    func ordinaryNamesAreKept(_ name: String) throws {
        let value = try webhook(adding: #""headers":{"\#(name)":"v"}"#)
        #expect(value.headers == [HeaderField(name: name, value: "v")])
    }

    @Test(arguments: [
        "Connection", "keep-alive", "TE", "Trailer", "Transfer-Encoding", "UPGRADE", "HTTP2-Settings", "Expect",
        "content-length", "Content-Type", "CONTENT-ENCODING", "hOsT", "User-Agent", "Webhook-Id", "webhook-timestamp",
        "WEBHOOK-SIGNATURE", "webhook-anything", "Sent-Over", "Proxy-Authorization", "proxy-connection", "PROXY-X",
    ])
    func reservedNamesAreRefusedInAnyCase(_ name: String) throws {
        let error = try #require(webhookFault(adding: #""headers":{"X-A":"1","\#(name)":"v"}"#))
        #expect(error.code == .notSettable)
        #expect(error.key == "headers")
        #expect(error.message.hasPrefix(#"the header "\#(name)" cannot be set: "#))
    }

    @Test(arguments: [
        #""a b":"v""#, #""a:":"v""#, #""a\r\nb":"v""#, #""a\u0000":"v""#, #""":"v""#, #""é":"v""#, #""a\u007f":"v""#,
        #""(a)":"v""#, #"" a":"v""#, #""a ":"v""#, #"":authority":"v""#,
    ])
    func namesThatAreNoTokens(_ member: String) throws {
        let error = try #require(webhookFault(adding: #""headers":{\#(member)}"#))
        #expect(error.code == .outOfRange)
        #expect(error.message.hasPrefix("each key of headers must be a header name of 1 to 128 bytes (RFC 9110 token)"))
    }

    @Test(arguments: [
        #"a\r\nX-Injected: 1"#, #"a\nb"#, #"a\rb"#, #"a\u0000b"#, #"\u0001"#, #"a\u007fb"#, #"a\u0085b"#, " a", "a ",
        #"\ta"#, "",
        " ",
    ])
    func valuesThatCouldBreakOut(_ value: String) throws {
        let error = try #require(webhookFault(adding: #""headers":{"X-A":"\#(value)"}"#))
        #expect(error.code == .outOfRange)
        #expect(error.key == #"headers["X-A"]"#)
        #expect(!error.message.contains("Injected"))
    }

    @Test(arguments: ["a\\tb", "a b", "Bearer abc==", "café", "\\u00a0x"])
    func valuesThatAreFine(_ value: String) throws {
        #expect(try webhook(adding: #""headers":{"X-A":"\#(value)"}"#).headers.count == 1)
    }

    @Test func sizes() throws {
        func headers(_ count: Int, of size: Int) -> String {
            let members = (0..<count).map { #""H\#($0)":"\#(String(repeating: "v", count: size))""# }
            return "\"headers\":{\(members.joined(separator: ","))}"
        }
        #expect(try webhook(adding: headers(32, of: 1)).headers.count == 32)
        #expect(webhookFault(adding: headers(33, of: 1))?.code == .outOfRange)
        #expect(try webhook(adding: headers(1, of: 4096)).headers.count == 1)
        #expect(webhookFault(adding: headers(1, of: 4097))?.code == .outOfRange)
        // Four names of two bytes and four values are 16384 bytes together.
        #expect(try webhook(adding: headers(4, of: 4094)).headers.count == 4)
        #expect(
            webhookFault(adding: headers(4, of: 4095))?.message
                == "headers must be at most 16384 bytes of names and values together, not 16388"
        )
    }

    @Test func aNameGivenTwiceInDifferentCase() {
        let error = webhookFault(adding: #""headers":{"X-A":"1","x-a":"2"}"#)
        #expect(error?.code == .conflict)
        #expect(error?.message == #"headers has "x-a" twice: upper and lower case do not count"#)
    }
}
