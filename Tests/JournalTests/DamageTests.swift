import TestInputs
import Testing

@testable import Journal

/// What opening does with files that were cut or changed.
@Suite struct DamageTests {
    /// Three segments of a few records each, as files; the offsets of the records by segment.
    private struct Sample {
        var files: [String: [UInt8]]
        var records: [Read]
        var positions: [Position]
        var names: [String]
    }

    private func sample() throws -> Sample {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        var positions: [Position] = []
        for index in 0..<27 {
            let bytes = [UInt8](repeating: UInt8(index + 1), count: 290 + index)
            positions.append(try journal.append(bytes, kind: UInt8(1 + index % 3)))
        }
        journal.close()
        let records = try Journal.readAll(scratch.path).records
        // Without the segment prepared ahead: what is cut or changed is the newest one.
        let names = Array(scratch.segmentNames.prefix(Int(try #require(positions.last).segment)))
        let files = try scratch.contents().filter { names.contains($0.key) }
        #expect(names.count == 3 && records.count == 27)
        return Sample(files: files, records: records, positions: positions, names: names)
    }

    @Test func cutAtEveryLength() throws {
        let sample = try sample()
        let scratch = try Scratch()
        let name = try #require(sample.names.last)
        let bytes = try #require(sample.files[name])
        // Where each record of the last segment ends.
        let last = zip(sample.positions, sample.records).filter { $0.0.segment == 3 }
        let ends = last.map { position, record -> Int in position.offset + 16 + record.bytes.count }
        let before = sample.records.count - ends.count
        let lastEnd = (ends.last ?? 0) + 16
        for length in Inputs.each(0...lastEnd, orEvery: 7) + [bytes.count - 1] {
            try scratch.replace(with: sample.files.merging([name: Array(bytes[..<length])]) { $1 })
            let (records, report) = try Journal.readAll(scratch.path)
            let kept = before + ends.count { $0 <= length }
            // A record is whole where only its padding is cut.
            #expect(records == Array(sample.records[..<kept]), "cut at \(length)")
            if length >= 64 {
                #expect(report.quarantinedStretches == 0, "cut at \(length)")
            }
            // The next opening finds everything in order, and writing goes on.
            let journal = try Journal.open(scratch.path, options: .small())
            #expect(journal.recovery.records == kept && journal.recovery.truncatedBytes == 0)
            #expect(journal.recovery.quarantinedStretches == 0)
            let position = try journal.append([9, 9])
            #expect(try journal.read(position) == [9, 9])
            journal.close()
        }
    }

    @Test(arguments: [0, 1, 2])
    func aChangedByteCostsOneRecord(segment: Int) throws {
        let sample = try sample()
        let scratch = try Scratch()
        let name = sample.names[segment]
        let bytes = try #require(sample.files[name])
        let own = zip(sample.positions, sample.records).filter { $0.0.segment == UInt32(segment + 1) }
        let end = (own.last.map { $0.0.offset + RecordFormat.padded(16 + $0.1.bytes.count) } ?? 0)
        for offset in Inputs.each(0..<min(end + 24, bytes.count), orEvery: 7) {
            var changed = bytes
            changed[offset] ^= 0x41
            try scratch.replace(with: sample.files.merging([name: changed]) { $1 })
            let (records, report) = try Journal.readAll(scratch.path)
            // The record that holds the byte, unless it is in the padding or in front of the records.
            let hit = own.first { pair in
                offset >= pair.0.offset && offset < pair.0.offset + 16 + pair.1.bytes.count
            }
            #expect(records == sample.records.filter { $0 != hit?.1 }, "offset \(offset)")
            if hit != nil {
                #expect(report.quarantinedStretches == 1, "offset \(offset)")
                let side = try #require(scratch.names.first { $0.hasPrefix("quarantine-") })
                #expect(try scratch.read(side).count == report.quarantinedBytes)
            }
            #expect(report.damagedHeaders == (offset < 128 ? 1 : 0))
            // Repaired: the second opening has nothing to report but keeps the same records.
            let again = try Journal.readAll(scratch.path)
            #expect(again.records == records, "offset \(offset)")
            #expect(again.report.quarantinedStretches == 0 && again.report.damagedHeaders == 0, "offset \(offset)")
            #expect(again.report.truncatedBytes == 0, "offset \(offset)")
        }
    }

    @Test func everySingleBitMayFlip() throws {
        let origin = try Scratch()
        let journal = try Journal.open(origin.path, options: .small())
        let positions = try (0..<5).map { try journal.append([UInt8](repeating: UInt8($0), count: 3 + $0), kind: 2) }
        journal.close()
        let intact = try Journal.readAll(origin.path).records
        let files = try origin.contents()
        let name = SegmentName.file(1)
        let bytes = try #require(files[name])
        let scratch = try Scratch()
        // Where the next record would start: a word that is not zero there looks like a damaged one.
        let next = positions[4].offset + 24
        for bit in Inputs.each(0..<(next + 32) * 8, orEvery: 7) {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            try scratch.replace(with: files.merging([name: changed]) { $1 })
            let inspection = try JournalInspector.inspect(scratch.path)
            let (records, report) = try Journal.readAll(scratch.path)
            let hit = positions.indices.first { index in
                bit / 8 >= positions[index].offset && bit / 8 < positions[index].offset + 16 + 3 + index
            }
            let kept = intact.indices.filter { $0 != hit }.map { intact[$0] }
            #expect(records == kept, "bit \(bit)")
            let isDamage = hit != nil || (next..<next + 8).contains(bit / 8)
            #expect(report.quarantinedStretches == (isDamage ? 1 : 0), "bit \(bit)")
            #expect(report.damagedHeaders == (bit < 128 * 8 ? 1 : 0), "bit \(bit)")
            // The inspector sees the same from the outside.
            #expect(inspection.segments.first?.damage.isEmpty != isDamage, "bit \(bit)")
            #expect(inspection.hasDamage == (isDamage || bit < 128 * 8), "bit \(bit)")
        }
    }

    @Test func aSegmentInTheMiddleCutAtEveryLength() throws {
        let sample = try sample()
        let scratch = try Scratch()
        let bytes = try #require(sample.files[sample.names[1]])
        let own = zip(sample.positions, sample.records).filter { $0.0.segment == 2 }
        let end = own.last.map { $0.0.offset + 16 + $0.1.bytes.count } ?? 0
        for length in Inputs.each(0...end, orEvery: 7) {
            try scratch.replace(with: sample.files.merging([sample.names[1]: Array(bytes[..<length])]) { $1 })
            let (records, report) = try Journal.readAll(scratch.path)
            let lost = own.filter { $0.0.offset + 16 + $0.1.bytes.count > length }.map(\.1)
            #expect(records == sample.records.filter { !lost.contains($0) }, "cut at \(length)")
            #expect(report.lostRecords == lost.count, "cut at \(length)")
            // Cut within the first copy of the header the file is set aside, with none it is missing.
            #expect(report.shortenedSegments == (length < 64 ? 0 : 1), "cut at \(length)")
            #expect(report.quarantinedStretches == ((1..<64).contains(length) ? 1 : 0), "cut at \(length)")
            #expect(report.missingSegments.count == (length == 0 ? 1 : 0), "cut at \(length)")
        }
    }

    @Test func anAppendCutShortAtAnyByteLeavesNothing() throws {
        let sample = try sample()
        let scratch = try Scratch()
        let name = try #require(sample.names.last)
        let bytes = try #require(sample.files[name])
        let last = try #require(sample.positions.last)
        let length = 16 + (sample.records.last?.bytes.count ?? 0)
        // The process dies while the record is copied: its first word is not stored yet.
        for written in Inputs.each(0...length - 8, orEvery: 7) {
            var torn = bytes
            for index in last.offset..<torn.count where index < last.offset + 8 || index >= last.offset + 8 + written {
                torn[index] = 0
            }
            try scratch.replace(with: sample.files.merging([name: torn]) { $1 })
            var records: [Read] = []
            let journal = try Journal.open(scratch.path, options: .small()) { record in
                records.append(Read(kind: record.kind, sequence: record.sequence, bytes: Array(record.bytes)))
                return true
            }
            #expect(records == Array(sample.records.dropLast()))
            #expect(journal.recovery.quarantinedStretches == 0)
            // A shorter record goes in its place; nothing of the torn one may show behind it.
            let position = try journal.append([5])
            #expect(position == last)
            journal.close()
            let again = try Journal.readAll(scratch.path)
            #expect(again.records.count == sample.records.count && again.records.last?.bytes == [5])
            #expect(again.report.truncatedBytes == 0 && again.report.quarantinedStretches == 0)
        }
    }

    @Test func aWholePageOfZerosCostsOnlyItsRecords() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small(65536))
        for index in 0..<60 { _ = try journal.append([UInt8](repeating: UInt8(index + 1), count: 1000)) }
        journal.close()
        let name = try #require(scratch.segmentNames.first)
        var bytes = try scratch.read(name)
        for index in 8192..<12288 { bytes[index] = 0 }
        try scratch.write(bytes, to: name)
        let (records, report) = try Journal.readAll(scratch.path, options: .small(65536))
        let lost = Set(0..<60).subtracting(records.compactMap { $0.bytes.first.map { Int($0) - 1 } })
        #expect((4...6).contains(lost.count))
        #expect(report.lostRecords == lost.count)
        #expect(records.count == 60 - lost.count)
    }

    /// What was put in holds no record of its own, so the next one has the very next sequence.
    @Test(arguments: [16, 40, 600]) func bytesThatWerePutInBetweenCostNoRecord(count: Int) throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        let positions = try (0..<6).map { try journal.append([UInt8](repeating: UInt8($0), count: 100)) }
        journal.close()
        let intact = try Journal.readAll(scratch.path).records
        var bytes = try scratch.read(SegmentName.file(1))
        bytes.insert(contentsOf: [UInt8](repeating: 0xdd, count: count), at: positions[3].offset)
        try scratch.replace(with: [SegmentName.file(1): Array(bytes.prefix(4096))])
        for opening in 1...3 {
            let (records, report) = try Journal.readAll(scratch.path)
            #expect(records == intact, "opening \(opening)")
            #expect(report.quarantinedStretches == (opening == 1 ? 1 : 0) && report.lostRecords == 0)
        }
    }

