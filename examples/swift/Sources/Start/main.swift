import Martlet

let arguments = CommandLine.arguments
let url = arguments.count > 1 ? arguments[1] : "http://127.0.0.1:3000/subverse/webhook"

do {
    let engine = try Engine(configuration: #"{"environment": "development", "outcomes": "deliveries"}"#)
    try engine.createWebhook(#"{"url": "\#(url)", "events": ["call.*"]}"#)

    let data = #"{"callId": "call_1", "callStatus": "completed", "callDuration": 185}"#
    let receipt = try engine.push(type: "call.completed", data: data)
    print("pushed \(receipt.eventID)")

    try engine.flush(timeoutMilliseconds: 40_000)  // time for the delivery and its retries
    for outcome in try engine.pollOutcomes(maximum: 10) {
        print("\(outcome.state.name): attempts \(outcome.attempts), HTTP \(outcome.httpStatus)")
    }
    try engine.close(timeoutMilliseconds: 1000)
} catch {
    print("failed: \(error)")
}
