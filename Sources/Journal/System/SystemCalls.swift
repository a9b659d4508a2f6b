import CPlatform
import Glibc

/// The calls that the journal makes to the system, each answering 0 or an errno.
///
/// A seam for tests: they let single calls fail or write short, and keep account of what has reached the disk. The append
/// path makes no call at all, so it does not pay for the seam. Only ``FileSystem`` calls these.
package struct SystemCalls: Sendable {
    package var makeDirectory: @Sendable (_ path: String, _ mode: UInt32) -> Int32
    package var openDirectory: @Sendable (_ path: String, _ directory: inout Int32) -> Int32
    /// False where the directory certainly has no such name.
    package var exists: @Sendable (_ directory: Int32, _ name: String) -> Bool
    package var checkAccess: @Sendable (_ directory: Int32) -> Int32
    package var lock: @Sendable (_ directory: Int32) -> Int32
    /// Closes a directory that `lock` locked; the lock goes with it.
    package var unlock: @Sendable (_ directory: Int32) -> Void
    /// Calls `body` with every name; each is valid during its call.
    package var listNames: @Sendable (_ directory: Int32, _ body: (UnsafePointer<CChar>) -> Void) -> Int32
    package var openFile:
        @Sendable (_ directory: Int32, _ name: String, _ how: Int32, _ mode: UInt32, _ file: inout Int32) -> Int32
    package var size: @Sendable (_ file: Int32, _ bytes: inout Int64) -> Int32
    package var allocatedSize: @Sendable (_ file: Int32, _ bytes: inout Int64) -> Int32
    /// Where the zeros begin that the file ends with, as far as that is known without reading it; `bytes` where it is not.
    package var dataEnd: @Sendable (_ file: Int32, _ bytes: Int) -> Int
    package var allocate: @Sendable (_ file: Int32, _ bytes: Int64) -> Int32
    /// May write less than asked for.
    package var write:
        @Sendable (_ file: Int32, _ bytes: UnsafeRawBufferPointer, _ offset: Int64, _ written: inout Int) -> Int32
    /// May read less than asked for; nothing at the end of the file.
    package var read:
        @Sendable (_ file: Int32, _ bytes: UnsafeMutableRawBufferPointer, _ offset: Int64, _ read: inout Int) -> Int32
    package var syncFile: @Sendable (_ file: Int32) -> Int32
    package var syncDirectory: @Sendable (_ directory: Int32) -> Int32
    package var rename: @Sendable (_ directory: Int32, _ from: String, _ to: String) -> Int32
    package var remove: @Sendable (_ directory: Int32, _ name: String) -> Int32
    package var close: @Sendable (_ file: Int32) -> Int32
    package var map:
        @Sendable (_ file: Int32, _ bytes: Int, _ isWritable: Bool, _ address: inout UnsafeMutableRawPointer?) -> Int32
    package var unmap: @Sendable (_ address: UnsafeMutableRawPointer, _ bytes: Int) -> Int32
    package var populate: @Sendable (_ address: UnsafeMutableRawPointer, _ bytes: Int) -> Int32
    package var syncMapping: @Sendable (_ address: UnsafeMutableRawPointer, _ bytes: Int) -> Int32

    /// The real calls.
    package static let live = SystemCalls(
        makeDirectory: { martlet_journal_make_directory($0, $1) },
        openDirectory: { martlet_journal_open_directory($0, &$1) },
        exists: { martlet_journal_exists($0, $1) != 0 },
        checkAccess: { martlet_journal_check_access($0) },
        lock: { martlet_journal_lock($0) },
        unlock: { martlet_journal_close_locked($0) },
        listNames: { listNames($0, $1) },
        openFile: { martlet_journal_open_file($0, $1, $2, $3, &$4) },
        size: { martlet_journal_size($0, &$1) },
        allocatedSize: { martlet_journal_allocated_size($0, &$1) },
        dataEnd: { Int(martlet_journal_data_end($0, Int64($1))) },
        allocate: { martlet_journal_allocate($0, $1) },
        write: { martlet_journal_write($0, $1.baseAddress, $1.count, $2, &$3) },
        read: { martlet_journal_read($0, $1.baseAddress, $1.count, $2, &$3) },
        syncFile: { martlet_journal_sync_file($0) },
        syncDirectory: { martlet_journal_sync_directory($0) },
        rename: { martlet_journal_rename($0, $1, $2) },
        remove: { martlet_journal_remove($0, $1) },
        close: { martlet_journal_close($0) },
        map: { martlet_journal_map($0, $1, $2 ? 1 : 0, &$3) },
        unmap: { martlet_journal_unmap($0, $1) },
        populate: { martlet_journal_populate($0, $1) },
        syncMapping: { martlet_journal_sync_mapping($0, $1) }
    )

    private static func listNames(_ directory: Int32, _ body: (UnsafePointer<CChar>) -> Void) -> Int32 {
        var walk: OpaquePointer?
        let code = martlet_journal_names_open(directory, &walk)
        guard code == 0, let walk else { return code }
        defer { martlet_journal_names_close(walk) }
        var failure: Int32 = 0
        while let name = martlet_journal_names_next(walk, &failure) { body(name) }
        return failure
    }
}

/// Readings of the two clocks; neither enters the kernel on the usual machines (vDSO).
enum SystemClock {
    /// Nanoseconds that never jump.
    static func monotonic() -> Int64 {
        read(CLOCK_MONOTONIC, unit: 1)
    }

    /// Milliseconds since 1970.
    static func milliseconds() -> Int64 {
        read(CLOCK_REALTIME, unit: 1_000_000)
    }

    private static func read(_ clock: clockid_t, unit: Int64) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return (Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)) / unit
    }
}
