import Model

/// The command line.
struct Options {
    static let usage = """
        usage: Simulation [--seed N] [--steps N | --seconds N | --segment N]
          --seed N     replay this seed; a random one otherwise
          --steps N    stop when so many steps are made, at the end of a world (1000000)
          --seconds N  stop when so much time has passed, at the end of a world
          --segment N  only this world of the seed, whole
        """

    var seed = Clock.randomSeed()
    var steps = 1_000_000
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
            case "--seconds":
                seconds = Int64(clamping: value)
                steps = .max
            case "--segment":
                segment = Int(clamping: value)
                steps = .max
            default:
                return nil
            }
        }
    }
}
