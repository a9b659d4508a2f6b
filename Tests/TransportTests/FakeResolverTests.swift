import Foundation
import Model
import Synchronization
import TestSupport
import Testing

@testable import Transport

/// Tests that need a resolver of their own: they run in a child of the test process whose `getaddrinfo` was replaced.
@Suite struct FakeResolverTests {
    @Test func behaviourUnderAResolverThatLiesOrHangs() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "resolver-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let source = directory.appending(path: "resolver.c")
        let library = directory.appending(path: "resolver.so")
        try FakeResolverTests.source.write(to: source, atomically: true, encoding: .utf8)
        _ = try Child.run("/usr/bin/env", ["cc", "-shared", "-fPIC", "-o", library.path, source.path, "-ldl"], [:])
        let output = try Child.runTests(
            "UnderFakeResolverTests",
            ["LD_PRELOAD": library.path, FakeResolverTests.mark: directory.appending(path: "rebound").path]
        )
        #expect(output.contains("3 tests in 1 suite passed"), "\(output)")
    }

    /// Set in the child's environment: the file whose existence changes the answer.
    static let mark = "MARTLET_TEST_REBOUND"

    /// Answers `silent.test` never, and `rebound.test` with 127.0.0.1 until a file exists and 127.0.0.2 from then on.
    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <netdb.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>

        int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
            int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
                dlsym(RTLD_NEXT, "getaddrinfo");
            if (node && strcmp(node, "silent.test") == 0)
                for (;;) pause();
            if (node && strcmp(node, "gone.test") == 0) return EAI_NONAME;
            if (node && strcmp(node, "rebound.test") == 0)
                node = access(getenv("MARTLET_TEST_REBOUND"), F_OK) ? "127.0.0.1" : "127.0.0.2";
            return next(node, service, hints, result);
        }
        """
}

private let reboundFile = ProcessInfo.processInfo.environment[FakeResolverTests.mark]

@Suite(.enabled(if: reboundFile != nil, "run by FakeResolverTests")) struct UnderFakeResolverTests {
    @Test func anUnknownNameIsADNSFault() throws {
        let lane = try TestLane()
        defer { lane.close() }
        #expect(try lane.attempt("http://gone.test/").result.errorClass == .dns)
        #expect(lane.transport.resolving == 0)
    }

    @Test func aNameThatChangesItsAnswerIsJudgedAnew() throws {
        let server = TestServer.serve { connection, _ in connection.answer(headers: ["Connection: close"]) }
        defer { server.stop() }
        let judge = Judge()
        for expected in [ErrorClass.none, .addressRefused] {
            // A lane of its own each time, for libcurl keeps an answer for a minute.
            let lane = try TestLane { $0.addressJudge = { judge.judge($0, $1) } }
            defer { lane.close() }
            #expect(try lane.attempt("http://rebound.test:\(server.port)/").result.errorClass == expected)
            #expect(FileManager.default.createFile(atPath: try #require(reboundFile), contents: nil))
        }
        #expect(server.seen.count == 1)
    }

    @Test func aSilentResolverHoldsNothingUp() throws {
        let server = TestServer.serve { connection, _ in connection.answer() }
        defer { server.stop() }
        let lane = try TestLane()
        let silent = try lane.endpoint("http://silent.test/")
        let good = try lane.endpoint(server.url)
        try lane.start(silent, token: 1, timeout: 300)
        try lane.start(silent, token: 2, timeout: 20_000, connectTimeout: 400)
        let canceled = try lane.start(silent, token: 3, timeout: 20_000)
        try lane.start(good, token: 4)
        lane.run { lane.ended.count == 1 }
        #expect(lane.ended.first?.token == 4)
        #expect(lane.ended.first?.result.status == 200)
        #expect(lane.transport.resolving == 3)
        lane.transport.cancel(canceled)
        #expect(lane.transport.resolving == 2)
        lane.run { lane.ended.count == 3 }
        let late = try #require(lane.ended.first { $0.token == 1 })
        #expect(late.result.errorClass == .timeout)
        #expect(late.milliseconds <= 1300)
        let unready = try #require(lane.ended.first { $0.token == 2 })
        #expect(unready.result.errorClass == .dns)
        #expect(unready.milliseconds <= 1400)
        #expect(lane.transport.resolving == 0)
        // The resolver still hangs: neither the end of attempts nor that of the transport may wait for it.
        try lane.start(silent, token: 5, timeout: 20_000)
        lane.run { lane.transport.resolving == 1 }
        let before = Clock.monotonic()
        lane.close()
        #expect(Clock.monotonic().nanoseconds(since: before) < 5_000_000_000)
    }
}
