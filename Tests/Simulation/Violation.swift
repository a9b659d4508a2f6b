/// A rule that the core broke, in words.
struct Violation: Error {
    var message: String

    init(_ message: String) {
        self.message = message
    }
}

/// Throws where `condition` does not hold; the message is only built then.
@inline(__always)
func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(Violation) {
    guard condition else { throw Violation(message()) }
}
