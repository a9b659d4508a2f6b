import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs whole worlds until the steps or the seconds are used up; each is one test. Stops at the first that fails.
func simulate(_ options: Options) -> (passed: Int, failed: Int) {
    let started = Clock.monotonic()
    var hash: UInt64 = 0
    var steps = 0
    var events = 0
    var passed = 0
    var number = options.segment ?? 0
    while steps < options.steps {
        CrashNote.begin(segment: number)
        let segment = Segment(seed: options.seed, number: number)
        let outcome = segment.run { CrashNote.step = $0 }
        if let violation = outcome.violation {
            report(violation, in: outcome.world, options: options, segment: number, step: outcome.steps)
            print("\(steps + outcome.steps) steps were made before")
            return (passed, 1)
        }
        passed += 1
        steps += outcome.steps
        events += outcome.world.trace.count
        hash = RandomSource.mix(hash ^ outcome.world.trace.hash)
        if options.segment != nil { break }
        let elapsed = Clock.monotonic().nanoseconds(since: started) / 1_000_000_000
        if let seconds = options.seconds, elapsed >= seconds { break }
        number += 1
    }
    print("\(steps) steps, \(events) events in \(passed) worlds")
    print("trace \(String(hash, radix: 16))")
    return (passed, 0)
}

func report(_ violation: Violation, in world: World, options: Options, segment: Int, step: Int) {
    print("FAILED seed \(options.seed) segment \(segment) step \(step): \(violation.message)")
    print("to replay: Simulation --seed \(options.seed) --segment \(segment)")
    print("limits: \(world.profile.maximumInFlight) in flight, \(world.profile.maximumPending) pending; last events:")
    for line in world.trace.lines() { print("  \(line)") }
}

/// One world twice: the same seed must give the same events.
func replays(_ seed: UInt64) -> Bool {
    let segment = Segment(seed: seed, number: 0)
    let hashes = (0..<2).map { _ in segment.run { _ in }.world.trace.hash }
    guard hashes[0] != hashes[1] else { return true }
    print("FAILED seed \(seed): the first world ran differently the second time")
    return false
}

guard let options = Options(CommandLine.arguments.dropFirst()) else {
    print(Options.usage)
    exit(2)
}
print("seed \(options.seed)")
// It must be out before anything can go wrong.
fflush(nil)
CrashNote.install()
var (passed, failed) = simulate(options)
if failed == 0, options.segment == nil {
    if replays(options.seed) { passed += 1 } else { failed += 1 }
}
print("\(passed) passed, \(failed) failed")
exit(failed == 0 ? 0 : 1)
