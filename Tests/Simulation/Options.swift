import Model

/// The command line.
struct Options {
    static let usage = """
        usage: Simulation [--seed N] [--steps N] [--disk-steps N] [--seconds N] [--segment N | --disk-segment N]
          --seed N          replay this seed; a random one otherwise
          --steps N         so many steps without a disk, up to the end of a world (1000000)
          --disk-steps N    then so many with a disk and crashes (0)
          --seconds N       stop either when so much time has passed, at the end of a world
          --segment N       only this world of the seed, whole
          --disk-segment N  the same of those with a disk
        """

    var seed = Clock.randomSeed()
    var steps = 1_000_000
    var diskSteps = 0
    var seconds: Int64?
    var segment: Int?

    /// Nil where the arguments make no sense.
    init?(_ arguments: ArraySlice<String>) {
        var rest = arguments
        while let name = rest.popFirst() {
            guard let text = rest.popFirst(), let value = UInt64(text) else { return nil }
            switch name {
            case "--seed":
                seed = value
            case "--steps":
                steps = Int(clamping: value)
            case "--disk-steps":
                diskSteps = Int(clamping: value)
            case "--seconds":
                seconds = Int64(clamping: value)
            case "--segment":
                segment = Int(clamping: value)
                (steps, diskSteps) = (.max, 0)
            case "--disk-segment":
                segment = Int(clamping: value)
                (steps, diskSteps) = (0, .max)
            default:
                return nil
            }
        }
    }
}
