import Testing

@testable import Transport

/// One URL and what becomes of it; the name is what the test report shows.
struct URLCase: Sendable, CustomTestStringConvertible {
    let name: String
    let url: String
    /// The normalised URL, where it is accepted.
    var text = ""
    var reason = EndpointURLError.Reason.malformed
    /// A part of the error text.
    var message = ""

    var testDescription: String { name }

    static func accepted(_ name: String, _ url: String, as text: String? = nil) -> URLCase {
        URLCase(name: name, url: url, text: text ?? url)
    }

    static func refused(
        _ name: String,
        _ url: String,
        _ reason: EndpointURLError.Reason,
        _ message: String
    ) -> URLCase {
        URLCase(name: name, url: url, reason: reason, message: message)
    }

    static let loopback = "is refused: loopback 127.0.0.0/8; allowedNetworks can allow it"
    static let loopback6 = "is refused: loopback ::1/128; allowedNetworks can allow it"

    static let accepted: [URLCase] = [
        .accepted("plain", "https://example.com/hook"),
        .accepted("no path", "https://example.com", as: "https://example.com/"),
        .accepted("scheme in capitals", "HTTPS://Example.com/a", as: "https://Example.com/a"),
        .accepted("query", "https://example.com/a?b=c&d=%20"),
        .accepted("query without path", "https://example.com?b", as: "https://example.com/?b"),
        .accepted("at sign in the path", "https://example.com/@user:x"),
        .accepted("at sign in the query", "https://example.com/?q=@127.0.0.1"),
        .accepted("dot segments", "https://example.com/a/../b/./c", as: "https://example.com/b/c"),
        .accepted("port", "https://example.com:8443/a"),
        .accepted("lowest port", "https://example.com:1/"),
        .accepted("highest port", "https://example.com:65535/"),
        .accepted("port with zeros", "https://example.com:00443/", as: "https://example.com:443/"),
        .accepted("empty port", "https://example.com:/", as: "https://example.com/"),
        .accepted("one label", "https://receiver/"),
        .accepted("final dot", "https://example.com./a"),
        .accepted("underscore", "https://my_hook.example.com/"),
        .accepted("punycode", "https://xn--bcher-kva.example/"),
        .accepted("percent-encoded letters", "https://ex%61mple.com/", as: "https://example.com/"),
        .accepted("last label starts with a digit", "https://example.4chan/"),
        .accepted("localhost inside a name", "https://localhost.example.com/"),
        .accepted("name ending like localhost", "https://notlocalhost/"),
        .accepted("public IPv4", "https://1.1.1.1/"),
        .accepted("public IPv4, short", "https://1.257/", as: "https://1.0.1.1/"),
        .accepted("public IPv4, final dot", "https://1.1.1.1.:8443/a?b", as: "https://1.1.1.1:8443/a?b"),
        .accepted("public IPv6", "https://[2606:4700::1111]/"),
        .accepted("public IPv6, long form", "https://[2606:4700:0:0::0:1111]/", as: "https://[2606:4700::1111]/"),
        .accepted("public IPv4 in mapped form", "https://[::ffff:8.8.8.8]/"),
        .accepted("longest", "https://example.com/" + String(repeating: "a", count: 2048 - 20)),
        .accepted(
            "longest name",
            "https://" + [63, 63, 63, 61].map { String(repeating: "a", count: $0) }.joined(separator: ".") + "/"
        ),
    ]

