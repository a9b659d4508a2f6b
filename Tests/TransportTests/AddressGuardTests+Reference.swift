import Testing

@testable import Transport

/// A block of the reference list as an operator would write it.
struct ReferenceRange: Sendable, CustomTestStringConvertible {
    let text: String
    let name: String

    init(_ text: String, _ name: String) {
        self.text = text
        self.name = name
    }

    var testDescription: String { "\(text) \(name)" }

    static let ipv4 = [
        ReferenceRange("0.0.0.0/8", "this network"),
        ReferenceRange("10.0.0.0/8", "private network"),
        ReferenceRange("100.64.0.0/10", "carrier-grade NAT"),
        ReferenceRange("127.0.0.0/8", "loopback"),
        ReferenceRange("169.254.0.0/16", "cloud metadata / link-local"),
        ReferenceRange("172.16.0.0/12", "private network"),
        ReferenceRange("192.0.0.0/24", "protocol assignments"),
        ReferenceRange("192.0.2.0/24", "documentation"),
        ReferenceRange("192.31.196.0/24", "AS112"),
        ReferenceRange("192.52.193.0/24", "AMT"),
        ReferenceRange("192.88.99.0/24", "6to4 relay"),
        ReferenceRange("192.168.0.0/16", "private network"),
        ReferenceRange("192.175.48.0/24", "AS112"),
        ReferenceRange("198.18.0.0/15", "benchmarking"),
        ReferenceRange("198.51.100.0/24", "documentation"),
        ReferenceRange("203.0.113.0/24", "documentation"),
        ReferenceRange("224.0.0.0/4", "multicast"),
        ReferenceRange("240.0.0.0/4", "reserved"),
        ReferenceRange("255.255.255.255/32", "broadcast"),
    ]

    static let ipv6 = [
        ReferenceRange("::/128", "unspecified address"),
        ReferenceRange("::1/128", "loopback"),
        ReferenceRange("::/8", "reserved"),
        ReferenceRange("64:ff9b:1::/48", "local-use translation"),
        ReferenceRange("100::/64", "discard-only"),
        ReferenceRange("2001::/23", "protocol assignments (Teredo, ORCHID)"),
        ReferenceRange("2001:db8::/32", "documentation"),
        ReferenceRange("2002::/16", "6to4"),
        ReferenceRange("3fff::/20", "documentation"),
        ReferenceRange("5f00::/16", "segment routing"),
        ReferenceRange("fc00::/7", "private network"),
        ReferenceRange("fe80::/10", "link-local"),
        ReferenceRange("fec0::/10", "site-local"),
        ReferenceRange("ff00::/8", "multicast"),
    ]
}

/// An address as plain bytes, with the slow arithmetic that the guard is checked against.
struct PlainAddress: Hashable {
    var bytes: [UInt8]

    /// Dotted decimal, or IPv6 with at most one `::`.
    init(_ text: Substring) {
        if text.contains(":") {
            let halves = text.split(separator: "::", omittingEmptySubsequences: false)
            let groups = halves.map { half in
                half.split(separator: ":").flatMap { group -> [UInt8] in
                    let value = UInt16(group, radix: 16) ?? 0
                    return [UInt8(value / 256), UInt8(value % 256)]
                }
            }
            let front = groups.first ?? []
            let back = groups.count > 1 ? groups[1] : []
            bytes = front + [UInt8](repeating: 0, count: 16 - front.count - back.count) + back
        } else {
            bytes = text.split(separator: ".").map { UInt8($0) ?? 0 }
        }
    }

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The number one higher or lower; nil past the end of the address space.
    func moved(by step: Int) -> PlainAddress? {
        var result = bytes
        for index in result.indices.reversed() {
            let sum = Int(result[index]) + step
            result[index] = UInt8((sum + 256) % 256)
            if (0...255).contains(sum) { return PlainAddress(bytes: result) }
        }
        return nil
    }

    var address: IPAddress {
        let number = bytes.reduce((high: UInt64(0), low: UInt64(0))) { number, byte in
            (number.high << 8 | number.low >> 56, number.low << 8 | UInt64(byte))
        }
        return bytes.count == 4 ? .v4(UInt32(number.low)) : .v6(high: number.high, low: number.low)
    }

    func bit(_ index: Int) -> Bool { bytes[index / 8] >> (7 - index % 8) & 1 == 1 }

    /// First and last address of a block.
    static func bounds(_ cidr: String) -> (first: PlainAddress, last: PlainAddress) {
        let parts = cidr.split(separator: "/")
        let first = PlainAddress(parts[0])
        var last = first
        for index in (Int(parts[1]) ?? 0)..<(first.bytes.count * 8) {
            last.bytes[index / 8] |= 1 << UInt8(7 - index % 8)
        }
        return (first, last)
    }

    func lies(in cidr: String) -> Bool {
        let parts = cidr.split(separator: "/")
        let base = PlainAddress(parts[0])
        guard base.bytes.count == bytes.count else { return false }
        return (0..<(Int(parts[1]) ?? 0)).allSatisfy { bit($0) == base.bit($0) }
    }

    /// What the reference list says: refused, after the IPv4 address inside has been taken out.
    var isRefusedByReference: Bool {
        if bytes.count == 16 {
            for prefix in ["0:0:0:0:0:ffff:0:0/96", "64:ff9b::/96"] where lies(in: prefix) {
                return PlainAddress(bytes: Array(bytes.suffix(4))).isRefusedByReference
            }
        }
        return (bytes.count == 4 ? ReferenceRange.ipv4 : ReferenceRange.ipv6).contains { lies(in: $0.text) }
    }
}

/// A small repeatable generator (SplitMix64), so that a failure can be run again.
struct AddressGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
