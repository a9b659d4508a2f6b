import Glibc
import Testing

@testable import Transport

@Suite("Endpoint URL")
struct EndpointURLTests {
    let production = AddressGuard(environment: .production)
    let development = AddressGuard(environment: .development)

    @Test("accepts in production", arguments: URLCase.accepted)
    func accepts(_ testCase: URLCase) throws {
        let url = try EndpointURL(testCase.url, judgedBy: production)
        #expect(url.text == testCase.text)
        #expect(url.scheme == .https)
        #expect(url.configurationNote == nil)
        // What the transport is given means the same when it is parsed again.
        #expect(try EndpointURL(url.text, judgedBy: production) == url)
    }

    @Test("refuses in production", arguments: URLCase.refused)
    func refuses(_ testCase: URLCase) throws {
        let error = try #require(throws: EndpointURLError.self) {
            try EndpointURL(testCase.url, judgedBy: production)
        }
        #expect(error.reason == testCase.reason, "\(error)")
        #expect(error.text.contains(testCase.message), "\(error)")
        #expect(error.text.hasPrefix("url "))
        #expect(!error.text.contains("s3cret"))
        #expect(error.text.utf8.count < 300)
    }

    @Test("everything else that production refuses, development refuses too", arguments: URLCase.refused)
    func refusesInDevelopment(_ testCase: URLCase) {
        let isLoopback = testCase.message.contains("loopback") && !testCase.name.contains("NAT64")
        let isHTTP = testCase.reason == .scheme && testCase.url.lowercased().hasPrefix("http://")
        guard !isHTTP && (!isLoopback || testCase.url.contains("%25")) else { return }
        #expect(throws: EndpointURLError.self) { try EndpointURL(testCase.url, judgedBy: development) }
    }

    @Test("takes the parts apart")
    func parts() throws {
        let name = try EndpointURL("https://example.com/a?b", judgedBy: production)
        #expect((name.host, name.port, name.address) == ("example.com", 443, nil))
        let literal = try EndpointURL("https://[2606:4700::1111]:8443/", judgedBy: production)
        #expect((literal.host, literal.port) == ("2606:4700::1111", 8443))
        #expect(literal.address == IPAddress("2606:4700::1111"))
        let plain = try EndpointURL("http://example.com/", judgedBy: development)
        #expect((plain.scheme, plain.port) == (.http, 80))
    }

    @Test(
        "development also accepts http and this machine",
        arguments: [
            ("http://example.com/", "http://example.com/"), ("http://localhost:8080/", "http://localhost:8080/"),
            ("https://localhost/", "https://localhost/"), ("http://a.localhost./", "http://a.localhost./"),
            ("http://127.1:8080/hook", "http://127.0.0.1:8080/hook"), ("http://[::1]:8080/", "http://[::1]:8080/"),
            ("http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]/"), ("http://2130706433./", "http://127.0.0.1/"),
        ]
    )
    func developmentAccepts(_ input: String, _ text: String) throws {
        let url = try EndpointURL(input, judgedBy: development)
        #expect(url.text == text)
        #expect(!url.allowedByConfiguration)
    }

    @Test("development names both schemes")
    func developmentSchemes() {
        expectError(.scheme, "url must use http or https, not ftp") {
            try EndpointURL("ftp://example.com/", judgedBy: development)
        }
        expectError(.scheme, "url must start with http:// or https://") {
            try EndpointURL("example.com", judgedBy: development)
        }
    }

    @Test(
        "an allowed network lets literals in and says so",
        arguments: [
            ("10.1.0.0/16", "10.1.2.3", "private network 10.0.0.0/8"),
            ("10.1.0.0/16", "[::ffff:10.1.2.3]", "private network 10.0.0.0/8"),
            ("10.1.0.0/16", "0xa010203.", "private network 10.0.0.0/8"),
            ("fd00::/8", "[fd00::1]", "private network fc00::/7"),
            ("127.0.0.0/8", "localhost", "loopback 127.0.0.0/8"),
            ("::1/128", "localhost", "loopback ::1/128"),
        ]
    )
    func allowedNetworks(_ network: String, _ host: String, _ range: String) throws {
        let addressGuard = try AddressGuard(environment: .production, parsing: [network])
        let url = try EndpointURL("https://\(host)/hook", judgedBy: addressGuard)
        #expect(url.allowedByConfiguration)
        #expect(url.configurationNote == "url host \(url.host) is allowed by allowedNetworks only: \(range)")
    }

    @Test("an allowed network opens neither its neighbours, nor http, nor zone ids")
    func allowedNetworksAreNarrow() throws {
        let addressGuard = try AddressGuard(environment: .production, parsing: ["10.1.0.0/16", "fe80::/10"])
        expectError(
            .addressRefused,
            "url host 10.2.0.1 is refused: private network 10.0.0.0/8; allowedNetworks can allow it"
        ) { try EndpointURL("https://10.2.0.1/", judgedBy: addressGuard) }
        expectError(.scheme, "url must use https in production, not http") {
            try EndpointURL("http://10.1.2.3/", judgedBy: addressGuard)
        }
        expectError(.host, "url host fe80::1 must not have a zone id") {
            try EndpointURL("https://[fe80::1%25eth0]/", judgedBy: addressGuard)
        }
    }

    @Test("no host that the resolver reads as a number passes as a name", arguments: [1, 2, 3] as [UInt64])
    func numericHosts(_ seed: UInt64) {
        var generator = AddressGenerator(state: seed)
        let pieces = [
            "0", "1", "7", "127", "255", "256", "0x", "0X7f", "08", "017", "a", "g", ".", ".", ".", "%2e", "%30", "-",
            "_",
        ]
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST
        var numeric = 0
        for _ in 0..<5000 {
            let count = Int.random(in: 1...8, using: &generator)
            let host = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            guard let url = try? EndpointURL("http://\(host)/", judgedBy: development) else { continue }
            var found: UnsafeMutablePointer<addrinfo>?
            let status = getaddrinfo(url.host, nil, &hints, &found)
            defer { if let found { freeaddrinfo(found) } }
            let first = found.flatMap { IPAddress(socketAddress: $0.pointee.ai_addr, length: $0.pointee.ai_addrlen) }
            #expect(first == url.address, "\(host) became \(url.text)")
            numeric += status == 0 ? 1 : 0
        }
        #expect(numeric > 50)
    }

    private func expectError(
        _ reason: EndpointURLError.Reason,
        _ text: String,
        _ body: () throws -> EndpointURL
    ) {
        #expect(throws: EndpointURLError(reason, text)) { try body() }
    }
}
