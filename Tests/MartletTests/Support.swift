import Foundation
import JSONText
import Testing

@testable import Martlet

/// An engine for tests: development mode, quick retries, all outcomes, and what `more` adds.
func openEngine(_ more: String = "", delays: String = "[0.01,0.02]") throws -> Engine {
    let common = #""environment":"development","outcomes":"all","retry":{"delaysSeconds":\#(delays),"jitter":0}"#
    return try Engine(configuration: "{\(common)\(more.isEmpty ? "" : ",")\(more)}")
}

/// For how many milliseconds a test waits for what must come: far longer than it takes, whatever else the machine does.
let patience: Int64 = 60_000

extension Engine {
    /// Registers a webhook for every call event and answers its id.
    @discardableResult
    func addWebhook(_ url: String, _ more: String = "") throws -> String {
        let created = try createWebhook(
            #"{"url":"\#(url)","events":["call.*"]\#(more.isEmpty ? "" : ",")\#(more)}"#
        )
        return try #require(JSONValue.parse(created)["id"]?.stringValue)
    }

    /// The answer of a method that takes an id or a query as bytes.
    func json(
        _ method: (UnsafeRawBufferPointer) throws(MartletError) -> [UInt8],
        _ text: String = ""
    ) throws -> JSONValue {
        let bytes = try text.withUTF8Bytes { bytes throws(MartletError) in try method(bytes) }
        return try JSONValue.parse(bytes)
    }

    func update(_ id: String, _ document: String) throws {
        _ = try id.withUTF8Bytes { id throws(MartletError) in
            try document.withUTF8Bytes { document throws(MartletError) in try updateWebhook(id, document) }
        }
    }

    func delete(_ id: String) throws {
        try id.withUTF8Bytes { id throws(MartletError) in try deleteWebhook(id) }
    }

    func set(_ id: String, enabled: Bool) throws {
        try id.withUTF8Bytes { id throws(MartletError) in try setWebhook(id, enabled: enabled) }
    }

    func pushLines(_ lines: String) throws -> Int {
        try pushCounting(lines).accepted
    }

    func pushCounting(_ lines: String) throws -> (accepted: Int, duplicates: Int) {
        var accepted = 0
        var duplicates = 0
        try lines.withUTF8Bytes { bytes throws(MartletError) in
            try pushJSON(bytes, accepted: &accepted, duplicates: &duplicates)
        }
        return (accepted, duplicates)
    }

    func deliveries(_ query: String = "") throws -> [JSONValue] {
        try #require(json(deliveries, query)["deliveries"]?.arrayValue)
    }

    func stats() throws -> JSONValue {
        try JSONValue.parse(statsJSON())
    }

    /// Waits on the outcomes' descriptor, as a host does, until `count` outcomes came, or none for as long as ``patience``.
    func waitForOutcomes(_ count: Int) throws -> [Outcome] {
        var outcomes: [Outcome] = []
        var descriptor = pollfd(fd: try outcomesDescriptor(), events: Int16(POLLIN), revents: 0)
        while outcomes.count < count, poll(&descriptor, 1, Int32(patience)) == 1 {
            outcomes += try pollOutcomes(maximum: 100)
        }
        return outcomes
    }

    /// True while the outcomes' descriptor is readable.
    func isReadable() throws -> Bool {
        var descriptor = pollfd(fd: try outcomesDescriptor(), events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) == 1
    }
}

/// The error that `body` throws.
func failure(_ body: () throws -> Void) -> MartletError? {
    do {
        try body()
        return nil
    } catch {
        return error as? MartletError
    }
}
