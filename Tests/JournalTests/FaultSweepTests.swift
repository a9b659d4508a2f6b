import Glibc
import Testing
import Threading

@testable import Journal

/// Every call to the system fails in turn, at every time it is made: opening refuses with a clear text or finds all, what
/// was accepted is there afterwards, and nothing stays open.
@Suite struct FaultSweepTests {
    private struct Sample {
        var files: [String: [UInt8]] = [:]
        /// Needed records by their first four bytes.
        var records: [UInt32: [UInt8]] = [:]
    }

    private static func body(_ number: UInt32) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) } + [UInt8](repeating: UInt8(number & 0x7f), count: 396)
    }

    /// Three segments with everything that opening repairs: a damaged record, the first copy of a header, an append that
    /// was cut short, a segment without a header, a file of a preparation that did not end.
    private static let sample: Result<Sample, any Error> = Result {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        var sample = Sample()
        var positions: [Position] = []
        for number in UInt32(1)...25 {
            positions.append(try journal.append(body(number)))
            sample.records[number] = body(number)
        }
        let lastSegment = try #require(positions.last).segment
        journal.close()
        sample.files = try scratch.contents().filter { $0.key <= SegmentName.file(lastSegment) }
        let victim = try #require(positions.first { $0.segment == 2 })
        var bytes = try #require(sample.files[SegmentName.file(2)])
        bytes[victim.offset + 40] ^= 1
        bytes[3] ^= 1
        sample.files[SegmentName.file(2)] = bytes
        sample.records[UInt32(positions.firstIndex(of: victim) ?? 0) + 1] = nil
        bytes = try #require(sample.files[SegmentName.file(lastSegment)])
        bytes.replaceSubrange(4000..<4008, with: [1, 2, 3, 4, 5, 6, 7, 8])
        sample.files[SegmentName.file(lastSegment)] = bytes
        sample.files[SegmentName.file(lastSegment + 2)] = [UInt8](repeating: 0xee, count: 4096)
        sample.files[SegmentName.unfinishedFile(lastSegment + 3)] = [1, 2, 3]
        return sample
    }

    private static let plans: [(call: Ledger.Call, isLasting: Bool, isShort: Bool)] =
        Ledger.Call.allCases.filter { ![.unmap, .makeDirectory, .read].contains($0) }.flatMap { call in
            [(call, false, false), (call, true, false)]
        } + [(.write, true, true)]

    @Test(arguments: plans.indices, [0, 1, 2])
    func everyCallFailsInTurn(index: Int, mode: Int) throws {
        let (call, isLasting, isShort) = FaultSweepTests.plans[index]
        let sync: JournalOptions.Sync = [.always, .interval(milliseconds: 1), .os][mode]
        let sample = try FaultSweepTests.sample.get()
        for first in 1...500 {
            let plan = Ledger.Plan(call: call, first: first, isLasting: isLasting, isShort: isShort)
            let failures = try run(plan, sync, sample)
            if isShort || failures == 0 { return }
        }
        Issue.record("no end")
    }

    /// Opens the sample, writes, releases, moves and closes; answers how many calls failed.
    private func run(_ plan: Ledger.Plan, _ sync: JournalOptions.Sync, _ sample: Sample) throws -> Int {
        let scratch = try Scratch()
        try scratch.replace(with: sample.files)
        let ledger = Ledger(plan)
        var options = JournalOptions.small(4096, sync)
        options.systemCalls = ledger.systemCalls
        // What must be there at the end, and what may be.
        var accepted = sample.records
        var possible = sample.records
        do {
            var live: [UInt32: Position] = [:]
            let journal = try Journal.open(scratch.path, options: options) { record in
                live[FaultSweepTests.number(record.bytes)] = record.position
                return true
            }
            #expect(Set(live.keys) == Set(sample.records.keys), "\(plan.text)")
            write(journal, &live, &accepted, &possible)
            journal.close()
        } catch {
            #expect(!error.description.contains("\n"))
            if case .system(let operation, _, let code) = error {
                #expect(!operation.isEmpty && code == plan.call.code)
            }
        }
        #expect(ledger.leaks == 0, "\(plan.text)")

        let (records, report) = try Journal.readAll(scratch.path)
        let found = Dictionary(
            records.map { record in (record.bytes.withUnsafeBytes { FaultSweepTests.number($0) }, record.bytes) },
            uniquingKeysWith: { $1 }
        )
        let missing = accepted.filter { found[$0.key] != $0.value }.keys
        #expect(missing.isEmpty, "\(plan.text): \(missing.sorted())")
        let unknown = found.filter { possible[$0.key] != $0.value }.keys
        #expect(unknown.isEmpty, "\(plan.text): \(unknown.sorted())")
        #expect(report.quarantineFailure == nil)
        #expect(!scratch.names.contains { $0.hasSuffix(".tmp") })
        let again = try Journal.readAll(scratch.path)
        #expect(again.records.suffix(records.count) == records.suffix(again.records.count))
        #expect(again.report.quarantinedStretches == 0 && again.report.truncatedBytes == 0)
        return ledger.failures
    }

    private func write(
        _ journal: Journal,
        _ live: inout [UInt32: Position],
        _ accepted: inout [UInt32: [UInt8]],
        _ possible: inout [UInt32: [UInt8]]
    ) {
        for number in UInt32(100)..<140 {
            let body = FaultSweepTests.body(number)
            do {
                live[number] = try journal.append(body, options: number % 3 == 0 ? .lazy : [])
                accepted[number] = body
                possible[number] = body
            } catch JournalError.syncFailed {
                // Written, and perhaps not on the disk.
                possible[number] = body
            } catch {
                #expect(error as? JournalError != nil)
            }
            if number == 110 { move(journal, &live) }
            if number == 125 { try? journal.sync() }
            // The older half of the sample is settled.
            if number > 112, let old = live.filter({ $0.key < 12 }).min(by: { $0.key < $1.key }) {
                live[old.key] = nil
                accepted[old.key] = nil
                journal.release(old.value)
            }
        }
    }

    private func move(_ journal: Journal, _ live: inout [UInt32: Position]) {
        guard let oldest = journal.segmentUsage().first else { return }
        var moved: [UInt32: Position] = [:]
        journal.forEachLiveRecord(in: oldest.number) { record in
            guard let place = try? journal.append(kind: 1, record.bytes, options: [.lazy, .copied, .reserve]) else {
                return false
            }
            moved[FaultSweepTests.number(record.bytes)] = place
            return journal.release(record.position)
        }
        live.merge(moved) { $1 }
    }

    private static func number(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        bytes.count >= 4 ? UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)) : 0
    }

    @Test func aDirectoryThatCannotBeMadeIsTold() throws {
        let scratch = try Scratch()
        let ledger = Ledger(Ledger.Plan(call: .makeDirectory, first: 1, isLasting: false))
        var options = JournalOptions.small()
        options.systemCalls = ledger.systemCalls
        let path = "\(scratch.path)/new"
        #expect(throws: JournalError.system(operation: "open", path: path, code: EIO)) {
            try Journal.open(path, options: options)
        }
        #expect(ledger.leaks == 0)
    }

    @Test func theInspectorClosesWhatItOpens() throws {
        let sample = try FaultSweepTests.sample.get()
        let scratch = try Scratch()
        try scratch.replace(with: sample.files)
        for call in [Ledger.Call.openDirectory, .listNames, .openFile, .size, .read] {
            for first in 1...20 {
                let ledger = Ledger(Ledger.Plan(call: call, first: first, isLasting: false))
                _ = try? JournalInspector.inspect(scratch.path, systemCalls: ledger.systemCalls)
                #expect(ledger.leaks == 0)
                if ledger.failures == 0 { break }
            }
        }
        #expect(try scratch.contents() == sample.files)
    }
}
