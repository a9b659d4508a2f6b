import Foundation
import Model
import TestSupport
import Testing

@testable import Transport

@Suite struct TransportRequestTests {
    @Test func sendsExactlyTheRequestItWasGiven() throws {
        let server = TestServer.serve { connection, _ in connection.answer(201, body: #"{"got":1}"#) }
        defer { server.stop() }
        let lane = try TestLane()
        defer { lane.close() }
        let endpoint = try lane.endpoint("http://127.0.0.1:\(server.port)/hooks/a?b=c") {
            $0.headers = [("X-Own", "one two"), ("X-Empty", "")]
        }
        try lane.start(
            endpoint,
            token: 77,
            body: #"{"a":"é"}"#,
            headers: [("webhook-id: ", "evt_1"), ("webhook-timestamp: ", "17"), ("webhook-signature: ", "v1,abc=")],
            lines: "traceparent: 00-1-2-03\r\nx-blank:\r\n"
        )
        lane.run { lane.ended.count == 1 }

        let ended = try #require(lane.ended.first)
        #expect(ended.token == 77)
        #expect(ended.result.status == 201)
        #expect(ended.result.errorClass == .none)
        #expect(ended.result.durationMicroseconds > 0)
        #expect(ended.result.retryAfter == .absent)
        #expect(!ended.result.asksToDisable)
        #expect(ended.snippet == #"{"got":1}"#)
        #expect(ended.errorText.isEmpty)
        #expect(ended.curlCode == 0)
        #expect(ended.address == "127.0.0.1")

        let request = try #require(server.seen.first)
        #expect(request.requestLine == "POST /hooks/a?b=c HTTP/1.1")
        // Their order is libcurl's affair, and differs between its releases.
        #expect(
            request.headers.sorted() == [
                "Accept: */*", "Content-Length: 10", "Content-Type: application/json",
                "Host: 127.0.0.1:\(server.port)", "Sent-Over: HTTP/1.1", "User-Agent: Martlet-Test/1", "X-Empty:",
                "X-Own: one two", "traceparent: 00-1-2-03", "webhook-id: evt_1", "webhook-signature: v1,abc=",
                "webhook-timestamp: 17",
                "x-blank:",
            ]
        )
        #expect(request.body == Array(#"{"a":"é"}"#.utf8))
    }

    @Test func ownHeadersStandInEveryRequestOnce() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let lane = try TestLane()
        defer { lane.close() }
        let body = Array("{}".utf8)
        for number in 1...3 {
            let endpoint = try lane.endpoint(server.url) { $0.contentType = number == 2 ? nil : "text/plain" }
            let slot = try #require(lane.transport.begin(endpoint: endpoint, token: 1))
            for lines in ["webhook-id: evt_\(number)", "webhook-timestamp: 17\r\nwebhook-signature: v1,abc="] {
                lane.transport.addOwnHeaders(slot, capacity: 100) { room in
                    room.copyBytes(from: lines.utf8)
                    return lines.utf8.count
                }
            }
            body.withUnsafeBytes { body in
                lane.transport.submit(slot, body: body, timeoutMilliseconds: 5000, connectTimeoutMilliseconds: 0)
                lane.run { lane.ended.count == number }
            }
        }
        #expect(lane.ended.allSatisfy { $0.result.status == 200 })
        for (index, request) in server.seen.enumerated() {
            // Without a content type of its own a request has the one that libcurl gives to forms.
            let type = index == 1 ? "application/x-www-form-urlencoded" : "text/plain"
            #expect(
                request.headers.sorted() == [
                    "Accept: */*", "Content-Length: 2", "Content-Type: \(type)", "Host: 127.0.0.1:\(server.port)",
                    "Sent-Over: HTTP/1.1", "User-Agent: Martlet-Test/1", "webhook-id: evt_\(index + 1)",
                    "webhook-signature: v1,abc=",
                    "webhook-timestamp: 17",
                ]
            )
        }
        #expect(server.seen.count == 3)
    }

    @Test(arguments: [
        ("http://hooks.example/a", "hooks.example"), ("https://hooks.example/a", "hooks.example"),
        ("https://hooks.example:443/a", "hooks.example"), ("https://hooks.example:80/a", "hooks.example:80"),
        ("http://hooks.example:8080/a?b#c", "hooks.example:8080"), ("http://127.0.0.1:80", "127.0.0.1"),
        // What libcurl would write in another form is left to it.
        ("http://[::1]:8080/a", nil), ("http://hooks.example./a", nil), ("http://Hooks.Example/a", nil),
        ("nonsense:", nil),
    ])
    func bringsTheHostAlongAsLibcurlWouldWriteIt(url: String, host: String?) throws {
        let options = EndpointOptions(url: url)
        let endpoint = try Endpoint(options, userAgent: "agent", isForwarded: false, serial: 1)
        let lines = String(decoding: endpoint.head, as: UTF8.self).components(separatedBy: "\r\n")
        #expect(lines.filter { $0.hasPrefix("Host") } == (host.map { ["Host: \($0)"] } ?? []))
    }

    /// The lines are those that libcurl writes when it is given the URL alone; the letters after a `%` are capitals in later
    /// releases.
    @Test(arguments: [
        ("", "/"), ("/", "/"), ("?", "/?"), ("?q", "/?q"), ("/a?", "/a?"), ("/a?b=c#d", "/a?b=c"), ("/a#", "/a"),
        ("/a/../b", "/b"), ("/a/./b/", "/a/b/"), ("/a%2fb?x=%20", "/a%2fb?x=%20"), ("/a//b", "/a//b"),
        ("/ä?ä", "/%c3%a4?ä"), ("/a?b?c", "/a?b?c"), ("/a;p=1?x=y", "/a;p=1?x=y"), ("/.", "/"), ("/a/..?x", "/?x"),
        ("/a|b?c|d", "/a|b?c|d"), ("/a\"b", "/a\"b"),
    ])
    func asksForTheTargetAsLibcurlWouldWriteIt(rest: String, target: String) throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let lane = try TestLane()
        defer { lane.close() }
        _ = try lane.attempt("http://127.0.0.1:\(server.port)\(rest)")
        let lines = server.seen.map { request in
            request.requestLine.replacing(/%../) { $0.output.lowercased() }
        }
        #expect(lines == ["POST \(target) HTTP/1.1"])
    }

    /// What kinds of answers are welcome is said once: by the event, else by the webhook, else for both.
    @Test func acceptIsSentOnce() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let lane = try TestLane()
        defer { lane.close() }
        let own = try lane.endpoint(server.url) { $0.headers = [("aCCept", "text/own")] }
        let plain = try lane.endpoint(server.url)
        for (endpoint, lines) in [(own, ""), (plain, "ACCEPT: text/event\naccepted: no"), (plain, "accepted: no")] {
            let before = lane.ended.count
            try lane.start(endpoint, lines: lines)
            lane.run { lane.ended.count > before }
        }
        let accepts = server.seen.map { $0.headers.filter { $0.lowercased().hasPrefix("accept:") } }
        #expect(accepts == [["aCCept: text/own"], ["ACCEPT: text/event"], ["Accept: */*"]])
    }

    /// A handle that sent a small body asks for no 100 answer with a large one, and the other way round.
    @Test func bodiesOfAllSizesInTurnAskForNoAnswerBetween() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let lane = try TestLane(maximumInFlight: 1)
        defer { lane.close() }
        let endpoint = try lane.endpoint(server.url)
        let sizes = [10, 2_000_000, 2_000_000, 10, 2_000_000]
        for size in sizes {
            #expect(try lane.attempt(endpoint, body: String(repeating: "x", count: size)).result.status == 200)
        }
        #expect(server.seen.map(\.body.count) == sizes)
        #expect(server.seen.allSatisfy { $0.value("expect") == nil })
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func thereIsOneHostHeader(host: String) throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let lane = try TestLane()
        defer { lane.close() }
        _ = try lane.attempt(lane.endpoint("http://\(host):\(server.port)/"))
        let request = try #require(server.seen.first)
        #expect(request.headers.filter { $0.lowercased().hasPrefix("host:") } == ["Host: \(host):\(server.port)"])
    }

    @Test(arguments: [0, 1, 70_000, 2_000_000])
    func sendsBodiesOfAnySize(size: Int) throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let lane = try TestLane()
        defer { lane.close() }
        let body = String(repeating: "x", count: size)
        let ended = try lane.attempt(lane.endpoint(server.url), body: body)
        #expect(ended.result.errorClass == .none)
        #expect(server.seen.first?.body == Array(body.utf8))
        #expect(server.seen.first?.value("content-length") == String(size))
        #expect(server.seen.first?.value("expect") == nil)
    }

    @Test func manyHeaderLinesOutgrowTheSlotsMemoryAndArriveWhole() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let lane = try TestLane()
        defer { lane.close() }
        let lines = (0..<100).map { "x-line-\($0): \(String(repeating: "v", count: $0))" }
        let text = lines.joined(separator: "\n")
        try lane.start(lane.endpoint(server.url), headers: [("webhook-id: ", "evt_9")], lines: text)
        lane.run { lane.ended.count == 1 }
        let headers = try #require(server.seen.first?.headers)
        #expect(headers.contains("webhook-id: evt_9"))
        let expected = lines.map { $0.hasSuffix(": ") ? String($0.dropLast()) : $0 }
        #expect(headers.filter { $0.hasPrefix("x-line-") } == expected)
    }

    @Test func sequentialAttemptsShareOneConnectionAndAlmostNoSystemCalls() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let lane = try TestLane()
        defer { lane.close() }
        let endpoint = try lane.endpoint(server.url)
        for _ in 0..<200 {
            #expect(try lane.attempt(endpoint).result.errorClass == .none)
        }
        #expect(server.accepted == 1)
        #expect(server.seen.count == 200)
        // Some for the one connection's start, none per attempt.
        #expect(lane.transport.controlCalls < 20)
    }

    @Test func aSlotServesOneReceiverAfterTheOther() throws {
        let first = TestServer.serve { connection, _ in connection.answer(body: "first") }
        let second = TestServer.serve { connection, _ in connection.answer(body: "second") }
        defer {
            first.stop()
            second.stop()
        }
        let lane = try TestLane(maximumInFlight: 1)
        defer { lane.close() }
        for _ in 0..<3 {
            // Endpoints that die between attempts, too.
            #expect(try lane.attempt(lane.endpoint(first.url) { $0.headers = [("X-A", "1")] }).snippet == "first")
            #expect(try lane.attempt(lane.endpoint(second.url)).snippet == "second")
        }
        #expect(first.seen.allSatisfy { $0.value("x-a") == "1" })
        #expect(second.seen.allSatisfy { $0.value("x-a") == nil })
        #expect(first.accepted == 1)
    }

    @Test func manyAttemptsRunAtOnceAndEachEndsOnce() throws {
        let server = TestServer.serve { connection, request in
            connection.answer(body: String(decoding: request.body, as: UTF8.self))
        }
        defer { server.stop() }
        let lane = try TestLane(maximumInFlight: 64)
        defer { lane.close() }
        let endpoint = try lane.endpoint(server.url)
        var begun: UInt64 = 0
        while lane.ended.count < 2000 {
            while begun < 2000, lane.transport.inFlight < 64 {
                try lane.start(endpoint, token: begun, body: "body \(begun)")
                begun += 1
            }
            let before = lane.ended.count
            lane.run { lane.ended.count > before }
            try #require(lane.ended.count > before)
        }
        #expect(Set(lane.ended.map(\.token)).count == 2000)
        #expect(lane.ended.allSatisfy { $0.result.status == 200 && $0.snippet == "body \($0.token)" })
        #expect(server.accepted <= 64)
        #expect(lane.transport.inFlight == 0)
    }

    @Test func redirectsAreAnswersNotOrders() throws {
        let trap = TestServer.serve { connection, _ in connection.answer() }
        let trapURL = trap.url
        let server = TestServer.serve { connection, _ in connection.answer(302, headers: ["Location: \(trapURL)"]) }
        defer {
            server.stop()
            trap.stop()
        }
        let lane = try TestLane()
        defer { lane.close() }
        let ended = try lane.attempt(server.url)
        #expect(ended.result.status == 302)
        #expect(ended.result.errorClass == .httpStatus)
        #expect(trap.accepted == 0)
    }

    @Test func theAnswersWishesAreRead() throws {
        let server = TestServer.serve { connection, _ in
            connection.answer(429, headers: ["retry-after:  120 ", "Webhook-Delivery: Disable"])
        }
        defer { server.stop() }
        let lane = try TestLane()
        defer { lane.close() }
        let ended = try lane.attempt(server.url)
        #expect(ended.result.status == 429)
        #expect(ended.result.retryAfter == .delay(seconds: 120))
        #expect(ended.result.asksToDisable)
    }

    @Test(arguments: [0, 10, 65_536])
    func keepsAsMuchOfTheBodyAsAsked(limit: Int) throws {
        let server = TestServer.serve { connection, _ in connection.answer(body: String(repeating: "ab", count: 6000)) }
        defer { server.stop() }
        let lane = try TestLane { $0.snippetBytes = limit }
        defer { lane.close() }
        let ended = try lane.attempt(server.url)
        #expect(ended.snippet == String(String(repeating: "ab", count: 6000).prefix(limit)))
        // The rest was read all the same, so that the connection stays usable.
        _ = try lane.attempt(server.url)
        #expect(server.accepted == 1)
    }

    @Test func proxiesOfTheEnvironmentAreIgnored() throws {
        let proxy = TestServer.serve { connection, _ in connection.answer(502) }
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer {
            proxy.stop()
            server.stop()
        }
        for name in ["http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] { setenv(name, proxy.url, 1) }
        defer { for name in ["http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] { unsetenv(name) } }
        let lane = try TestLane()
        defer { lane.close() }
        #expect(try lane.attempt(server.url).result.status == 200)
        #expect(proxy.accepted == 0)
    }

    @Test func aConfiguredProxyIsUsed() throws {
        let proxy = TestServer.serve { connection, _ in connection.answer(203) }
        defer { proxy.stop() }
        let proxyURL = proxy.url
        let lane = try TestLane { $0.proxy = proxyURL }
        defer { lane.close() }
        #expect(try lane.attempt("http://receiver.invalid/path").result.status == 203)
        #expect(try lane.attempt("http://receiver.invalid:80/a/../b?c#d").result.status == 203)
        #expect(
            proxy.seen.map(\.requestLine) == [
                "POST http://receiver.invalid/path HTTP/1.1", "POST http://receiver.invalid/b?c HTTP/1.1",
            ]
        )
        #expect(proxy.seen.allSatisfy { $0.value("host") == "receiver.invalid" })
    }

    @Test func textsThatWouldSplitARequestAreRefused() throws {
        let lane = try TestLane()
        defer { lane.close() }
        #expect(throws: TransportError.self) { try lane.endpoint("http://a/\0") }
        #expect(throws: TransportError.self) { try lane.endpoint("http://a/") { $0.headers = [("x", "a\r\nb: c")] } }
        #expect(throws: TransportError.self) { try TestLane { $0.userAgent = "a\nb" } }
    }
}