    static let refused: [URLCase] = [
        // Literal loopback in every form.
        .refused("loopback", "https://127.0.0.1/", .addressRefused, "url host 127.0.0.1 \(loopback)"),
        .refused("loopback, short", "https://127.1/", .addressRefused, "url host 127.0.0.1 \(loopback)"),
        .refused("loopback, hexadecimal", "https://0x7f000001/", .addressRefused, loopback),
        .refused("loopback, hexadecimal in capitals", "https://0X7F000001/", .addressRefused, loopback),
        .refused("loopback, one number", "https://2130706433/", .addressRefused, loopback),
        .refused("loopback, octal", "https://017700000001/", .addressRefused, loopback),
        .refused("loopback, mixed bases", "https://0x7f.0.01/", .addressRefused, loopback),
        .refused("loopback, padded octal", "https://00000000177.0.0.1/", .addressRefused, loopback),
        .refused("loopback, final dot", "https://127.0.0.1./", .addressRefused, loopback),
        .refused("loopback, short with final dot", "https://127.1.:444/", .addressRefused, loopback),
        .refused("loopback, hexadecimal with final dot", "https://0x7f000001./", .addressRefused, loopback),
        .refused("loopback, percent-encoded digits", "https://%31%32%37.0.0.1/", .addressRefused, loopback),
        .refused("loopback, percent-encoded dots", "https://127%2e0%2E0%2e1%2e/", .addressRefused, loopback),
        .refused("loopback IPv6", "https://[::1]/", .addressRefused, "url host ::1 \(loopback6)"),
        .refused("loopback IPv6, long form", "https://[0:0:0:0:0:0:0:1]/", .addressRefused, loopback6),
        .refused("loopback, mapped", "https://[::ffff:127.0.0.1]/", .addressRefused, loopback),
        .refused("loopback, mapped in hexadecimal", "https://[::ffff:7f00:1]/", .addressRefused, loopback),
        .refused("loopback, mapped in capitals", "https://[::FFFF:7F00:1]/", .addressRefused, loopback),
        .refused("loopback, NAT64", "https://[64:ff9b::7f00:1]/", .addressRefused, loopback),
        .refused("loopback IPv6 with zone", "https://[::1%25lo]/", .addressRefused, loopback6),
        .refused("localhost", "https://localhost/", .addressRefused, "url host localhost \(loopback)"),
        .refused("localhost, final dot", "https://localhost./", .addressRefused, loopback),
        .refused("localhost, capitals", "https://LocalHost:8080/", .addressRefused, loopback),
        .refused("below localhost", "https://a.b.localhost/", .addressRefused, loopback),
        .refused("below localhost, final dot", "https://a.localhost./", .addressRefused, loopback),
        .refused("localhost, percent-encoded", "https://%6cocalhost/", .addressRefused, loopback),
        // Other refused addresses.
        .refused("unspecified", "https://0/", .addressRefused, "url host 0.0.0.0 is refused: this network 0.0.0.0/8"),
        .refused("private", "https://10.1.2.3/", .addressRefused, "10.1.2.3 is refused: private network 10.0.0.0/8"),
        .refused("metadata", "https://169.254.169.254/x", .addressRefused, "cloud metadata / link-local 169.254"),
        .refused("highest number", "https://4294967295/", .addressRefused, "broadcast 255.255.255.255/32"),
        .refused("6to4", "https://[2002:7f00:1::]/", .addressRefused, "6to4 2002::/16"),
        .refused("unique local", "https://[fd00::1]/", .addressRefused, "private network fc00::/7"),
        .refused("link-local with zone", "https://[fe80::1%25eth0]/", .addressRefused, "link-local fe80::/10"),
        .refused("link-local with bare zone", "https://[fe80::1%eth0]/", .addressRefused, "link-local fe80::/10"),
        .refused("public with zone", "https://[2606:4700::1%25eth0]/", .host, "must not have a zone id"),
        // Numbers that are no address.
        .refused("number too high", "https://4294967296/", .host, "ends in a number but is not an IPv4 address"),
        .refused("part too high", "https://256.1.1.1/", .host, "ends in a number but is not an IPv4 address"),
        .refused("five parts", "https://1.2.3.4.5/", .host, "ends in a number but is not an IPv4 address"),
        .refused("not octal", "https://08.1.1.1/", .host, "ends in a number but is not an IPv4 address"),
        .refused("empty hexadecimal", "https://0x/", .host, "ends in a number but is not an IPv4 address"),
        .refused("name ending in a number", "https://a.1/", .host, "ends in a number but is not an IPv4 address"),
        .refused("name ending in hexadecimal", "https://a.0x7f./", .host, "ends in a number"),
        .refused("empty part", "https://127..1/", .host, "ends in a number but is not an IPv4 address"),
        .refused("encoded twice", "https://%2531.1/", .host, "ends in a number but is not an IPv4 address"),
        .refused("two final dots", "https://127.0.0.1../", .host, "is not a name"),
        // Hosts that are none.
        .refused("no host", "https://", .host, "url has no host"),
        .refused("no host but a path", "https:///x", .host, "url has no host"),
        .refused("three slashes", "https:///127.0.0.1/", .host, "url has no host"),
        .refused("port only", "https://:80/", .host, "url has no host"),
        .refused("dot", "https://./", .host, "is not a name"),
        .refused("empty label", "https://a..b/", .host, "is not a name"),
        .refused("leading dot", "https://.example.com/", .host, "is not a name"),
        .refused("label too long", "https://" + String(repeating: "a", count: 64) + ".com/", .host, "is not a name"),
        .refused("pipe", "https://a|b/", .host, "is not a name"),
        .refused("lone percent", "https://%/", .host, "is not a name"),
        .refused("encoded full-width digit", "https://%ef%bc%91/", .host, #"\u{FF11}"#),
        .refused("encoded bad UTF-8", "https://%ff.example/", .host, "is not a name"),
        .refused("encoded NUL", "https://localhost%00.example.com/", .host, "url host is not a name or an address"),
        .refused("encoded slash", "https://a%2fb/", .host, "url host is not a name or an address"),
        .refused("encoded at sign", "https://a%40127.0.0.1/", .host, "url host is not a name or an address"),
        .refused("IPv4 in brackets", "https://[127.0.0.1]/", .host, "is not an IPv6 address"),
        .refused("open bracket", "https://[::1/", .host, "is not an IPv6 address"),
        .refused("empty brackets", "https://[]/", .host, "is not an IPv6 address"),
        // User-info.
        .refused("user", "https://good@127.0.0.1/", .userInfo, "url must not carry a user name or password"),
        .refused("user and password", "https://u:s3cret@example.com/", .userInfo, "use a header for credentials"),
        .refused("empty user", "https://@example.com/", .userInfo, "url must not carry a user name or password"),
        .refused("empty user and password", "https://:@example.com/", .userInfo, "url must not carry"),
        .refused("host as user", "https://example.com:443@127.0.0.1/", .userInfo, "url must not carry"),
        .refused("two at signs", "https://a@b@example.com/", .userInfo, "url must not carry"),
        // Port.
        .refused("port 0", "https://example.com:0/", .port, "url port must be a number from 1 to 65535"),
        .refused("port 0 of an IPv6 host", "https://[2606:4700::1]:0/", .port, "from 1 to 65535"),
        .refused("port 65536", "https://example.com:65536/", .port, "from 1 to 65535"),
        .refused("port with letters", "https://example.com:80a/", .port, "from 1 to 65535"),
        .refused("port with sign", "https://example.com:+80/", .port, "from 1 to 65535"),
        .refused("two ports", "https://example.com:80:90/", .port, "from 1 to 65535"),
        .refused("IPv6 without brackets", "https://::1/", .port, "from 1 to 65535"),
        // Scheme.
        .refused("http in production", "http://example.com/", .scheme, "url must use https in production, not http"),
        .refused("http in capitals", "HTTP://example.com/", .scheme, "url must use https in production, not HTTP"),
        .refused("ftp", "ftp://example.com/", .scheme, "url must use https in production, not ftp"),
        .refused("file", "file:///etc/passwd", .scheme, "url must use https in production, not file"),
        .refused("gopher", "gopher://127.0.0.1:25/_x", .scheme, "url must use https in production, not gopher"),
        .refused("unknown scheme", "foo+bar://x/", .scheme, #"url must use https in production, not "foo+bar""#),
        .refused("empty scheme", "://example.com/", .scheme, #"not """#),
        .refused("javascript", "javascript:alert(1)", .scheme, "url must start with https://"),
        .refused("no scheme", "example.com/hook", .scheme, "url must start with https://"),
        .refused("no scheme but a port", "example.com:443/hook", .scheme, "url must start with https://"),
        .refused("relative to a scheme", "//example.com/", .scheme, "url must start with https://"),
        .refused("no slashes", "https:example.com", .scheme, "url must start with https://"),
        .refused("one slash", "https:/127.0.0.1/", .scheme, "url must start with https://"),
        .refused("scheme in the query", "example.com/?u=https://a/", .scheme, "url must use https in production"),
        // Characters.
        .refused("empty", "", .empty, "url is empty"),
        .refused("too long", "https://example.com/" + String(repeating: "a", count: 2029), .tooLong, "2049 bytes"),
        .refused("backslash before user-info", #"https://example.com\@127.0.0.1/"#, .character, "backslash"),
        .refused("backslashes for slashes", #"https:\\example.com\"#, .character, "backslash"),
        .refused("tab", "https://exa\tmple.com/", .character, #"here "\t""#),
        .refused("newline", "https://example.com/\nX-Header: 1", .character, #"here "\n""#),
        .refused("carriage return and newline", "https://example.com/\r\nX: 1", .character, "white space or control"),
        .refused("space in front", " https://example.com/", .character, "white space"),
        .refused("space at the end", "https://example.com/ ", .character, "white space"),
        .refused("space in the path", "https://example.com/a b", .character, "white space"),
        .refused("NUL", "https://example.com/\u{0}", .character, #"here "\0""#),
        .refused("delete", "https://example.com/\u{7F}", .character, "control"),
        .refused("full-width digits", "https://\u{FF11}27.0.0.1/", .character, "use the punycode form (xn--…)"),
        .refused("full-width dots", "https://127\u{FF0E}0\u{FF0E}0\u{FF0E}1/", .character, "use the punycode form"),
        .refused("ideographic full stops", "https://127\u{3002}0\u{3002}0\u{3002}1/", .character, "punycode"),
        .refused("circled digits", "https://\u{2460}27.0.0.1/", .character, "punycode"),
        .refused("Arabic digits", "https://\u{661}\u{662}\u{667}.0.0.1/", .character, "punycode"),
        .refused("name with umlaut", "https://b\u{FC}cher.example/", .character, #"here "\u{00FC}""#),
        .refused("soft hyphen", "https://local\u{AD}host/", .character, "punycode"),
        .refused("no-break space", "https://example.com/\u{A0}", .character, "percent-encoding elsewhere"),
        .refused("fragment", "https://example.com/a#b", .fragment, "url must not have a fragment"),
        .refused("empty fragment", "https://example.com/a#", .fragment, "url must not have a fragment"),
        .refused("fragment before user-info", "https://example.com#@127.0.0.1/", .fragment, "fragment"),
    ]
}
