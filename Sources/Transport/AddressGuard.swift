#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Decides which addresses a webhook may reach, so that a URL from a customer cannot make the host talk to its own
/// network (server-side request forgery).
///
/// The same guard judges literal addresses when a webhook is registered and every resolved address when a connection is
/// opened. The latter makes DNS rebinding useless: the address that is judged is the one that is dialled.
///
/// Immutable, so any thread may use it at any time. Judging does not allocate.
package struct AddressGuard: Sendable {
    /// Where the engine runs.
    package enum Environment: Sendable {
        /// Only https, only public addresses.
        case production
        /// Also http, and this machine itself (`127.0.0.0/8`, `::1`); no other private address.
        case development
    }

    package let environment: Environment
    /// Blocks that are allowed although the table refuses them. They add to what is allowed, they never take away.
    package let allowedNetworks: [IPNetwork]

    package init(environment: Environment, allowedNetworks: [IPNetwork] = []) {
        self.environment = environment
        self.allowedNetworks = allowedNetworks
    }

    /// Reads `allowedNetworks` as the configuration has it; the error names the first bad entry and what to write.
    package init(environment: Environment, parsing allowedNetworks: [String]) throws(IPNetworkError) {
        var networks: [IPNetwork] = []
        for text in allowedNetworks {
            networks.append(try IPNetwork(text))
        }
        self.init(environment: environment, allowedNetworks: networks)
    }
}

// MARK: - Verdict

extension AddressGuard {
    /// What the guard says about one address.
    package enum Verdict: Equatable, Sendable {
        /// A plain public address.
        case allowed
        /// In a refused range, but one of the configured `allowedNetworks` contains it.
        case allowedByConfiguration(RefusedRange)
        /// This machine itself, in development.
        case allowedInDevelopment
        case refused(RefusedRange)
        /// Not an internet address at all (a Unix socket, a truncated structure): never dialled.
        case notAnAddress

        package var isAllowed: Bool {
            switch self {
            case .allowed, .allowedByConfiguration, .allowedInDevelopment: true
            case .refused, .notAnAddress: false
            }
        }

        /// Why `subject` (`url host 10.1.2.3`, `address 10.1.2.3`) may not be dialled; nil where it may. For cold paths.
        package func refusal(of subject: String) -> String? {
            switch self {
            case .allowed, .allowedByConfiguration, .allowedInDevelopment: nil
            case .refused(let range): range.refusal(of: subject)
            case .notAnAddress: "\(subject) is refused: not an internet address"
            }
        }
    }

    /// Judges one address. IPv4-mapped addresses and those behind the NAT64 prefix `64:ff9b::/96` are judged as the IPv4
    /// address they carry, against `allowedNetworks` too.
    package func judge(_ address: IPAddress) -> Verdict {
        let judged =
            if let carried = address.mappedIPv4 ?? address.translatedIPv4 { IPAddress.v4(carried) } else { address }
        guard let range = RefusedRange.first(containing: judged) else { return .allowed }
        // Asks the address as it came: 127.0.0.1 behind a translator is the translator, not this machine.
        if environment == .development && address.isLoopback { return .allowedInDevelopment }
        for network in allowedNetworks where network.contains(judged) {
            return .allowedByConfiguration(range)
        }
        return .refused(range)
    }

    /// Judges the `sockaddr` of `length` bytes that is about to be connected to.
    ///
    /// Unsafe: `socketAddress` must be readable for `length` bytes. It need not be aligned, and is not kept.
    package func judge(socketAddress: UnsafeRawPointer?, length: socklen_t) -> Verdict {
        guard let address = IPAddress(socketAddress: socketAddress, length: length) else { return .notAnAddress }
        return judge(address)
    }

    /// Judges the name `localhost`, which stands for `127.0.0.1` and `::1` (RFC 6761 section 6.3): allowed where either is,
    /// since only the allowed one is dialled.
    package func judgeLocalhost() -> Verdict {
        let verdict4 = judge(.loopback4)
        let verdict6 = judge(.loopback6)
        return !verdict4.isAllowed && verdict6.isAllowed ? verdict6 : verdict4
    }
}
