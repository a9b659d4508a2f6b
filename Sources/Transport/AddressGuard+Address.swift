#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// An IPv4 or IPv6 address in host byte order: a trivial value that the guard can judge without allocating.
package enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    /// The first and the last 64 bits. An IPv4-mapped address stays an IPv6 one here; see ``mappedIPv4``.
    case v6(high: UInt64, low: UInt64)

    /// `127.0.0.1`.
    package static let loopback4 = IPAddress.v4(0x7F00_0001)
    /// `::1`.
    package static let loopback6 = IPAddress.v6(high: 0, low: 1)

    /// The IPv4 address inside `::ffff:0:0/96` (RFC 4291 section 2.5.5.2), nil for every other address.
    ///
    /// The kernel connects such an address over IPv4, so it means the same as the IPv4 address itself.
    package var mappedIPv4: UInt32? {
        guard case .v6(high: 0, let low) = self, low >> 32 == 0xFFFF else { return nil }
        return UInt32(truncatingIfNeeded: low)
    }

    /// The IPv4 address inside the NAT64 prefix `64:ff9b::/96` (RFC 6052 section 2.1), nil for every other address.
    ///
    /// A translator in the network connects it over IPv4, on its own side: its loopback is not ours.
    package var translatedIPv4: UInt32? {
        guard case .v6(high: 0x0064_FF9B_0000_0000, let low) = self, low >> 32 == 0 else { return nil }
        return UInt32(truncatingIfNeeded: low)
    }

    /// Whether the address is this machine itself: `127.0.0.0/8`, `::1`, and the IPv4-mapped forms of the former.
    package var isLoopback: Bool {
        if case .v4(let bits) = self { return bits >> 24 == 127 }
        if let mapped = mappedIPv4 { return mapped >> 24 == 127 }
        return self == .loopback6
    }

    /// Bits of an address of this family: 32 or 128.
    var bitCount: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }
}

// MARK: - Text

extension IPAddress: CustomStringConvertible {
    /// Reads the strict text form: four decimal parts for IPv4, RFC 4291 section 2.2 for IPv6; nil for everything else.
    ///
    /// Short, octal and hexadecimal IPv4 forms, zone ids, brackets and white space are not accepted.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        // A C function would stop at a NUL and take what stands before it for the whole.
        guard !text.utf8.contains(0) else { return nil }
        var address4 = in_addr()
        if inet_pton(AF_INET, text, &address4) == 1 {
            self.init(address4)
            return
        }
        var address6 = in6_addr()
        guard inet_pton(AF_INET6, text, &address6) == 1 else { return nil }
        self.init(address6)
    }

    /// The usual text form: dotted decimal, or RFC 5952 without brackets.
    package var description: String {
        switch self {
        case .v4(let bits):
            return "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
        case .v6(let high, let low):
            var address = in6_addr()
            withUnsafeMutableBytes(of: &address) { bytes in
                bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
                bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return String(unsafeUninitializedCapacity: Int(INET6_ADDRSTRLEN)) { buffer in
                buffer.withMemoryRebound(to: CChar.self) { characters in
                    // The buffer holds the longest form, so this only fails where the family is unknown to libc.
                    guard let start = characters.baseAddress,
                        inet_ntop(AF_INET6, &address, start, socklen_t(characters.count)) != nil
                    else { return 0 }
                    return strlen(start)
                }
            }
        }
    }
}

// MARK: - Socket addresses

extension IPAddress {
    /// Reads the address from a `sockaddr_in` or `sockaddr_in6` of `length` bytes at `pointer`; nil for another family or
    /// a length too short for the family.
    ///
    /// Unsafe: `pointer` must be readable for `length` bytes. It need not be aligned, and is not kept.
    package init?(socketAddress pointer: UnsafeRawPointer?, length: socklen_t) {
        guard let pointer, length >= MemoryLayout<sockaddr>.size else { return nil }
        switch Int32(pointer.loadUnaligned(as: sockaddr.self).sa_family) {
        case AF_INET where length >= MemoryLayout<sockaddr_in>.size:
            self.init(pointer.loadUnaligned(as: sockaddr_in.self).sin_addr)
        case AF_INET6 where length >= MemoryLayout<sockaddr_in6>.size:
            self.init(pointer.loadUnaligned(as: sockaddr_in6.self).sin6_addr)
        default:
            return nil
        }
    }

    private init(_ address: in_addr) {
        self = .v4(UInt32(bigEndian: address.s_addr))
    }

    private init(_ address: in6_addr) {
        // in6_addr is 16 bytes in network order; both loads lie inside it.
        self = withUnsafeBytes(of: address) { bytes in
            .v6(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }
}
