import CMartlet
import Glibc
import Martlet
import Synchronization

/// Turns engines into handles that are safe to misuse: numbers that name a slot of a fixed table and the generation of
/// what lives there.
///
/// A handle is never dereferenced. Each call pins the slot by one compare-and-exchange and unpins it by one subtraction,
/// so that a null, foreign or freed handle is seen before anything is touched, and an engine that is freed while other
/// threads are inside a call is released by the last one out. No lock is taken: a forked child may find the table in any
/// state and still gets its answer.
enum HandleTable {
    /// Engines that may be open at the same time.
    static let capacity = 4_096

    /// The table's address, 0 until the first engine is opened. It is allocated once and never freed: a handle may be
    /// used at any time, also while the process exits.
    private static let table = Atomic<UInt>(0)

    /// One engine's place. Padded to a cache line so that engines on different threads do not slow each other down.
    struct Slot: ~Copyable {
        /// Generation (31 bits), freed flag (bit 32), calls inside (32 bits); see ``State``.
        let state = Atomic<UInt64>(0)
        /// 0 where the slot is vacant, 1 while it is being filled, otherwise the retained engine's address.
        let engine = Atomic<UInt>(0)
        private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
    }

    private static let claimed: UInt = 1

    /// The parts of a slot's state word.
    private enum State {
        static let freed: UInt64 = 1 << 32
        static let generationShift: UInt64 = 33
    }

    /// The parts of a handle's value: generation, slot index (12 bits), and four bits that no aligned address ends with.
    /// The value stays below 2^47, so a language that keeps numbers as doubles can hold it.
    struct Name {
        static let maximumGeneration: UInt = 1 << 31 - 1
        private static let mark: UInt = 0xD

        let index: Int
        let generation: UInt

        init(index: Int, generation: UInt) {
            self.index = index
            self.generation = generation
        }

        /// Nil where the value cannot be a handle.
        @inline(__always)
        init?(_ handle: martlet_engine_t) {
            let value = UInt(bitPattern: handle)
            let generation = value >> 16
            guard value & 0xF == Name.mark, generation != 0, generation <= Name.maximumGeneration else { return nil }
            // The mask keeps the index below 4,096, the table's capacity.
            self.init(index: Int(value >> 4 & 0xFFF), generation: generation)
        }

        var handle: martlet_engine_t? {
            martlet_engine_t(bitPattern: generation << 16 | UInt(index) << 4 | Name.mark)
        }
    }
}

// MARK: - Open and free

extension HandleTable {
    /// Stores the engine that `make` returns and answers its handle.
    static func insert(_ make: () throws(MartletError) -> Engine) throws(MartletError) -> martlet_engine_t {
        let slots = try allocated()
        for index in 0..<capacity {
            let slot = slots + index
            guard slot.pointee.engine.load(ordering: .relaxed) == 0,
                slot.pointee.engine.compareExchange(expected: 0, desired: claimed, ordering: .acquiring).exchanged
            else { continue }
            let generation = UInt(slot.pointee.state.load(ordering: .acquiring) >> State.generationShift) + 1
            // A slot that has used up its generations stays claimed: no number is ever given twice.
            guard generation <= Name.maximumGeneration,
                let handle = Name(index: index, generation: generation).handle
            else { continue }
            let engine: Engine
            do {
                engine = try make()
            } catch {
                slot.pointee.engine.store(0, ordering: .releasing)
                throw error
            }
            // The table owns one reference from here on; `unpin` gives it back.
            let address = UInt(bitPattern: Unmanaged.passRetained(engine).toOpaque())
            slot.pointee.engine.store(address, ordering: .relaxed)
            slot.pointee.state.store(UInt64(generation) << State.generationShift, ordering: .releasing)
            return handle
        }
        throw MartletError(.outOfResources, "\(capacity) engines are open already")
    }

    /// Shuts the engine down and gives its slot back when the last call has left it. Does nothing for a handle that is
    /// not alive, and nothing in a forked child: the engine is its parent's.
    static func remove(_ handle: martlet_engine_t?) {
        guard let handle, let slot = try? pin(handle) else { return }
        withPinned(slot) { engine in
            guard engine.belongsToThisProcess else { return }
            let before = slot.pointee.state.bitwiseOr(State.freed, ordering: .acquiringAndReleasing).oldValue
            // Of several threads that free the same handle, one does it.
            if before & State.freed == 0 {
                engine.shutDown()
            }
        }
        unpin(slot)
    }

