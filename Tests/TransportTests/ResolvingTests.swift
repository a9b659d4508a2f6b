import Foundation
import Model
import TestSupport
import Testing
import Threading

@testable import Transport

/// A judge that refuses 127.0.0.0/8 but for 127.0.0.1, and notes what it was asked.
final class Judge: Sendable {
    let asked = Locked<[String]>([])

    func judge(_ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Bool {
        var text = [CChar](repeating: 0, count: 64)
        getnameinfo(address, length, &text, 64, nil, 0, NI_NUMERICHOST)
        let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        asked.withLock { $0.append(name) }
        return name == "127.0.0.1"
    }
}

@Suite struct ResolvingTests {
    @Test func aNameThatDoesNotExistIsADNSFault() throws {
        let lane = try TestLane()
        defer { lane.close() }
        let ended = try lane.attempt("http://name.invalid/")
        #expect(ended.result.errorClass == .dns)
        #expect(ended.curlCode == 6)
        #expect(ended.result.status == 0)
        #expect(lane.transport.resolving == 0)
    }

    @Test func aRefusedAddressIsNeverDialled() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let lane = try TestLane { $0.addressJudge = { _, _ in false } }
        defer { lane.close() }
        let ended = try lane.attempt(server.url)
        #expect(ended.result.errorClass == .addressRefused)
        #expect(ended.result.status == 0)
        #expect(ended.errorText.contains("refused by the address guard"))
        #expect(server.accepted == 0)
    }

    @Test(arguments: [
        ["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.3", "::1", "127.0.0.1"],
    ])
    func onlyTheAddressesThatPassAreDialled(addresses: [String]) throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let judge = Judge()
        let lane = try TestLane { $0.addressJudge = { judge.judge($0, $1) } }
        defer { lane.close() }
        let listed = addresses.map { $0.contains(":") ? "[\($0)]" : $0 }.joined(separator: ",")
        let endpoint = try lane.endpoint("http://mixed.test:\(server.port)/") {
            $0.resolve = ["mixed.test:\(server.port):\(listed)"]
        }
        let ended = try lane.attempt(endpoint)
        #expect(ended.result.status == 200)
        #expect(ended.address == "127.0.0.1")
        #expect(judge.asked.withLock { $0 }.contains("127.0.0.1"))
    }

    @Test func refusedAddressesAllTheWayAreOneClearClass() throws {
        let judge = Judge()
        let lane = try TestLane { $0.addressJudge = { judge.judge($0, $1) } }
        defer { lane.close() }
        let endpoint = try lane.endpoint("http://mixed.test:9/") {
            $0.resolve = ["mixed.test:9:127.0.0.2,[::1],127.0.0.3"]
        }
        #expect(try lane.attempt(endpoint).result.errorClass == .addressRefused)
        #expect(Set(judge.asked.withLock { $0 }) == ["127.0.0.2", "::1", "127.0.0.3"])
    }

    @Test func anAddressThatPassesAndFailsIsAConnectionFault() throws {
        let (holder, port) = TestServer.listen(backlog: nil)
        defer { close(holder) }
        let judge = Judge()
        let lane = try TestLane { $0.addressJudge = { judge.judge($0, $1) } }
        defer { lane.close() }
        let endpoint = try lane.endpoint("http://mixed.test:\(port)/") {
            $0.resolve = ["mixed.test:\(port):127.0.0.2,127.0.0.1"]
        }
        #expect(try lane.attempt(endpoint).result.errorClass == .connect)
    }
}
