import Model
import Testing

@testable import Delivery

/// A slab behind a reference, for an expectation cannot hold one itself.
private final class SlabBox {
    private var slab = Slab<Int>()

    var count: Int { slab.count }

    func insert(_ element: Int) -> (index: UInt32, generation: UInt32) { slab.insert(element) }
    func remove(_ index: UInt32) { slab.remove(index) }
    func contains(_ index: UInt32, generation: UInt32) -> Bool { slab.contains(index, generation: generation) }
    func generation(of index: UInt32) -> UInt32 { slab.generation(of: index) }

    func elements() -> [Int] {
        var seen: [Int] = []
        slab.forEachIndex { seen.append(slab[$0]) }
        return seen
    }

    subscript(index: UInt32) -> Int {
        get { slab[index] }
        set { slab[index] = newValue }
    }
}

@Suite("Slab, ring and timer heap")
struct StructureTests {
    // MARK: Memory

    /// The design's bound: a pending delivery costs at most 200 bytes beside its payload.
    @Test func aPendingDeliveryIsSmall() {
        // The slab adds a generation and a link. A delivery that waits and can expire has two timers, and a growing heap
        // has at most twice the room it needs.
        let record = MemoryLayout<DeliveryRecord>.stride + 8
        let timers = 2 * 2 * MemoryLayout<TimerHeap.Entry>.stride
        #expect(record + timers <= 200)
    }

    // MARK: Slab

    @Test func aSlabKeepsItsElements() {
        let slab = SlabBox()
        var indexes: [UInt32] = []
        for number in 0..<5000 { indexes.append(slab.insert(number).index) }
        #expect(slab.count == 5000)
        #expect(Set(indexes).count == 5000)
        for (number, index) in indexes.enumerated() { #expect(slab[index] == number) }
        for index in indexes where index % 2 == 0 { slab.remove(index) }
        #expect(slab.count == 2500)
        #expect(slab.elements().sorted() == stride(from: 1, to: 5000, by: 2).map { $0 })
        slab[indexes[1]] = -1
        #expect(slab[indexes[1]] == -1)
    }

    @Test func placesAreUsedAgainUnderAnotherGeneration() {
        let slab = SlabBox()
        let (index, generation) = slab.insert(1)
        #expect(slab.contains(index, generation: generation))
        slab.remove(index)
        #expect(!slab.contains(index, generation: generation))
        #expect(!slab.contains(index, generation: slab.generation(of: index)), "a free place holds nothing")
        let (again, next) = slab.insert(2)
        #expect(again == index)
        #expect(next != generation)
        #expect(slab.contains(again, generation: next))
        #expect(!slab.contains(index, generation: generation))
        #expect(!slab.contains(12_345, generation: 1))
        // Memory is not asked for anew while there are free places.
        for _ in 0..<10_000 { slab.remove(slab.insert(3).index) }
        #expect(slab.insert(4).index <= 1)
    }

    // MARK: Ring

    @Test func aRingIsFirstInFirstOut() {
        var ring = Ring()
        #expect(ring.popFirst() == nil)
        var model: [UInt32] = []
        var random = RandomSource(seed: 3)
        for number in 0..<20_000 as Range<UInt32> {
            if random.next(below: 5) < 3 {
                ring.append(number)
                model.append(number)
            } else {
                #expect(ring.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
            }
            #expect(ring.count == model.count)
        }
        while let first = ring.popFirst() { #expect(first == model.removeFirst()) }
        #expect(model.isEmpty)
    }

    // MARK: Timer heap

    @Test func timersFireInOrderAndNotBeforeTheirTime() {
        var heap = TimerHeap()
        #expect(heap.earliest == nil)
        #expect(heap.popDue(at: .max) == nil)
        var random = RandomSource(seed: 4)
        var model: [Int64] = []
        var now: Int64 = 0
        for index in 0..<5000 as Range<UInt32> {
            let time = now + Int64(random.next(below: 1000))
            heap.insert(TimerHeap.Entry(time: time, index: index, generation: 1, kind: .delivery))
            model.append(time)
            now += Int64(random.next(below: 3))
            model.sort()
            #expect(heap.earliest == model.first)
            while let entry = heap.popDue(at: now) {
                #expect(entry.time <= now)
                #expect(entry.time == model.removeFirst())
            }
            #expect(model.first.map { $0 > now } ?? true)
        }
        #expect(heap.count == model.count)
        while let entry = heap.popDue(at: .max) { #expect(entry.time == model.removeFirst()) }
        #expect(model.isEmpty)
        #expect(heap.count == 0)
    }

    @Test func aTimerBringsBackWhatItWasArmedFor() throws {
        var heap = TimerHeap()
        for index in 0..<100 as Range<UInt32> {
            let kind: TimerHeap.Kind = index % 2 == 0 ? .delivery : .webhook
            heap.insert(
                TimerHeap.Entry(time: Int64(index * 7919 % 101), index: index, generation: index + 1, kind: kind)
            )
        }
        while let entry = heap.popDue(at: .max) {
            #expect(entry.time == Int64(entry.index * 7919 % 101))
            #expect(entry.generation == entry.index + 1)
            #expect(entry.kind == (entry.index % 2 == 0 ? .delivery : .webhook))
        }
        #expect(heap.earliest == nil)
    }
}
