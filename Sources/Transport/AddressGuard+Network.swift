/// A block of addresses with one prefix, such as `10.0.0.0/8` or `fc00::/7` (RFC 4632 section 3.1, RFC 4291 section 2.3).
package struct IPNetwork: Hashable, Sendable {
    /// The first address; every bit behind the prefix is zero.
    package let base: IPAddress
    /// How many leading bits all addresses share: 0…32 for IPv4, 0…128 for IPv6.
    package let prefixLength: Int

    init(base: IPAddress, prefixLength: Int) {
        self.base = base
        self.prefixLength = prefixLength
    }

    /// Whether the address lies in the block. Only compares within one family: `::/0` contains no `IPAddress.v4`.
    package func contains(_ address: IPAddress) -> Bool {
        switch (base, address) {
        case (.v4(let own), .v4(let other)):
            return (own ^ other) & IPNetwork.mask4(prefixLength) == 0
        case (.v6(let ownHigh, let ownLow), .v6(let otherHigh, let otherLow)):
            let mask = IPNetwork.mask6(prefixLength)
            return (ownHigh ^ otherHigh) & mask.high == 0 && (ownLow ^ otherLow) & mask.low == 0
        default:
            return false
        }
    }

    // Swift's `<<` gives zero where it shifts by the whole width, which is what prefix 0 needs.
    private static func mask4(_ prefixLength: Int) -> UInt32 {
        UInt32.max << (32 - prefixLength)
    }

    private static func mask6(_ prefixLength: Int) -> (high: UInt64, low: UInt64) {
        (UInt64.max << (64 - min(prefixLength, 64)), UInt64.max << (128 - max(prefixLength, 64)))
    }

    /// The address with every bit behind the prefix cleared.
    private static func cleared(_ address: IPAddress, _ prefixLength: Int) -> IPAddress {
        switch address {
        case .v4(let bits):
            return .v4(bits & mask4(prefixLength))
        case .v6(let high, let low):
            let mask = mask6(prefixLength)
            return .v6(high: high & mask.high, low: low & mask.low)
        }
    }
}

// MARK: - Text

/// Why a text of `allowedNetworks` is not a network; ``text`` names it and says what is accepted.
package struct IPNetworkError: Error, Equatable, CustomStringConvertible {
    package let text: String
    package var description: String { text }
}

extension IPNetwork: CustomStringConvertible {
    /// Reads `address/prefix`.
    ///
    /// Strict, because a wrong entry opens a hole or never matches: an address without a prefix, host bits behind the
    /// prefix, and networks of IPv6 addresses that are judged by the IPv4 address they carry are errors that say what
    /// to write instead.
    package init(_ text: String) throws(IPNetworkError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else {
            throw IPNetwork.error(text, "is not a network: write it like 10.0.0.0/8 or fd00::/8")
        }
        guard parts.count == 2, let last = parts.last else {
            throw IPNetwork.error(text, "has no prefix length: write \(address)/\(address.bitCount)")
        }
        guard let prefixLength = IPNetwork.decimal(last), prefixLength <= address.bitCount else {
            throw IPNetwork.error(text, "has a bad prefix length: it is a number from 0 to \(address.bitCount)")
        }
        let network = IPNetwork(base: IPNetwork.cleared(address, prefixLength), prefixLength: prefixLength)
        guard network.base == address else {
            throw IPNetwork.error(text, "has bits set behind its prefix: write \(network)")
        }
        if prefixLength >= 96, let carried = address.mappedIPv4 ?? address.translatedIPv4 {
            let network4 = IPNetwork(base: .v4(carried), prefixLength: prefixLength - 96)
            throw IPNetwork.error(text, "never matches, such addresses count as the IPv4 they carry: write \(network4)")
        }
        self = network
    }

    package var description: String { "\(base)/\(prefixLength)" }

    /// At most three digits without a leading zero, so that the value is at most 999.
    private static func decimal(_ text: Substring) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text == "0" || !text.hasPrefix("0")
        else { return nil }
        return Int(text)
    }

    private static func error(_ text: String, _ problem: String) -> IPNetworkError {
        IPNetworkError(text: "allowedNetworks entry \(quotedForError(text)) \(problem)")
    }
}

/// Text from outside in quotes for an error message: printable ASCII, everything else escaped, at most 64 characters.
func quotedForError(_ text: some StringProtocol) -> String {
    let limit = 64
    var result = "\""
    for scalar in text.unicodeScalars.prefix(limit) {
        result += scalar.escaped(asASCII: true)
    }
    return result + (text.unicodeScalars.count > limit ? "…\"" : "\"")
}
