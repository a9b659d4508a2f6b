import Foundation
import Model
import Testing

@testable import Transport

/// A completion whose bytes were copied.
struct Ended: Sendable {
    var token: UInt64
    var result: AttemptResult
    var snippet: String
    var errorText: String
    var curlCode: Int32
    var address: String?

    var milliseconds: Int64 { result.durationMicroseconds / 1000 }
}

/// Drives a transport as a lane would, on the test's own thread.
final class TestLane {
    let transport: Transport
    private var bodies: [UnsafeMutableRawBufferPointer] = []
    private(set) var ended: [Ended] = []

    init(maximumInFlight: Int = 8, _ change: (inout TransportOptions) -> Void = { _ in }) throws {
        _ = TestLane.ignoresPipes
        var options = TransportOptions(maximumInFlight: maximumInFlight, userAgent: "Martlet-Test/1")
        change(&options)
        transport = try Transport(options)
    }

    private static let ignoresPipes: Bool = {
        signal(SIGPIPE, SIG_IGN)
        return true
    }()

    func endpoint(_ url: String, _ change: (inout EndpointOptions) -> Void = { _ in }) throws -> Endpoint {
        var options = EndpointOptions(url: url)
        change(&options)
        return try transport.makeEndpoint(options)
    }

    /// Begins and submits an attempt.
    @discardableResult
    func start(
        _ endpoint: Endpoint,
        token: UInt64 = 1,
        body: String = #"{"hello":"world"}"#,
        headers: [(StaticString, String)] = [],
        lines: String = "",
        timeout: Int64 = 10_000,
        connectTimeout: Int64 = 0
    ) throws -> AttemptSlot {
        let slot = try #require(transport.begin(endpoint: endpoint, token: token))
        for (name, value) in headers {
            let line = "\(name)\(value)"
            transport.addOwnHeaders(slot, capacity: line.utf8.count) { room in
                room.copyBytes(from: line.utf8)
                return line.utf8.count
            }
        }
        if !lines.isEmpty { Array(lines.utf8).withUnsafeBytes { transport.addHeaderLines(slot, $0) } }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: body.utf8.count, alignment: 1)
        bytes.copyBytes(from: body.utf8)
        bodies.append(bytes)
        transport.submit(
            slot,
            body: UnsafeRawBufferPointer(bytes),
            timeoutMilliseconds: timeout,
            connectTimeoutMilliseconds: connectTimeout
        )
        return slot
    }

    /// Collects what has ended.
    func drain() {
        while let completion = transport.nextCompletion() {
            ended.append(
                Ended(
                    token: completion.token,
                    result: completion.result,
                    snippet: String(decoding: completion.snippet, as: UTF8.self),
                    errorText: String(decoding: completion.errorText, as: UTF8.self),
                    curlCode: completion.curlCode,
                    address: transport.lastPrimaryAddress().map { String(decoding: $0, as: UTF8.self) }
                )
            )
        }
    }

    /// Turns the loop until `done`, for half a minute at most.
    func run(until done: () -> Bool) {
        let limit = Clock.monotonic().advanced(milliseconds: 30_000)
        while !done(), Clock.monotonic() < limit {
            // Short turns, for `done` may look at what another thread does.
            transport.poll(until: Clock.monotonic().advanced(milliseconds: 20))
            drain()
        }
    }

    /// Performs one attempt to its end.
    func attempt(
        _ endpoint: Endpoint,
        body: String = #"{"hello":"world"}"#,
        timeout: Int64 = 10_000,
        connectTimeout: Int64 = 0
    ) throws -> Ended {
        let before = ended.count
        try start(endpoint, body: body, timeout: timeout, connectTimeout: connectTimeout)
        run { ended.count > before }
        #expect(transport.inFlight == 0)
        return try #require(ended.last)
    }

    /// Performs one attempt to `url`.
    func attempt(_ url: String, timeout: Int64 = 10_000, connectTimeout: Int64 = 0) throws -> Ended {
        try attempt(endpoint(url), timeout: timeout, connectTimeout: connectTimeout)
    }

    func close() {
        transport.close()
        for body in bodies { body.deallocate() }
        bodies = []
    }
}
