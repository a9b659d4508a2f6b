import JSONText
import TestSupport
import Testing

@testable import Martlet

@Suite("Pages of deliveries")
struct DeliveryPagesTests {
    // 164 is where a page of 50 has just been cut to size and no delivery follows: that there are more must not be lost.
    @Test(
        "Pages of many deliveries, settled and not, hold each once, the newest first, and all of them",
        arguments: [1, 7, 50, 300],
        [164, 300]
    )
    func pages(limit: Int, count: Int) throws {
        let server = TestServer.serve { connection, request in
            connection.answer(request.requestLine.contains("/good") ? 200 : 503)
        }
        defer { server.stop() }
        let engine = try openEngine(#""lanes":1"#, delays: "[600]")
        try engine.addWebhook(server.url + "/good", #""timeoutMs":\#(patience)"#)
        try engine.addWebhook(server.url + "/bad", #""timeoutMs":\#(patience)"#)
        for _ in 0..<count { try engine.push(type: "call.placed", data: "{}") }
        _ = try engine.waitForOutcomes(count)
        for (state, total) in [("any", 2 * count), ("succeeded", count), ("undelivered", count), ("failed", 0)] {
            var ids: [String] = []
            var cursor = ""
            while true {
                let page = try engine.json(engine.deliveries, #"{"state":"\#(state)","limit":\#(limit)\#(cursor)}"#)
                ids += try #require(page["deliveries"]?.arrayValue).compactMap { $0["id"]?.stringValue }
                guard let next = page["cursor"]?.stringValue else { break }
                cursor = #","cursor":"\#(next)""#
            }
            #expect(ids.count == total && Set(ids).count == total, "\(state): \(ids.count) of \(total)")
            #expect(ids == ids.sorted(by: >), "\(state)")
        }
    }
}
