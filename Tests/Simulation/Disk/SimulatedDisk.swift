import Glibc
import Journal
import Model
import Threading

/// A disk in memory behind the journal's seam for system calls, with an account of what is safe from a power failure.
///
/// The journal's threads run as ever, but one at a time: a sync or a deletion of theirs waits until the simulation lets it
/// go (``settle(_:)``). So the calls come in the same order in every run of a seed.
final class SimulatedDisk: @unchecked Sendable {
    // Sendable: everything that changes is in `state`, behind its lock.
    let state: Monitored<State>
    /// The thread that simulates; the others are the journal's.
    let owner = pthread_self()

    /// What a crash leaves.
    enum Crash: Int64 {
        /// The process ends. What it wrote stays, and what was not on the disk still is not.
        case process
        /// What is not on the disk stays in part, in any order.
        case power
    }

    final class File {
        /// Page-aligned, for it poses as a mapping.
        private(set) var memory: UnsafeMutableRawBufferPointer
        /// What is on the disk for sure, from the start; shorter than the file where its size is not.
        var durable: [UInt8]

        init(_ bytes: [UInt8] = [], durable: [UInt8] = []) {
            memory = File.pages(bytes.count)
            memory.copyBytes(from: bytes)
            self.durable = durable
        }

        deinit {
            memory.deallocate()
        }

        /// Not while it is mapped.
        func grow(to size: Int) {
            guard size > memory.count else { return }
            let larger = File.pages(size)
            larger.copyMemory(from: UnsafeRawBufferPointer(memory))
            memory.deallocate()
            memory = larger
        }

        var bytes: [UInt8] {
            Array(memory)
        }

        func sync(_ range: Range<Int>) {
            if durable.count < memory.count {
                durable += [UInt8](repeating: 0, count: memory.count - durable.count)
            }
            durable.replaceSubrange(range, with: memory[range])
        }

        private static func pages(_ size: Int) -> UnsafeMutableRawBufferPointer {
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            return memory
        }
    }

    /// A change of the directory.
    enum Change {
        case link(String, File)
        case unlink(String)
        case rename(String, to: String)
    }

    struct State {
        var names: [String: File] = [:]
        /// As the directory was last synced, and what changed since.
        var durableNames: [String: File] = [:]
        var changes: [Change] = []
        /// The file system keeps the order of these changes, as those with a journal do.
        var isOrdered = false
        var descriptors: [Int32: File] = [:]
        var nextDescriptor: Int32 = 100
        var mappings: [UInt: File] = [:]
        /// The call at whose beginning the machine stops.
        var callsLeft: Int?
        var crash = Crash.process
        var crashSeed: UInt64 = 0
        /// What was there when the machine stopped.
        var image: State.Image?
        var calls = 0

        /// The housekeeping thread may go on.
        var isGateOpen = false
        /// The thread that makes segments ahead, which is waited for whenever it has something to do.
        var preparer: pthread_t?
        /// It deleted a file and has not synced the directory since.
        var owesDirectorySync = false
        var unfinished: Set<Int32> = []
        /// The number of the newest segment.
        var newestSegment: UInt32 = 0

        struct Image {
            var files: [(bytes: [UInt8], durable: [UInt8])] = []
            /// Which of the files stands under a name, and which one would after a power failure that undoes every change of
            /// the directory that was not synced.
            var names: [String: Int] = [:]
            var durableNames: [String: Int] = [:]
        }
    }

    init(_ image: State.Image? = nil, isOrdered: Bool) {
        var state = State()
        state.isOrdered = isOrdered
        if let image {
            let files = image.files.map { File($0.bytes, durable: $0.durable) }
            state.names = image.names.mapValues { files[$0] }
            state.durableNames = image.durableNames.mapValues { files[$0] }
            state.findNewestSegment()
            for name in Set(state.names.keys).union(state.durableNames.keys).sorted()
            where state.names[name] !== state.durableNames[name] {
                state.changes.append(state.names[name].map { .link(name, $0) } ?? .unlink(name))
            }
        }
        self.state = Monitored(state)
    }

    // MARK: Crashes

    /// The machine stops after so many calls; nil for not at all.
    func arm(calls: Int?, _ crash: Crash, seed: UInt64) {
        state.update { state in
            state.callsLeft = calls
            state.crash = crash
            state.crashSeed = seed
        }
    }

