import Glibc

/// What a test asks the file system beside the journal.
enum FileMode {
    static func of(_ path: String) -> UInt32 {
        var status = stat()
        guard stat(path, &status) == 0 else { return 0 }
        return status.st_mode & 0o777
    }

    static func segments(_ path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name.0) { String(cString: $0) }
            if name.hasPrefix("segment-") { names.append(name) }
        }
        return names
    }

    static func removeAll(_ path: String) {
        for name in segments(path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}