    @Test func aMissingSegmentIsReported() throws {
        let sample = try sample()
        let scratch = try Scratch()
        var files = sample.files
        files[sample.names[1]] = nil
        try scratch.replace(with: files)
        let (records, report) = try Journal.readAll(scratch.path)
        #expect(report.missingSegments == [2...2])
        let lost = zip(sample.positions, sample.records).filter { $0.0.segment == 2 }.map(\.1)
        #expect(records == sample.records.filter { !lost.contains($0) })
        #expect(report.lostRecords == lost.count)
    }

    @Test func aSegmentWithoutHeaderIsSetAside() throws {
        let sample = try sample()
        let scratch = try Scratch()
        var files = sample.files
        let damaged = [UInt8](repeating: 0xee, count: 128) + (files[sample.names[1]] ?? []).dropFirst(128)
        files[sample.names[1]] = damaged
        try scratch.replace(with: files)
        let report = try Journal.readAll(scratch.path).report
        #expect(report.quarantinedStretches == 1 && report.quarantinedBytes == damaged.count)
        #expect(report.missingSegments.isEmpty && report.lostRecords > 0)
        #expect(try scratch.read("quarantine-0000000000000002.log") == damaged)
    }

    @Test func aBodyCannotPoseAsARecord() throws {
        let scratch = try Scratch()
        let journal = try Journal.open(scratch.path, options: .small())
        // The bytes of a whole record of another segment, with a sequence that would fit here.
        let other = try Scratch()
        let foreign = try Journal.open(other.path, options: .small())
        for _ in 0..<3 { _ = try foreign.append([0xbb]) }
        foreign.close()
        let forged = Array(try other.read(try #require(other.segmentNames.first))[128 + 48..<128 + 72])
        _ = try journal.append([1])
        let victim = try journal.append(forged)
        _ = try journal.append([3])
        journal.close()
        let name = try #require(scratch.segmentNames.first)
        var bytes = try scratch.read(name)
        bytes[victim.offset + 4] ^= 1
        try scratch.write(bytes, to: name)
        #expect(try Journal.readAll(scratch.path).records.map(\.bytes) == [[1], [3]])
    }

    @Test func randomBytesNeverStopOpening() throws {
        let sample = try sample()
        var generator = Generator(seed: 99)
        for _ in 0..<150 {
            let scratch = try Scratch()
            var files = sample.files
            for _ in 0..<Int.random(in: 1...5, using: &generator) {
                let name = sample.names[Int.random(in: 0...2, using: &generator)]
                guard var bytes = files[name], !bytes.isEmpty else { continue }
                let start = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: bytes.removeSubrange(start...)
                case 1:
                    for index in start..<min(bytes.count, start + 600) { bytes[index] = generator.bytes(1)[0] }
                case 2: for index in start..<min(bytes.count, start + 4096) { bytes[index] = 0 }
                default: bytes = generator.bytes(bytes.count)
                }
                files[name] = bytes
            }
            try scratch.replace(with: files)
            let (records, _) = try Journal.readAll(scratch.path)
            // Whatever comes back was written, and in order.
            #expect(records.allSatisfy { sample.records.contains($0) })
            #expect(zip(records, records.dropFirst()).allSatisfy { $0.0.sequence < $0.1.sequence })
            let again = try Journal.readAll(scratch.path)
            #expect(again.records == records)
            #expect(again.report.quarantinedStretches == 0 && again.report.truncatedBytes == 0)
        }
    }
}
