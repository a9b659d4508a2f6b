import Model
import Registry

/// An event as it was pushed: checked, its bytes still the caller's.
///
/// Not copyable: handing it on counts no references.
struct PushedEvent: ~Copyable {
    /// Its type and tenant, and the webhooks that want it.
    let admission: Admission
    /// Valid JSON.
    var data: UnsafeRawBufferPointer
    var tag: UInt64
    /// The host's own id, checked; nil: Martlet makes one.
    var ownID: String?
    /// What is out of the ordinary about it.
    var details: EventDetails?

    init(_ admission: consuming Admission, data: UnsafeRawBufferPointer, tag: UInt64) {
        self.admission = admission
        self.data = data
        self.tag = tag
    }
}
