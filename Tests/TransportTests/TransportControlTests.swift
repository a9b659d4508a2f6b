import Foundation
import Model
import TestSupport
import Testing

@testable import Transport

@Suite struct TransportControlTests {
    @Test func wakeEndsASleepFromAnotherThread() throws {
        let lane = try TestLane()
        defer { lane.close() }
        let waker = lane.transport.waker
        for _ in 0..<3 {
            let thread = Thread { waker.wake() }
            thread.start()
            // Without the wake this would sleep for ever.
            lane.transport.poll(until: .distantFuture)
        }
        // One that came before the sleep counts too.
        lane.transport.wake()
        lane.transport.poll(until: .distantFuture)
    }

    @Test func aTurnEndsAtItsDeadline() throws {
        let lane = try TestLane()
        defer { lane.close() }
        let deadline = Clock.monotonic().advanced(milliseconds: 30)
        while Clock.monotonic() < deadline { lane.transport.poll(until: deadline) }
        lane.transport.poll(until: Instant(nanoseconds: 0))
        #expect(lane.transport.nextCompletion() == nil)
    }

    @Test func aWakerOutlivesItsTransport() throws {
        let lane = try TestLane()
        let waker = lane.transport.waker
        lane.close()
        waker.wake()
        lane.transport.wake()
        lane.transport.poll(until: .distantFuture)
    }

    @Test func noMoreAttemptsBeginThanMayBeInFlight() throws {
        let server = TestServer { connection, _ in connection.waitForEnd() }
        defer { server.stop() }
        let lane = try TestLane(maximumInFlight: 2)
        defer { lane.close() }
        let endpoint = try lane.endpoint(server.url)
        let first = try lane.start(endpoint)
        try lane.start(endpoint)
        #expect(lane.transport.begin(endpoint: endpoint, token: 3) == nil)
        lane.transport.cancel(first)
        #expect(lane.transport.inFlight == 1)
        #expect(lane.transport.begin(endpoint: endpoint, token: 3) != nil)
    }

    @Test func aCanceledAttemptGivesNoCompletion() throws {
        let silent = TestServer { connection, _ in connection.waitForEnd() }
        let good = TestServer.serve { connection, _ in connection.answer() }
        defer {
            silent.stop()
            good.stop()
        }
        let lane = try TestLane()
        defer { lane.close() }
        let silentEndpoint = try lane.endpoint(silent.url)
        let running = try lane.start(silentEndpoint, token: 1)
        let building = try #require(lane.transport.begin(endpoint: silentEndpoint, token: 2))
        lane.run { silent.accepted == 1 }
        lane.transport.cancel(running)
        lane.transport.cancel(building)
        // Both are over, whatever is done with their names.
        lane.transport.cancel(running)
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        lane.transport.submit(building, body: nothing, timeoutMilliseconds: 1, connectTimeoutMilliseconds: 1)
        #expect(lane.transport.inFlight == 0)
        let ended = try lane.attempt(good.url)
        #expect(ended.result.status == 200)
        #expect(lane.ended.count == 1)
    }

