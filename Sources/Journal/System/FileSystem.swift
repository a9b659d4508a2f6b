import Glibc

/// The one place where the journal calls the system: repeats interrupted calls, completes short writes, and turns an
/// errno into a ``JournalError`` with the path in it.
///
/// Any thread may use it. It owns nothing: who opens a descriptor closes it.
struct FileSystem: Sendable {
    let calls: SystemCalls
    /// The journal's directory, for error texts.
    let path: String

    /// How a file is opened.
    enum Access: Int32 {
        case read = 0
        case write = 1
        /// A new file.
        case create = 2
        /// A new file, or an existing one emptied.
        case replace = 3
    }

    /// Opens the directory; makes it first where it is missing and `mode` is given.
    func openDirectory(creatingWith mode: UInt32?) throws(JournalError) -> Int32 {
        var directory: Int32 = -1
        var code = repeating { calls.openDirectory(path, &directory) }
        if code == ENOENT, let mode {
            let made = repeating { calls.makeDirectory(path, mode) }
            switch made {
            case 0, EEXIST: code = repeating { calls.openDirectory(path, &directory) }
            case ENOENT: throw .noParentDirectory(path: path)
            default: code = made
            }
        }
        if code == ENOTDIR { throw .notADirectory(path: path) }
        try check(code, "open", path)
        return directory
    }

    func checkAccess(_ directory: Int32) throws(JournalError) {
        try check(repeating { calls.checkAccess(directory) }, "access", path)
    }

    func lock(_ directory: Int32) throws(JournalError) {
        let code = repeating { calls.lock(directory) }
        if code == EWOULDBLOCK { throw .locked(path: path) }
        try check(code, "lock", path)
    }

    /// Closes a directory that ``lock(_:)`` locked; the lock goes with it.
    func unlock(_ directory: Int32) {
        calls.unlock(directory)
    }

    func open(_ name: String, in directory: Int32, _ access: Access, mode: UInt32 = 0) throws(JournalError) -> Int32 {
        var file: Int32 = -1
        try check(repeating { calls.openFile(directory, name, access.rawValue, mode, &file) }, "open", full(name))
        return file
    }

    func size(_ file: Int32, _ name: String) throws(JournalError) -> Int {
        var bytes: Int64 = 0
        try check(repeating { calls.size(file, &bytes) }, "read the size of", full(name))
        return Int(bytes)
    }

    /// Bytes of the disk that the file takes, reserved ones included; less than its size where it has holes.
    func allocatedSize(_ file: Int32, _ name: String) throws(JournalError) -> Int {
        var bytes: Int64 = 0
        try check(repeating { calls.allocatedSize(file, &bytes) }, "read the size of", full(name))
        return Int(bytes)
    }

    /// Reserves room for the whole file. EINVAL is how some file systems say that they cannot (posix_fallocate(3)).
    func allocate(_ file: Int32, bytes: Int, _ name: String) throws(JournalError) {
        let code = repeating { calls.allocate(file, Int64(bytes)) }
        if code == EINVAL { throw .unsupportedFileSystem(path: path) }
        // What the limit on file sizes refuses is room too.
        if code == EFBIG { throw .noSpace }
        try check(code, "reserve room for", full(name))
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, to file: Int32, at offset: Int, _ name: String) throws(JournalError) {
        var done = 0
        while done < bytes.count {
            var written = 0
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            try check(repeating { calls.write(file, rest, Int64(offset + done), &written) }, "write", full(name))
            // A write of nothing without an error would never end.
            guard written > 0, written <= rest.count else {
                throw .system(operation: "write", path: full(name), code: EIO)
            }
            done += written
        }
    }

    /// Fills `bytes` from `offset` on; answers how much there was up to the end of the file.
    func read(
        _ file: Int32,
        at offset: Int,
        into bytes: UnsafeMutableRawBufferPointer,
        _ name: String
    ) throws(JournalError) -> Int {
        var done = 0
        while done < bytes.count {
            var count = 0
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
            try check(repeating { calls.read(file, rest, Int64(offset + done), &count) }, "read", full(name))
            guard count > 0, count <= rest.count else { break }
            done += count
        }
        return done
    }

    func sync(_ file: Int32, _ name: String) throws(JournalError) {
        try check(repeating { calls.syncFile(file) }, "sync", full(name))
    }

    func syncDirectory(_ directory: Int32) throws(JournalError) {
        try check(repeating { calls.syncDirectory(directory) }, "sync", path)
    }

    func rename(_ from: String, to name: String, in directory: Int32) throws(JournalError) {
        try check(repeating { calls.rename(directory, from, name) }, "rename", full(from))
    }

    /// Removes a file; one that is not there is removed.
    func remove(_ name: String, in directory: Int32) throws(JournalError) {
        let code = repeating { calls.remove(directory, name) }
        if code == ENOENT { return }
        try check(code, "remove", full(name))
    }

    /// Never repeated: on Linux the descriptor is gone also where close(2) was interrupted.
    func close(_ file: Int32) {
        _ = calls.close(file)
    }

    func map(_ file: Int32, bytes: Int, writable: Bool, _ name: String) throws(JournalError) -> Mapping {
        var address: UnsafeMutableRawPointer?
        let code = repeating { calls.map(file, bytes, writable, &address) }
        // EACCES is how mmap(2) refuses files that are none on a disk.
        if code == EACCES { throw .unsupportedFileSystem(path: path) }
        try check(code, "map", full(name))
        guard let address else { throw .system(operation: "map", path: full(name), code: ENOMEM) }
        return Mapping(address: address, count: bytes, dataEnd: calls.dataEnd(file, bytes), calls: calls)
    }

    /// Every name in the directory, in no order.
    func names(in directory: Int32) throws(JournalError) -> [String] {
        var names: [String] = []
        let code = repeating {
            names = []
            return calls.listNames(directory) { names.append(String(cString: $0)) }
        }
        try check(code, "list", path)
        return names
    }

    private func full(_ name: String) -> String {
        "\(path)/\(name)"
    }

    private func check(_ code: Int32, _ operation: String, _ path: String) throws(JournalError) {
        switch code {
        case 0: return
        case EOPNOTSUPP, ENODEV, ENOSYS: throw .unsupportedFileSystem(path: self.path)
        default: throw JournalError(code, operation, path)
        }
    }

    private func repeating(_ call: () -> Int32) -> Int32 {
        while true {
            let code = call()
            if code != EINTR { return code }
        }
    }
}
