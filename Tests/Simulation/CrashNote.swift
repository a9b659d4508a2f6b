#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Says where the simulation was when the core trapped or would not come back: no report could be printed then.
enum CrashNote {
    /// A world takes a fraction of a second.
    private static let secondsForAWorld: UInt32 = 120

    // Written by the main thread alone, and read by a signal handler that runs on it.
    nonisolated(unsafe) static var segment = 0
    // As above.
    nonisolated(unsafe) static var step = 0

    static func install() {
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGALRM] {
            _ = signal(number) { _ in
                CrashNote.say("CRASHED or hung in segment ")
                CrashNote.say(CrashNote.segment)
                CrashNote.say(", step ")
                CrashNote.say(CrashNote.step)
                CrashNote.say("\n0 passed, 1 failed\n")
                _exit(1)
            }
        }
    }

    /// To be called before each world: from here on its time counts.
    static func begin(segment: Int) {
        CrashNote.segment = segment
        CrashNote.step = 0
        alarm(secondsForAWorld)
    }

    // Only calls that a signal handler may make: no allocation.
    private static func say(_ text: StaticString) {
        _ = write(1, text.utf8Start, text.utf8CodeUnitCount)
    }

    private static func say(_ number: Int) {
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            var digit = UInt8(ascii: "0") + UInt8(number / divisor % 10)
            _ = write(1, &digit, 1)
            divisor /= 10
        }
    }
}
