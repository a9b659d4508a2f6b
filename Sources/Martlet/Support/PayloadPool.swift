import CPlatform
import Glibc
import Synchronization
import Threading

/// Memory for the payloads of events that wait: blocks of a few sizes, in regions of 2 MiB that come from the system and
/// go back to it.
///
/// The general allocator would do, but for two things. What a drained backlog held goes back at once, without combing
/// through the host's own heap. And a lane gives a block back with one atomic operation, whoever pushes meanwhile.
///
/// Regions are not asked for as huge pages: these are cleared faster where the machine has touched them before, and were
/// slower on average where a virtual machine's host backs them at the first touch. Once the queue has filled a few, the
/// pages of a span are made ready together, which saves a fault for each.
///
/// Pushes take turns under a lock. A block that is given back goes onto a list without a lock; each allocation takes two
/// off it, so the list never grows. Any thread may call anything.
final class PayloadPool: @unchecked Sendable {
    // Sendable: regions and `state` are touched with the lock held; blocks belong to whoever allocated them, and to the
    // pool again from the exchange on that puts them onto `returned`.

    /// What is larger comes from malloc.
    static let largestBlock = 8192

    private static let regionBytes = 2 << 20
    private static let spanBytes = 64 << 10
    private static let spansPerRegion = 32
    /// The head of a region: itself and its spans.
    private static let headBytes = 4096
    private static let classCount = 56
    /// With more regions than this, a span's pages are made ready together.
    private static let largePool = 4
    /// With more than this, whole regions are made ready ahead.
    private static let growingPool = 16

    /// Part of a region, cut into blocks of one size.
    private struct Span {
        var size: UInt32 = 0
        /// Offsets are from the start of the region.
        var start: UInt32 = 0
        var end: UInt32 = 0
        /// Behind the last block that was ever handed out.
        var untouched: UInt32 = 0
        /// The first block that was given back, 0 for none; each holds the offset of the next.
        var firstFree: UInt32 = 0
        var live: UInt32 = 0
        var sizeClass: UInt8 = 0
        /// In the list of those of its size that have room.
        var isListed = false
        var previous: UnsafeMutablePointer<Span>?
        var next: UnsafeMutablePointer<Span>?

        var hasRoom: Bool { firstFree != 0 || end - untouched >= size }
    }

    /// Stands behind the address of its pool, which whoever gives a block back reads without the lock.
    private struct Region {
        /// One bit for each span that is not in use.
        var freeSpans = UInt32.max
        /// All its pages are there.
        var isReady = false
        /// In the list of regions with free spans.
        var previous: UnsafeMutablePointer<Region>?
        var next: UnsafeMutablePointer<Region>?
    }

    private struct State {
        var listed: [UnsafeMutablePointer<Span>?] = Array(repeating: nil, count: PayloadPool.classCount)
        var firstRegion: UnsafeMutablePointer<Region>?
        var regionCount = 0
        /// Regions without a block in use; one of them is kept.
        var emptyCount = 0
        /// Blocks that were given back and are not sorted in yet.
        var pending: UInt = 0
    }

    private let state = Locked(State())
    private let ahead = RegionsAhead(bytes: PayloadPool.regionBytes)
    private let padding = CacheLinePadding()
    /// The block given back last, 0 for none; each holds the address of the one before.
    private let returned = Atomic<UInt>(0)
    private let isClosed = Atomic<Bool>(false)

    // MARK: Blocks

