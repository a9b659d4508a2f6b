import Glibc
import Testing

@testable import Transport

@Suite("Address guard: environment and allowed networks")
struct AddressGuardConfigurationTests {
    @Test(
        "development also allows this machine",
        arguments: ["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"]
    )
    func developmentLoopback(_ text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(AddressGuard(environment: .development).judge(address) == .allowedInDevelopment)
        #expect(!AddressGuard(environment: .production).judge(address).isAllowed)
    }

    @Test(
        "development allows nothing else that production refuses",
        arguments: [
            "0.0.0.0", "10.0.0.1", "169.254.169.254", "192.168.1.1", "172.17.0.1", "::",
            "::2", "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "fd00::1",
        ]
    )
    func developmentRefuses(_ text: String) throws {
        let address = try #require(IPAddress(text))
        let verdict = AddressGuard(environment: .development).judge(address)
        #expect(!verdict.isAllowed)
        #expect(verdict == AddressGuard(environment: .production).judge(address))
    }

    @Test(
        "an allowed network opens its addresses in every form and no other",
        arguments: [
            ("10.1.0.0/16", "10.1.2.3", true),
            ("10.1.0.0/16", "10.2.0.0", false),
            ("10.1.0.0/16", "10.0.255.255", false),
            ("10.1.0.0/16", "::ffff:10.1.2.3", true),
            ("10.1.0.0/16", "::ffff:10.2.2.3", false),
            ("10.1.0.0/16", "64:ff9b::10.1.2.3", true),
            ("10.1.2.3/32", "10.1.2.3", true),
            ("10.1.2.3/32", "10.1.2.4", false),
            ("0.0.0.0/0", "169.254.169.254", true),
            ("0.0.0.0/0", "fd00::1", false),
            ("127.0.0.0/8", "127.0.0.1", true),
            ("127.0.0.0/8", "::1", false),
            ("::1/128", "::1", true),
            ("::1/128", "127.0.0.1", false),
            ("fd12:3456::/32", "fd12:3456::1", true),
            ("fd12:3456::/32", "fd12:3457::1", false),
            ("fd00::/80", "fd00::1:0:0:1", false),
            ("fd00::/80", "fd00::ffff:0:1", true),
            ("::/0", "fe80::1", true),
            ("::/0", "10.0.0.1", false),
            ("::/0", "::ffff:10.0.0.1", false),
            ("::/0", "64:ff9b::10.0.0.1", false),
        ]
    )
    func allowedNetworks(_ network: String, _ address: String, _ isAllowed: Bool) throws {
        let addressGuard = try AddressGuard(environment: .production, parsing: ["172.20.0.0/16", network])
        let verdict = addressGuard.judge(try #require(IPAddress(address)))
        if isAllowed {
            guard case .allowedByConfiguration = verdict else {
                Issue.record("\(address) is \(verdict) although \(network) is allowed")
                return
            }
        } else {
            #expect(!verdict.isAllowed)
        }
    }

    @Test("a public address is allowed as such, whatever is configured")
    func publicAddress() throws {
        let address = try #require(IPAddress("8.8.8.8"))
        #expect(try AddressGuard(environment: .production, parsing: ["8.8.8.0/24"]).judge(address) == .allowed)
        #expect(try AddressGuard(environment: .production, parsing: ["10.0.0.0/8"]).judge(address) == .allowed)
    }

    @Test(
        "a bad entry is an error that says what to write",
        arguments: [
            ("10.1.2.3/8", "has bits set behind its prefix: write 10.0.0.0/8"),
            ("10.1.2.3/0", "has bits set behind its prefix: write 0.0.0.0/0"),
            ("fd00::1/8", "has bits set behind its prefix: write fd00::/8"),
            ("fd00:0:0:1::1/64", "has bits set behind its prefix: write fd00:0:0:1::/64"),
            ("10.1.2.3", "has no prefix length: write 10.1.2.3/32"),
            ("fd00::1", "has no prefix length: write fd00::1/128"),
            ("10.0.0.0/33", "has a bad prefix length: it is a number from 0 to 32"),
            ("fd00::/129", "has a bad prefix length: it is a number from 0 to 128"),
            ("10.0.0.0/", "has a bad prefix length: it is a number from 0 to 32"),
            ("10.0.0.0/+8", "has a bad prefix length: it is a number from 0 to 32"),
            ("10.0.0.0/08", "has a bad prefix length: it is a number from 0 to 32"),
            ("10.0.0.0/-1", "has a bad prefix length: it is a number from 0 to 32"),
            ("10.0.0.0/99999999999999999999", "has a bad prefix length: it is a number from 0 to 32"),
            ("10.0.0.0/8/8", "has a bad prefix length: it is a number from 0 to 32"),
            ("10.0.0.0/255.0.0.0", "has a bad prefix length: it is a number from 0 to 32"),
            ("", "is not a network: write it like 10.0.0.0/8 or fd00::/8"),
            ("/8", "is not a network: write it like 10.0.0.0/8 or fd00::/8"),
            ("10/8", "is not a network: write it like 10.0.0.0/8 or fd00::/8"),
            (" 10.0.0.0/8", "is not a network: write it like 10.0.0.0/8 or fd00::/8"),
            ("010.0.0.0/8", "is not a network: write it like 10.0.0.0/8 or fd00::/8"),
            ("[fd00::]/8", "is not a network: write it like 10.0.0.0/8 or fd00::/8"),
            ("fe80::%eth0/10", "is not a network: write it like 10.0.0.0/8 or fd00::/8"),
            ("intranet.example", "is not a network: write it like 10.0.0.0/8 or fd00::/8"),
            ("::ffff:10.0.0.0/104", "never matches, such addresses count as the IPv4 they carry: write 10.0.0.0/8"),
            ("64:ff9b::/96", "never matches, such addresses count as the IPv4 they carry: write 0.0.0.0/0"),
        ]
    )
    func badNetworks(_ text: String, _ problem: String) {
        #expect(throws: IPNetworkError(text: "allowedNetworks entry \"\(text)\" \(problem)")) {
            try AddressGuard(environment: .production, parsing: ["10.0.0.0/8", text])
        }
    }

