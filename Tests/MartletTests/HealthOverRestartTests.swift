import Foundation
import JSONText
import Journal
import Model
import Records
import TestSupport
import Testing

@testable import Martlet

@Suite("Health of a webhook over a restart")
struct HealthOverRestartTests {
    private static let minute: Int64 = 60_000

    @Test(
        "Failures that began before the restart count for disableAfterSeconds",
        arguments: [(agoMinutes: 120 as Int64, isDisabled: true), (agoMinutes: 30, isDisabled: false)]
    )
    func failing(agoMinutes: Int64, isDisabled: Bool) throws {
        let path = NSTemporaryDirectory() + "martlet-health-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let server = TestServer.serve { connection, _ in connection.answer(503) }
        defer { server.stop() }
        let configuration = #""dataDirectory":"\#(path)","breaker":{"failures":0}"#
        func register() throws -> String {
            let engine = try openEngine(configuration)
            defer { _ = failure { try engine.close(timeoutMilliseconds: patience) } }
            return try engine.addWebhook(server.url, #""disableAfterSeconds":3600"#)
        }
        let id = try #require(Identifier(try register(), kind: .webhook))
        let since = WallTime(milliseconds: Clock.wall().milliseconds - agoMinutes * Self.minute)
        try write(HealthRecord(webhook: id, failingSince: since, pausedUntil: nil), to: path)

        let engine = try openEngine(configuration, delays: "[0.01]")
        try engine.push(type: "call.placed", data: "{}", tag: 1)
        // The notice, or what becomes of the delivery and its event.
        let outcomes = try engine.waitForOutcomes(isDisabled ? 1 : 2)
        let notices = outcomes.filter { $0.kind == .webhookDisabled }
        #expect(notices.count == (isDisabled ? 1 : 0))
        if let notice = notices.first {
            // Two clocks are read one after the other.
            #expect(abs(notice.failingSinceMilliseconds - since.milliseconds) < Self.minute)
        }
        // A webhook that was disabled keeps what is pending.
        _ = failure { try engine.close(timeoutMilliseconds: 0) }
    }

    /// What an engine writes after a minute of failures.
    private func write(_ record: HealthRecord, to path: String) throws {
        let journal = try open(path)
        defer { journal.close() }
        var bytes = [UInt8](repeating: 0, count: HealthRecord.encodedLength)
        try bytes.withUnsafeMutableBytes { buffer in
            var sink = ByteSink(buffer)
            record.put(into: &sink)
            _ = try journal.append(kind: RecordKind.health.rawValue, sink.bytes)
        }
    }

    private func open(_ path: String) throws -> Journal {
        while true {
            do throws(JournalError) {
                return try Journal.open(path)
            } catch {
                guard case .locked = error else { throw error }
                // A thread that ends still holds the engine before.
                usleep(1_000)
            }
        }
    }

    @Test("Times of the wall clock become times of this process and back")
    func clocks() {
        let (now, wall) = (Instant(nanoseconds: 5_000_000_000_000), WallTime(milliseconds: 1_767_225_600_000))
        let id = Identifier(high: 1, low: 2)
        let record = HealthRecord(
            webhook: id,
            failingSince: WallTime(milliseconds: wall.milliseconds - 90_000),
            pausedUntil: Progress.Due(at: WallTime(milliseconds: wall.milliseconds + 4_000), waitMilliseconds: 9_000)
        )
        let health = WebhookHealth(record, at: now, wall: wall)
        #expect(health.failingSince == now.advanced(milliseconds: -90_000))
        #expect(health.pausedUntil == now.advanced(milliseconds: 4_000))
        let again = health.record(of: id, at: now, wall: wall)
        #expect(again.failingSince == record.failingSince && again.pausedUntil?.at == record.pausedUntil?.at)
        // A clock that was set back makes nothing last longer.
        let earlier = WallTime(milliseconds: wall.milliseconds - 3_600_000)
        let back = WebhookHealth(record, at: now, wall: earlier)
        #expect(back.failingSince == now && back.pausedUntil == now.advanced(milliseconds: 9_000))
    }
}
