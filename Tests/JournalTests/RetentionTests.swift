import Glibc
import Synchronization
import Testing
import Threading

@testable import Journal

/// Released records, deleted segments, copied stragglers.
@Suite struct RetentionTests {
    @Test func churnTakesABoundedRoom() throws {
        let scratch = try Scratch()
        var options = JournalOptions.small(8192)
        options.maximumBytes = 10 * 8192
        let journal = try Journal.open(scratch.path, options: options)
        defer { journal.close() }
        var pending: [Position] = []
        for index in 0..<20_000 {
            // Deletion is not instant: a host that is that much faster is told, and tries again.
            while true {
                do {
                    pending.append(try journal.append([UInt8](repeating: UInt8(index & 255), count: 100)))
                    break
                } catch JournalError.limitReached {
                    usleep(1000)
                }
            }
            if pending.count > 100 { #expect(journal.release(pending.removeFirst())) }
            #expect(journal.statistics.bytesOnDisk <= options.maximumBytes)
        }
        #expect(journal.statistics.liveBytes == 100 * 120)
        #expect(journal.statistics.segmentsDeleted > 200)
        for position in pending { #expect(try journal.read(position) != nil) }
        for position in pending { journal.release(position) }
        eventually { journal.statistics.segments == 1 }
        #expect(journal.statistics.liveBytes == 0)
        #expect(scratch.segmentNames.count <= 2)
    }

    @Test func aReleasedRecordIsGoneAndASecondReleaseIsNoticed() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        defer { journal.close() }
        let first = try journal.append([1])
        let second = try journal.append([2])
        #expect(journal.release(first))
        #expect(!journal.release(first))
        #expect(try journal.read(first) == nil)
        #expect(try journal.read(second) == [2])
        #expect(!journal.release(.none))
        #expect(!journal.release(Position(rawValue: .max)))
        #expect(journal.statistics.liveBytes == 24)
    }

    @Test func whoKnowsOnlyThePlaceGivesUpAsMuch() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        defer { journal.close() }
        let lengths = [0, 1, 7, 8, 9, 100, 1000]
        let positions = try lengths.map { try journal.append([UInt8](repeating: 1, count: $0)) }
        for (index, position) in positions.enumerated() {
            let before = journal.statistics.liveBytes
            let isRestored = index % 2 == 0
            #expect(journal.release(isRestored ? Position(rawValue: position.rawValue) : position))
            // A header of 16 bytes, and up to the next multiple of 8.
            #expect(journal.statistics.liveBytes == before - (16 + (lengths[index] + 7) / 8 * 8))
        }
        #expect(journal.statistics.liveBytes == 0)
    }