    var hasStopped: Bool {
        state.update { $0.image != nil }
    }

    /// What is there now, unless the machine stopped before.
    func stop(_ crash: Crash, seed: UInt64) {
        state.update { $0.stop(crash, seed: seed) }
    }

    /// What the machine finds when it starts again.
    var image: State.Image? {
        state.update { $0.image }
    }
}

extension SimulatedDisk.State {
    mutating func stop(_ crash: SimulatedDisk.Crash, seed: UInt64) {
        guard image == nil else { return }
        var left = Image()
        switch crash {
        case .process:
            var numbers: [ObjectIdentifier: Int] = [:]
            func number(_ file: SimulatedDisk.File) -> Int {
                if let known = numbers[ObjectIdentifier(file)] { return known }
                left.files.append((file.bytes, file.durable))
                numbers[ObjectIdentifier(file)] = left.files.count - 1
                return left.files.count - 1
            }
            left.names = names.mapValues { number($0) }
            left.durableNames = durableNames.mapValues { number($0) }
        case .power:
            for (name, file) in survivingNames(seed: seed) {
                let bytes = survivors(of: file, seed: seed ^ hash(name))
                left.names[name] = left.files.count
                left.files.append((bytes, bytes))
            }
            left.durableNames = left.names
        }
        image = left
    }

    private func survivingNames(seed: UInt64) -> [String: SimulatedDisk.File] {
        var random = RandomSource(seed: seed)
        var left = durableNames
        let kept = random.next(below: changes.count + 1)
        for (number, change) in changes.enumerated() {
            guard isOrdered ? number < kept : random.next(below: 2) == 0 else { continue }
            switch change {
            case .link(let name, let file): left[name] = file
            case .unlink(let name): left[name] = nil
            case .rename(let from, let to): left[to] = left.removeValue(forKey: from) ?? names[to]
            }
        }
        return left
    }

    /// Of each page that differs from the disk: the new one, the old one, or sectors of both.
    private func survivors(of file: SimulatedDisk.File, seed: UInt64) -> [UInt8] {
        var random = RandomSource(seed: seed)
        // The size of a file that was never synced may be lost too.
        if file.durable.isEmpty, random.next(below: 4) == 0 { return [] }
        let now = file.bytes
        var left = file.durable + [UInt8](repeating: 0, count: max(now.count - file.durable.count, 0))
        for page in stride(from: 0, to: now.count, by: 4096) {
            let choice = random.next(below: 3)
            for sector in stride(from: page, to: min(page + 4096, now.count), by: 512) {
                let isNew = random.next(below: 2) == 0
                guard choice == 0 || choice == 1 && isNew else { continue }
                let range = sector..<min(sector + 512, now.count)
                left.replaceSubrange(range, with: now[range])
            }
        }
        return left
    }

    private func hash(_ name: String) -> UInt64 {
        name.utf8.reduce(0) { RandomSource.mix($0 ^ UInt64($1)) }
    }
}

// MARK: - Torn writes

extension SimulatedDisk {
    var contents: [String: [UInt8]] {
        state.update { $0.names.mapValues(\.bytes) }
    }

    /// Undoes a part of what was written since, at least its first word: a process that is killed while it copies has not
    /// stored the seal that makes a record valid.
    func tear(since before: [String: [UInt8]], seed: UInt64) {
        state.update { state in
            var random = RandomSource(seed: seed)
            for (name, file) in state.names.sorted(by: { $0.key < $1.key }) {
                guard let old = before[name], old.count == file.memory.count else { continue }
                var isFirst = true
                for word in stride(from: 0, to: old.count - 7, by: 8) {
                    let range = word..<word + 8
                    guard !file.memory[range].elementsEqual(old[range]) else { continue }
                    let isLost = isFirst || random.next(below: 2) == 0
                    isFirst = false
                    if isLost {
                        UnsafeMutableRawBufferPointer(rebasing: file.memory[range]).copyBytes(from: old[range])
                    }
                }
            }
        }
    }

    func openGate() {
        state.update { $0.isGateOpen = true }
    }

    func closeGate() {
        state.update { $0.isGateOpen = false }
    }
}
