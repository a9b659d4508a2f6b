import Synchronization

/// Makes ids that are unique, and strictly increasing within one generator, from any thread without a lock.
///
/// Uniqueness within the generator comes from a 64-bit state of milliseconds and a 14-bit sequence that only moves
/// forward, across processes from 60 bits mixed from a random seed (RFC 9562 section 6.2, method 1).
package struct IdentifierGenerator: ~Copyable, Sendable {
    private let state: Atomic<UInt64>
    private let seed: UInt64

    package init(seed: UInt64) {
        self.seed = seed
        state = Atomic(0)
    }

    /// Reserves `count` consecutive ids (at least one) and answers the first; the others come from ``Series``.
    ///
    /// A burst of more than 16,384 ids in a millisecond borrows from the next ones; the clock part then runs ahead.
    package func reserve(_ count: Int, at time: WallTime) -> Series {
        let floor = UInt64(clamping: time.milliseconds) << 14
        let step = UInt64(clamping: max(count, 1))
        var current = state.load(ordering: .relaxed)
        while true {
            let first = max(current &+ 1, floor)
            // 50 bits of milliseconds leave thousands of years before this wraps.
            let (exchanged, original) = state.compareExchange(
                expected: current,
                desired: first &+ (step &- 1),
                ordering: .relaxed
            )
            if exchanged { return Series(first: first, seed: seed) }
            current = original
        }
    }

    package func next(at time: WallTime) -> Identifier {
        reserve(1, at: time)[0]
    }

    /// From now on every id is later than those whose series began at `first` and had `count` ids: what an earlier life of
    /// the process made, whose clock may have been ahead.
    package func pass(_ series: Series, count: Int) {
        let last = series.first &+ UInt64(clamping: max(count, 1))
        var current = state.load(ordering: .relaxed)
        while current < last {
            let (exchanged, original) = state.compareExchange(expected: current, desired: last, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }

    /// A run of consecutive ids. Its two numbers may be stored, and make the same ids again.
    package struct Series: BitwiseCopyable, Hashable, Sendable {
        package let first: UInt64
        package let seed: UInt64

        package func hash(into hasher: inout Hasher) {
            // The seeds of one life of the process are the same, and lives do not overlap in time but by a clock's fault.
            hasher.combine(first)
        }

        package init(first: UInt64, seed: UInt64) {
            self.first = first
            self.seed = seed
        }

        /// Which id of the series this is; nil where it is none.
        package func index(of id: Identifier) -> Int? {
            let state = (id.high >> 16) << 14 | (id.high & 0xFFF) << 2 | (id.low >> 60) & 3
            guard state >= first, let index = Int(exactly: state - first) else { return nil }
            return self[index] == id ? index : nil
        }

        package subscript(index: Int) -> Identifier {
            let state = first &+ UInt64(clamping: index)
            let milliseconds = state >> 14
            let sequence = state & 0x3FFF
            // version 7 in bits 48…51 of the high half, variant 0b10 on top of the low half.
            let high = milliseconds << 16 | 0x7000 | sequence >> 2
            let random = RandomSource.mix(seed ^ state) >> 4
            let low = 1 << 63 | (sequence & 3) << 60 | random
            return Identifier(high: high, low: low)
        }
    }
}
