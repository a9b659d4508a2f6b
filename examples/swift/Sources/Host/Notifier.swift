import Foundation
import Martlet

/// What the shop tells its customers' systems about an order.
struct Order: Encodable, Sendable {
    var number: Int
    var customer: String
    var total: Decimal
    var at: Date
}

/// Tells customers what happens to their orders: the only part of the shop that knows of webhooks.
struct Notifier: Sendable {
    private let engine: Engine

    init() throws {
        var configuration = Engine.Configuration()
        configuration.environment = .development  // Customers of this example are on this machine.
        configuration.eventTypes = [
            EventTypeDescription(
                "order.paid",
                title: "Order paid",
                sample: ["number": 1, "customer": "acme", "total": 9.5]
            ),
            EventTypeDescription("order.shipped", title: "Order shipped"),
        ]
        configuration.ordering = .key  // No customer hears of a shipment before the payment.
        configuration.retry.delaysSeconds = [0.1, 0.5, 5]
        configuration.outcomes = .deliveries
        configuration.queue.maxEvents = 1000
        engine = try Engine(configuration)
    }

    /// Registers a customer's URL; answers the id, and the secret that the customer's receiver verifies with.
    func subscribe(_ customer: String, to events: [String], at url: String) throws -> (id: String, secret: String) {
        var settings = Webhook.Settings(url: url, events: events)
        settings.tenant = customer  // Nobody gets another customer's events.
        let id = try engine.createWebhook(settings).id
        return (id, try engine.webhookSecrets(of: id).first?.secret ?? "")
    }

    /// Tells of an order. Told twice, the customer hears of it once.
    func tell(_ type: String, _ order: Order) async throws {
        var event = try Event(type, order)
        event.id = "\(type.replacing(".", with: "-"))-\(order.number)"
        event.key = "order-\(order.number)"
        event.tenant = order.customer
        event.tag = UInt64(order.number)
        // Receivers are slow when the queue is full: so is the shop then, and holds no queue of its own.
        while try !isAccepted(event) { try await Task.sleep(for: .milliseconds(20)) }
    }

    private func isAccepted(_ event: Event) throws -> Bool {
        do {
            try engine.push(event)
            return true
        } catch  where error.code == .queueFull {
            return false
        }
    }

    /// Reports what became of deliveries until the engine is closed.
    func report() async throws {
        for await outcome in try engine.outcomes() {
            switch (outcome.kind, outcome.state) {
            case (.webhookDisabled, _):
                print("webhook \(outcome.webhookID) is disabled: \(outcome.reason?.rawValue ?? "")")
            case (_, .succeeded):
                print("order \(outcome.tag): \(outcome.eventID) delivered")
            case (_, let state):
                print(
                    "order \(outcome.tag): \(outcome.eventID) \(state.name), \(outcome.failure), HTTP \(outcome.httpStatus)"
                )
            }
        }
    }

    /// What a customer was sent, the newest first.
    func history(of customer: String) throws -> [String] {
        var query = Webhook.Delivery.Query()
        query.tenant = customer
        return try engine.deliveries(query).map { delivery in
            let answers = delivery.attempts.map { $0.status?.description ?? $0.failure.description }
            return "\(delivery.eventID) \(delivery.state) [\(answers.joined(separator: " "))]"
        }
    }

    /// Sends again what failed, once a customer's receiver has recovered.
    func resend(to customer: String) throws -> Int {
        var query = Webhook.Delivery.Query(state: .failed)
        query.tenant = customer
        return try engine.replay(query).replayed
    }

    /// Waits until everything was told, as long as it takes a patient operator.
    func settle() async throws {
        try await engine.flush(timeout: .seconds(30))
    }

    func close() async throws {
        try await engine.close(timeout: .seconds(10))
    }
}
