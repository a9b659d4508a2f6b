import Foundation
import Model
import TestSupport
import Testing

@testable import Transport

/// A TLS receiver in a child process, with certificates made for the test.
private final class TLSServer {
    let directory: URL
    let port: UInt16
    private let process = Process()
    private let input = Pipe()

    /// Makes a self-signed certificate for `host` and answers requests on loopback with it.
    init(host: String, expired: Bool = false, clientCertificate: Bool = false, oldest: String = "") throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let script = directory.appending(path: "server.py")
        try TLSServer.script.write(to: script, atomically: true, encoding: .utf8)
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", script.path, directory.path, host, expired ? "expired" : "", clientCertificate ? "mutual" : "",
            oldest,
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var text = ""
        while !text.hasSuffix("\n") {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { break }
            text += String(decoding: data, as: UTF8.self)
        }
        port = try #require(UInt16(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    var certificate: String { directory.appending(path: "server.pem").path }
    var clientCertificate: String { directory.appending(path: "client.pem").path }
    var clientKey: String { directory.appending(path: "client.key").path }

    /// The child ends at the end of its input.
    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: directory)
    }

    private static let script = #"""
        import os, socket, ssl, subprocess, sys, threading, warnings
        warnings.simplefilter("ignore")
        directory, host, expired, mutual, oldest = sys.argv[1:6]
        os.chdir(directory)

        def make(name, subject, days):
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-keyout", name + ".key", "-out", name + ".pem", "-subj", "/CN=" + subject, "-days", days,
                 "-addext", ("subjectAltName=IP:" if subject[0].isdigit() else "subjectAltName=DNS:") + subject],
                check=True, stderr=subprocess.DEVNULL)

        make("server", host, "2")
        if expired:
            # "req" gives no certificate a past, "ca" does.
            with open("ca.conf", "w") as file:
                file.write("[ca]\ndefault_ca=d\n[d]\ndatabase=db\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\n"
                           "policy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=IP:" + host + "\n")
            open("db", "w").close()
            with open("serial", "w") as file:
                file.write("01")
            subprocess.run(["openssl", "req", "-new", "-key", "server.key", "-subj", "/CN=" + host, "-out", "request"],
                           check=True, stderr=subprocess.DEVNULL)
            subprocess.run(["openssl", "ca", "-batch", "-config", "ca.conf", "-selfsign", "-keyfile", "server.key",
                            "-in", "request", "-out", "server.pem", "-notext",
                            "-startdate", "20200101000000Z", "-enddate", "20210101000000Z"],
                           check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        make("client", "client", "2")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("server.pem", "server.key")
        if mutual:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations("client.pem")
        if oldest:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, oldest)
        listener = socket.create_server(("127.0.0.1", 0))

        def serve(plain):
            try:
                with context.wrap_socket(plain, server_side=True) as secure:
                    stream = secure.makefile("rwb")
                    while True:
                        length = 0
                        while (line := stream.readline()) not in (b"\r\n", b""):
                            if line.lower().startswith(b"content-length:"):
                                length = int(line.split(b":")[1])
                        if not line:
                            return
                        stream.read(length)
                        text = secure.version().encode()
                        stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
                        stream.flush()
            except OSError:
                pass

        def accept():
            while True:
                plain, _ = listener.accept()
                threading.Thread(target=serve, args=(plain,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        sys.stdin.read()
        """#
}

@Suite struct TLSTests {
    @Test func aTrustedReceiverIsServedOverOneConnection() throws {
        let server = try TLSServer(host: "127.0.0.1")
        defer { server.stop() }
        let lane = try TestLane { $0.caFile = server.certificate }
        defer { lane.close() }
        let endpoint = try lane.endpoint("https://127.0.0.1:\(server.port)/")
        for _ in 0..<5 {
            let ended = try lane.attempt(endpoint)
            #expect(ended.result.status == 200)
            #expect(ended.snippet == "TLSv1.3")
        }
    }

    @Test func aCertificateThatNobodyVouchesForIsRefused() throws {
        let server = try TLSServer(host: "127.0.0.1")
        defer { server.stop() }
        let lane = try TestLane(maximumInFlight: 1)
        defer { lane.close() }
        let url = "https://127.0.0.1:\(server.port)/"
        let trusting = try lane.endpoint(url) { $0.caFile = server.certificate }
        let plain = try lane.endpoint(url)
        // One slot serves both in turn: neither trust nor a trusted connection leaks from one to the other.
        for _ in 0..<2 {
            let ended = try lane.attempt(plain)
            #expect(ended.result.errorClass == .certificate)
            #expect(ended.result.status == 0)
            #expect(!ended.errorText.isEmpty)
            #expect(try lane.attempt(trusting).result.status == 200)
        }
    }

    @Test func aCertificateForAnotherHostIsRefused() throws {
        let server = try TLSServer(host: "other.example")
        defer { server.stop() }
        let lane = try TestLane { $0.caFile = server.certificate }
        defer { lane.close() }
        #expect(try lane.attempt("https://127.0.0.1:\(server.port)/").result.errorClass == .certificate)
        let endpoint = try lane.endpoint("https://other.example:\(server.port)/") {
            $0.resolve = ["other.example:\(server.port):127.0.0.1"]
        }
        #expect(try lane.attempt(endpoint).result.status == 200)
    }

    @Test func anExpiredCertificateIsRefused() throws {
        let server = try TLSServer(host: "127.0.0.1", expired: true)
        defer { server.stop() }
        let lane = try TestLane { $0.caFile = server.certificate }
        defer { lane.close() }
        #expect(try lane.attempt("https://127.0.0.1:\(server.port)/").result.errorClass == .certificate)
    }

    @Test func aClientCertificateIsShownWhereItIsConfigured() throws {
        let server = try TLSServer(host: "127.0.0.1", clientCertificate: true)
        defer { server.stop() }
        let lane = try TestLane(maximumInFlight: 1) { $0.caFile = server.certificate }
        defer { lane.close() }
        let url = "https://127.0.0.1:\(server.port)/"
        let known = try lane.endpoint(url) {
            $0.clientCertificateFile = server.clientCertificate
            $0.clientKeyFile = server.clientKey
        }
        let unknown = try lane.endpoint(url)
        for _ in 0..<2 {
            #expect(try lane.attempt(known).result.status == 200)
            let ended = try lane.attempt(unknown)
            // With TLS 1.3 the refusal comes after the handshake.
            #expect(ended.result.errorClass == .tls || ended.result.errorClass == .connectionLost)
        }
        let broken = try lane.endpoint(url) { $0.clientCertificateFile = "/nonexistent.pem" }
        #expect(try lane.attempt(broken).result.errorClass == .tls)
    }

    @Test(arguments: [("TLSv1_1", false), ("TLSv1_2", true)])
    func oldVersionsOfTLSAreRefused(version: String, isServed: Bool) throws {
        let server = try TLSServer(host: "127.0.0.1", oldest: version)
        defer { server.stop() }
        let lane = try TestLane { $0.caFile = server.certificate }
        defer { lane.close() }
        let ended = try lane.attempt("https://127.0.0.1:\(server.port)/")
        #expect(ended.result.errorClass == (isServed ? .none : .tls))
    }

    @Test func aFileOfAuthoritiesThatIsMissingIsOurFault() throws {
        let server = TestServer { connection, _ in connection.waitForEnd() }
        defer { server.stop() }
        let lane = try TestLane { $0.caFile = "/nonexistent.pem" }
        defer { lane.close() }
        #expect(try lane.attempt("https://127.0.0.1:\(server.port)/").result.errorClass == .local)
    }

    @Test func aHandshakeThatStallsEndsInTime() throws {
        let server = TestServer { connection, _ in connection.waitForEnd() }
        defer { server.stop() }
        let lane = try TestLane()
        defer { lane.close() }
        let url = "https://127.0.0.1:\(server.port)/"
        let late = try lane.attempt(url, timeout: 300)
        #expect(late.result.errorClass == .timeout)
        #expect(late.milliseconds <= 1300)
        let unready = try lane.attempt(url, timeout: 20_000, connectTimeout: 300)
        #expect(unready.result.errorClass == .connect)
        #expect(unready.milliseconds <= 1300)
    }

    @Test func plainTextInsteadOfAHandshakeIsATLSFault() throws {
        let server = TestServer { connection, _ in
            connection.send("HTTP/1.1 400 Plain\r\n\r\n")
            connection.waitForEnd()
        }
        defer { server.stop() }
        let lane = try TestLane()
        defer { lane.close() }
        #expect(try lane.attempt("https://127.0.0.1:\(server.port)/").result.errorClass == .tls)
    }
}
