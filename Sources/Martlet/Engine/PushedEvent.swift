import Model
import Registry

/// An event as it was pushed: checked, its bytes still the caller's.
struct PushedEvent {
    /// Its type and tenant, and the webhooks that want it.
    var admission: Admission
    /// Valid JSON.
    var data: UnsafeRawBufferPointer
    var tag: UInt64
    /// Nil: Martlet makes one.
    var id: EventID?
    /// What is out of the ordinary about it.
    var details: EventDetails?

    init(_ admission: Admission, data: UnsafeRawBufferPointer, tag: UInt64) {
        self.admission = admission
        self.data = data
        self.tag = tag
    }
}
