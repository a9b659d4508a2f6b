import Foundation
import Threading

/// A request as a test's receiver saw it, byte for byte.
package struct SeenRequest: Sendable, Equatable {
    package var requestLine: String
    /// In the order they came, names as they were written.
    package var headers: [String]
    package var body: [UInt8]

    package func value(_ name: String) -> String? {
        headers.first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
            .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }
}

/// One accepted connection with blocking calls. Used by one thread at a time.
package struct ServerConnection: Sendable {
    package let descriptor: Int32

    package init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Reads one request with its body; nil at the end of the connection.
    package func readRequest() -> SeenRequest? {
        guard let head = readHead() else { return nil }
        var lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
        let requestLine = lines.removeFirst()
        var request = SeenRequest(requestLine: requestLine, headers: lines, body: [])
        let length = request.value("content-length").flatMap { Int($0) } ?? 0
        request.body = [UInt8](repeating: 0, count: length)
        var filled = 0
        while filled < length {
            let count = request.body[filled...].withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { return nil }
            filled += count
        }
        return request
    }

    /// The bytes before the empty line, which is read as well; nil at the end of the connection.
    private func readHead() -> [UInt8]? {
        var head: [UInt8] = []
        var lastFour: UInt32 = 0
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            // Looked at first: nothing of the body or of a following request may be taken.
            let count = recv(descriptor, &chunk, chunk.count, Int32(MSG_PEEK))
            guard count > 0 else { return nil }
            // A plain loop: without optimization, generic functions make all threads wait for the runtime's locks.
            var taken = 0
            while taken < count, lastFour != 0x0D0A_0D0A {
                lastFour = lastFour << 8 | UInt32(chunk[taken])
                taken += 1
            }
            guard recv(descriptor, &chunk, taken, 0) == taken else { return nil }
            head += chunk[..<taken]
            if lastFour == 0x0D0A_0D0A {
                head.removeLast(4)
                return head
            }
        }
    }

    /// Sends all of `text`; false once the other side is gone.
    @discardableResult
    package func send(_ text: String) -> Bool {
        send(Array(text.utf8))
    }

    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Sends an answer with a content length.
    @discardableResult
    package func answer(_ status: Int = 200, headers: [String] = [], body: String = "ok") -> Bool {
        let lines = ["HTTP/1.1 \(status) Text", "Content-Length: \(body.utf8.count)"] + headers
        return send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
    }

    /// Makes the coming close a reset.
    package func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Waits until the other side closes, or the server ends.
    package func waitForEnd() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while recv(descriptor, &buffer, buffer.count, 0) > 0 {}
    }
}

/// A receiver on loopback with a thread per connection, each running the test's own behaviour.
package final class TestServer: Sendable {
    package let port: UInt16
    private let listener: Int32
    private let accepts: Bool
    private let state = Locked(State())

    private struct State {
        var open: Set<Int32> = []
        var accepted = 0
        var seen: [SeenRequest] = []
        var isEnding = false
    }

    /// Connections accepted so far.
    package var accepted: Int { state.withLock { $0.accepted } }
    /// Requests that ``serve(_:)`` servers read so far.
    package var seen: [SeenRequest] { state.withLock { $0.seen } }
    package var url: String { "http://127.0.0.1:\(port)/" }

    /// `behave` gets each connection with its number, counted from 0; the connection is closed when it returns.
    package init(backlog: Int32 = 4096, behave: (@Sendable (ServerConnection, Int) -> Void)?) {
        (listener, port) = TestServer.listen(backlog: backlog)
        accepts = behave != nil
        guard let behave else { return }
        let thread = Thread { [self] in acceptAll(behave) }
        thread.start()
    }

    /// A server that reads requests and answers each with `respond`, until that answers false.
    package static func serve(_ respond: @escaping @Sendable (ServerConnection, SeenRequest) -> Bool) -> TestServer {
        let box = Locked<TestServer?>(nil)
        let holder = Holder(box)
        let server = TestServer { connection, _ in
            while let request = connection.readRequest() {
                holder.server?.note(request)
                guard respond(connection, request) else { return }
            }
        }
        holder.set(server)
        return server
    }

    private final class Holder: Sendable {
        private let box: Locked<TestServer?>
        private let ready = DispatchSemaphore(value: 0)
        init(_ box: consuming Locked<TestServer?>) { self.box = box }
        var server: TestServer? {
            ready.wait()
            ready.signal()
            return box.withLock { $0 }
        }
        func set(_ server: TestServer) {
            box.withLock { $0 = server }
            ready.signal()
        }
    }

    private func note(_ request: SeenRequest) {
        state.withLock { $0.seen.append(request) }
    }

    /// A socket on a free loopback port; with `backlog` nil it only holds the port, and connections are refused.
    package static func listen(backlog: Int32?) -> (Int32, UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(descriptor, $0, length) == 0)
                if let backlog { precondition(Glibc.listen(descriptor, backlog) == 0) }
                precondition(getsockname(descriptor, $0, &length) == 0)
            }
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private func acceptAll(_ behave: @escaping @Sendable (ServerConnection, Int) -> Void) {
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor < 0, errno == EMFILE {
                // A test's own doing: the connection waits until there is room.
                usleep(1000)
                continue
            }
            guard descriptor >= 0 else {
                close(listener)
                return
            }
            let number: Int? = state.withLock {
                if $0.isEnding { return nil }
                $0.open.insert(descriptor)
                $0.accepted += 1
                return $0.accepted - 1
            }
            guard let number else {
                close(descriptor)
                continue
            }
            let thread = Thread { [self] in
                behave(ServerConnection(descriptor: descriptor), number)
                // Forgotten before it is closed: the number may be reused at once.
                state.withLock { _ = $0.open.remove(descriptor) }
                close(descriptor)
            }
            thread.stackSize = 256 * 1024
            thread.start()
        }
    }

    /// Ends the listener and shakes blocked connection threads awake.
    package func stop() {
        state.withLock {
            $0.isEnding = true
            for descriptor in $0.open { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        // The accepting thread closes it, lest it should accept from whoever gets the number next.
        shutdown(listener, Int32(SHUT_RDWR))
        if !accepts { close(listener) }
    }
}
