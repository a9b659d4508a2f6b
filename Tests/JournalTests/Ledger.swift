import Glibc
import Threading

@testable import Journal

/// Real calls to the system, of which chosen ones fail, with an account of what is open, mapped and reserved.
final class Ledger: @unchecked Sendable {
    // Sendable: everything below is touched with the lock held only.
    private let lock = Locked<Void>(())

    enum Call: String, CaseIterable, Sendable {
        case makeDirectory, openDirectory, checkAccess, lock, listNames, openFile, size, allocatedSize, allocate
        case write, read, syncFile, syncDirectory, rename, remove, close, map, unmap, populate, syncMapping

        /// What it fails with, as manuals have it.
        var code: Int32 {
            switch self {
            case .openDirectory, .openFile: EMFILE
            case .lock: ENOLCK
            case .allocate: ENOSPC
            case .map, .populate: ENOMEM
            default: EIO
            }
        }
    }

    /// Which calls fail.
    struct Plan: Sendable {
        let call: Call
        /// Counted from 1.
        let first: Int
        /// All later ones too.
        let isLasting: Bool
        /// Only the first byte is written, without an error.
        var isShort = false

        var text: String {
            "\(call.rawValue) \(first)\(isLasting ? " and later" : "")\(isShort ? ", short" : "")"
        }
    }

    private let plan: Plan?
    private var calls: [Call: Int] = [:]
    private(set) var failures = 0

    private final class File {
        var bytes = 0
        var hasName = true
        var users = 0
    }
    private var names: [String: File] = [:]
    private var files: [Int32: File] = [:]
    private var mappings: [UInt: File] = [:]
    private var directories: Set<Int32> = []
    /// Bytes that are left to reserve.
    private var room: Int

    init(_ plan: Plan? = nil, room: Int = .max) {
        self.plan = plan
        self.room = room
    }

    /// Descriptors and mappings that were not given back.
    var leaks: Int {
        lock.withLock { _ in files.count + mappings.count + directories.count }
    }

    /// How often a call was made.
    func count(_ call: Call) -> Int {
        lock.withLock { _ in calls[call, default: 0] }
    }

    /// Runs `body` unless this call is to fail.
    private func count(_ call: Call, _ body: () -> Int32) -> Int32 {
        lock.withLock { _ in isDue(call) ? call.code : body() }
    }

    private func isDue(_ call: Call) -> Bool {
        let number = calls[call, default: 0] + 1
        calls[call] = number
        guard let plan, plan.call == call, !plan.isShort else { return false }
        guard number == plan.first || plan.isLasting && number > plan.first else { return false }
        failures += 1
        return true
    }

    /// A file's room comes back with its last user, as on a real disk.
    private func settle(_ file: File) {
        guard !file.hasName, file.users == 0, room != .max else { return }
        room += file.bytes
        file.bytes = 0
    }

    private func grow(_ file: File, to bytes: Int) -> Bool {
        guard room != .max, bytes > file.bytes else { return true }
        guard bytes - file.bytes <= room else { return false }
        room -= bytes - file.bytes
        file.bytes = bytes
        return true
    }

    private func forget(_ name: String) {
        guard let file = names.removeValue(forKey: name) else { return }
        file.hasName = false
        settle(file)
    }

    var systemCalls: SystemCalls {
        let live = SystemCalls.live
        var seam = live
        seam.makeDirectory = { [self] path, mode in count(.makeDirectory) { live.makeDirectory(path, mode) } }
        seam.openDirectory = { [self] path, directory in
            count(.openDirectory) {
                let code = live.openDirectory(path, &directory)
                if code == 0 { directories.insert(directory) }
                return code
            }
        }
        seam.checkAccess = { [self] directory in count(.checkAccess) { live.checkAccess(directory) } }
        seam.lock = { [self] directory in count(.lock) { live.lock(directory) } }
        seam.unlock = { [self] directory in
            lock.withLock { _ in
                directories.remove(directory)
                live.unlock(directory)
            }
        }
        seam.listNames = { [self] directory, body in count(.listNames) { live.listNames(directory, body) } }
        seam.openFile = { [self] directory, name, how, mode, descriptor in
            count(.openFile) {
                let code = live.openFile(directory, name, how, mode, &descriptor)
                guard code == 0 else { return code }
                let file = names[name] ?? File()
                names[name] = file
                file.users += 1
                files[descriptor] = file
                return 0
            }
        }
        seam.size = { [self] file, bytes in count(.size) { live.size(file, &bytes) } }
        seam.allocatedSize = { [self] file, bytes in count(.allocatedSize) { live.allocatedSize(file, &bytes) } }
        seam.allocate = { [self] descriptor, bytes in
            count(.allocate) {
                guard let file = files[descriptor], grow(file, to: Int(bytes)) else { return ENOSPC }
                return live.allocate(descriptor, bytes)
            }
        }
        seam.write = { [self] descriptor, bytes, offset, written in
            count(.write) {
                var bytes = bytes
                if let plan, plan.isShort, plan.call == .write {
                    failures += 1
                    bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(1))
                }
                guard let file = files[descriptor], grow(file, to: Int(offset) + bytes.count) else { return ENOSPC }
                return live.write(descriptor, bytes, offset, &written)
            }
        }
        seam.read = { [self] file, bytes, offset, read in count(.read) { live.read(file, bytes, offset, &read) } }
        // What syncing is worth is tested with a disk that forgets: CrashDisk.
        seam.syncFile = { [self] _ in count(.syncFile) { 0 } }
        seam.syncDirectory = { [self] _ in count(.syncDirectory) { 0 } }
        seam.syncMapping = { [self] _, _ in count(.syncMapping) { 0 } }
        seam.rename = { [self] directory, from, to in
            count(.rename) {
                let code = live.rename(directory, from, to)
                guard code == 0 else { return code }
                forget(to)
                names[to] = names.removeValue(forKey: from)
                return 0
            }
        }
        seam.remove = { [self] directory, name in
            count(.remove) {
                let code = live.remove(directory, name)
                if code == 0 { forget(name) }
                return code
            }
        }
        seam.close = { [self] descriptor in
            lock.withLock { _ in
                // A descriptor is gone also where close(2) fails.
                let fails = isDue(.close)
                if let file = files.removeValue(forKey: descriptor) {
                    file.users -= 1
                    settle(file)
                }
                directories.remove(descriptor)
                let code = live.close(descriptor)
                return fails ? EIO : code
            }
        }
        seam.map = { [self] descriptor, bytes, isWritable, address in
            count(.map) {
                let code = live.map(descriptor, bytes, isWritable, &address)
                guard code == 0, let file = files[descriptor] else { return code }
                file.users += 1
                mappings[UInt(bitPattern: address)] = file
                return 0
            }
        }
        seam.unmap = { [self] address, bytes in
            lock.withLock { _ in
                calls[.unmap, default: 0] += 1
                if let file = mappings.removeValue(forKey: UInt(bitPattern: address)) {
                    file.users -= 1
                    settle(file)
                }
                return live.unmap(address, bytes)
            }
        }
        seam.populate = { [self] address, bytes in count(.populate) { live.populate(address, bytes) } }
        return seam
    }
}
