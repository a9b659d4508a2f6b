import Testing

@testable import Transport

@Suite("Judged origins")
struct JudgedOriginsTests {
    /// Paths that stand behind each origin: those that are looked up, and those that are not.
    static let paths = [
        "", "/", "/a", "/hooks/Team_7/x-1", "/a/", "//a", "/a//b", "/a/../b", "/.", "/a.b", "/%7ea", "/a?b=/c", "/@a/b",
        "/a#b", "/a b", "/a\\b", "/é", "?a/b", "?a/c", ":/a", "@b/c", "/\u{7F}",
    ]

    private func outcome(_ judge: () throws(EndpointURLError) -> String) -> String {
        do {
            return try judge()
        } catch {
            return "refused: \(error.text)"
        }
    }

    @Test(
        "says of every URL what a judgement of it alone says",
        arguments: [
            AddressGuard(environment: .production), AddressGuard(environment: .development),
        ]
    )
    func isTheSame(_ addressGuard: AddressGuard) {
        var origins = JudgedOrigins(addressGuard)
        let cases = (URLCase.accepted + URLCase.refused).map(\.url)
        let starts = cases.map { url in
            let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
            return parts.prefix(3).joined(separator: "/")
        }
        var accepted = 0
        // Twice: the second time what can be known is known.
        for url in (0..<2).flatMap({ _ in
            cases + starts.flatMap { start in JudgedOriginsTests.paths.map { start + $0 } }
        }) {
            let expected = outcome { () throws(EndpointURLError) in
                try EndpointURL(url, judgedBy: addressGuard).text
            }
            let found = outcome { () throws(EndpointURLError) in try origins.text(of: url) }
            #expect(found == expected, "\(url)")
            if !found.hasPrefix("refused") { accepted += 1 }
        }
        #expect(accepted > 500)
    }

    @Test("judges an origin again where the path makes the URL too long")
    func tooLong() throws {
        var origins = JudgedOrigins(AddressGuard(environment: .production))
        let start = "https://example.com/"
        #expect(try origins.text(of: start) == start)
        let longest = start + String(repeating: "a", count: EndpointURL.maximumLength - start.utf8.count)
        #expect(try origins.text(of: longest) == longest)
        let error = try #require(throws: EndpointURLError.self) { try origins.text(of: longest + "a") }
        #expect(error.reason == .tooLong)
    }
}
