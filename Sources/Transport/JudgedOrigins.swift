/// Judges the URLs of many webhooks, each as ``EndpointURL`` does it. Most stand below a few origins, and each of these is
/// parsed once.
package struct JudgedOrigins {
    /// How many origins are remembered: beyond that each URL is parsed.
    private static let capacity = 4096

    private let addressGuard: AddressGuard
    /// What transfers are given for an origin that was accepted, by the origin as webhooks have it.
    private var accepted: [String: String] = [:]
    /// Of those accepted, one that transfers are given as it is: that of the URL before.
    private var latest = ""

    package init(_ addressGuard: AddressGuard) {
        self.addressGuard = addressGuard
    }

    /// The URL as transfers are given it; throws where ``EndpointURL`` does.
    package mutating func text(of url: String) throws(EndpointURLError) -> String {
        var url = url
        guard let offset = url.withUTF8({ JudgedOrigins.plainPath(of: $0) }) else {
            return try EndpointURL(url, judgedBy: addressGuard).text
        }
        let path = url.utf8.index(url.startIndex, offsetBy: offset)
        if !latest.isEmpty, url[..<path] == latest { return url }
        let origin = String(url[..<path])
        if let known = accepted[origin] {
            guard known == origin else { return known + url[path...] }
            latest = origin
            return url
        }
        let text = try EndpointURL(url, judgedBy: addressGuard).text
        // A path that libcurl leaves as it is says nothing of its origin.
        if accepted.count < JudgedOrigins.capacity, text.hasSuffix(url[path...]) {
            accepted[origin] = String(text.dropLast(url[path...].utf8.count))
        }
        return text
    }

    /// Where the path begins that follows the origin, the first slash behind `://`; nil where it holds more than segments of
    /// letters, digits, hyphens and underscores, which no parser takes for anything else.
    private static func plainPath(of url: UnsafeBufferPointer<UInt8>) -> Int? {
        guard url.count <= EndpointURL.maximumLength, let colon = url.firstIndex(of: UInt8(ascii: ":")),
            url[colon...].starts(with: "://".utf8),
            let path = url[(colon + 3)...].firstIndex(of: UInt8(ascii: "/")),
            !url[..<path].contains(UInt8(ascii: "?"))
        else { return nil }
        var former = UInt8(ascii: "-")
        for byte in url[path...] {
            let isPlain =
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                case UInt8(ascii: "/"): former != UInt8(ascii: "/")
                default: false
                }
            guard isPlain else { return nil }
            former = byte
        }
        return path
    }
}
