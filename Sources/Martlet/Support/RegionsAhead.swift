import CPlatform
import Glibc
import Threading

/// Regions of memory whose pages are made ready by a thread of their own, before a push needs them.
///
/// A fresh page costs the kernel, which clears it, 0.3 µs or more, and several where a virtual machine's host has to find
/// it first. Half of a push into a growing queue would be that. The thread is there while the queue grows: it starts with
/// the first ``take()`` and ends with ``giveBack()``.
///
/// Any thread may call anything.
final class RegionsAhead: Sendable {
    private struct State {
        var ready: [UnsafeMutableRawPointer] = []
        var isRunning = false
        var shallEnd = false
    }

    /// Enough for the thread to be woken in time.
    private static let count = 3
    /// What is made ready in one call: the kernel lets nobody change the process's mappings meanwhile.
    private static let stepBytes = 64 << 10

    private let bytes: Int
    private let state = Monitored(State())

    /// Regions of `bytes`, a power of two of 64 KiB at least, to which they are aligned.
    init(bytes: Int) {
        self.bytes = bytes
    }

    /// A region whose pages are ready, which is the caller's to unmap, or nil where there is none yet. More are made.
    func take() -> UnsafeMutableRawPointer? {
        let (region, mustStart) = state.update { state in
            let mustStart = !state.isRunning
            state.isRunning = true
            state.shallEnd = false
            return (state.ready.popLast(), mustStart)
        }
        if mustStart, !OwnedThread.start(name: "martlet-memory", { [self] in run() }) {
            // Whoever pushes makes pages ready then.
            state.update { $0.isRunning = false }
        }
        return region
    }

    /// Gives everything back that nobody took. The thread ends soon.
    func giveBack() {
        let regions = state.update { state in
            state.shallEnd = true
            defer { state.ready = [] }
            return state.ready
        }
        for region in regions { munmap(region, bytes) }
    }

    /// Gives everything back and waits for the thread's end, which takes less than a millisecond.
    func close() {
        giveBack()
        _ = state.wait { $0.isRunning ? nil : () }
    }

    private func run() {
        while needsAnother() {
            guard let region = martlet_platform_map_aligned(bytes) else { break }
            let isReady = makeReady(region)
            let isKept =
                isReady
                && state.update { state in
                    if state.shallEnd { return false }
                    state.ready.append(region)
                    return true
                }
            if !isKept { munmap(region, bytes) }
        }
        state.update { $0.isRunning = false }
    }

    /// Waits until there is room for a region; false where the thread is to end.
    private func needsAnother() -> Bool {
        state.wait { state in
            if state.shallEnd { return false }
            return state.ready.count < RegionsAhead.count ? true : nil
        } ?? false
    }

    private func makeReady(_ region: UnsafeMutableRawPointer) -> Bool {
        for offset in stride(from: 0, to: bytes, by: RegionsAhead.stepBytes) {
            let shallEnd = state.wait { $0.shallEnd }
            if shallEnd != false { return false }
            martlet_platform_populate(region + offset, RegionsAhead.stepBytes)
        }
        return true
    }
}