    @Test func aCanceledAttemptWhoseEndWaitsToBeHandedOutGivesNone() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let lane = try TestLane()
        defer { lane.close() }
        let endpoint = try lane.endpoint(server.url)
        let slot = try lane.start(endpoint)
        while server.seen.isEmpty || !lane.transport.mayHoldCompletions {
            lane.transport.poll(until: Clock.monotonic().advanced(milliseconds: 10))
        }
        lane.transport.cancel(slot)
        #expect(lane.transport.nextCompletion() == nil)
        #expect(lane.transport.inFlight == 0)
        #expect(try lane.attempt(endpoint).result.status == 200)
    }

    @Test func closeWithAttemptsInFlightFreesThemSilently() throws {
        let silent = TestServer { connection, _ in connection.waitForEnd() }
        defer { silent.stop() }
        let lane = try TestLane(maximumInFlight: 20)
        weak var weakEndpoint: Endpoint?
        do {
            let endpoint = try lane.endpoint(silent.url)
            weakEndpoint = endpoint
            for token in 0..<10 { try lane.start(endpoint, token: UInt64(token)) }
            _ = lane.transport.begin(endpoint: endpoint, token: 11)
        }
        #expect(weakEndpoint != nil)
        lane.run { silent.accepted == 10 }
        lane.close()
        #expect(weakEndpoint == nil)
        #expect(lane.transport.inFlight == 0)
        #expect(lane.transport.nextCompletion() == nil)
        lane.close()
        let other = try TestLane()
        defer { other.close() }
        let endpoint = try other.endpoint(silent.url)
        #expect(lane.transport.begin(endpoint: endpoint, token: 1) == nil)
    }

    @Test(arguments: ["ftp://127.0.0.1/", "file:///etc/passwd", "nonsense", "http://user:secret@127.0.0.1/", "http://"])
    func addressesThatAreNoPlainHTTPAreNotDialled(url: String) throws {
        let lane = try TestLane()
        defer { lane.close() }
        let ended = try lane.attempt(url)
        #expect(ended.result.errorClass == .local || ended.result.errorClass == .dns)
        #expect(ended.result.status == 0)
        #expect(!ended.errorText.isEmpty)
    }

    @Test func twoThousandAttemptsInFlightAtOnce() throws {
        let count = 2000
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_cur < 6000 {
            limit.rlim_cur = min(limit.rlim_max, 20_000)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        try #require(limit.rlim_cur >= 6000, "needs 6,000 file descriptors")
        let (listener, port) = TestServer.listen(backlog: 4096)
        // Accepts all of them before it answers the first, so that all are in flight together.
        let thread = Thread {
            var connections: [ServerConnection] = []
            while connections.count < count {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { break }
                connections.append(ServerConnection(descriptor: descriptor))
            }
            for connection in connections {
                if connection.readRequest() != nil { connection.answer() }
                close(connection.descriptor)
            }
            close(listener)
        }
        thread.start()
        let lane = try TestLane(maximumInFlight: count)
        defer { lane.close() }
        let endpoint = try lane.endpoint("http://127.0.0.1:\(port)/")
        for token in 0..<count { try lane.start(endpoint, token: UInt64(token), timeout: 60_000) }
        #expect(lane.transport.inFlight == count)
        lane.run { lane.ended.count == count }
        #expect(Set(lane.ended.map(\.token)).count == count)
        #expect(lane.ended.allSatisfy { $0.result.status == 200 })
        shutdown(listener, Int32(SHUT_RDWR))
    }

    @Test func namesAreLookedAtOnceASecondAtTheMost() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let lane = try TestLane(maximumInFlight: 1)
        defer { lane.close() }
        let endpoint = try lane.endpoint(server.url)
        #expect(!lane.transport.multis[0].knowsYoungNames(at: Clock.monotonic()))
        #expect(try lane.attempt(lane.endpoint("http://127.0.0.1:1/")).result.errorClass == .connect)
        #expect(!lane.transport.multis[0].knowsYoungNames(at: Clock.monotonic()))

        let before = Clock.monotonic()
        #expect(try lane.attempt(endpoint).result.errorClass == .none)
        let first = lane.transport.multis[0].namesCheckedAt
        #expect(first >= before && first <= Clock.monotonic())
        #expect(lane.transport.multis[0].knowsYoungNames(at: first.advanced(milliseconds: 999)))
        #expect(!lane.transport.multis[0].knowsYoungNames(at: first.advanced(milliseconds: 1000)))
    }

    @Test func receiversKeepTheirMultiHandle() throws {
        let server = TestServer { connection, number in
            while connection.readRequest() != nil {
                guard connection.answer(200, body: "\(number)") else { return }
            }
        }
        defer { server.stop() }
        let lane = try TestLane(maximumInFlight: 2000)
        defer { lane.close() }
        #expect(lane.transport.multis.count == 16)
        // Other paths of the same receiver find its connection.
        for path in 0..<20 { #expect(try lane.attempt(lane.endpoint(server.url + "\(path)")).snippet == "0") }
    }
}
