import Glibc
import Journal

// The system calls of the journal.
extension SimulatedDisk {
    /// A call that changes something: the machine may stop right before it.
    private func change(waits: Bool = false, _ body: (inout State) -> Int32) -> Int32 {
        if waits, pthread_equal(pthread_self(), owner) == 0 {
            // A thread of the journal: not while the simulation does something else.
            _ = state.wait { state in
                let isPreparer = state.preparer.map { pthread_equal($0, pthread_self()) != 0 } ?? false
                return state.isGateOpen || isPreparer ? () : nil
            }
        }
        return state.update { state in
            state.calls += 1
            if let left = state.callsLeft, state.image == nil {
                state.callsLeft = left - 1
                if left == 0 { state.stop(state.crash, seed: state.crashSeed) }
            }
            return body(&state)
        }
    }

    var systemCalls: SystemCalls {
        var calls = SystemCalls.live
        calls.makeDirectory = { _, _ in 0 }
        calls.openDirectory = { _, directory in
            directory = 3
            return 0
        }
        calls.exists = { [self] _, name in state.update { $0.names[name] != nil } }
        calls.dataEnd = { _, bytes in bytes }
        calls.checkAccess = { _ in 0 }
        calls.lock = { _ in 0 }
        calls.unlock = { _ in }
        calls.listNames = { [self] _, body in
            let names = state.update { $0.names.keys.sorted() }
            for name in names { name.withCString(body) }
            return 0
        }
        addFileCalls(&calls)
        addDirectoryCalls(&calls)
        calls.map = { [self] file, bytes, _, address in
            state.update { state in
                guard let known = state.descriptors[file], bytes <= known.memory.count else { return EINVAL }
                address = known.memory.baseAddress
                state.mappings[UInt(bitPattern: address)] = known
                return 0
            }
        }
        calls.unmap = { [self] address, _ in
            // The file goes outside of the lock.
            withExtendedLifetime(state.update { $0.mappings.removeValue(forKey: UInt(bitPattern: address)) }) { 0 }
        }
        calls.populate = { _, _ in 0 }
        calls.syncMapping = { [self] address, bytes in
            change(waits: true) { state in
                let start = UInt(bitPattern: address)
                let found = state.mappings.first { base, file in
                    base <= start && start < base + UInt(file.memory.count)
                }
                guard let (base, file) = found else { return EINVAL }
                let offset = Int(start - base)
                file.sync(offset..<offset + bytes)
                return 0
            }
        }
        return calls
    }

    private func addFileCalls(_ calls: inout SystemCalls) {
        calls.openFile = { [self] _, name, how, _, descriptor in
            // 2 and 3 make a file, 3 empties one that is there.
            let body: (inout State) -> Int32 = { state in
                guard let file = how < 3 ? state.names[name] ?? (how == 2 ? File() : nil) : File() else {
                    return ENOENT
                }
                if state.names[name] !== file { state.changes.append(.link(name, file)) }
                state.names[name] = file
                state.nextDescriptor += 1
                descriptor = state.nextDescriptor
                state.descriptors[descriptor] = file
                if name.hasSuffix(".tmp") {
                    state.unfinished.insert(descriptor)
                    if pthread_equal(pthread_self(), self.owner) == 0 { state.preparer = pthread_self() }
                }
                return 0
            }
            return how >= 2 ? change(body) : state.update(body)
        }
        calls.size = { [self] file, bytes in
            bytes = state.update { Int64($0.descriptors[file]?.memory.count ?? 0) }
            return 0
        }
        calls.allocatedSize = calls.size
        calls.allocate = { [self] file, bytes in
            change {
                $0.descriptors[file]?.grow(to: Int(bytes))
                return 0
            }
        }
        calls.write = { [self] file, bytes, offset, written in
            change { state in
                guard let file = state.descriptors[file] else { return EBADF }
                file.grow(to: Int(offset) + bytes.count)
                UnsafeMutableRawBufferPointer(rebasing: file.memory[Int(offset)...]).copyMemory(from: bytes)
                written = bytes.count
                return 0
            }
        }
        calls.read = { [self] file, bytes, offset, read in
            state.update { state in
                guard let file = state.descriptors[file] else { return EBADF }
                let rest = file.memory.dropFirst(Int(offset)).prefix(bytes.count)
                bytes.copyBytes(from: rest)
                read = rest.count
                return 0
            }
        }
        calls.syncFile = { [self] file in
            change { state in
                guard let file = state.descriptors[file] else { return EBADF }
                file.sync(0..<file.memory.count)
                return 0
            }
        }
        calls.close = { [self] file in
            state.update { state in
                state.descriptors[file] = nil
                state.unfinished.remove(file)
                return 0
            }
        }
    }

    private func addDirectoryCalls(_ calls: inout SystemCalls) {
        calls.syncDirectory = { [self] _ in
            change(waits: true) { state in
                state.durableNames = state.names
                state.changes = []
                state.owesDirectorySync = false
                return 0
            }
        }
        calls.rename = { [self] _, from, to in
            change { state in
                guard let file = state.names.removeValue(forKey: from) else { return ENOENT }
                state.names[to] = file
                state.findNewestSegment()
                state.changes.append(.rename(from, to: to))
                return 0
            }
        }
        calls.remove = { [self] _, name in
            let isDeletion = pthread_equal(pthread_self(), owner) == 0
            return change(waits: true) { state in
                guard state.names.removeValue(forKey: name) != nil else { return ENOENT }
                // Opening removes spare segments at the end.
                if !isDeletion { state.findNewestSegment() }
                state.changes.append(.unlink(name))
                if isDeletion { state.owesDirectorySync = true }
                return 0
            }
        }
    }

    // MARK: The journal's threads

    /// Waits until the journal's threads have done what they have to: first a segment is made ahead, then what is dead is
    /// deleted. Nothing else runs meanwhile. Answers the number of the oldest segment.
    ///
    /// - Parameter syncsDirectory: the journal syncs the directory after each deletion.
    @discardableResult
    func settle(_ journal: Journal, syncsDirectory: Bool) -> UInt32 {
        waitForSegment(of: journal)
        if SimulatedDisk.hasDeadSegment(journal) {
            openGate()
            while SimulatedDisk.hasDeadSegment(journal) || (syncsDirectory && state.update { $0.owesDirectorySync }) {
                sched_yield()
            }
            closeGate()
        }
        return journal.segmentUsage().first?.number ?? 0
    }

    /// Waits until the journal has made the next segment ahead.
    func waitForSegment(of journal: Journal) {
        let active = journal.segmentUsage().last?.number ?? 0
        _ = state.wait { state in state.unfinished.isEmpty && state.newestSegment > active ? () : nil }
    }

    /// The oldest segment takes no more and nothing of it is needed.
    private static func hasDeadSegment(_ journal: Journal) -> Bool {
        let usage = journal.segmentUsage()
        return usage.count > 1 && usage.first?.liveBytes == 0
    }
}

extension SimulatedDisk.State {
    mutating func findNewestSegment() {
        newestSegment = 0
        for name in names.keys { noteSegment(name) }
    }

    mutating func noteSegment(_ name: String) {
        guard name.hasPrefix("segment-"), name.hasSuffix(".log") else { return }
        let digits = name.dropFirst("segment-".count).dropLast(".log".count)
        if let number = UInt32(digits, radix: 16) { newestSegment = max(newestSegment, number) }
    }
}
