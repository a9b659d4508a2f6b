import Glibc
import Testing

@testable import Journal

/// A disk of one mebibyte that is full: a real file system where the test may mount one, and in any case a quota in the
/// calls to the system that gives room back as a file system does, with a file's last user.
@Suite(.serialized) struct FullDiskTests {
    enum Kind: CaseIterable, Sendable {
        case quota
        /// The quota, with unmapping that takes its time.
        case slowQuota
        case realDisk
    }

    private static let canMount: Bool = {
        guard geteuid() == 0, let scratch = try? Scratch(), mount(scratch.path) else { return false }
        umount2(scratch.path, Int32(MNT_DETACH))
        return true
    }()

    private static var kinds: [Kind] {
        canMount ? Kind.allCases : [.quota, .slowQuota]
    }

    private static func mount(_ path: String, _ flags: Int = MS_NOSUID) -> Bool {
        Glibc.mount("tmpfs", path, "tmpfs", UInt(flags), "size=1m,mode=700") == 0
    }

    /// Calls `body` with a directory on such a disk and options that reach it.
    private func onSmallDisk(_ kind: Kind, _ body: (Scratch, JournalOptions) throws -> Void) throws {
        let scratch = try Scratch()
        var options = JournalOptions.small(65536, .interval(milliseconds: 5))
        if kind == .realDisk {
            try #require(FullDiskTests.mount(scratch.path))
            defer { umount2(scratch.path, Int32(MNT_DETACH)) }
            return try body(scratch, options)
        }
        let ledger = Ledger(room: 1 << 20)
        options.systemCalls = ledger.systemCalls
        if kind == .slowQuota {
            let unmap = options.systemCalls.unmap
            options.systemCalls.unmap = { address, bytes in
                usleep(20_000)
                return unmap(address, bytes)
            }
        }
        try body(scratch, options)
        #expect(ledger.leaks == 0)
    }

    @Test(arguments: kinds) func writingGoesOnOnceThereIsRoom(_ kind: Kind) throws {
        try onSmallDisk(kind) { scratch, options in
            let journal = try Journal.open(scratch.path, options: options)
            var positions: [Position] = []
            let body = [UInt8](repeating: 1, count: 1000)
            #expect(throws: JournalError.noSpace) { while true { positions.append(try journal.append(body)) } }
            #expect(positions.count > 900)
            // Everything else goes on: reading, and records that release others.
            for position in positions { #expect(try journal.read(position) == body) }
            for _ in 0..<10 { _ = try journal.append([2], kind: 2, options: .reserve) }
            // Releasing makes room: that of three segments, of 64 records each, and as soon as they are gone.
            for position in positions where position.segment <= 3 { journal.release(position) }
            eventually { journal.statistics.segmentsDeleted == 3 }
            var more = 0
            #expect(throws: JournalError.noSpace) {
                while true {
                    _ = try journal.append(body)
                    more += 1
                }
            }
            // Those of the last quarter are kept back.
            #expect(more >= 3 * 64 - 17)
            let last = journal.lastSequence
            journal.close()

            // Opening on the full disk works, and says the same.
            var seen: UInt64 = 0
            let again = try Journal.open(scratch.path, options: options) { record in
                seen = record.sequence
                return true
            }
            #expect(seen == last && again.recovery.lostRecords == 0)
            #expect(throws: JournalError.noSpace) { while true { _ = try again.append(body) } }
            again.close()
        }
    }

    @Test(arguments: kinds) func aNewJournalNeedsRoom(_ kind: Kind) throws {
        try onSmallDisk(kind) { scratch, options in
            var options = options
            options.segmentBytes = 4 << 20
            #expect(throws: JournalError.noSpace) { try Journal.open(scratch.path, options: options) }
            #expect(scratch.names.isEmpty)
        }
    }

    /// A copy or a backup that was put back may have holes where the zeros were. The kernel would end the process at the
    /// first touch of one that the disk has no room for.
    @Test(arguments: kinds) func holesOnAFullDiskAreNotTouched(_ kind: Kind) throws {
        let origin = try Scratch()
        let journal = try Journal.open(origin.path, options: .small(65536))
        for index in 0..<20 { _ = try journal.append([UInt8](repeating: UInt8(index), count: 100)) }
        journal.close()
        let bytes = try origin.read(SegmentName.file(1))
        try onSmallDisk(kind) { scratch, options in
            // Data in the first page only.
            try scratch.write(Array(bytes[..<4096]), to: SegmentName.file(1))
            truncate("\(scratch.path)/\(SegmentName.file(1))", 65536)
            var options = options
            let allocate = options.systemCalls.allocate
            if kind == .realDisk {
                // Takes what is left.
                let file = open("\(scratch.path)/filler", O_RDWR | O_CREAT, 0o600)
                let written = (0..<300).count { pwrite(file, "x", 1, off_t($0 * 4096)) == 1 }
                close(file)
                #expect(written < 300)
            } else {
                options.systemCalls.allocate = { _, _ in ENOSPC }
            }
            #expect(throws: JournalError.noSpace) { try Journal.open(scratch.path, options: options) }

            unlink("\(scratch.path)/filler")
            options.systemCalls.allocate = allocate
            let again = try Journal.open(scratch.path, options: options)
            #expect(again.recovery.records == 20)
            #expect(try again.append([1]).segment == 1)
            again.close()
        }
    }

    /// What is there can be read and delivered, though there is no room for a new segment.
    @Test func aFullDiskBehindADamagedSegmentIsOpened() throws {
        let scratch = try Scratch()
        var journal = try Journal.open(scratch.path, options: .small())
        let positions = try (0..<8).map { try journal.append([UInt8](repeating: UInt8($0), count: 100)) }
        journal.close()
        let name = SegmentName.file(1)
        var bytes = try scratch.read(name)
        bytes[positions[5].offset + 50] ^= 1
        try scratch.replace(with: [name: bytes])
        // No room for the side file, so the damage stays and nothing may follow it.
        var options = JournalOptions.small()
        options.systemCalls = Ledger(room: 0).systemCalls
        journal = try Journal.open(scratch.path, options: options)
        #expect(journal.recovery.records == 7 && journal.recovery.quarantineFailure == ENOSPC)
        #expect(throws: JournalError.noSpace) { try journal.append([1]) }
        #expect(try journal.read(positions[7]) == [UInt8](repeating: 7, count: 100))
        journal.close()
        #expect(try scratch.read(name) == bytes)
    }

    @Test(.enabled(if: canMount)) func aReadOnlyFileSystemIsToldApart() throws {
        let scratch = try Scratch()
        try #require(FullDiskTests.mount(scratch.path, MS_RDONLY))
        defer { umount2(scratch.path, Int32(MNT_DETACH)) }
        #expect(throws: JournalError.readOnlyFileSystem(path: scratch.path)) {
            try Journal.open(scratch.path, options: .small())
        }
        #expect(throws: JournalError.readOnlyFileSystem(path: "\(scratch.path)/new")) {
            try Journal.open("\(scratch.path)/new", options: .small())
        }
    }
}
