import Foundation
import Martlet

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

extension CaseRun {
    mutating func perform(_ operation: String, _ argument: JSON) async throws -> JSON {
        switch operation {
        case "open":
            engine = nil
            engine = try Engine(argument)
            return nil
        case "beside":
            _ = try Engine(argument)
            return nil
        case "received":
            return ["requests": try await received(argument.string ?? "")]
        case "sign", "verify":
            return try signature(operation, argument)
        case "flush":
            try await open.flush(timeout: .milliseconds(argument.integer ?? 0))
            return nil
        case "close":
            try await open.close(timeout: .milliseconds(argument.integer ?? 0))
            return nil
        case "outcomes":
            return try await outcomes(Int(argument.integer ?? 0))
        case "stats":
            return try open.statistics().json
        case "metrics":
            return ["text": JSON(try open.metrics())]
        default:
            return try ofWebhooks(operation, argument) ?? ofEvents(operation, argument)
                ?? ofDeliveries(operation, argument)
        }
    }

    private func ofWebhooks(_ operation: String, _ argument: JSON) throws -> JSON? {
        let id = argument.string ?? argument[0]?.string ?? ""
        let document = argument[1] ?? [:]
        switch operation {
        case "create":
            return try open.createWebhook(argument).json
        case "get":
            return try open.webhook(id).json
        case "list":
            return ["webhooks": JSON(try open.webhooks(argument).map(\.json))]
        case "check":
            try open.checkWebhook(document, of: argument[0]?.string)
        case "update":
            return try open.updateWebhook(id, document).json
        case "delete":
            try open.deleteWebhook(id)
        case "enable":
            try open.enableWebhook(id)
        case "disable":
            try open.disableWebhook(id)
        case "secrets":
            return secrets(try open.webhookSecrets(of: id))
        case "rotate":
            return secrets(try open.rotateSecret(of: id, document))
        case "test":
            let receipt = try open.testWebhook(id, document)
            return ["eventId": JSON(receipt.eventID), "deliveryId": JSON(receipt.deliveryID)]
        default:
            return nil
        }
        return .some(nil)
    }

    private func secrets(_ keys: [WebhookKey]) -> JSON {
        let secrets = keys.map { key -> JSON in
            let end = key.expiresAt.map { JSON($0) } ?? nil
            return ["secret": JSON(key.secret), "createdAt": JSON(key.createdAt), "expiresAt": end]
        }
        return ["secrets": JSON(secrets)]
    }

    private func ofEvents(_ operation: String, _ argument: JSON) throws -> JSON? {
        let type = argument["type"]?.string ?? ""
        switch operation {
        case "push":
            let tag = UInt64(argument["tag"]?.integer ?? 0)
            return ["id": JSON(try open.push(type, Native(argument["data"] ?? nil), tag: tag).eventID)]
        case "pushText":
            return ["id": JSON(try open.push(type, json: argument["text"]?.string ?? "").eventID)]
        case "pushUntil":
            let data = String(repeating: "x", count: Int(argument["bytes"]?.integer ?? 0))
            for _ in 0..<(argument["most"]?.integer ?? 0) { _ = try open.push(type, data) }
            return .some(nil)
        case "pushMany":
            let lines = (argument.array ?? []).map(\.description).joined(separator: "\n")
            let receipt = try open.push(lines: lines.utf8)
            return ["accepted": JSON(receipt.accepted), "duplicates": JSON(receipt.duplicates)]
        case "addType":
            try open.addEventType(argument)
            return .some(nil)
        case "eventTypes":
            let types = try open.eventTypes().map { type -> JSON in
                [
                    "eventType": JSON(type.name), "title": JSON(type.title ?? ""),
                    "description": JSON(type.description ?? ""), "sample": type.sample ?? nil,
                ]
            }
            return ["eventTypes": JSON(types)]
        default:
            return nil
        }
    }

    private func ofDeliveries(_ operation: String, _ argument: JSON) throws -> JSON {
        let id = argument.string ?? ""
        switch operation {
        case "deliveries":
            return ["deliveries": JSON(try open.deliveries(argument).map(\.json))]
        case "delivery":
            return try open.delivery(id).json
        case "redeliver":
            return ["id": JSON(try open.redeliver(id))]
        case "replay":
            let receipt = try open.replay(argument)
            return [
                "replayed": JSON(receipt.replayed), "skipped": JSON(receipt.skipped),
                "durationSeconds": JSON(receipt.durationSeconds),
            ]
        case "cancel":
            try open.cancelDelivery(id)
            return nil
        case "cancelAll":
            return ["canceled": JSON(try open.cancelDeliveries(argument))]
        default:
            throw Mismatch("unknown operation \(operation)")
        }
    }

