import Martlet

let url = CommandLine.arguments.dropFirst().first ?? "http://127.0.0.1:3000/subverse/webhook"

struct Call: Encodable {
    var callId, callStatus: String
    var callDuration: Int
}

var configuration = Engine.Configuration()
configuration.environment = .development
configuration.outcomes = .deliveries
let engine = try Engine(configuration)
try engine.createWebhook(Webhook.Settings(url: url, events: ["call.*"]))

let call = Call(callId: "call_1", callStatus: "completed", callDuration: 185)
print("pushed \(try engine.push("call.completed", call).eventID)")

for await outcome in try engine.outcomes() {
    print("\(outcome.state.name): attempts \(outcome.attempts), HTTP \(outcome.httpStatus)")
    break
}
try await engine.close()
