import Foundation
import JSONText
import Model
import TestSupport
import Testing

@testable import Martlet

@Suite("Swift: typed settings")
struct SwiftSettingsTests {
    /// Every property with a value that the engine accepts.
    private func fullConfiguration() -> Engine.Configuration {
        var full = Engine.Configuration()
        full.dataDirectory = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)").path
        full.sync = .always
        full.syncIntervalMs = 7
        full.journal.maxBytes = 262_144
        full.journal.segmentBytes = 65_536
        full.environment = .development
        full.allowedNetworks = ["10.0.0.0/8"]
        full.caFile = "/etc/ssl/certs/ca-certificates.crt"
        full.lanes = 1
        full.maxInFlight = 17
        full.queue.maxEvents = 1001
        full.queue.maxBytes = 1_000_000
        full.maxEventBytes = 2048
        full.jsonDepth = 9
        full.timeoutMs = 700
        full.connectTimeoutMs = 300
        full.expirySeconds = 2.5
        full.maxInFlightPerWebhook = 3
        full.maxPendingPerWebhook = 44
        full.adaptiveConcurrency = false
        full.rateLimit.perSecond = 0.5
        full.rateLimit.burst = 2
        full.retry = Webhook.Retry(delaysSeconds: [0.25])
        full.retry.jitter = 0
        full.retry.retryOn = [.timeout, .serverError]
        full.retry.retryAfterCapSeconds = 60
        full.ordering = .key
        full.breaker.failures = 7
        full.breaker.afterSeconds = 1
        full.breaker.openSeconds = 2
        full.breaker.maxOpenSeconds = 3
        full.disableAfterSeconds = 4
        full.payloadFormat = .standard
        full.eventTypes = [EventTypeDescription("order.paid", title: "Paid", sample: ["id": 1])]
        full.userAgent = "host/1"
        full.outcomes = .events
        full.responseBodyBytes = 5
        full.logRetention.attempts = 6
        full.logRetention.days = 0.5
        full.logRetention.payloadBytes = 8
        full.deduplication.windowSeconds = 9
        full.deduplication.maxIDs = 10
        return full
    }

    private func fullWebhook(_ url: String) -> Webhook.Settings {
        var full = Webhook.Settings(url: url, events: ["call.*", "workflow.completed"])
        full.tenant = "acme"
        full.agents = ["a1"]
        full.workflows = ["w1"]
        full.filter = ["callDuration": ["$gte": 60]]
        full.headers = ["X-One": "1", "Authorization": "Bearer t"]
        full.clientCertificateFile = "/etc/passwd"
        full.clientKeyFile = "/etc/passwd"
        full.enabled = false
        full.description = "note"
        full.metadata = ["customer": "17"]
        full.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        full.timeoutMs = 700
        full.connectTimeoutMs = 300
        full.expirySeconds = 2.5
        full.maxInFlight = 3
        full.maxPending = 44
        full.adaptiveConcurrency = false
        full.rateLimit.perSecond = 0.5
        full.rateLimit.burst = 2
        full.retry = Webhook.Retry(delaysSeconds: [0.25, 1])
        full.retry.jitter = 0.5
        full.retry.retryOn = [.timeout, .serverError]
        full.retry.retryAfterCapSeconds = 60
        full.ordering = .strict
        full.breaker.failures = 7
        full.breaker.afterSeconds = 1.5
        full.breaker.openSeconds = 2.5
        full.breaker.maxOpenSeconds = 3.5
        full.disableAfterSeconds = 4
        full.payloadFormat = .raw
        return full
    }

    /// The keys of a document as the tables write them: `retry.jitter` for one in a group.
    private func keys(_ object: JSONObject, groups: [String]) -> [String] {
        object.members.flatMap { member in
            guard groups.contains(member.key), let group = member.value.objectValue else { return [member.key] }
            return group.keys.map { "\(member.key).\($0)" }
        }
    }

    @Test("The typed configuration has every key of the table, under its name")
    func configurationKeys() throws {
        let table = Configuration.document.properties.map(\.key)
        let groups = Set(
            table.filter { $0.contains(".") }.compactMap { $0.split(separator: ".").first.map(String.init) }
        )
        let full = fullConfiguration()
        let document = full.document
        #expect(Set(keys(document, groups: Array(groups))) == Set(table))

        let read = try Configuration(json: JSONValue.object(document).description)
        #expect(read.queue.maxEvents == 1001)
        #expect(read.delivery.breaker.maximumOpenMilliseconds == 3000)
        #expect(read.delivery.retry.delaysMilliseconds == [250])
        #expect(read.deduplication.maximumIDs == 10)
        #expect(read.outcomes == .events)
        let engine = try Engine(full)
        #expect(try engine.eventTypes().contains { $0.name == "order.paid" && $0.sample == ["id": 1] })
        try engine.syncClose(timeout: .zero)
        try FileManager.default.removeItem(atPath: try #require(read.dataDirectory))
    }

    @Test("What is not set is not in the document, so that it keeps the engine's default")
    func defaults() {
        #expect(Engine.Configuration().document.isEmpty)
        #expect(Webhook.Settings(url: "u", events: ["*"]).document.keys == ["url", "events"])
    }

    @Test("Typed webhook settings have every key of the table that a host can set")
    func webhookKeys() throws {
        let table = WebhookDefinition.document.properties.filter { $0.presence != .readOnly }.map(\.key)
        let document = fullWebhook("http://127.0.0.1:9/").document
        #expect(Set(keys(document, groups: Array(Webhook.Settings.groups))) == Set(table))
    }

    @Test("A webhook comes back with the settings it was given, without its secret")
    func roundTrip() throws {
        let engine = try openEngine()
        var settings = fullWebhook("http://127.0.0.1:9/")
        let created = try engine.createWebhook(settings)
        settings.secret = nil
        #expect(created.settings == settings)
        #expect(created.disabled?.reason == .host)
        #expect(created.id.hasPrefix("wh_"))
        // What the host set can be read as if it stood in the webhook.
        #expect(created.headers["X-One"] == "1")
        #expect(try engine.webhook(created.id).json == created.json)
        #expect(try engine.webhookSecrets(of: created.id).first?.secret == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    }

    @Test("An update writes what it changes and nothing else; nil puts a default back")
    func update() throws {
        let engine = try openEngine()
        var settings = Webhook.Settings(url: "http://127.0.0.1:9/", events: ["call.*"])
        settings.timeoutMs = 700
        settings.retry = Webhook.Retry(delaysSeconds: [1, 2])
        settings.retry.jitter = 0.5
        settings.headers = ["X-One": "1"]
        let id = try engine.createWebhook(settings).id
        let updated = try engine.updateWebhook(id) { webhook in
            // Another host's change comes in between.
            _ = try? engine.updateWebhook(id, ["description": "theirs"])
            webhook.url = "http://127.0.0.1:8/"
            webhook.timeoutMs = nil
            webhook.retry.delaysSeconds = nil
            webhook.headers = [:]
        }
        #expect(updated.url == "http://127.0.0.1:8/")
        #expect(updated.description == "theirs")
        #expect(updated.timeoutMs == nil)
        #expect(updated.retry.delaysSeconds == nil)
        #expect(updated.retry.jitter == 0.5)
        #expect(updated.headers.isEmpty)
        #expect(updated.events == ["call.*"])
        #expect(failure { try engine.updateWebhook(id) { $0.tenant = "other" } }?.message.contains("tenant") == true)
    }

    @Test("A whole group that is gone goes back to the engine's")
    func groups() {
        var former = Webhook.Settings(url: "u", events: ["*"])
        former.breaker.failures = 3
        former.rateLimit = Webhook.RateLimit(perSecond: 5)
        var settings = former
        settings.breaker = Webhook.Breaker()
        settings.rateLimit.burst = 2
        let changes = settings.document.changes(since: former.document, groups: Webhook.Settings.groups)
        #expect(JSONValue.object(changes).description == #"{"rateLimit":{"burst":2},"breaker":null}"#)
    }

    @Test("Listings go over all pages, in order and more than once")
    func listing() throws {
        let engine = try openEngine()
        var ids: [String] = []
        for number in 0..<7 {
            var settings = Webhook.Settings(url: "http://127.0.0.1:9/\(number)", events: ["*"])
            settings.tenant = number == 3 ? "acme" : nil
            ids.append(try engine.createWebhook(settings).id)
        }
        let listing = try engine.webhooks(pageSize: 3)
        #expect(listing.map(\.id) == ids)
        #expect(listing.map(\.id) == ids)
        #expect(try engine.webhooks(tenant: "acme").map(\.id) == [ids[3]])
        #expect(try engine.webhooks(["limit": 2, "tenant": ""]).count { _ in true } == 6)
        #expect(failure { _ = try engine.webhooks(pageSize: 0) }?.message.contains("limit") == true)
    }

    @Test("What the engine refuses names the key, whichever way it came")
    func refused() throws {
        var configuration = Engine.Configuration()
        configuration.timeoutMs = 1
        #expect(failure { _ = try Engine(configuration) }?.message.contains("timeoutMs") == true)
        configuration.timeoutMs = nil
        configuration.retry.jitter = .nan
        #expect(failure { _ = try Engine(configuration) }?.message.contains("retry.jitter") == true)
        #expect(failure { _ = try Engine(["environmet": "development"]) }?.message.contains("environment") == true)
        let engine = try openEngine()
        #expect(
            failure { try engine.createWebhook(["url": "http://127.0.0.1:9/"]) }?.message.contains("events") == true
        )
        #expect(failure { _ = try engine.webhook("wh_nothing") }?.code == .notFound)
    }

    @Test("Secrets rotate, by type and by document")
    func secrets() throws {
        let engine = try openEngine()
        let id = try engine.createWebhook(["url": "http://127.0.0.1:9/", "events": ["*"]]).id
        let first = try #require(engine.webhookSecrets(of: id).first)
        #expect(first.expiresAt == nil)
        let rotated = try engine.rotateSecret(of: id, to: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", overlapSeconds: 60)
        #expect(rotated.map(\.secret) == ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", first.secret])
        #expect(rotated.last?.expiresAt != nil)
        #expect(try engine.rotateSecret(of: id, ["overlapSeconds": 0]).count == 1)
        #expect(throws: MartletError.self) { try engine.rotateSecret(of: id, overlapSeconds: -1) }
    }
}
