/// A rule that the core broke, in words.
struct Violation: Error {
    var message: String
    /// None of the core's: the simulated machine stopped.
    private(set) var isCrash = false

    init(_ message: String) {
        self.message = message
    }

    static var crash: Violation {
        var crash = Violation("the machine stopped")
        crash.isCrash = true
        return crash
    }
}

/// Throws where `condition` does not hold; the message is only built then.
@inline(__always)
func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(Violation) {
    guard condition else { throw Violation(message()) }
}
