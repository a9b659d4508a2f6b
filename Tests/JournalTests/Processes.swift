import Glibc
import Testing

@testable import Journal

/// A program started by a test, with its output in a pipe.
final class Child {
    private let process: pid_t
    private let output: Int32
    private var isOver = false

    init(_ arguments: [String]) throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        var process: pid_t = 0
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let code = posix_spawn(&process, arguments[0], &actions, nil, &words, environ)
        close(ends[1])
        try #require(code == 0)
        self.process = process
        output = ends[0]
    }

    deinit {
        kill()
        close(output)
    }

    func readLine() -> String {
        nextLine() ?? ""
    }

    /// Nil at the end of the output.
    func nextLine() -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(output, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }

    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        isOver = true
        return status
    }

    func kill() {
        guard !isOver else { return }
        Glibc.kill(process, SIGKILL)
        _ = wait()
    }
}

/// A copy of this process made by fork(2), which Swift hides because hardly anything may be done there.
final class ForkedChild {
    private let process: pid_t
    private var isOver = false

    init(_ body: () -> Void) throws {
        let fork = try HiddenCalls.find("fork", (@convention(c) () -> pid_t).self)
        process = fork()
        if process == 0 {
            body()
            _exit(0)
        }
        try #require(process > 0)
    }

    static func waitForTheEnd() {
        while true { pause() }
    }

    func wait() {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        isOver = true
    }

    func kill() {
        guard !isOver else { return }
        Glibc.kill(process, SIGKILL)
        wait()
    }

    deinit {
        kill()
    }
}

/// Functions of the C library that Swift does not show.
enum HiddenCalls {
    static func find<Function>(_ name: String, _ type: Function.Type) throws -> Function {
        // NULL is RTLD_DEFAULT: whatever is loaded.
        unsafeBitCast(try #require(dlsym(nil, name)), to: type)
    }

    /// Sets the user whose rights count for this thread's access to files.
    static func setFileUser(_ user: UInt32) throws {
        _ = try find("setfsuid", (@convention(c) (UInt32) -> Int32).self)(user)
    }
}
