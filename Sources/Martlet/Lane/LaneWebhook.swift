import Delivery
import Model
import Signing
import Transport

/// A webhook as its lane needs it: everything that is the same for each attempt, prepared once.
struct LaneWebhook {
    /// What the engine sends to the lane; the lane makes the endpoint of it, which belongs to its thread.
    struct Specification: Sendable {
        var id: Identifier
        var endpoint: EndpointOptions
        var keys: ContiguousArray<HMACSHA256Key>
        var policy: WebhookPolicy
        var timeoutMilliseconds: Int64
        var connectTimeoutMilliseconds: Int64
    }

    let specification: Specification
    let generation: UInt32
    /// Nil where libcurl had no memory for it; the next attempt tries to make it again.
    var endpoint: Endpoint?

    var id: Identifier {
        specification.id
    }
}
