import Model

@testable import Registry

extension Registry {
    /// The webhooks that want an event of this type with this data.
    func match(_ type: EventTypeIndex, tenant: String = "", data: String = "{}") -> ContiguousArray<WebhookTarget> {
        var admission = admit(type: type, tenant: tenant)
        var data = data
        let failure = data.withUTF8 {
            match(UnsafeRawBufferPointer($0), maximumDepth: 64, &admission)
        }
        return failure == nil ? ContiguousArray(admission.targets.indices.map { admission.targets[$0] }) : []
    }
}
