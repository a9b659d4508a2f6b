import Foundation
import Model
import TestSupport
import Testing

@testable import Transport

/// A process that runs out of file descriptors, in a child: the limit is the whole process's.
@Suite struct ShortageTests {
    static let mark = "MARTLET_TEST_SHORTAGE"

    /// With the larger number the transport has several multi handles, and connections of one make room in others.
    @Test(arguments: [100, 1000])
    func behaviourWithoutDescriptors(maximumInFlight: Int) throws {
        let output = try Child.runTests("UnderShortageTests", [ShortageTests.mark: String(maximumInFlight)])
        #expect(output.contains("1 test in 1 suite passed"), "\(output)")
    }
}

private let maximumInFlight = ProcessInfo.processInfo.environment[ShortageTests.mark].flatMap { Int($0) }

@Suite(.enabled(if: maximumInFlight != nil, "run by ShortageTests")) struct UnderShortageTests {
    @Test func shortagesAreOursAndIdleConnectionsMakeRoom() throws {
        // No answer before the shortage was seen: a fast receiver would end it.
        let gate = Gate()
        let server = TestServer.serve { connection, request in
            if request.requestLine.contains("/held") { gate.wait() }
            return connection.answer()
        }
        defer { server.stop() }
        let lane = try TestLane(maximumInFlight: maximumInFlight ?? 1)
        defer { lane.close() }
        let first = try lane.endpoint(server.url)
        #expect(try lane.attempt(first).result.errorClass == .none)

        // From here on the limit leaves a few descriptors; the receiver lives in this process and needs some as well.
        let next = dup(0)
        close(next)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = rlim_t(next) + 20
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let held = try lane.endpoint(server.url + "held")
        for token in 0..<60 { try lane.start(held, token: UInt64(token), timeout: 2000) }
        lane.run { lane.ended.count { $0.result.errorClass == .local } >= 30 }
        gate.open()
        lane.run { lane.ended.count == 61 }
        let ended = lane.ended.dropFirst()
        #expect(Set(ended.map(\.token)).count == 60)
        let local = ended.filter { $0.result.errorClass == .local }
        #expect(local.count >= 30)
        #expect(local.allSatisfy { $0.errorText.contains("file descriptors") && $0.result.status == 0 })

        // What is left are idle connections to one receiver: they give way to others.
        var fillers: [Int32] = []
        defer { for filler in fillers { close(filler) } }
        for number in 0..<4 {
            let other = try lane.endpoint("http://other\(number).example:\(server.port)/") {
                $0.resolve = ["other\(number).example:\(server.port):127.0.0.1"]
            }
            // Without one that is free: the transport would take it, and leave the receiver none to accept with.
            takeFreeDescriptors(&fillers)
            var last = try lane.attempt(other, timeout: 2000)
            for _ in 0..<20 where last.result.errorClass != .none {
                if last.result.errorClass == .timeout { takeFreeDescriptors(&fillers) }
                last = try lane.attempt(other, timeout: 2000)
            }
            #expect(last.result.errorClass == .none)
        }
    }

    private func takeFreeDescriptors(_ taken: inout [Int32]) {
        while true {
            let descriptor = dup(0)
            if descriptor < 0 { return }
            taken.append(descriptor)
        }
    }
}
