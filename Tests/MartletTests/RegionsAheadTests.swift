import Glibc
import Testing

@testable import Martlet

@Suite("Memory that is made ready ahead")
struct RegionsAheadTests {
    private static let bytes = 2 << 20
    private static let pages = bytes / 4096

    /// Takes until there is one.
    private func take(_ ahead: RegionsAhead) -> UnsafeMutableRawPointer {
        while true {
            if let region = ahead.take() { return region }
            sched_yield()
        }
    }

    private func residentPages(_ region: UnsafeMutableRawPointer) -> Int {
        var resident = [UInt8](repeating: 0, count: Self.pages)
        guard mincore(region, Self.bytes, &resident) == 0 else { return 0 }
        return resident.count { $0 & 1 == 1 }
    }

    @Test("whoever takes a region finds its pages there, cleared and aligned")
    func ready() {
        let ahead = RegionsAhead(bytes: Self.bytes)
        for _ in 0..<8 {
            let region = take(ahead)
            #expect(UInt(bitPattern: region) % UInt(Self.bytes) == 0)
            #expect(residentPages(region) == Self.pages)
            #expect(UnsafeRawBufferPointer(start: region, count: Self.bytes).allSatisfy { $0 == 0 })
            munmap(region, Self.bytes)
        }
        ahead.close()
    }

    @Test("what nobody took is given back, and more is made when it is asked for again")
    func givenBack() {
        let ahead = RegionsAhead(bytes: Self.bytes)
        for _ in 0..<20 {
            let region = take(ahead)
            // While the thread makes the next one.
            ahead.giveBack()
            munmap(region, Self.bytes)
        }
        ahead.close()
        // Nothing was kept, so nothing is there at once.
        #expect(ahead.take() == nil)
        ahead.close()
    }

    @Test("a pool that grows by many regions keeps what is written, also where memory is given back meanwhile")
    func growth() async throws {
        let pool = PayloadPool()
        defer { pool.close() }
        let count = 1024
        // 80 MiB: 40 regions.
        var blocks: [UnsafeMutableRawPointer] = []
        for number in 0..<80_000 {
            let block = try #require(pool.allocate(count))
            memset(block, Int32(number & 0xFF), count)
            blocks.append(block)
            if number % 9_000 == 8_999 { pool.trim() }
        }
        let areIntact = blocks.enumerated().allSatisfy { number, block in
            UnsafeRawBufferPointer(start: block, count: count).allSatisfy { $0 == UInt8(number & 0xFF) }
        }
        #expect(areIntact)
        for block in blocks { PayloadPool.free(block, count: count) }
        pool.trim()
        #expect(pool.regionCount == 0)
    }
}
