import JSONText
import Model
import TestSupport
import Testing

@testable import Martlet

extension Engine {
    func cancel(_ id: String) throws {
        try id.withUTF8Bytes { id throws(MartletError) in try cancel(id) }
    }

    func cancelAll(_ query: String = "") throws -> Int {
        try query.withUTF8Bytes { query throws(MartletError) in try cancelDeliveries(query) }
    }
}

@Suite("Cancel and queries")
struct CancelTests {
    @Test("What waits is canceled at once, what is in flight when its attempt fails; a success stays one")
    func cancel() throws {
        for status in [500, 200] {
            let gate = Gate()
            let server = TestServer.serve { connection, _ in
                gate.wait()
                return connection.answer(status)
            }
            defer { server.stop() }
            let engine = try openEngine(#""maxInFlightPerWebhook":1"#)
            try engine.addWebhook(server.url)
            for tag in UInt64(1)...3 { try engine.push(type: "call.placed", data: "{}", tag: tag) }
            // Asked right after the push.
            let ids = try engine.deliveries(#"{"state":"undelivered"}"#).compactMap { $0["id"]?.stringValue }
            #expect(ids.count == 3)
            let waiting = try #require(ids.first)
            try engine.cancel(waiting)
            let outcomes = try engine.waitForOutcomes(2)
            #expect(outcomes.allSatisfy { $0.tag == 3 && $0.state == .canceled })
            #expect(try engine.json(engine.delivery, waiting)["state"] == .string("canceled"))
            #expect(failure { try engine.cancel(waiting) }?.code == .wrongState)
            let flying = try #require(ids.last)
            while try engine.deliveries(#"{"state":"inFlight"}"#).isEmpty {}
            try engine.cancel(flying)
            try engine.cancel(flying)
            #expect(try engine.cancelAll() == 1)
            gate.open()
            let rest = try engine.waitForOutcomes(4).filter { $0.kind == .delivery }
            #expect(rest.first { $0.tag == 2 }?.state == .canceled)
            #expect(rest.first { $0.tag == 1 }?.state == (status == 200 ? .succeeded : .canceled))
            #expect(failure { try engine.cancel("dlv_00000000000000000000000000") }?.code == .notFound)
            try engine.close(timeoutMilliseconds: patience)
            #expect(failure { try engine.cancel(flying) }?.code == .closed)
        }
    }

    @Test("Canceling by query takes what matches and counts it")
    func byQuery() throws {
        let gate = Gate()
        let server = TestServer.serve { connection, _ in
            gate.wait()
            return connection.answer()
        }
        defer { server.stop() }
        let engine = try openEngine(#""lanes":3,"maxInFlightPerWebhook":1"#)
        let first = try engine.addWebhook(server.url)
        let second = try engine.addWebhook(server.url)
        for _ in 0..<4 { try engine.push(type: "call.placed", data: "{}") }
        while server.seen.count < 2 {}
        // A disabled webhook keeps what is pending, until it is canceled.
        try engine.set(second, enabled: false)
        #expect(try engine.cancelAll(#"{"eventType":"call.errored"}"#) == 0)
        #expect(try engine.cancelAll(#"{"webhookId":"\#(first)","state":"pending"}"#) == 3)
        #expect(try engine.cancelAll(#"{"webhookId":"\#(first)"}"#) == 1)
        #expect(try engine.cancelAll() == 4)
        gate.open()
        let outcomes = try engine.waitForOutcomes(12).filter { $0.kind == .delivery }
        #expect(outcomes.filter { $0.state == .canceled }.count == 6)
        #expect(outcomes.filter { $0.state == .succeeded }.count == 2)
        #expect(server.seen.count == 2)
        #expect(failure { _ = try engine.cancelAll(#"{"state":"failed"}"#) }?.code == .invalidDocument)
    }

    @Test("Queries by time take what was made from one time on and before another")
    func byTime() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let engine = try openEngine()
        try engine.addWebhook(server.url)
        try engine.push(type: "call.placed", data: "{}")
        _ = try engine.waitForOutcomes(2)
        let created = try #require(engine.deliveries().first?["createdAt"]?.stringValue)
        let time = try #require(Timestamp.parse(created))
        let next = Timestamp.text(WallTime(milliseconds: time.milliseconds + 1))
        #expect(try engine.deliveries(#"{"createdAfter":"\#(created)"}"#).count == 1)
        #expect(try engine.deliveries(#"{"createdAfter":"\#(next)"}"#).isEmpty)
        #expect(try engine.deliveries(#"{"createdBefore":"\#(created)"}"#).isEmpty)
        #expect(try engine.deliveries(#"{"createdAfter":"\#(created)","createdBefore":"\#(next)"}"#).count == 1)
        #expect(failure { _ = try engine.deliveries(#"{"createdAfter":"yesterday"}"#) }?.code == .invalidDocument)
    }
}
