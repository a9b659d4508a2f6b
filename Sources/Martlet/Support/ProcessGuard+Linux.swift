import CPlatform
import Glibc
import Synchronization

/// Tells in a forked child that an engine belongs to the parent, without a system call.
///
/// One page of memory that the kernel clears in the child (madvise(2), `MADV_WIPEONFORK`) holds the id of the process. An
/// engine remembers the id it was opened under; in a child the page reads 0, or the child's own id once it opened an
/// engine.
enum ProcessGuard {
    /// Mapped once and never unmapped, so any thread may read it at any time; written only through the atomic.
    private struct Page: @unchecked Sendable {
        let owner: UnsafeMutablePointer<Atomic<Int32>>?
    }

    private static let page: Page = {
        // A page is aligned for everything and cleared: an atomic 0.
        Page(owner: martlet_platform_page_wiped_on_fork()?.bindMemory(to: Atomic<Int32>.self, capacity: 1))
    }()

    /// Marks this process and answers the token that ``isCurrent(_:)`` compares.
    static func token() -> Int32 {
        let process = getpid()
        page.owner?.pointee.store(process, ordering: .relaxed)
        return process
    }

    static func isCurrent(_ token: Int32) -> Bool {
        guard let owner = page.owner else { return getpid() == token }
        return owner.pointee.load(ordering: .relaxed) == token
    }
}
