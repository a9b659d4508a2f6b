import Foundation
import JSONText
import Model
import Synchronization
import TestSupport
import Testing
import Threading

@testable import Martlet

@Suite("Durability")
struct DurabilityTests {
    /// A directory that goes with the test.
    private final class Directory: Sendable {
        let path = NSTemporaryDirectory() + "martlet-durability-\(UUID().uuidString)"

        deinit {
            try? FileManager.default.removeItem(atPath: path)
        }

        /// Small files, so that many begin and end in a test.
        func open(
            _ more: String = "",
            delays: String = "[0.05,0.3,0.3,0.3,0.3,0.3,0.3,0.3,0.3,0.3]",
            segments: Int = 1_000
        ) throws -> Engine {
            let journal = #"{"segmentBytes":65536,"maxBytes":\#(segments * 65_536)}"#
            let configuration =
                #""dataDirectory":"\#(path)","journal":\#(journal),"maxEventBytes":4096,"#
                + #""breaker":{"failures":0},"logRetention":{"attempts":100,"payloadBytes":20000}"#
                + (more.isEmpty ? "" : ",\(more)")
            while true {
                do {
                    return try openEngine(configuration, delays: delays)
                } catch let error as MartletError where error.code == .inUse {
                    // A thread that ends still holds the engine before.
                    usleep(1_000)
                }
            }
        }
    }

    private static let filling = String(repeating: "x", count: 1500)