    @Test("an error text stays one short printable line")
    func hostileNetworkText() throws {
        let text = "10.0.0.0\u{0}\n\u{FF11}" + String(repeating: "x", count: 1000)
        let error = try #require(throws: IPNetworkError.self) { try IPNetwork(text) }
        #expect(error.text.utf8.count < 250)
        #expect(error.text.hasPrefix(#"allowedNetworks entry "10.0.0.0\0\n\u{FF11}xxx"#))
    }

    @Test("the refusal says how to allow the address")
    func refusalText() throws {
        let verdict = AddressGuard(environment: .production).judge(try #require(IPAddress("::ffff:10.1.2.3")))
        #expect(
            verdict.refusal(of: "address 10.1.2.3")
                == "address 10.1.2.3 is refused: private network 10.0.0.0/8; allowedNetworks can allow it"
        )
        #expect(AddressGuard.Verdict.allowed.refusal(of: "address 8.8.8.8") == nil)
    }
}

@Suite("Address guard: address texts and socket addresses")
struct IPAddressTests {
    @Test(
        "reads and prints the usual form",
        arguments: [
            ("1.2.3.4", "1.2.3.4"),
            ("255.255.255.255", "255.255.255.255"),
            ("::", "::"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("::ffff:7f00:1", "::ffff:127.0.0.1"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ]
    )
    func text(_ input: String, _ output: String) throws {
        let address = try #require(IPAddress(input))
        #expect(address.description == output)
        #expect(IPAddress(output) == address)
    }

    @Test(
        "accepts no other form",
        arguments: [
            "", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "1.2.3.4.", "1.2.3", "1.2.3.4.5",
            "256.1.1.1", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\n", "1.2.3.4\u{0}", "\u{FF11}.2.3.4", "[::1]", "::1%eth0",
            "fe80::1%25eth0", ":::", "1::2::3", "g::",
            "12345::", "::1\u{0}", "-1.2.3.4",
        ]
    )
    func refusedText(_ input: String) {
        #expect(IPAddress(input) == nil)
    }

    @Test("judges a sockaddr_in, also an unaligned one")
    func socketAddress4() {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(443).bigEndian
        address.sin_addr.s_addr = UInt32(0x0A01_0203).bigEndian
        checkBytes(of: address, is: "private network 10.0.0.0/8")
    }

    @Test("judges a sockaddr_in6, also an unaligned one")
    func socketAddress6() {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        #expect(inet_pton(AF_INET6, "fe80::1", &address.sin6_addr) == 1)
        checkBytes(of: address, is: "link-local fe80::/10")
        #expect(inet_pton(AF_INET6, "::ffff:169.254.169.254", &address.sin6_addr) == 1)
        checkBytes(of: address, is: "cloud metadata / link-local 169.254.0.0/16")
    }

    @Test("refuses what is not an internet address")
    func otherFamilies() {
        let addressGuard = AddressGuard(environment: .development)
        #expect(addressGuard.judge(socketAddress: nil, length: 128) == .notAnAddress)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeBytes(of: address) { bytes in
            let length = socklen_t(bytes.count)
            #expect(addressGuard.judge(socketAddress: bytes.baseAddress, length: length) == .notAnAddress)
            #expect(addressGuard.judge(socketAddress: bytes.baseAddress, length: 2) == .notAnAddress)
        }
        #expect(!AddressGuard.Verdict.notAnAddress.isAllowed)
    }

    private func checkBytes<Address>(of address: Address, is range: String) {
        let addressGuard = AddressGuard(environment: .production)
        withUnsafeBytes(of: address) { bytes in
            let length = socklen_t(bytes.count)
            let expected = "address is refused: \(range); allowedNetworks can allow it"
            let start = bytes.baseAddress
            #expect(addressGuard.judge(socketAddress: start, length: length).refusal(of: "address") == expected)
            #expect(addressGuard.judge(socketAddress: start, length: length - 1) == .notAnAddress)
            var shifted: [UInt8] = [0] + bytes
            shifted.withUnsafeMutableBytes { copy in
                let start = copy.baseAddress.map { UnsafeRawPointer($0 + 1) }
                #expect(addressGuard.judge(socketAddress: start, length: length).refusal(of: "address") == expected)
            }
        }
    }
}
