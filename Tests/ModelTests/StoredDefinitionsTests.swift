import JSONText
import TestInputs
import Testing

@testable import Model

@Suite("Stored definitions")
struct StoredDefinitionsTests {
    private func stored(_ definition: WebhookDefinition) -> [UInt8] {
        var writer = JSONWriter()
        definition.writeStored(to: &writer)
        return writer.bytes
    }

    private func alone(_ document: [UInt8]) -> WebhookDefinition? {
        document.withUnsafeBytes { try? WebhookDefinition(stored: $0) }
    }

    private func read(_ document: [UInt8], _ reader: inout StoredDefinitions) -> WebhookDefinition? {
        document.withUnsafeBytes { try? reader.definition($0) }
    }

    /// A document of a new webhook with some of its keys set to one of a few values each.
    private func document(_ random: inout RandomSource) -> String {
        let number = random.next() % 1000
        var members = [
            "\"url\":\"https://h\(number % 7).example/\(number % 2 == 0 ? "plain/\(number)" : "q?a=%20&b=\(number)")\"",
            "\"events\":[\"\(["*", "call.*", "call.completed\",\"workflow.completed"][Int(number % 3)])\"]",
        ]
        let others = [
            ["\"tenant\":\"t\(number % 3)\""],
            ["\"agents\":[\"agent_\(number)\"]", "\"agents\":[\"a\",\"b,c\",\"d\\\"e\"]"],
            ["\"workflows\":[\"w\(number)\",\"}]\"]"],
            ["\"filter\":{\"amount\":{\"$gt\":\(number % 5)}}"],
            ["\"headers\":{\"X-A\":\"\(number % 4)\",\"X-B\":\"{,}\"}", "\"headers\":{\"X-C\":\"c\"}"],
            ["\"enabled\":false"],
            ["\"description\":\"a \\\\ \\\" \\u00e9, \(number)\""],
            ["\"metadata\":{\"k\":\"\(number)\",\"l\":\"m\"}"],
            ["\"timeoutMs\":\(1000 + number)"],
            ["\"retry\":{\"jitter\":0.5}", "\"retry\":{\"delaysSeconds\":[\(number % 9),2]}"],
            ["\"rateLimit\":{\"perSecond\":\(number % 6 + 1)}", "\"rateLimit\":{\"perSecond\":2,\"burst\":3}"],
            ["\"clientCertificateFile\":\"/c/\(number)\",\"clientKeyFile\":\"/k\""],
        ]
        for other in others where random.next() % 3 == 0 {
            members.append(other[Int(random.next() % UInt64(other.count))])
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    @Test(
        "reads each document as it reads alone, whatever came before",
        arguments: Inputs.each(1...6 as ClosedRange<UInt64>, orEvery: 3)
    )
    func isTheSame(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        var reader = StoredDefinitions()
        var documents: [[UInt8]] = []
        for _ in 0..<300 {
            // New ones, and earlier ones again.
            if documents.count < 20 || random.next() % 4 != 0 {
                let text = Array(document(&random).utf8)
                let definition = try text.withUnsafeBytes { bytes in
                    try WebhookDefinition(json: bytes, catalog: .builtIn)
                }
                documents.append(stored(definition))
            }
            let chosen = documents[Int(random.next() % UInt64(documents.count))]
            let expected = try #require(alone(chosen))
            #expect(read(chosen, &reader) == expected, "\(String(decoding: chosen, as: UTF8.self))")
        }
    }

    @Test("what is equal to the one before is kept once")
    func sharing() throws {
        var reader = StoredDefinitions()
        let all = ["a", "b", "c"].map { name in
            var definition = WebhookDefinition(url: "https://a.example/\(name)", events: [.type("call.completed")])
            definition.agents = ["agent_\(name)"]
            return definition
        }
        let read = try all.map { try #require(self.read(stored($0), &reader)) }
        #expect(read == all)
        #expect(Set(read.map { $0.events.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }).count == 1)
    }

    /// What was written is guarded by a checksum; but whatever stands there, it is refused or read as it reads alone.
    @Test("a damaged document reads as it reads alone")
    func damage() throws {
        let text = """
            {"url":"https://a.example/x","events":["call.*"],"agents":["b,c"],"headers":{"X-A":"{,}"},\
            "description":"d\\"e","retry":{"jitter":0.5}}
            """
        let definition = try Array(text.utf8).withUnsafeBytes { bytes in
            try WebhookDefinition(json: bytes, catalog: .builtIn)
        }
        let whole = stored(definition)
        #expect(alone(whole) == definition)
        let marks = "\",:{}[]\\ 0a\u{0}".utf8.map { $0 } + [0xC3]
        for place in whole.indices {
            var reader = StoredDefinitions()
            #expect(read(whole, &reader) == definition)
            let cut = Array(whole[..<place])
            #expect(read(cut, &reader) == alone(cut))
            for mark in marks where mark != whole[place] {
                var changed = whole
                changed[place] = mark
                let expected = alone(changed)
                #expect(read(changed, &reader) == expected, "\(String(decoding: changed, as: UTF8.self))")
                var longer = whole
                longer.insert(mark, at: place)
                #expect(read(longer, &reader) == alone(longer), "\(String(decoding: longer, as: UTF8.self))")
            }
            // Nothing of what was refused stays.
            #expect(read(whole, &reader) == definition)
        }
    }
}
