/// A block of addresses that no webhook reaches unless `allowedNetworks` says so, with its name for error texts.
///
/// Trivial: a verdict carries it without allocating.
package struct RefusedRange: Hashable, Sendable, CustomStringConvertible {
    package let network: IPNetwork
    /// What the block is for, such as `private network`.
    package let name: StaticString

    private init(_ name: StaticString, _ base: IPAddress, _ prefixLength: Int) {
        self.name = name
        network = IPNetwork(base: base, prefixLength: prefixLength)
    }

    package static func == (left: RefusedRange, right: RefusedRange) -> Bool {
        left.network == right.network
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(network)
    }

    /// Name and block: `private network 10.0.0.0/8`.
    package var description: String { "\(name) \(network)" }

    /// The refusal as a sentence, the same at registration and at delivery:
    /// `url host 10.1.2.3 is refused: private network 10.0.0.0/8; allowedNetworks can allow it`.
    package func refusal(of subject: String) -> String {
        "\(subject) is refused: \(self); allowedNetworks can allow it"
    }
}

// MARK: - The table

extension RefusedRange {
    /// Blocks of the IANA special-purpose address registries (RFC 6890 and its updates) where no public receiver lives, and
    /// multicast. Where blocks overlap, the narrower one stands first, since the first that contains the address names it.
    package static let ipv4: [RefusedRange] = [
        RefusedRange("this network", .v4(0x0000_0000), 8),
        RefusedRange("private network", .v4(0x0A00_0000), 8),
        RefusedRange("carrier-grade NAT", .v4(0x6440_0000), 10),
        RefusedRange("loopback", .v4(0x7F00_0000), 8),
        RefusedRange("cloud metadata / link-local", .v4(0xA9FE_0000), 16),
        RefusedRange("private network", .v4(0xAC10_0000), 12),
        RefusedRange("protocol assignments", .v4(0xC000_0000), 24),
        RefusedRange("documentation", .v4(0xC000_0200), 24),
        RefusedRange("AS112", .v4(0xC01F_C400), 24),
        RefusedRange("AMT", .v4(0xC034_C100), 24),
        RefusedRange("6to4 relay", .v4(0xC058_6300), 24),
        RefusedRange("private network", .v4(0xC0A8_0000), 16),
        RefusedRange("AS112", .v4(0xC0AF_3000), 24),
        RefusedRange("benchmarking", .v4(0xC612_0000), 15),
        RefusedRange("documentation", .v4(0xC633_6400), 24),
        RefusedRange("documentation", .v4(0xCB00_7100), 24),
        RefusedRange("multicast", .v4(0xE000_0000), 4),
        RefusedRange("broadcast", .v4(0xFFFF_FFFF), 32),
        RefusedRange("reserved", .v4(0xF000_0000), 4),
    ]

    /// The IPv6 blocks. IPv4-mapped addresses and `64:ff9b::/96` lie in `::/8` too, but are judged as IPv4 before.
    package static let ipv6: [RefusedRange] = [
        RefusedRange("unspecified address", .v6(high: 0, low: 0), 128),
        RefusedRange("loopback", .v6(high: 0, low: 1), 128),
        RefusedRange("local-use translation", .v6(high: 0x0064_FF9B_0001_0000, low: 0), 48),
        RefusedRange("reserved", .v6(high: 0, low: 0), 8),
        RefusedRange("discard-only", .v6(high: 0x0100_0000_0000_0000, low: 0), 64),
        RefusedRange("protocol assignments (Teredo, ORCHID)", .v6(high: 0x2001_0000_0000_0000, low: 0), 23),
        RefusedRange("documentation", .v6(high: 0x2001_0DB8_0000_0000, low: 0), 32),
        RefusedRange("6to4", .v6(high: 0x2002_0000_0000_0000, low: 0), 16),
        RefusedRange("documentation", .v6(high: 0x3FFF_0000_0000_0000, low: 0), 20),
        RefusedRange("segment routing", .v6(high: 0x5F00_0000_0000_0000, low: 0), 16),
        RefusedRange("private network", .v6(high: 0xFC00_0000_0000_0000, low: 0), 7),
        RefusedRange("link-local", .v6(high: 0xFE80_0000_0000_0000, low: 0), 10),
        RefusedRange("site-local", .v6(high: 0xFEC0_0000_0000_0000, low: 0), 10),
        RefusedRange("multicast", .v6(high: 0xFF00_0000_0000_0000, low: 0), 8),
    ]

    /// The first block that contains the address, nil where it is a plain public one. Does not look at carried IPv4.
    static func first(containing address: IPAddress) -> RefusedRange? {
        let ranges =
            switch address {
            case .v4: ipv4
            case .v6: ipv6
            }
        for range in ranges where range.network.contains(address) {
            return range
        }
        return nil
    }
}
