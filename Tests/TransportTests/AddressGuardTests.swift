import Testing

@testable import Transport

@Suite("Address guard: ranges")
struct AddressGuardRangeTests {
    let production = AddressGuard(environment: .production)

    @Test("refuses the first and the last address by the range's name", arguments: ReferenceRange.ipv4)
    func ipv4Bounds(_ range: ReferenceRange) throws {
        try checkBounds(range)
    }

    @Test("refuses the first and the last address by the range's name", arguments: ReferenceRange.ipv6)
    func ipv6Bounds(_ range: ReferenceRange) throws {
        try checkBounds(range)
    }

    private func checkBounds(_ range: ReferenceRange) throws {
        let (first, last) = PlainAddress.bounds(range.text)
        let network = try IPNetwork(range.text)
        for (inside, outside) in [(first, first.moved(by: -1)), (last, last.moved(by: 1))] {
            #expect(network.contains(inside.address))
            guard case .refused(let refused) = production.judge(inside.address) else {
                Issue.record("\(inside.address) of \(range.text) is not refused")
                continue
            }
            // Where a narrower block names the address, it is one of the list too and lies inside this one.
            if refused.network == network {
                #expect(refused.description == "\(range.name) \(range.text)")
            } else {
                #expect(network.contains(refused.network.base))
            }
            guard let outside else { continue }
            #expect(!network.contains(outside.address))
            #expect(production.judge(outside.address).isAllowed != outside.isRefusedByReference, "\(outside.address)")
        }
    }

    @Test("a range wider than its narrower neighbours still names what is between them")
    func rangeNames() {
        #expect(named("250.1.2.3") == "reserved 240.0.0.0/4")
        #expect(named("255.255.255.255") == "broadcast 255.255.255.255/32")
        #expect(named("::2") == "reserved ::/8")
        #expect(named("::") == "unspecified address ::/128")
        #expect(named("::1") == "loopback ::1/128")
        #expect(named("64:ff9b:1::1") == "local-use translation 64:ff9b:1::/48")
        #expect(named("169.254.169.254") == "cloud metadata / link-local 169.254.0.0/16")
        #expect(named("fd00:ec2::254") == "private network fc00::/7")
    }

    @Test("the table has the blocks of the list and no other")
    func sameTable() {
        #expect(Set(RefusedRange.ipv4.map(\.network.description)) == Set(ReferenceRange.ipv4.map(\.text)))
        #expect(Set(RefusedRange.ipv6.map(\.network.description)) == Set(ReferenceRange.ipv6.map(\.text)))
    }

    @Test(
        "plain public addresses pass",
        arguments: [
            "1.1.1.1", "8.8.8.8", "9.255.255.255", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2001:200::",
        ]
    )
    func publicAddresses(_ text: String) throws {
        #expect(production.judge(try #require(IPAddress(text))) == .allowed)
    }

    @Test("IPv4-mapped and NAT64 addresses are judged as the IPv4 they carry", arguments: ["::ffff:", "64:ff9b::"])
    func carriedAddresses(_ prefix: String) throws {
        for range in ReferenceRange.ipv4 {
            let first = PlainAddress.bounds(range.text).first.address
            let carrying = try #require(IPAddress("\(prefix)\(first)"))
            #expect(production.judge(carrying) == production.judge(first), "\(carrying)")
            #expect(!production.judge(carrying).isAllowed)
        }
        let publicAddress = try #require(IPAddress("\(prefix)8.8.8.8"))
        #expect(production.judge(publicAddress) == .allowed)
    }

    @Test("forms that only look like carriers are refused whole")
    func lookAlikes() {
        #expect(named("::8.8.8.8") == "reserved ::/8")
        #expect(named("::ffff:0:8.8.8.8") == "reserved ::/8")
        #expect(named("::fffe:8.8.8.8") == "reserved ::/8")
        #expect(named("64:ff9b::1:8.8.8.8") == "reserved ::/8")
        #expect(named("2002:808:808::") == "6to4 2002::/16")
    }

    @Test("random addresses get the answer of plain arithmetic", arguments: [1, 2, 3] as [UInt64])
    func randomAddresses(_ seed: UInt64) {
        var generator = AddressGenerator(state: seed)
        let ranges = (ReferenceRange.ipv4 + ReferenceRange.ipv6).map(\.text) + ["::ffff:0:0/96", "64:ff9b::/96"]
        var refused = 0
        let count = 4000
        for _ in 0..<count {
            var candidate: PlainAddress
            switch Int.random(in: 0..<4, using: &generator) {
            case 0:
                let bytes = Bool.random(using: &generator) ? 4 : 16
                candidate = PlainAddress(bytes: (0..<bytes).map { _ in UInt8.random(in: 0...255, using: &generator) })
            default:
                // A known block with one of its bits near the prefix turned and noise behind it.
                let cidr = ranges[Int.random(in: 0..<ranges.count, using: &generator)].split(separator: "/")
                candidate = PlainAddress(cidr[0])
                let width = candidate.bytes.count * 8
                let prefix = Int(cidr[1]) ?? 0
                for index in prefix..<width where Bool.random(using: &generator) {
                    candidate.bytes[index / 8] ^= 1 << UInt8(7 - index % 8)
                }
                if Bool.random(using: &generator) {
                    let turned = Int.random(in: max(0, prefix - 12)..<min(width, prefix + 2), using: &generator)
                    candidate.bytes[turned / 8] ^= 1 << UInt8(7 - turned % 8)
                }
            }
            let isRefused = !production.judge(candidate.address).isAllowed
            refused += isRefused ? 1 : 0
            #expect(isRefused == candidate.isRefusedByReference, "\(candidate.address)")
        }
        // Both answers must occur often, or the comparison would say little.
        #expect(refused > count / 5 && refused < count * 9 / 10)
    }

    private func named(_ text: String) -> String? {
        guard let address = IPAddress(text), case .refused(let range) = production.judge(address) else { return nil }
        return range.description
    }
}
