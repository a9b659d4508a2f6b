/// The version of Martlet, for everything that names it.
package enum Version {
    package static let major = 0
    package static let minor = 1
    package static let patch = 0

    /// `major.minor.patch` (semver.org 2.0.0).
    package static let text = "\(major).\(minor).\(patch)"
}
