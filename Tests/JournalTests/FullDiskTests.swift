import Glibc
import Testing

@testable import Journal

/// A file system of one mebibyte that is really full. Needs the right to mount.
@Suite(.serialized) struct FullDiskTests {
    private static let canMount: Bool = {
        guard geteuid() == 0, let scratch = try? Scratch(), mount(scratch.path) else { return false }
        umount2(scratch.path, Int32(MNT_DETACH))
        return true
    }()

    private static func mount(_ path: String) -> Bool {
        Glibc.mount("tmpfs", path, "tmpfs", UInt(MS_NOSUID), "size=1m,mode=700") == 0
    }

    @Test(.enabled(if: canMount)) func writingGoesOnOnceThereIsRoom() throws {
        let scratch = try Scratch()
        try #require(FullDiskTests.mount(scratch.path))
        defer { umount2(scratch.path, Int32(MNT_DETACH)) }
        let journal = try Journal.open(scratch.path, options: .small(65536, .interval(milliseconds: 5)))
        var positions: [Position] = []
        let body = [UInt8](repeating: 1, count: 1000)
        #expect(throws: JournalError.noSpace) { while true { positions.append(try journal.append(body)) } }
        #expect(positions.count > 600)
        // Everything else goes on: reading, and records that release others.
        for position in positions { #expect(try journal.read(position) == body) }
        for _ in 0..<10 { _ = try journal.append([2], kind: 2, options: .reserve) }
        // Releasing makes room.
        for position in positions where position.segment <= 3 { journal.release(position) }
        eventually { (try? journal.append(body)) != nil }
        var more = 0
        #expect(throws: JournalError.noSpace) {
            while true {
                _ = try journal.append(body)
                more += 1
            }
        }
        #expect(more > 80)
        let last = journal.lastSequence
        journal.close()

        // Opening on the full disk works, and says the same.
        var seen: UInt64 = 0
        let again = try Journal.open(scratch.path, options: .small(65536)) { record in
            seen = record.sequence
            return true
        }
        #expect(seen == last && again.recovery.lostRecords == 0)
        #expect(throws: JournalError.noSpace) { while true { _ = try again.append(body) } }
        again.close()
    }

    @Test(.enabled(if: canMount)) func aNewJournalNeedsRoom() throws {
        let scratch = try Scratch()
        try #require(FullDiskTests.mount(scratch.path))
        defer { umount2(scratch.path, Int32(MNT_DETACH)) }
        #expect(throws: JournalError.noSpace) { try Journal.open(scratch.path, options: .small(4 << 20)) }
        #expect(scratch.names.isEmpty)
    }

    @Test(.enabled(if: canMount)) func aReadOnlyFileSystemIsToldApart() throws {
        let scratch = try Scratch()
        try #require(
            Glibc.mount("tmpfs", scratch.path, "tmpfs", UInt(MS_RDONLY), "size=1m,mode=700") == 0
        )
        defer { umount2(scratch.path, Int32(MNT_DETACH)) }
        #expect(throws: JournalError.readOnlyFileSystem(path: scratch.path)) {
            try Journal.open(scratch.path, options: .small())
        }
        #expect(throws: JournalError.readOnlyFileSystem(path: "\(scratch.path)/new")) {
            try Journal.open("\(scratch.path)/new", options: .small())
        }
    }
}
