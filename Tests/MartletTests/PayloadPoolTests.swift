import Glibc
import Testing
import Threading

@testable import Martlet

@Suite("Memory of payloads")
struct PayloadPoolTests {
    /// A block and what was written into it.
    private struct Block {
        var address: UnsafeMutableRawPointer
        var count: Int
        var mark: UInt8

        var isIntact: Bool {
            let bytes = UnsafeRawBufferPointer(start: address, count: count)
            return bytes.allSatisfy { $0 == mark }
        }
    }

    private func block(_ pool: PayloadPool, _ count: Int, mark: UInt8) throws -> Block {
        let address = try #require(pool.allocate(count))
        memset(address, Int32(mark), count)
        return Block(address: address, count: count, mark: mark)
    }

    @Test("blocks of all sizes keep what is written into them, while others come and go")
    func contents() throws {
        let pool = PayloadPool()
        defer { pool.close() }
        var random = SystemRandomNumberGenerator()
        var blocks: [Block] = []
        for round in 0..<20_000 {
            if blocks.count > 500 || (Bool.random(using: &random) && !blocks.isEmpty) {
                let old = blocks.remove(at: Int.random(in: blocks.indices, using: &random))
                try #require(old.isIntact)
                PayloadPool.free(old.address, count: old.count)
            } else {
                // Every size class, its edges, and sizes beyond the largest.
                let count = Int.random(in: 1...(round % 3 == 0 ? 200 : PayloadPool.largestBlock + 100), using: &random)
                let new = try block(pool, count, mark: UInt8(truncatingIfNeeded: round))
                #expect(UInt(bitPattern: new.address) & 15 == 0)
                blocks.append(new)
            }
        }
        for block in blocks {
            #expect(block.isIntact)
            PayloadPool.free(block.address, count: block.count)
        }
        pool.trim()
        #expect(pool.regionCount == 0)
    }

    @Test(
        "each size of block can be had and given back",
        arguments: [1, 16, 17, 128, 129, 256, 257, 1024, 1025, 8192, 8193]
    )
    func sizes(count: Int) throws {
        let pool = PayloadPool()
        defer { pool.close() }
        let blocks = try (0..<300).map { try block(pool, count, mark: UInt8(truncatingIfNeeded: $0)) }
        #expect(blocks.allSatisfy { $0.isIntact })
        for block in blocks { PayloadPool.free(block.address, count: count) }
        pool.trim()
        #expect(pool.regionCount == 0)
    }

    @Test("memory of blocks that were given back is used again, and goes back when all are")
    func reuse() throws {
        let pool = PayloadPool()
        defer { pool.close() }
        var blocks: [Block] = []
        for round in 0..<10 {
            for _ in 0..<10_000 { blocks.append(try block(pool, 1024, mark: UInt8(round))) }
            for block in blocks { PayloadPool.free(block.address, count: 1024) }
            blocks = []
        }
        // 10,000 blocks are five regions; those that wait to be sorted in may need as many again.
        #expect(pool.regionCount <= 12)
        pool.trim()
        #expect(pool.regionCount == 0)
    }

    @Test("a block may be given back after the engine's end")
    func late() throws {
        var pool: PayloadPool? = PayloadPool()
        weak var alive: PayloadPool?
        alive = pool
        let block = try block(try #require(pool), 100, mark: 1)
        pool?.close()
        pool = nil
        #expect(alive != nil && block.isIntact)
        PayloadPool.free(block.address, count: block.count)
        #expect(alive == nil)
    }

    @Test("threads that allocate and others that give back do not meet in one block")
    func threads() async throws {
        let pool = PayloadPool()
        let results = await withTaskGroup(of: Bool.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    var isRight = true
                    var waiting: [Block] = []
                    for round in 0..<5_000 {
                        let count = 64 + (round * 37 + thread * 11) % 4000
                        guard let block = try? self.block(pool, count, mark: UInt8(thread + 1)) else { return false }
                        waiting.append(block)
                        if waiting.count > 40 {
                            let old = waiting.removeFirst()
                            isRight = isRight && old.isIntact
                            PayloadPool.free(old.address, count: old.count)
                        }
                    }
                    for block in waiting {
                        isRight = isRight && block.isIntact
                        PayloadPool.free(block.address, count: block.count)
                    }
                    return isRight
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results == [true, true, true, true])
        pool.trim()
        #expect(pool.regionCount == 0)
        pool.close()
    }
}
