/// Why a URL is refused at registration: a reason to decide on and one line to show a person.
package struct EndpointURLError: Error, Equatable, CustomStringConvertible {
    package let reason: Reason
    /// Starts with `url`, names the offending part and says what is accepted. Never repeats credentials or the query.
    package let text: String

    package var description: String { text }

    init(_ reason: Reason, _ text: String) {
        self.reason = reason
        self.text = text
    }

    /// The part that is wrong.
    package enum Reason: Sendable {
        case empty
        case tooLong
        /// White space, a control character, a backslash, or anything outside ASCII.
        case character
        case scheme
        case userInfo
        case fragment
        /// Missing, or neither a host name nor an address.
        case host
        case port
        /// A literal address, or `localhost`, that the guard refuses.
        case addressRefused
        /// Wrong in another way that libcurl names.
        case malformed
        /// libcurl could not allocate: nothing is known about the URL.
        case outOfMemory
    }
}
