import Glibc

// Opens a journal made of whatever the fuzzer thought up. Built into one module with the journal by run.sh.
//
// The first byte of the input chooses: even, the rest is the file of a segment; odd, the rest says which records to write
// and which bytes of the file to change afterwards, which gets behind the checksums.

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
    if mode & 1 == 0 {
        guard let file = fopen(firstSegment, "w") else { return 0 }
        fwrite(input.baseAddress.map { $0 + 1 }, 1, min(count - 1, 8192), file)
        fclose(file)
    } else {
        writeAndDamage(input.dropFirst())
    }
    _ = try? JournalInspector.inspect(directory)
    guard let first = open() else { return 0 }
    // Opening repaired what it found: a second one finds the same records and nothing to say. The oldest
    // segments may be deleted meanwhile.
    guard let second = open() else { fatalError("the second opening failed") }
    guard second.report.quarantinedStretches == 0, second.report.truncatedBytes == 0 else {
        fatalError("the second opening repaired something: \(second.report)")
    }
    guard first.records.suffix(second.records.count) == second.records[...] else { fatalError("other records") }
    return 0
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