    @Test func pinnedBytesOutliveTheirFile() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        let bytes = [UInt8](repeating: 0xab, count: 2000)
        let position = try journal.append(bytes)
        let pinned = try #require(try journal.pin(position))
        let name = try #require(scratch.segmentNames.first)
        journal.release(position)
        for _ in 0..<4 { journal.release(try journal.append(bytes)) }
        eventually { !scratch.segmentNames.contains(name) }
        #expect(Array(pinned.bytes) == bytes)
        journal.close()
        #expect(Array(pinned.bytes) == bytes)
    }

    @Test func aSettledRecordNeverGoesBeforeTheOneItSettles() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        let straggler = try journal.append([1])
        for _ in 0..<20 { journal.release(try journal.append([UInt8](repeating: 2, count: 1000))) }
        let segments = journal.segmentUsage()
        journal.close()
        // All but the first and the active one are dead, and stay because the first is needed.
        #expect(segments.count > 5)
        #expect(segments.dropFirst().dropLast().allSatisfy { $0.liveBytes == 0 })
        #expect(straggler.segment == segments.first?.number)
    }

    @Test func stragglersAreCopiedForward() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        var live: [[UInt8]: Position] = [:]
        for index in 0..<400 {
            let bytes = withUnsafeBytes(of: UInt32(index)) { Array($0) } + [UInt8](repeating: 3, count: 200)
            let position = try journal.append(bytes)
            if index % 40 == 0 { live[bytes] = position } else { journal.release(position) }
        }
        let before = journal.segmentUsage().count
        let candidates = journal.compactionCandidates(maximumLiveFraction: 0.25)
        #expect(candidates.count > before / 2)
        #expect(journal.compactionCandidates(maximumLiveFraction: 0).isEmpty)
        for candidate in candidates {
            let lost = journal.forEachLiveRecord(in: candidate.number) { record in
                let moved = try? journal.append(
                    kind: record.kind,
                    record.bytes,
                    options: [.reserve, .lazy, .copied]
                )
                guard let moved else { return false }
                live[Array(record.bytes)] = moved
                journal.release(record.position)
                return true
            }
            #expect(lost == 0)
        }
        eventually { journal.segmentUsage().first?.number ?? 0 > candidates.last?.number ?? 0 }
        for (bytes, position) in live { #expect(try journal.read(position) == bytes) }
        #expect(live.count == 10)
        // Nothing was deleted before the copies were on the disk, though this mode never syncs otherwise.
        #expect(journal.statistics.syncs > 0)
        journal.close()
        let records = try Journal.readAll(scratch.path).records.map(\.bytes)
        #expect(live.keys.allSatisfy { records.contains($0) })
    }

    @Test func recordsThatOpeningDidNotKeepAreDeleted() throws {
        let scratch = try Scratch()
        var journal = try Journal.open(scratch.path, options: .small())
        for index in 0..<40 { _ = try journal.append([UInt8](repeating: UInt8(index), count: 1000)) }
        journal.close()
        journal = try Journal.open(scratch.path, options: .small()) { $0.sequence > 35 }
        eventually { journal.statistics.segments <= 3 }
        #expect(journal.statistics.liveBytes == 5 * 1016)
        journal.close()
        #expect(try Journal.readAll(scratch.path).records.last?.sequence == 40)
    }

    @Test func damageFoundWhileCopyingIsGivenUp() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        var positions: [Position] = []
        for index in 0..<20 { positions.append(try journal.append([UInt8](repeating: UInt8(index), count: 500))) }
        // Another program writes into the file.
        let file = open("\(scratch.path)/\(SegmentName.file(1))", O_RDWR)
        pwrite(file, "damage", 6, off_t(positions[2].offset + 100))
        close(file)
        #expect(throws: JournalError.damaged(positions[2])) { try journal.read(positions[2]) }
        var seen: [UInt8] = []
        let lost = journal.forEachLiveRecord(in: 1) { record in
            seen.append(record.bytes[0])
            return journal.release(record.position)
        }
        #expect(lost == 1)
        #expect(seen == positions.indices.filter { positions[$0].segment == 1 && $0 != 2 }.map { UInt8($0) })
        eventually { journal.segmentUsage().first?.number == 2 }
        journal.close()
    }

    @Test func readersAndReleasersRaceWithDeletion() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small(8192))
        defer { journal.close() }
        let mail = Locked<[Position]>([])
        let isDone = Atomic<Bool>(false)
        try onThreads(3) { thread in
            if thread == 0 {
                for index in 0..<10_000 {
                    let byte = UInt8(index & 255)
                    guard let position = try? journal.append([UInt8](repeating: byte, count: 64)) else { continue }
                    mail.withLock { $0.append(position) }
                }
                isDone.store(true, ordering: .releasing)
                return
            }
            while true {
                let position = mail.withLock { $0.popLast() }
                guard let position else {
                    if isDone.load(ordering: .acquiring), mail.withLock({ $0.isEmpty }) { return }
                    sched_yield()
                    continue
                }
                guard let pinned = try? journal.pin(position, verifying: true) else {
                    Issue.record("a needed record is not there")
                    continue
                }
                journal.release(position)
                let first = pinned.bytes[0]
                if !pinned.bytes.allSatisfy({ $0 == first }) { Issue.record("foreign bytes") }
            }
        }
        eventually { journal.statistics.segments == 1 }
        #expect(journal.statistics.liveBytes == 0)
    }
}