    @Test("An engine that is closed with much pending gives up none of it")
    func closing() throws {
        let directory = Directory()
        let isReady = Atomic<Bool>(false)
        let server = TestServer.serve { connection, _ in
            connection.answer(isReady.load(ordering: .acquiring) ? 200 : 503)
        }
        defer { server.stop() }
        // Each engine is gone before the next one opens.
        func live(_ body: (Engine) throws -> Void) throws {
            let engine = try directory.open(delays: "[0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5]")
            try body(engine)
            let error = failure { try engine.close(timeoutMilliseconds: 0) }
            #expect(error?.code == .timedOut)
        }
        try live { engine in
            for _ in 0..<2 { try engine.addWebhook(server.url) }
            for tag in 0..<UInt64(200) {
                try engine.push(type: "call.placed", data: #""\#(Self.filling)""#, tag: tag)
            }
        }
        for _ in 0..<5 {
            try live { engine in
                let recovered = try engine.stats()["journal"]?["recovery"]?["deliveries"]
                #expect(recovered == .integer(400))
            }
        }
        let engine = try directory.open()
        isReady.store(true, ordering: .releasing)
        let outcomes = try engine.waitForOutcomes(600)
        #expect(Set(outcomes.map(\.tag)) == Set(0..<200))
        #expect(outcomes.allSatisfy { $0.state == .succeeded })
        try engine.close(timeoutMilliseconds: patience)
    }

    /// What stands in a journal must not grow over its bound by being told: the ends of small events take more room than the
    /// events.
    @Test("A journal that is full of events has room for what becomes of them")
    func roomForEnds() throws {
        let directory = Directory()
        let isFull = Gate()
        // Every event stays pending for the one, so that no file of the journal can go.
        let parked = TestServer.serve { connection, _ in connection.answer(503) }
        let later = TestServer.serve { connection, _ in
            isFull.wait()
            return connection.answer(200)
        }
        defer {
            parked.stop()
            later.stop()
        }
        let engine = try directory.open(delays: "[3600]", segments: 16)
        try engine.addWebhook(parked.url, #""timeoutMs":\#(patience)"#)
        try engine.addWebhook(later.url, #""timeoutMs":\#(patience)"#)
        var accepted = 0
        let refusal = failure {
            while accepted < 20_000 {
                try engine.push(type: "call.placed", data: "1", tag: UInt64(accepted))
                accepted += 1
            }
        }
        #expect(refusal?.code == .storageFull)
        isFull.open()
        var ended = 0
        while ended < accepted {
            let outcomes = try engine.waitForOutcomes(1)
            guard !outcomes.isEmpty else { break }
            ended += outcomes.filter { $0.state == .succeeded }.count
        }
        #expect(accepted > 200)
        #expect(ended == accepted)
        #expect(try engine.stats()["journal"]?["unwrittenRecords"] == .integer(0))
        _ = failure { try engine.close(timeoutMilliseconds: 0) }
    }

    /// What several threads do to one engine until it is closed under them.
    private final class Load: Sendable {
        let accepted = Locked<Set<UInt64>>([])
        let told = Locked<Set<UInt64>>([])
        private let nextTag = Atomic<UInt64>(0)

        func run(_ engine: Engine, _ url: String, milliseconds: Int) {
            let group = DispatchGroup()
            for _ in 0..<3 { start(group) { self.push(engine) } }
            start(group) { self.changeWebhooks(of: engine, url) }
            start(group) { self.readOutcomes(of: engine) }
            start(group) { while (try? engine.stats()) != nil, (try? engine.checkOpen()) != nil { usleep(2_000) } }
            usleep(UInt32(milliseconds) * 1_000)
            _ = failure { try engine.close(timeoutMilliseconds: 0) }
            group.wait()
        }

        private func start(_ group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
            group.enter()
            Thread {
                body()
                group.leave()
            }.start()
        }

        private func push(_ engine: Engine) {
            while true {
                let tag = nextTag.wrappingAdd(1, ordering: .relaxed).oldValue
                // Most are nobody's: their outcomes come and go, and what waits stands in the way of the files.
                let type = tag % 50 == 0 ? "call.placed" : "workflow.failed"
                do {
                    try engine.push(type: type, data: #"{"n":\#(tag)}"#, tag: tag)
                    accepted.withLock { _ = $0.insert(tag) }
                } catch {
                    if error.code == .closed { return }
                }
                if tag % 50 == 0 { usleep(2_000) }
            }
        }

        private func changeWebhooks(of engine: Engine, _ url: String) {
            while true {
                do {
                    let id = try engine.addWebhook(url + "gone", #""enabled":false"#)
                    try engine.update(id, #"{"description":"changed"}"#)
                    try engine.delete(id)
                } catch {
                    return
                }
                usleep(1_000)
            }
        }

        func readOutcomes(of engine: Engine) {
            // Those that come after the last look are told in the next life.
            while (try? engine.checkOpen()) != nil {
                let outcomes = (try? engine.pollOutcomes(maximum: 64)) ?? []
                told.withLock { told in
                    for outcome in outcomes where outcome.kind == .event { told.insert(outcome.tag) }
                }
                if outcomes.isEmpty { usleep(500) }
            }
        }
    }

    @Test("One poll may take more outcomes than one file of the journal has room for the numbers of")
    func aLargePoll() throws {
        let directory = Directory()
        let count = 9_000
        do {
            let engine = try directory.open()
            let lines = (0..<count).map { #"{"eventType":"call.placed","data":\#($0)}"# }
            for first in stride(from: 0, to: count, by: 1_000) {
                let part = lines[first..<(first + 1_000)].joined(separator: "\n")
                #expect(try engine.pushLines(part) == 1_000)
            }
            var taken = 0
            while taken < count { taken += try engine.pollOutcomes(maximum: count).count }
            // What was handed out counts as told with the next call.
            #expect(try engine.pollOutcomes(maximum: count).isEmpty)
            #expect(try engine.stats()["journal"]?["unwrittenRecords"] == .integer(0))
            try engine.close(timeoutMilliseconds: patience)
        }
        let engine = try directory.open()
        #expect(try engine.pollOutcomes(maximum: count).isEmpty)
        try engine.close(timeoutMilliseconds: patience)
    }

    @Test("Pushes, changes and closes at the same time, while old records are moved: nothing is lost")
    func everythingAtOnce() throws {
        let directory = Directory()
        let isReady = Atomic<Bool>(false)
        let server = TestServer.serve { connection, _ in
            connection.answer(isReady.load(ordering: .acquiring) ? 200 : 503)
        }
        defer { server.stop() }
        let load = Load()
        var deleted: Int64 = 0
        var webhook = ""
        // In a function of its own, so that each engine is gone before the next one opens.
        func live(isFirst: Bool) throws {
            let engine = try directory.open(#""lanes":2"#)
            if isFirst { webhook = try engine.addWebhook(server.url) }
            load.run(engine, server.url, milliseconds: 1_200)
            if case .integer(let count)? = try engine.stats()["journal"]?["segmentsDeleted"] { deleted += count }
        }
        // Without a file that went, nothing was moved, and this test proves little: a slow machine gets more lives.
        var lives = 0
        while lives < 5 || deleted == 0 && lives < 40 {
            try live(isFirst: lives == 0)
            lives += 1
        }
        #expect(deleted > 0)
        isReady.store(true, ordering: .releasing)
        let engine = try directory.open(#""lanes":2"#)
        #expect(try engine.json(engine.webhook, webhook)["id"]?.stringValue == webhook)
        let reader = DispatchGroup()
        reader.enter()
        Thread {
            load.readOutcomes(of: engine)
            reader.leave()
        }.start()
        try engine.flush(timeoutMilliseconds: patience)
        try engine.close(timeoutMilliseconds: patience)
        reader.wait()
        for outcome in try engine.pollOutcomes(maximum: 1_000_000) where outcome.kind == .event {
            load.told.withLock { _ = $0.insert(outcome.tag) }
        }
        let accepted = load.accepted.withLock { $0 }
        let missing = accepted.subtracting(load.told.withLock { $0 })
        #expect(accepted.count > 500)
        #expect(missing.isEmpty, "\(missing.sorted().prefix(10)) of \(accepted.count)")
    }
}

extension Engine {
    fileprivate func checkOpen() throws(MartletError) {
        try state.checkOpen()
    }
}
