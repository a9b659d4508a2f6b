import Glibc
import Synchronization
import TestInputs
import Testing
import Threading

@testable import Journal

/// Power failures at random instants: what was acknowledged as synced is there afterwards, in every mode.
@Suite struct CrashTests {
    /// What the host remembers. Each record carries a number and bytes that follow from it.
    private final class Host: Sendable {
        struct Memory {
            /// Needed records: where they stand.
            var live: [UInt32: Position] = [:]
            /// The newest sequence under which a number was written, first time.
            var sequences: [UInt32: UInt64] = [:]
            /// Numbers that must be there after a crash: synced, and not released.
            var promised: Set<UInt32> = []
            /// What was promised when the image was taken.
            var promisedAtCrash: Set<UInt32>?
        }
        let memory = Locked(Memory())

        static func body(_ number: UInt32) -> [UInt8] {
            var generator = Generator(seed: UInt64(number))
            let length = Int.random(in: 0...600, using: &generator)
            return withUnsafeBytes(of: number) { Array($0) } + generator.bytes(length)
        }

        func freeze() {
            memory.withLock { if $0.promisedAtCrash == nil { $0.promisedAtCrash = $0.promised } }
        }

        func noteSynced(_ sequence: UInt64) {
            memory.withLock { memory in
                for (number, written) in memory.sequences where written <= sequence && memory.live[number] != nil {
                    memory.promised.insert(number)
                }
            }
        }
    }

    private func number(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        bytes.count >= 4 ? bytes.loadUnaligned(as: UInt32.self) : 0
    }

    @Test(arguments: Inputs.each(0..<120, orEvery: 4), [false, true])
    func whatWasSyncedSurvives(seed: Int, failsSyncs: Bool) throws {
        var generator = Generator(seed: UInt64(seed))
        let scratch = try Scratch()
        let host = Host()
        var next: UInt32 = 1
        for generation in 0..<3 {
            var options = JournalOptions.small([4096, 8192, 20480].randomElement(using: &generator) ?? 4096)
            options.sync = [.always, .interval(milliseconds: 1), .os].randomElement(using: &generator) ?? .always
            host.memory.withLock { $0.promisedAtCrash = nil }
            let disk = CrashDisk(
                scratch.path,
                seed: UInt64(seed * 10 + generation),
                imageAfterCalls: Bool.random(using: &generator) ? Int.random(in: 0..<60, using: &generator) : nil,
                failsSyncs: failsSyncs,
                beforeImage: { host.freeze() }
            )
            options.systemCalls = disk.systemCalls

            var found: [UInt32: Position] = [:]
            var journal: Journal?
            while journal == nil {
                do throws(JournalError) {
                    journal = try Journal.open(scratch.path, options: options) { record in
                        let number = number(record.bytes)
                        #expect(Array(record.bytes) == Host.body(number))
                        // A copy that was moved comes later and wins.
                        found[number] = record.position
                        return true
                    }
                } catch {
                    // Mode `always` syncs a new segment.
                    try #require(failsSyncs && error.code == EIO)
                }
            }
            guard let journal else { return }
            let promised = host.memory.withLock { $0.promised }
            #expect(promised.isSubset(of: Set(found.keys)), "generation \(generation)")
            host.memory.withLock { memory in
                memory.live = found
                memory.sequences = [:]
                memory.promised = promised
            }
            try run(journal, host, &next, &generator)
            host.freeze()
            let image = disk.crash()
            journal.close()
            // From here on only what was promised by then counts.
            host.memory.withLock { $0.promised = $0.promisedAtCrash ?? [] }
            try scratch.replace(with: image)
        }
        let records = try Journal.readAll(scratch.path).records
        let numbers = Set(records.map { record in record.bytes.withUnsafeBytes { number($0) } })
        #expect(host.memory.withLock { $0.promised }.isSubset(of: numbers))
    }

    private func run(
        _ journal: Journal,
        _ host: Host,
        _ next: inout UInt32,
        _ generator: inout Generator
    ) throws {
        for _ in 0..<Int.random(in: 1...150, using: &generator) {
            switch Int.random(in: 0..<20, using: &generator) {
            case 0..<11:
                let number = next
                next += 1
                let isLazy = Bool.random(using: &generator)
                let appended: Position
                do {
                    appended = try journal.append(Host.body(number), options: isLazy ? .lazy : [])
                } catch JournalError.syncFailed, JournalError.system {
                    continue
                }
                let sequence = journal.lastSequence
                host.memory.withLock { memory in
                    memory.live[number] = appended
                    memory.sequences[number] = sequence
                }
            case 11..<17:
                let oldest = host.memory.withLock { memory -> Position? in
                    guard let oldest = memory.live.min(by: { $0.value < $1.value }) else { return nil }
                    memory.live[oldest.key] = nil
                    memory.sequences[oldest.key] = nil
                    memory.promised.remove(oldest.key)
                    return oldest.value
                }
                if let oldest { journal.release(oldest) }
            case 17:
                guard let candidate = journal.compactionCandidates(maximumLiveFraction: 0.9).first else { continue }
                journal.forEachLiveRecord(in: candidate.number) { record in
                    let moved = try? journal.append(kind: 1, record.bytes, options: [.lazy, .copied, .reserve])
                    guard let moved else { return false }
                    host.memory.withLock { memory in
                        let number = number(record.bytes)
                        if memory.live[number] == record.position { memory.live[number] = moved }
                    }
                    return journal.release(record.position)
                }
            default: try? journal.sync()
            }
            // Read before it is written down: what counts is what the host was told.
            host.noteSynced(journal.syncedSequence)
        }
    }
}
