import Glibc
import Synchronization
import Testing
import Threading

@testable import Journal

/// A disk that keeps account of what has reached it, and can show what a power failure would leave: of everything not
/// synced, each page, each sector of a page and each name is either there or not, independent of the order of writing.
final class CrashDisk: @unchecked Sendable {
    // Sendable: everything below is touched with the lock held only.
    private let lock = Locked<Void>(())
    private let directory: String
    /// Names now, and names as the directory was last synced.
    private var names: [String: File] = [:]
    private var durableNames: [String: File] = [:]
    private var descriptors: [Int32: File] = [:]
    private var mappings: [(start: UInt, count: Int, file: File)] = []
    private var generator: Generator
    /// Calls left until the image is taken in the middle of one; nil for never.
    private var callsLeft: Int?
    private(set) var image: [String: [UInt8]]?
    private let beforeImage: () -> Void
    /// One sync in five fails and writes nothing.
    private let failsSyncs: Bool

    private final class File {
        /// What is on the disk for sure; shorter than the file where its size is not.
        var durable: [UInt8] = []
        /// A descriptor of the disk's own, for reading what the file holds now.
        let descriptor: Int32

        init(_ descriptor: Int32) {
            self.descriptor = descriptor
        }

        deinit {
            close(descriptor)
        }

        var now: [UInt8] {
            let size = lseek(descriptor, 0, SEEK_END)
            var bytes = [UInt8](repeating: 0, count: max(Int(size), 0))
            let count = pread(descriptor, &bytes, bytes.count, 0)
            return Array(bytes.prefix(max(count, 0)))
        }
    }

    /// `directory` holds what a crash left before. `beforeImage` is called right before an image is taken inside a call.
    init(
        _ directory: String,
        seed: UInt64,
        imageAfterCalls: Int?,
        failsSyncs: Bool,
        beforeImage: @escaping () -> Void
    ) {
        self.directory = directory
        self.failsSyncs = failsSyncs
        generator = Generator(seed: seed)
        callsLeft = imageAfterCalls
        self.beforeImage = beforeImage
        guard let stream = opendir(directory) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name.0) { String(cString: $0) }
            guard name != ".", name != ".." else { continue }
            let file = File(open("\(directory)/\(name)", O_RDONLY))
            file.durable = file.now
            names[name] = file
        }
        durableNames = names
    }

    /// The image, taken now unless one was taken inside a call.
    func crash() -> [String: [UInt8]] {
        lock.withLock { _ in
            if let image { return image }
            let image = takeImage()
            self.image = image
            return image
        }
    }

    private func takeImage() -> [String: [UInt8]] {
        var image: [String: [UInt8]] = [:]
        for name in Set(names.keys).union(durableNames.keys).sorted() {
            let file =
                names[name] === durableNames[name] || Bool.random(using: &generator) ? names[name] : durableNames[name]
            if let file { image[name] = survivors(of: file) }
        }
        return image
    }

    private func survivors(of file: File) -> [UInt8] {
        let now = file.now
        // The size of a file that was never synced may be lost too.
        if file.durable.isEmpty, !now.isEmpty, Int.random(in: 0..<4, using: &generator) == 0 { return [] }
        var result = file.durable + [UInt8](repeating: 0, count: max(now.count - file.durable.count, 0))
        for page in stride(from: 0, to: now.count, by: 4096) {
            let choice = Int.random(in: 0...2, using: &generator)
            for sector in stride(from: page, to: min(page + 4096, now.count), by: 512) {
                guard choice == 0 || choice == 1 && Bool.random(using: &generator) else { continue }
                let range = sector..<min(sector + 512, now.count)
                result.replaceSubrange(range, with: now[range])
            }
        }
        return result
    }

    /// Every call goes through here.
    private func call(_ body: () -> Int32) -> Int32 {
        lock.withLock { _ in
            if let left = callsLeft, image == nil {
                callsLeft = left - 1
                if left == 0 {
                    beforeImage()
                    image = takeImage()
                }
            }
            return body()
        }
    }

    private func sync(_ body: () -> Int32) -> Int32 {
        call { failsSyncs && Int.random(in: 0..<5, using: &generator) == 0 ? EIO : body() }
    }

    var systemCalls: SystemCalls {
        var calls = SystemCalls.live
        calls.openFile = { [self] directory, name, how, mode, descriptor in
            call {
                let code = SystemCalls.live.openFile(directory, name, how, mode, &descriptor)
                guard code == 0 else { return code }
                if let known = names[name], how < FileSystem.Access.create.rawValue {
                    descriptors[descriptor] = known
                } else {
                    let file = File(open("\(self.directory)/\(name)", O_RDONLY))
                    names[name] = file
                    descriptors[descriptor] = file
                }
                return 0
            }
        }
        calls.allocate = { [self] file, bytes in call { SystemCalls.live.allocate(file, bytes) } }
        calls.write = { [self] file, bytes, offset, written in
            call { SystemCalls.live.write(file, bytes, offset, &written) }
        }
        calls.close = { [self] file in
            call {
                descriptors[file] = nil
                return SystemCalls.live.close(file)
            }
        }
        calls.map = { [self] file, bytes, isWritable, address in
            call {
                let code = SystemCalls.live.map(file, bytes, isWritable, &address)
                if code == 0, let known = descriptors[file] {
                    mappings.append((UInt(bitPattern: address), bytes, known))
                }
                return code
            }
        }
        calls.unmap = { [self] address, bytes in
            call {
                mappings.removeAll { $0.start == UInt(bitPattern: address) }
                return SystemCalls.live.unmap(address, bytes)
            }
        }
        calls.syncFile = { [self] file in
            sync {
                if let file = descriptors[file] { file.durable = file.now }
                return 0
            }
        }
        calls.syncMapping = { [self] address, bytes in
            sync {
                let start = UInt(bitPattern: address)
                guard let mapping = mappings.first(where: { $0.start <= start && start < $0.start + UInt($0.count) })
                else {
                    return EINVAL
                }
                let file = mapping.file
                file.durable += [UInt8](repeating: 0, count: max(mapping.count - file.durable.count, 0))
                let offset = Int(start - mapping.start)
                file.durable.replaceSubrange(
                    offset..<offset + bytes,
                    with: UnsafeRawBufferPointer(start: address, count: bytes)
                )
                return 0
            }
        }
        calls.syncDirectory = { [self] _ in
            sync {
                durableNames = names
                return 0
            }
        }
        calls.rename = { [self] directory, from, to in
            call {
                let code = SystemCalls.live.rename(directory, from, to)
                if code == 0 { names[to] = names.removeValue(forKey: from) }
                return code
            }
        }
        calls.remove = { [self] directory, name in
            call {
                let code = SystemCalls.live.remove(directory, name)
                if code == 0 { names[name] = nil }
                return code
            }
        }
        return calls
    }
}
