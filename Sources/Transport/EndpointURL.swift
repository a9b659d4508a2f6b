/// A webhook's URL, checked at registration and ready for the transport.
///
/// What is checked is what is dialled: the text is parsed by libcurl, put together by it, and judged from a second parse
/// of exactly the text that transfers are given. Literal addresses are judged here; a name passes, its addresses are
/// judged by the same guard when a connection is opened.
package struct EndpointURL: Equatable, Sendable {
    /// The schemes a webhook may use.
    package enum Scheme: String, Sendable {
        case http
        case https

        var defaultPort: UInt16 {
            switch self {
            case .http: 80
            case .https: 443
            }
        }
    }

    /// The most bytes a URL may have.
    package static let maximumLength = 2048

    /// The normalised URL: what `CURLOPT_URL` is given. Printable ASCII.
    package let text: String
    package let scheme: Scheme
    /// A name as written (a final dot included), or an address without brackets.
    package let host: String
    /// 1…65535; the scheme's default where the URL names none.
    package let port: UInt16
    /// The host where it is a literal address, nil where it is a name.
    package let address: IPAddress?
    /// Says that the host is only reachable because of `allowedNetworks`, for the answer to the registration; nil where it
    /// did not matter.
    package let configurationNote: String?

    /// Whether the URL would be refused without `allowedNetworks`.
    package var allowedByConfiguration: Bool { configurationNote != nil }

    /// Checks a URL as a host hands it over.
    package init(_ input: String, judgedBy addressGuard: AddressGuard) throws(EndpointURLError) {
        try EndpointURL.checkCharacters(input)
        scheme = try EndpointURL.checkScheme(input, addressGuard.environment)
        let parsed = try EndpointURL.normalised(input)
        text = parsed.text
        guard parsed.scheme == scheme.rawValue else {
            throw EndpointURLError(.scheme, "url scheme is ambiguous")
        }
        port = try EndpointURL.port(parsed.port, scheme)
        address = try EndpointURL.literal(parsed.host)
        host = address == nil ? parsed.host : parsed.host.trimmingBrackets
        let isLocalhost = address == nil && EndpointURL.isLocalhost(host)
        let verdict =
            if let address { addressGuard.judge(address) } else {
                isLocalhost ? addressGuard.judgeLocalhost() : .allowed
            }
        if let refusal = verdict.refusal(of: "url host \(host)") {
            throw EndpointURLError(.addressRefused, refusal)
        }
        guard !parsed.hasZone else {
            throw EndpointURLError(.host, "url host \(host) must not have a zone id")
        }
        configurationNote =
            if case .allowedByConfiguration(let range) = verdict {
                "url host \(host) is allowed by allowedNetworks only: \(range)"
            } else { nil }
    }
}

// MARK: - Checks before libcurl sees the text

extension EndpointURL {
    /// Lets only printable ASCII without space and backslash through, since parsers differ in what they make of the rest.
    private static func checkCharacters(_ input: String) throws(EndpointURLError) {
        guard !input.isEmpty else { throw EndpointURLError(.empty, "url is empty") }
        guard input.utf8.count <= maximumLength else {
            throw EndpointURLError(.tooLong, "url has \(input.utf8.count) bytes, at most \(maximumLength) are accepted")
        }
        for scalar in input.unicodeScalars {
            switch scalar.value {
            case 0x5C:
                throw EndpointURLError(.character, "url must not contain a backslash")
            case 0x21...0x7E:
                continue
            case 0...0x7F:
                throw EndpointURLError(
                    .character,
                    "url must not contain white space or control characters, here \(quotedForError(String(scalar)))"
                )
            default:
                throw EndpointURLError(
                    .character,
                    "url must be ASCII, here \(quotedForError(String(scalar))): "
                        + "use the punycode form (xn--…) in the host and percent-encoding elsewhere"
                )
            }
        }
        guard !input.utf8.contains(UInt8(ascii: "#")) else {
            throw EndpointURLError(.fragment, "url must not have a fragment (#…), it is never sent")
        }
    }

    /// Asks for the scheme, two slashes and something that is not a third one: libcurl would also take one or three.
    private static func checkScheme(
        _ input: String,
        _ environment: AddressGuard.Environment
    ) throws(EndpointURLError) -> Scheme {
        guard let colon = input.utf8.firstIndex(of: UInt8(ascii: ":")), input.utf8[colon...].starts(with: "://".utf8)
        else {
            let accepted = environment == .production ? "https://" : "http:// or https://"
            throw EndpointURLError(.scheme, "url must start with \(accepted)")
        }
        let name = input[..<colon]
        guard let scheme = Scheme(rawValue: name.lowercased()), scheme == .https || environment == .development else {
            let accepted = environment == .production ? "https in production" : "http or https"
            throw EndpointURLError(.scheme, "url must use \(accepted), not \(schemeForError(name))")
        }
        guard !input.utf8[colon...].starts(with: ":///".utf8) else { throw EndpointURLError(.host, "url has no host") }
        return scheme
    }

