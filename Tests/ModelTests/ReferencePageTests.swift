import Foundation
import Testing

@testable import Model

@Suite("Reference page")
struct ReferencePageTests {
    @Test func theFileIsUpToDate() throws {
        // This file stands in Tests/ModelTests of the package.
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        let path = folder.joined(separator: "/") + "/Sources/Martlet/Martlet.docc/Configuration.md"
        let written = try String(contentsOfFile: path, encoding: .utf8)
        #expect(written == ReferencePage.markdown(), "run: swift run ConfigurationReference")
    }

    @Test func everyKeyHasItsLine() {
        let lines = ReferencePage.markdown().split(separator: "\n")
        func line(of key: String) -> Substring? { lines.first { $0.hasPrefix("| `\(key)` | ") } }
        for property in Configuration.document.properties { #expect(line(of: property.key) != nil, "\(property.key)") }
        for property in WebhookDefinition.document.properties { #expect(line(of: property.key) != nil) }
        for key in NewEvent.Key.allCases { #expect(line(of: key.name) != nil) }
        for type in EventType.builtIn { #expect(line(of: type.name) != nil) }
        let jitter =
            "| `retry.jitter` | a number from 0 to 1 | `0.1` | "
            + "Each wait is multiplied by a random factor between 1 - jitter and 1 + jitter. |"
        #expect(line(of: "retry.jitter").map { String($0) } == jitter)
    }

    @Test func tablesHaveFourCellsInEveryLine() {
        for line in ReferencePage.markdown().split(separator: "\n") where line.hasPrefix("| `") {
            let bars = line.replacing("\\|", with: "").count { $0 == "|" }
            #expect(bars == 5 || bars == 4, "\(line)")
        }
    }

    @Test func theExamplesAreAccepted() throws {
        let value = try configuration(ReferencePage.configurationExample)
        #expect(value.environment == .development)
        #expect(try webhook(ReferencePage.webhookExample).headers.count == 1)
        #expect(try event(ReferencePage.eventExample).tag == 7)
        let filter = try webhook(adding: "\"filter\":\(ReferencePage.filterExample)").filter
        #expect(
            try filter?.holds(#"{"analysis":{"sentiment":"negative"},"callDuration":60,"customer":{"tags":["vip"]}}"#)
                == true
        )
    }
}
