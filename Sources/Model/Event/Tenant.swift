/// Whose webhook or event it is: one object for each tenant that has webhooks, shared by its events and deliveries.
///
/// The default tenant, whose name is empty, is nobody's object: wherever a tenant is optional, nil stands for it. So hosts
/// without tenants pay no reference counts.
package final class Tenant: Sendable {
    package let name: String

    package init(_ name: String) {
        self.name = name
    }

    /// What documents take: nothing, or a name of up to 64 bytes.
    package static let form = TextForm(.tenant, bytes: 0...64)
}
