import CMartlet
import Martlet
import Testing

@testable import MartletC

/// Serialized: the table is the process's own, and one test fills it.
@Suite(.serialized) struct HandleTableTests {
    @Test func aFullTableRefusesAndARoomIsReused() throws {
        let engine = try Engine(configuration: "{\"lanes\":1}")
        var handles: [martlet_engine_t] = []
        for _ in 0..<HandleTable.capacity {
            handles.append(try HandleTable.insert { engine })
        }
        let error = #expect(throws: MartletError.self) { try HandleTable.insert { engine } }
        #expect(error?.code == .outOfResources)
        #expect(Set(handles).count == HandleTable.capacity)

        let last = handles.removeLast()
        HandleTable.remove(last)
        let next = try HandleTable.insert { engine }
        #expect(next != last)
        #expect(status(of: last) == .closed)
        handles.append(next)
        for handle in handles { HandleTable.remove(handle) }
        #expect(handles.allSatisfy { status(of: $0) == .closed })
    }

    @Test func anEngineThatDoesNotOpenTakesNoPlace() throws {
        let engine = try Engine(configuration: "{\"lanes\":1}")
        let failing: () throws(MartletError) -> Engine = { () throws(MartletError) in
            throw MartletError(.invalidDocument)
        }
        for _ in 0...HandleTable.capacity {
            let error = #expect(throws: MartletError.self) { try HandleTable.insert(failing) }
            #expect(error?.code == .invalidDocument)
        }
        HandleTable.remove(try HandleTable.insert { engine })
    }

    @Test func theLastOneOutReleasesTheEngine() throws {
        weak var observed: Engine?
        let handle: martlet_engine_t
        do {
            let engine = try Engine(configuration: "{\"lanes\":1}")
            observed = engine
            handle = try HandleTable.insert { engine }
        }
        try HandleTable.withEngine(handle) { _ in
            HandleTable.remove(handle)
            HandleTable.remove(handle)
            #expect(status(of: handle) == .closed)
            // Freed, but this call is still inside.
            #expect(observed != nil)
        }
        #expect(observed == nil)
    }

    /// For ThreadSanitizer: what a call reads of a slot is ordered after what `insert` wrote, in every generation.
    @Test func callsRaceWithFreeAndOpen() async throws {
        let first = try Engine(configuration: "{\"lanes\":1}")
        let second = try Engine(configuration: "{\"lanes\":1}")
        for round in 0..<200 {
            let expected = round.isMultiple(of: 2) ? first : second
            // A handle is a number; the address it looks like is never followed.
            let number = UInt(bitPattern: try HandleTable.insert { expected })
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let handle = martlet_engine_t(bitPattern: number)
                        var isOpen = true
                        while isOpen {
                            do throws(MartletError) {
                                try HandleTable.withEngine(handle) { #expect($0 === expected) }
                            } catch {
                                #expect(error.code == .closed)
                                isOpen = false
                            }
                        }
                    }
                }
                group.addTask { HandleTable.remove(martlet_engine_t(bitPattern: number)) }
                // The width of the pool may keep the free waiting behind the calls: one from here ends them for sure.
                HandleTable.remove(martlet_engine_t(bitPattern: number))
            }
        }
    }

    @Test func handlesAreSmallOddNumbers() throws {
        let engine = try Engine(configuration: "{\"lanes\":1}")
        let handle = try HandleTable.insert { engine }
        let value = UInt(bitPattern: handle)
        #expect(value < 1 << 47)
        // No aligned address ends so, and a number made up by mistake is most likely below.
        #expect(value & 0xF == 0xD && value > 0xFFFF)
        HandleTable.remove(handle)
    }

    private func status(of handle: martlet_engine_t) -> MartletError.Code? {
        do throws(MartletError) {
            try HandleTable.withEngine(handle) { _ in }
            return nil
        } catch {
            return error.code
        }
    }
}