    private static func allocated() throws(MartletError) -> UnsafeMutablePointer<Slot> {
        if let slots = UnsafeMutablePointer<Slot>(bitPattern: table.load(ordering: .acquiring)) {
            return slots
        }
        // Zeroed memory is a table of vacant slots: each field of `Slot` starts as 0. A page costs nothing until used.
        var fresh: UnsafeMutableRawPointer?
        let size = capacity * MemoryLayout<Slot>.stride
        guard posix_memalign(&fresh, 64, size) == 0, let fresh else { throw MartletError(.outOfResources) }
        memset(fresh, 0, size)
        let (exchanged, original) = table.compareExchange(
            expected: 0,
            desired: UInt(bitPattern: fresh),
            ordering: .acquiringAndReleasing
        )
        if !exchanged {
            Glibc.free(fresh)
        }
        let address = exchanged ? UInt(bitPattern: fresh) : original
        guard let slots = UnsafeMutablePointer<Slot>(bitPattern: address) else { throw MartletError(.internal) }
        return slots
    }
}

// MARK: - Calls

extension HandleTable {
    /// Runs `body` with the engine that the handle names, which lives at least until `body` returns.
    @inline(__always)
    static func withEngine(
        _ handle: martlet_engine_t?,
        _ body: (Engine) throws(MartletError) -> Void
    ) throws(MartletError) {
        guard let handle else { throw MartletError(.invalidArgument, "engine is NULL") }
        let slot = try pin(handle)
        var failure: MartletError?
        withPinned(slot) { engine in
            do throws(MartletError) {
                guard engine.belongsToThisProcess else { throw MartletError(.forked) }
                try body(engine)
            } catch {
                failure = error
            }
        }
        unpin(slot)
        if let failure { throw failure }
    }

    /// Hands out the engine of a pinned slot without counting a reference: the table's own keeps it alive while pinned.
    @inline(__always)
    private static func withPinned(_ slot: UnsafeMutablePointer<Slot>, _ body: (Engine) -> Void) {
        guard let address = UnsafeRawPointer(bitPattern: slot.pointee.engine.load(ordering: .relaxed)) else { return }
        Unmanaged<Engine>.fromOpaque(address)._withUnsafeGuaranteedRef(body)
    }

    /// Counts a call in. The acquiring exchange makes the engine's address visible that `insert` stored before.
    @inline(__always)
    private static func pin(_ handle: martlet_engine_t) throws(MartletError) -> UnsafeMutablePointer<Slot> {
        guard let name = Name(handle),
            let slots = UnsafeMutablePointer<Slot>(bitPattern: table.load(ordering: .acquiring))
        else { throw MartletError(.invalidArgument, "engine is not a handle of this library") }
        // `Name` keeps the index below the table's capacity.
        let slot = slots + name.index
        var state = slot.pointee.state.load(ordering: .relaxed)
        while true {
            let generation = UInt(state >> State.generationShift)
            guard generation == name.generation, state & State.freed == 0 else {
                guard name.generation <= generation else {
                    throw MartletError(.invalidArgument, "engine is not a handle of this library")
                }
                throw MartletError(.closed, "the engine was freed")
            }
            // The count cannot reach 2^32: there is one per thread inside a call.
            let (exchanged, original) = slot.pointee.state.weakCompareExchange(
                expected: state,
                desired: state &+ 1,
                ordering: .acquiring
            )
            if exchanged { return slot }
            state = original
        }
    }

    /// Counts a call out; the last one out of a freed slot releases the engine.
    @inline(__always)
    private static func unpin(_ slot: UnsafeMutablePointer<Slot>) {
        // The count is above 0: `pin` raised it.
        let state = slot.pointee.state.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
        if state & (State.freed << 1 &- 1) == State.freed {
            vacate(slot)
        }
    }

    @inline(never)
    private static func vacate(_ slot: UnsafeMutablePointer<Slot>) {
        let address = slot.pointee.engine.exchange(0, ordering: .acquiringAndReleasing)
        guard let pointer = UnsafeRawPointer(bitPattern: address) else { return }
        // Balances the retain in `insert`; only one thread sees the count of a freed slot fall to 0.
        Unmanaged<Engine>.fromOpaque(pointer).release()
    }
}
