import Glibc

// Opens a journal made of whatever the fuzzer thought up. Built into one module with the journal by run.sh.
//
// The first byte of the input chooses by its rest modulo 3:
// 0: what follows is the file of a segment.
// 1: it says which records to write and which bytes of the file to change afterwards, which gets behind the checksums.
// 2: it is several files of segments, each behind two bytes with its length.
// From 224 on the whole journal is opened, below only its recovery runs.

/// What was read, and what opening said.
private struct Outcome {
    var records: [[UInt8]] = []
    var report = RecoveryReport()
}

private let directory: String = {
    var template = Array("/dev/shm/martlet-fuzz-XXXXXX".utf8CString)
    guard let path = mkdtemp(&template) else { fatalError("no directory in /dev/shm") }
    return String(cString: path)
}()

private let options: JournalOptions = {
    var options = JournalOptions()
    options.segmentBytes = 4096
    options.maximumBytes = 1 << 20
    options.sync = .os
    return options
}()

private let firstSegment = "\(directory)/\(SegmentName.file(1))"

private func clear() {
    let file = FileSystem(calls: .live, path: directory)
    guard let descriptor = try? file.openDirectory(creatingWith: nil) else { return }
    defer { file.close(descriptor) }
    for name in (try? file.names(in: descriptor)) ?? []
    where name.hasPrefix("segment-") || name.hasPrefix("quarantine-") {
        unlink("\(directory)/\(name)")
    }
}

private func change(_ body: (inout [UInt8]) -> Void) {
    guard let file = fopen(firstSegment, "r+") else { return }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = fread(&bytes, 1, bytes.count, file)
    bytes.removeSubrange(count...)
    body(&bytes)
    rewind(file)
    fwrite(bytes, 1, bytes.count, file)
    fflush(file)
    ftruncate(fileno(file), bytes.count)
}

/// Reads and repairs what is there, as opening does before it starts its threads.
private func recover() -> Outcome? {
    let files = FileSystem(calls: .live, path: directory)
    guard let descriptor = try? files.openDirectory(creatingWith: nil) else { return nil }
    defer { files.close(descriptor) }
    var recovery = Recovery(options: options, files: files, directory: descriptor)
    var outcome = Outcome()
    do throws(JournalError) {
        let found = try recovery.run { record in
            outcome.records.append(Array(record.bytes))
            return true
        }
        outcome.report = found.report
        return outcome
    } catch {
        guard case .newerFormat = error else { fatalError("recovery failed: \(error)") }
        return nil
    }
}

private func open() -> Outcome? {
    var outcome = Outcome()
    do throws(JournalError) {
        let journal = try Journal.open(directory, options: options) { record in
            outcome.records.append(Array(record.bytes))
            return true
        }
        outcome.report = journal.recovery
        for usage in journal.segmentUsage() {
            journal.forEachLiveRecord(in: usage.number) { journal.release($0.position) }
        }
        journal.close()
        return outcome
    } catch {
        // The only thing a single file may lead to.
        guard case .newerFormat = error else { fatalError("opening failed: \(error)") }
        return nil
    }
}

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeBufferPointer(start: start, count: count)
    guard let mode = input.first else { return 0 }
    clear()
    switch mode % 3 {
    case 0: write(input.dropFirst(), as: 1)
    case 1: writeAndDamage(input.dropFirst())
    default: writeSeveral(input.dropFirst())
    }
    var seen: [[UInt8]] = []
    let inspection = try? JournalInspector.inspect(directory) { record in
        if record.kind != RecordFormat.fillerKind { seen.append(Array(record.bytes)) }
    }
    // One in eight as a whole, with threads, deletion and copying.
    let opensWhole = mode >= 0xe0
    guard let first = opensWhole ? open() : recover() else {
        guard inspection?.hasNewerFormat == true else { fatalError("the inspector saw no newer format") }
        return 0
    }
    guard seen == first.records else { fatalError("the inspector saw other records") }
    guard inspection?.isSound == false || first.report.isClean else { fatalError("the inspector saw no damage") }
    // Opening repaired what it found: a second one finds the same records and nothing to say. The oldest
    // segments may be deleted meanwhile.
    guard let second = opensWhole ? open() : recover() else { fatalError("the second opening failed") }
    guard second.report.quarantinedStretches == 0, second.report.truncatedBytes == 0 else {
        fatalError("the second opening repaired something: \(second.report)")
    }
    guard first.records.suffix(second.records.count) == second.records[...] else { fatalError("other records") }
    return 0
}

