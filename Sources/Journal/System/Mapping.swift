import CPlatform
import Glibc
import Synchronization

/// A file in memory. All raw access to segments goes through here, and every access is checked against the bounds.
///
/// Unmapped with its last reference, so bytes stay valid for whoever holds one, also after the file was deleted.
final class Mapping: @unchecked Sendable {
    // Sendable: the address never changes. Writes go to places that the append lock reserved, and become visible to other
    // threads by the release store of publish(_:at:).
    private let address: UnsafeMutableRawPointer
    let count: Int
    /// When the file was mapped, nothing but zeros stood from here on.
    let dataEnd: Int
    private let calls: SystemCalls
    private let process = getpid()

    init(address: UnsafeMutableRawPointer, count: Int, dataEnd: Int, calls: SystemCalls) {
        self.address = address
        self.count = count
        self.dataEnd = dataEnd
        self.calls = calls
    }

    deinit {
        // A forked child has no such mapping (MADV_DONTFORK); something else may stand there by now.
        if getpid() == process {
            _ = calls.unmap(address, count)
        }
    }

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: address, count: count)
    }

    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[checked(range)])
    }

    /// The number at `offset`, a multiple of 8, with everything that was written before it was published.
    func word(at offset: Int) -> UInt64 {
        UInt64(littleEndian: atomic(offset).pointee.load(ordering: .acquiring))
    }

    /// Stores a number after everything written before: in one piece, so a crash leaves it whole or absent.
    func publish(_ word: UInt64, at offset: Int) {
        atomic(offset).pointee.store(word.littleEndian, ordering: .releasing)
    }

    /// The place where a record of `length` bytes is written.
    func place(at offset: Int, length: Int) -> UnsafeMutableRawPointer {
        address + checked(offset..<offset &+ length).lowerBound
    }

    func zero(_ range: Range<Int>) {
        memset(address + checked(range).lowerBound, 0, range.count)
    }

    /// Makes the pages that hold `range` writable ahead of need; false where the kernel cannot.
    func populate(_ range: Range<Int>) -> Bool {
        let pages = pages(checked(range))
        return pages.isEmpty || calls.populate(address + pages.lowerBound, pages.count) == 0
    }

    /// Writes the pages that hold `range` to the disk and waits; answers an errno or 0.
    func sync(_ range: Range<Int>) -> Int32 {
        let pages = pages(checked(range))
        if pages.isEmpty { return 0 }
        while true {
            let code = calls.syncMapping(address + pages.lowerBound, pages.count)
            if code == EINTR { continue }
            if code != 0 { martlet_journal_mark_changed(address + pages.lowerBound, pages.count) }
            return code
        }
    }

    private static let pageBytes = max(Int(sysconf(Int32(_SC_PAGESIZE))), 4096)

    private func pages(_ range: Range<Int>) -> Range<Int> {
        if range.isEmpty { return range }
        let mask = Mapping.pageBytes &- 1
        // At most 2 GiB and a page: no overflow.
        return range.lowerBound & ~mask..<min((range.upperBound &+ mask) & ~mask, count)
    }

    private func checked(_ range: Range<Int>) -> Range<Int> {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "outside of the segment")
        return range
    }

    private func atomic(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        precondition(offset >= 0 && offset & 7 == 0 && offset <= count &- 8, "outside of the segment")
        // Mappings start at a page, so the word is aligned; an atomic has the layout of its value.
        return (address + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}