    // MARK: Outcomes

    private func outcomes(_ count: Int) async throws -> JSON {
        let outcomes = try open.outcomes()
        let taken = await withTaskGroup(of: [Outcome]?.self) { group in
            group.addTask {
                var taken: [Outcome] = []
                if count == 0 { return taken }
                for await outcome in outcomes {
                    taken.append(outcome)
                    if taken.count == count { break }
                }
                return taken
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(20))
                return nil
            }
            var taken: [Outcome] = []
            for await result in group {
                // Whichever is first ends the other.
                group.cancelAll()
                taken += result ?? []
            }
            return taken
        }
        guard taken.count == count else { throw Mismatch("\(taken.count) outcomes came instead of \(count): \(taken)") }
        let sorted = taken.sorted {
            (name($0.kind), $0.eventID, $0.deliveryID) < (name($1.kind), $1.eventID, $1.deliveryID)
        }
        return JSON(sorted.map(document))
    }

    private func document(_ outcome: Outcome) -> JSON {
        [
            "kind": JSON(name(outcome.kind)), "state": JSON(outcome.state.name), "eventId": JSON(outcome.eventID),
            "deliveryId": JSON(outcome.deliveryID), "webhookId": JSON(outcome.webhookID), "tag": JSON(outcome.tag),
            "attempts": JSON(outcome.attempts), "httpStatus": JSON(outcome.httpStatus),
            "failure": JSON(name(outcome.failure)),
        ]
    }

    private func name(_ kind: Outcome.Kind) -> String {
        switch kind {
        case .delivery: "delivery"
        case .event: "event"
        case .webhookDisabled: "webhookDisabled"
        }
    }

    /// `http_status`, as documents say, in the cases' `httpStatus`.
    private func name(_ failure: DeliveryFailure) -> String {
        let words = failure.description.split(separator: "_")
        return words.prefix(1).joined() + words.dropFirst().map(\.capitalized).joined()
    }

    // MARK: Without an engine

    private func signature(_ operation: String, _ argument: JSON) throws -> JSON {
        let secrets = [argument["secret"]?.string ?? ""]
        let id = argument["id"]?.string ?? ""
        let body = (argument["body"]?.string ?? "").utf8
        if operation == "sign" {
            let time = argument["timestamp"]?.integer ?? 0
            let signature = try WebhookSignature.sign(secrets: secrets, id: id, timestamp: time, body: body)
            return ["signature": JSON(signature)]
        }
        try WebhookSignature.verify(
            secrets: secrets,
            id: id,
            timestamp: argument["timestamp"]?.string ?? "",
            signatures: argument["signature"]?.string ?? "",
            body: body,
            now: argument["now"]?.integer,
            toleranceSeconds: argument["toleranceSeconds"]?.integer ?? WebhookSignature.defaultToleranceSeconds
        )
        return nil
    }

    private func received(_ path: String) async throws -> JSON {
        let base = ProcessInfo.processInfo.environment["MARTLET_RECEIVER"] ?? ""
        guard let url = URL(string: "\(base)/requests\(path)") else { throw Mismatch("no URL: \(path)") }
        return try JSON(parsing: try await URLSession.shared.data(from: url).0)
    }
}

/// A JSON value as a program's own types would encode it: dictionaries, arrays, strings, numbers.
private struct Native: Encodable {
    let value: JSON

    init(_ value: JSON) {
        self.value = value
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let members = value.object {
            let pairs = members.map { ($0.key, Native($0.value)) }
            try container.encode(Dictionary(uniqueKeysWithValues: pairs))
        } else if let elements = value.array {
            try container.encode(elements.map { Native($0) })
        } else if let text = value.string {
            try container.encode(text)
        } else if let flag = value.bool {
            try container.encode(flag)
        } else if let integer = value.integer {
            try container.encode(integer)
        } else if let number = value.double {
            try container.encode(number)
        } else {
            try container.encodeNil()
        }
    }
}