    /// A block of at least `count` bytes, aligned to 16; nil where there is no memory. Give it back with
    /// ``free(_:count:)``.
    func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
        guard count <= PayloadPool.largestBlock else { return malloc(count) }
        let (number, size) = PayloadPool.sizeClass(of: max(count, 1))
        return state.withLock { state in
            sortIn(2, &state)
            guard let span = state.listed[number] ?? makeSpan(number, size: size, &state) else { return nil }
            return PayloadPool.take(from: span, number, &state)
        }
    }

    /// Gives a block of `count` bytes back that ``allocate(_:)`` of any pool gave.
    static func free(_ address: UnsafeRawPointer?, count: Int) {
        guard let address else { return }
        let block = UnsafeMutableRawPointer(mutating: address)
        guard count <= largestBlock else { return Glibc.free(block) }
        let pool = pool(of: region(of: block))
        // The block's region keeps the pool. Once the engine is gone, which takes its last events with it, nobody else may.
        guard pool._withUnsafeGuaranteedRef({ $0.isClosed.load(ordering: .relaxed) }) else {
            return pool._withUnsafeGuaranteedRef { $0.giveBack(block) }
        }
        _ = pool.retain()
        pool._withUnsafeGuaranteedRef { pool in
            pool.giveBack(block)
            pool.trim()
        }
        pool.release()
    }

    private func giveBack(_ block: UnsafeMutableRawPointer) {
        let address = UInt(bitPattern: block)
        var last = returned.load(ordering: .relaxed)
        while true {
            // A block has 16 bytes at least.
            block.storeBytes(of: last, as: UInt.self)
            let (exchanged, original) = returned.weakCompareExchange(
                expected: last,
                desired: address,
                successOrdering: .releasing,
                failureOrdering: .relaxed
            )
            if exchanged { return }
            last = original
        }
    }

    /// Gives all memory back to the system that holds no block in use.
    func trim() {
        // In parts: pushes must not wait for the end of a million blocks.
        while state.withLock({ sortIn(256, &$0) }) {}
        ahead.giveBack()
        state.withLock { state in
            var region = state.firstRegion
            while let current = region {
                region = current.pointee.next
                if current.pointee.freeSpans == .max { unmap(current, &state) }
            }
        }
    }

    /// Regions held from the system, for tests.
    var regionCount: Int {
        state.withLock { $0.regionCount }
    }

    /// The engine is gone: from here on nothing is kept.
    func close() {
        isClosed.store(true, ordering: .relaxed)
        trim()
        ahead.close()
    }

    // MARK: Sizes

    /// Steps of 16 bytes up to 256, then eight to each doubling: at most an eighth of a block is wasted.
    private static func sizeClass(of count: Int) -> (number: Int, size: Int) {
        let last = count - 1
        if count <= 128 { return (last >> 4, (last | 15) + 1) }
        // 7 for 129 … 256, up to 12 for 4097 … 8192.
        let top = Int.bitWidth - 1 - last.leadingZeroBitCount
        let step = top - 3
        return ((top - 7) * 8 + last >> step, (last >> step + 1) << step)
    }

    // MARK: Spans; all with the lock held

    private static func region(of block: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Region> {
        // Regions are aligned to their size, and a block never stands at a region's start.
        let start = UInt(bitPattern: block) & ~UInt(regionBytes - 1)
        guard let base = UnsafeMutableRawPointer(bitPattern: start) else { preconditionFailure("no block") }
        return (base + regionOffset).assumingMemoryBound(to: Region.self)
    }

    private static let regionOffset = 16

    private static func base(_ region: UnsafeMutablePointer<Region>) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(region) - regionOffset
    }

    /// Written before the first block of the region is handed out, and never again.
    private static func pool(of region: UnsafeMutablePointer<Region>) -> Unmanaged<PayloadPool> {
        base(region).load(as: Unmanaged<PayloadPool>.self)
    }

    private static func span(_ number: Int, of region: UnsafeMutablePointer<Region>) -> UnsafeMutablePointer<Span> {
        // 32 spans fit into the region's head.
        (base(region) + 64).assumingMemoryBound(to: Span.self) + number
    }

    private static func take(
        from span: UnsafeMutablePointer<Span>,
        _ number: Int,
        _ state: inout State
    ) -> UnsafeMutableRawPointer {
        let region = base(PayloadPool.region(of: UnsafeMutableRawPointer(span)))
        let block: UnsafeMutableRawPointer
        if span.pointee.firstFree != 0 {
            block = region + Int(span.pointee.firstFree)
            span.pointee.firstFree = block.load(as: UInt32.self)
        } else {
            block = region + Int(span.pointee.untouched)
            span.pointee.untouched += span.pointee.size
        }
        span.pointee.live += 1
        if !span.pointee.hasRoom { unlist(span, number, &state) }
        return block
    }

    /// Sorts in up to `count` of the blocks that were given back; false where there were none.
    @discardableResult
    private func sortIn(_ count: Int, _ state: inout State) -> Bool {
        if state.pending == 0 {
            guard returned.load(ordering: .relaxed) != 0 else { return false }
            state.pending = returned.exchange(0, ordering: .acquiring)
        }
        var left = count
        while left > 0, let block = UnsafeMutableRawPointer(bitPattern: state.pending) {
            state.pending = block.load(as: UInt.self)
            sortIn(block, &state)
            left -= 1
        }
        return true
    }

    private func sortIn(_ block: UnsafeMutableRawPointer, _ state: inout State) {
        let region = PayloadPool.region(of: block)
        let offset = block - PayloadPool.base(region)
        let place = offset / PayloadPool.spanBytes
        let span = PayloadPool.span(place, of: region)
        block.storeBytes(of: span.pointee.firstFree, as: UInt32.self)
        span.pointee.firstFree = UInt32(truncatingIfNeeded: offset)
        span.pointee.live -= 1
        let number = Int(span.pointee.sizeClass)
        if span.pointee.live > 0 {
            if !span.pointee.isListed { list(span, number, &state) }
            return
        }
        if span.pointee.isListed { PayloadPool.unlist(span, number, &state) }
        if region.pointee.freeSpans == 0 { link(region, &state) }
        region.pointee.freeSpans |= 1 << UInt32(place)
        guard region.pointee.freeSpans == .max else { return }
        // One is kept, so that an engine at the edge of a region does not fetch and return it again and again.
        state.emptyCount += 1
        if state.emptyCount > 1 { unmap(region, &state) }
    }

    private func list(_ span: UnsafeMutablePointer<Span>, _ number: Int, _ state: inout State) {
        span.pointee.isListed = true
        span.pointee.previous = nil
        span.pointee.next = state.listed[number]
        state.listed[number]?.pointee.previous = span
        state.listed[number] = span
    }

    private static func unlist(_ span: UnsafeMutablePointer<Span>, _ number: Int, _ state: inout State) {
        let (previous, next) = (span.pointee.previous, span.pointee.next)
        if let previous { previous.pointee.next = next } else { state.listed[number] = next }
        next?.pointee.previous = previous
        span.pointee.isListed = false
        span.pointee.previous = nil
        span.pointee.next = nil
    }

    private func makeSpan(_ number: Int, size: Int, _ state: inout State) -> UnsafeMutablePointer<Span>? {
        guard let region = state.firstRegion ?? makeRegion(&state) else { return nil }
        if region.pointee.freeSpans == .max { state.emptyCount -= 1 }
        let place = region.pointee.freeSpans.trailingZeroBitCount
        region.pointee.freeSpans &= ~(1 << UInt32(place))
        if region.pointee.freeSpans == 0 { unlink(region, &state) }
        let start = max(place * PayloadPool.spanBytes, PayloadPool.headBytes)
        // A queue that has filled regions is going to fill this span; a small engine holds no page that it does not need.
        if state.regionCount > PayloadPool.largePool, !region.pointee.isReady {
            let end = (place + 1) * PayloadPool.spanBytes
            martlet_platform_populate(PayloadPool.base(region) + start, end - start)
        }
        let span = PayloadPool.span(place, of: region)
        span.initialize(
            to: Span(
                size: UInt32(size),
                start: UInt32(start),
                end: UInt32((place + 1) * PayloadPool.spanBytes),
                untouched: UInt32(start),
                sizeClass: UInt8(number)
            )
        )
        list(span, number, &state)
        return span
    }

    // MARK: Regions; all with the lock held

    private func makeRegion(_ state: inout State) -> UnsafeMutablePointer<Region>? {
        let ready = state.regionCount >= PayloadPool.growingPool ? ahead.take() : nil
        guard let memory = ready ?? martlet_platform_map_aligned(PayloadPool.regionBytes) else { return nil }
        // Each region keeps the pool, so that blocks may outlive the engine.
        memory.storeBytes(of: Unmanaged.passRetained(self), as: Unmanaged<PayloadPool>.self)
        let region = (memory + PayloadPool.regionOffset).bindMemory(to: Region.self, capacity: 1)
        region.initialize(to: Region(isReady: ready != nil))
        state.regionCount += 1
        state.emptyCount += 1
        link(region, &state)
        return region
    }

    private func unmap(_ region: UnsafeMutablePointer<Region>, _ state: inout State) {
        unlink(region, &state)
        state.regionCount -= 1
        state.emptyCount -= 1
        let pool = PayloadPool.pool(of: region)
        munmap(PayloadPool.base(region), PayloadPool.regionBytes)
        // Not the last reference: whoever calls has one.
        pool.release()
    }

    private func link(_ region: UnsafeMutablePointer<Region>, _ state: inout State) {
        region.pointee.previous = nil
        region.pointee.next = state.firstRegion
        state.firstRegion?.pointee.previous = region
        state.firstRegion = region
    }

    private func unlink(_ region: UnsafeMutablePointer<Region>, _ state: inout State) {
        let (previous, next) = (region.pointee.previous, region.pointee.next)
        if let previous { previous.pointee.next = next } else { state.firstRegion = next }
        next?.pointee.previous = previous
        region.pointee.previous = nil
        region.pointee.next = nil
    }
}

/// Keeps what different threads write apart by a cache line.
struct CacheLinePadding: Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
}
