/// How a journal writes and how much room it may take.
package struct JournalOptions: Sendable {
    /// When records are forced to the disk. A crash of the process alone never loses a record, in any mode.
    package enum Sync: Equatable, Sendable {
        /// An append returns once its record is on the disk; appends that wait at the same time share one sync.
        case always
        /// Changes are written every so many milliseconds: what a power failure may cost.
        case interval(milliseconds: Int)
        /// The operating system decides, on Linux within about half a minute.
        case os
    }

    /// Bytes of one segment file, a multiple of 4096, from 4 KiB to 2 GiB. Also bounds a record.
    package var segmentBytes = 64 << 20
    /// Bytes that all segments together may take, those prepared ahead included. At least three segments.
    package var maximumBytes = 4 << 30
    package var sync = Sync.interval(milliseconds: 100)
    /// In mode `always`, how often what no append waits for is written.
    package var lazyMilliseconds = 100
    package var fileMode: UInt32 = 0o600
    /// For a directory that the journal makes; one that exists is taken as it is.
    package var directoryMode: UInt32 = 0o700
    /// The calls to the system; another one than ``SystemCalls/live`` is for tests.
    package var systemCalls = SystemCalls.live

    package init() {}

    func check() throws(JournalError) {
        guard segmentBytes >= 4096, segmentBytes <= 2 << 30, segmentBytes % 4096 == 0 else {
            throw .invalidOption("segmentBytes is not a multiple of 4096 from 4096 to 2147483648")
        }
        guard maximumBytes / 3 >= segmentBytes else {
            throw .invalidOption("maximumBytes is less than three segments")
        }
        if case .interval(let milliseconds) = sync, !(1...3_600_000).contains(milliseconds) {
            throw .invalidOption("the sync interval is not from 1 to 3600000 milliseconds")
        }
        guard (1...3_600_000).contains(lazyMilliseconds) else {
            throw .invalidOption("lazyMilliseconds is not from 1 to 3600000")
        }
    }
}

/// What one append may do.
package struct AppendOptions: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Does not wait for the disk in mode `always`. For threads that must not block, and for records whose loss only
    /// repeats work; one that must hold is waited for with ``Journal/sync(through:)``.
    package static let lazy = AppendOptions(rawValue: 1)
    /// May use room that is kept back when the disk is full: with ``copied`` all of it, else a part. For records that help
    /// others to die.
    package static let reserve = AppendOptions(rawValue: 2)
    /// The record replaces an older one, and so helps segments to die.
    package static let copied = AppendOptions(rawValue: 4)

    // Ready sets: from another module a literal of several costs hundreds of instructions.

    package static let ordinary: AppendOptions = []
    /// ``lazy`` and ``reserve``.
    package static let note = AppendOptions(rawValue: 3)
    /// ``lazy``, ``reserve`` and ``copied``.
    package static let move = AppendOptions(rawValue: 7)
}
