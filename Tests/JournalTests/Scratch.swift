import Glibc
import Testing
import Threading

@testable import Journal

/// A directory of a test's own, removed at the end.
final class Scratch {
    let path: String

    /// A file system in memory where there is one: many tests make thousands of journals.
    private static let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"

    init(in parent: String = Scratch.parent) throws {
        var template = Array("\(parent)/martlet-journal-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    var names: [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name.0) { String(cString: $0) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    var segmentNames: [String] {
        names.filter { $0.hasSuffix(".log") && $0.hasPrefix("segment-") }
    }

    func read(_ name: String) throws -> [UInt8] {
        try Scratch.read("\(path)/\(name)")
    }

    static func read(_ path: String) throws -> [UInt8] {
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        let file = try #require(fopen("\(path)/\(name)", "w"))
        defer { fclose(file) }
        try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    /// Puts these files in the place of whatever is there.
    func replace(with files: [String: [UInt8]]) throws {
        for name in names { unlink("\(path)/\(name)") }
        for (name, bytes) in files { try write(bytes, to: name) }
    }

    func contents() throws -> [String: [UInt8]] {
        try Dictionary(uniqueKeysWithValues: names.map { ($0, try read($0)) })
    }
}

struct Read: Equatable {
    let kind: UInt8
    let sequence: UInt64
    let bytes: [UInt8]
}

extension JournalOptions {
    static func small(_ segmentBytes: Int = 4096, _ sync: Sync = .os) -> JournalOptions {
        var options = JournalOptions()
        options.segmentBytes = segmentBytes
        options.maximumBytes = 1 << 30
        options.sync = sync
        return options
    }
}

extension Journal {
    func append(
        _ bytes: [UInt8],
        kind: UInt8 = 1,
        options: AppendOptions = [],
        keeping: Int = 0
    ) throws -> Position {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(JournalError) in
                try append(kind: kind, buffer, options: options, keeping: keeping)
            }
        }
        return try result.get()
    }

    func read(_ position: Position, verifying: Bool = true) throws -> [UInt8]? {
        try pin(position, verifying: verifying).map { Array($0.bytes) }
    }

    /// Opens, reads everything and closes again.
    static func readAll(
        _ path: String,
        options: JournalOptions = .small()
    ) throws -> (records: [Read], report: RecoveryReport) {
        var records: [Read] = []
        let journal = try Journal.open(path, options: options) { record in
            records.append(Read(kind: record.kind, sequence: record.sequence, bytes: Array(record.bytes)))
            return true
        }
        defer { journal.close() }
        return (records, journal.recovery)
    }
}

/// Numbers from a seed, so that a failing test can be run again.
struct Generator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}

/// Runs `body` on so many threads at once and waits for all of them.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
    let running = Monitored(count)
    for index in 0..<count {
        let isStarted = OwnedThread.start(name: "test") {
            body(index)
            running.update { $0 -= 1 }
        }
        try #require(isStarted)
    }
    _ = running.wait { $0 == 0 ? () : nil }
}

/// Calls `condition` until it holds; for what a background thread does soon. A test that waits for ever has failed.
func eventually(_ condition: () -> Bool) {
    while !condition() { usleep(500) }
}
