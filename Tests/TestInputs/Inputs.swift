import Glibc

/// The inputs of tests that try thousands.
package enum Inputs {
    /// ThreadSanitizer looks at what threads share, which the next input does not change, and makes such a loop ten times
    /// as long. So under it a few stand for all; every other run goes through each.
    private static let isThreadSanitized = dlsym(nil, "__tsan_init") != nil

    /// All of `inputs`, but under ThreadSanitizer each `step`th from the first on.
    package static func each<All: Collection>(_ inputs: All, orEvery step: Int) -> [All.Element] {
        guard isThreadSanitized else { return Array(inputs) }
        return inputs.enumerated().filter { $0.offset % step == 0 }.map(\.element)
    }
}