private func write(_ bytes: some Sequence<UInt8>, as number: UInt32) {
    guard let file = fopen("\(directory)/\(SegmentName.file(number))", "w") else { return }
    let bytes = Array(bytes.prefix(8192))
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
}

private func writeSeveral(_ input: Slice<UnsafeBufferPointer<UInt8>>) {
    var rest = input
    var number: UInt32 = 1
    while let low = rest.popFirst(), let high = rest.popFirst() {
        // The highest bit leaves out a number.
        number += high >= 0x80 ? 1 : 0
        let length = Int(low) | Int(high & 0x1f) << 8
        write(rest.prefix(length), as: number)
        rest = rest.dropFirst(length)
        number += 1
    }
}

extension RecoveryReport {
    fileprivate var isClean: Bool {
        quarantinedStretches == 0 && lostPagesBytes == 0 && missingSegments.isEmpty && damagedHeaders == 0
            && shortenedSegments == 0
    }
}

/// Writes what real journals hold into the folder that MARTLET_FUZZ_SEEDS names, and ends; libFuzzer calls it first.
@_cdecl("LLVMFuzzerInitialize")
func initialize(
    _ count: UnsafeMutablePointer<CInt>?,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>?
) -> CInt {
    guard let folder = getenv("MARTLET_FUZZ_SEEDS").map({ String(cString: $0) }) else { return 0 }
    let seeds: [String: [Int]] = [
        "empty": [],
        "one": [5],
        "short": [Int](repeating: 24, count: 60),
        "mixed": [0, 1, 700, 16, 8, 1500, 3],
        "whole": [3952],
        "three": [Int](repeating: 900, count: 11),
    ]
    for (name, lengths) in seeds {
        clear()
        guard let journal = try? Journal.open(directory, options: options) else { fatalError("no journal") }
        for (index, length) in lengths.enumerated() {
            let body = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index) }
            body.withUnsafeBytes { _ = try? journal.append(kind: UInt8(1 + index % 11), $0) }
        }
        let last = journal.segmentUsage().last?.number ?? 1
        journal.close()
        let files = (1...last).map { contents(of: "\(directory)/\(SegmentName.file($0))") }
        seed([0] + files[0], "\(folder)/\(name)")
        seed(files.reduce([2]) { $0 + [UInt8($1.count & 255), UInt8($1.count >> 8)] + $1 }, "\(folder)/\(name)-all")
    }
    clear()
    rmdir(directory)
    exit(0)
}

private func contents(of path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes[..<count])
}

private func seed(_ bytes: [UInt8], _ path: String) {
    guard let file = fopen(path, "w") else { fatalError("cannot write \(path)") }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
}

/// Pairs of bytes: up to the first 0, lengths and fill bytes of records; behind it, changes: two bytes of place, one of
/// value.
private func writeAndDamage(_ plan: Slice<UnsafeBufferPointer<UInt8>>) {
    var rest = plan
    guard let journal = try? Journal.open(directory, options: options) else { return }
    while let length = rest.popFirst(), length != 0, let fill = rest.popFirst() {
        let body = [UInt8](repeating: fill, count: Int(length))
        body.withUnsafeBytes { _ = try? journal.append(kind: 1, $0) }
    }
    journal.close()
    change { bytes in
        while let low = rest.popFirst(), let high = rest.popFirst(), let value = rest.popFirst() {
            let place = Int(low) | Int(high) << 8
            if high >= 0xf0 {
                bytes.removeSubrange(min(place & 0xfff, bytes.count)...)
            } else if place < bytes.count {
                bytes[place] = value
            }
        }
    }
}