    /// A plain scheme name as it is, everything else in quotes.
    private static func schemeForError(_ name: Substring) -> String {
        let isPlain = name.utf8.count <= 32 && name.utf8.allSatisfy(\.isLetterOrDigit)
        return isPlain && !name.isEmpty ? String(name) : quotedForError(name)
    }
}

// MARK: - Host and port

extension EndpointURL {
    /// The URL as libcurl puts it together, in parts of a parse of exactly that text.
    ///
    /// libcurl turns `127.1`, `0x7f000001` and the like into dotted form, but not with a dot behind them. Without that dot
    /// it does.
    private static func normalised(_ input: String) throws(EndpointURLError) -> ParsedURL {
        let parsed = try ParsedURL(input)
        guard parsed.host.hasSuffix("."), endsInNumber(parsed.host) else { return try parsed.settled(from: input) }
        let changed = try parsed.replacingHost(String(parsed.host.dropLast()))
        return try ParsedURL(changed).settled(from: changed)
    }

    private static func port(_ text: String?, _ scheme: Scheme) throws(EndpointURLError) -> UInt16 {
        guard let text else { return scheme.defaultPort }
        guard let port = UInt16(text), port > 0 else {
            throw EndpointURLError(.port, "url port must be a number from 1 to 65535")
        }
        return port
    }

    /// The address where the host is a literal one, nil where it is a name; throws where it is neither.
    private static func literal(_ host: String) throws(EndpointURLError) -> IPAddress? {
        let plain = host.trimmingBrackets
        if plain.utf8.count != host.utf8.count {
            guard let address = IPAddress(plain), case .v6 = address else {
                throw EndpointURLError(.host, "url host in brackets is not an IPv6 address")
            }
            return address
        }
        if endsInNumber(host) {
            // Resolvers read more forms of IPv4 addresses than libcurl normalises, so no such host passes as a name.
            guard let address = IPAddress(host), case .v4 = address else {
                throw EndpointURLError(
                    .host,
                    "url host \(quotedForError(host)) ends in a number but is not an IPv4 address"
                )
            }
            return address
        }
        guard isName(host) else {
            throw EndpointURLError(
                .host,
                "url host \(quotedForError(host)) is not a name: labels of 1 to 63 letters, digits, '-' and '_', at most 253"
                    + " characters"
            )
        }
        return nil
    }

    /// Whether the last label, a final dot aside, is decimal or `0x` hexadecimal, which the WHATWG URL standard (section
    /// 3.5, "ends in a number") takes for an IPv4 address.
    private static func endsInNumber(_ host: String) -> Bool {
        let name = host.withoutFinalDot.utf8
        let last = name.lastIndex(of: UInt8(ascii: ".")).map { name[name.index(after: $0)...] } ?? name[...]
        guard let first = last.first else { return false }
        if last.allSatisfy(\.isDigit) { return true }
        let second = last.dropFirst().first
        guard first == UInt8(ascii: "0"), second == UInt8(ascii: "x") || second == UInt8(ascii: "X") else {
            return false
        }
        return last.dropFirst(2).allSatisfy(\.isHexDigit)
    }

    /// Whether the host is a DNS name (RFC 1123 section 2.1), with the underscore that real names use.
    private static func isName(_ host: String) -> Bool {
        let name = host.withoutFinalDot
        guard (1...253).contains(name.utf8.count) else { return false }
        return name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
    }

    /// Whether the name is `localhost` or below it, which resolvers and libcurl answer with loopback (RFC 6761 section 6.3).
    private static func isLocalhost(_ host: String) -> Bool {
        let name = host.withoutFinalDot.lowercased()
        return name == "localhost" || name.hasSuffix(".localhost")
    }
}

extension String {
    fileprivate var withoutFinalDot: Substring {
        hasSuffix(".") ? dropLast() : self[...]
    }

    fileprivate var trimmingBrackets: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (0x30...0x39).contains(self) }
    fileprivate var isHexDigit: Bool { isDigit || (0x41...0x46).contains(self) || (0x61...0x66).contains(self) }
    fileprivate var isLetterOrDigit: Bool { isDigit || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self) }
}
