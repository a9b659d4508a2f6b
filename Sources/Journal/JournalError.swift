import Glibc

/// Why the journal refused. Its text is one line and names the file or directory where there is one.
package enum JournalError: Error, Equatable, Sendable, CustomStringConvertible {
    // Opening.
    case invalidOption(String)
    case notADirectory(path: String)
    case noParentDirectory(path: String)
    case notPermitted(path: String)
    case readOnlyFileSystem(path: String)
    /// Another journal, in this process or in another, holds the directory.
    case locked(path: String)
    /// Written by a newer program. No file was changed.
    case newerFormat(file: String, version: UInt32)
    /// The file system cannot map files or reserve room for them.
    case unsupportedFileSystem(path: String)
    /// Any other refusal of the system, with its errno.
    case system(operation: String, path: String, code: Int32)

    // Opening and appending.
    /// The disk, or the user's share of it, is full.
    case noSpace
    /// The journal takes as many bytes as `maximumBytes` allows.
    case limitReached
    case recordTooLarge(maximum: Int)
    /// Kind 0 is the journal's own.
    case reservedKind
    /// The record is written but may not be on the disk: it can be back after a restart, or not.
    case syncFailed(code: Int32)
    case closed

    // Reading.
    /// The checksum does not fit the record.
    case damaged(Position)

    package var description: String {
        switch self {
        case .invalidOption(let text): "journal options: \(text)"
        case .notADirectory(let path): "\(path) is not a directory"
        case .noParentDirectory(let path): "\(path) cannot be made, the directory above it does not exist"
        case .notPermitted(let path): "no permission to read and write \(path)"
        case .readOnlyFileSystem(let path): "\(path) is on a read-only file system"
        case .locked(let path): "\(path) is in use by another engine"
        case .newerFormat(let file, let version):
            "\(file) has format version \(version), this program reads up to \(SegmentHeader.currentVersion)"
        case .unsupportedFileSystem(let path): "the file system of \(path) cannot reserve room for files or map them"
        case .system(let operation, let path, let code):
            "\(operation) \(path) failed: \(String(cString: strerror(code)))"
        case .noSpace: "no space left on the journal's disk"
        case .limitReached: "the journal has no room left below its size limit"
        case .recordTooLarge(let maximum): "the record exceeds the journal's limit of \(maximum) bytes"
        case .reservedKind: "record kind 0 is reserved"
        case .syncFailed(let code): "writing the journal to the disk failed: \(String(cString: strerror(code)))"
        case .closed: "the journal is closed"
        case .damaged(let position): "record \(position.segment):\(position.offset) is damaged"
        }
    }

    /// The case for an errno that `operation` on `path` gave.
    init(_ code: Int32, _ operation: String, _ path: String) {
        switch code {
        case ENOSPC, EDQUOT: self = .noSpace
        case EACCES, EPERM: self = .notPermitted(path: path)
        case EROFS: self = .readOnlyFileSystem(path: path)
        default: self = .system(operation: operation, path: path, code: code)
        }
    }

    /// True where it passes once something is deleted.
    var isWantOfRoom: Bool {
        self == .noSpace || self == .limitReached
    }

    var isMissingFile: Bool {
        if case .system(_, _, ENOENT) = self { true } else { false }
    }

    /// The errno behind it, EIO where there is none.
    var code: Int32 {
        switch self {
        case .noSpace: ENOSPC
        case .notPermitted: EACCES
        case .readOnlyFileSystem: EROFS
        case .system(_, _, let code), .syncFailed(let code): code
        default: EIO
        }
    }
}
