import Dispatch

/// Something another thread may open once, and any thread may wait for.
package final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    package init() {}

    package func open() {
        semaphore.signal()
    }

    package func wait() {
        semaphore.wait()
        semaphore.signal()
    }
}
