import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs whole worlds until the steps or the seconds are used up; each is one test. Stops at the first that fails.
func simulate(_ options: Options, hasDisk: Bool) -> (passed: Int, failed: Int) {
    let wanted = hasDisk ? options.diskSteps : options.steps
    let started = Clock.monotonic()
    var hash: UInt64 = 0
    var steps = 0
    var events = 0
    var crashes = 0
    var writes = 0
    var passed = 0
    var number = options.segment ?? 0
    while steps < wanted {
        CrashNote.begin(segment: number)
        let segment = Segment(seed: options.seed, number: number, hasDisk: hasDisk)
        let outcome = segment.run { CrashNote.step = $0 }
        if let violation = outcome.violation {
            report(
                violation,
                in: outcome.world,
                options: options,
                segment: segment,
                number: number,
                step: outcome.steps
            )
            print("\(steps + outcome.steps) steps were made before")
            return (passed, 1)
        }
        passed += 1
        steps += outcome.steps
        events += outcome.world.trace.count
        crashes += outcome.world.store?.crashes ?? 0
        writes += outcome.world.store?.writes ?? 0
        hash = RandomSource.mix(hash ^ outcome.world.trace.hash)
        if options.segment != nil { break }
        let elapsed = Clock.monotonic().nanoseconds(since: started) / 1_000_000_000
        if let seconds = options.seconds, elapsed >= seconds { break }
        number += 1
    }
    let disk = hasDisk ? ", \(writes) records and \(crashes) restarts" : ""
    print("\(steps) steps, \(events) events\(disk) in \(passed) worlds")
    print("trace \(String(hash, radix: 16))")
    return (passed, 0)
}

func report(_ violation: Violation, in world: World, options: Options, segment: Segment, number: Int, step: Int) {
    let name = segment.hasDisk ? "disk-segment" : "segment"
    print("FAILED seed \(options.seed) \(name) \(number) step \(step): \(violation.message)")
    print("to replay: Simulation --seed \(options.seed) --\(name) \(number)")
    print("limits: \(world.profile.maximumInFlight) in flight, \(world.profile.maximumPending) pending; last events:")
    for line in world.trace.lines() { print("  \(line)") }
}

/// One world twice: the same seed must give the same events.
func replays(_ seed: UInt64, hasDisk: Bool) -> Bool {
    let segment = Segment(seed: seed, number: 0, hasDisk: hasDisk)
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
var passed = 0
var failed = 0
for hasDisk in [false, true] where failed == 0 && (hasDisk ? options.diskSteps : options.steps) > 0 {
    let result = simulate(options, hasDisk: hasDisk)
    passed += result.passed
    failed += result.failed
    if failed == 0, options.segment == nil {
        if replays(options.seed, hasDisk: hasDisk) { passed += 1 } else { failed += 1 }
    }
}
print("\(passed) passed, \(failed) failed")
exit(failed == 0 ? 0 : 1)
