import Martlet

// A program that ends with everything left open: work under way, a loop that waits, an engine nobody closed.

let engine = try Engine(["environment": "development", "outcomes": "all"])
try engine.createWebhook(["url": "http://127.0.0.1:9/", "events": ["*"], "retry": ["delaysSeconds": [600]]])
try engine.push("call.placed", json: "{}")
let loop = Task {
    for await outcome in try engine.outcomes() { print(outcome) }
}
Task {
    try await engine.close(timeout: .seconds(600))
}
while try engine.statistics().state == "open" { await Task.yield() }
print("forgotten")
