// The Swift host of the benchmark, see hosts.py for what is measured. Prints one JSON line.
import Foundation
import Martlet

let type = "call.completed"
let window = 4096  // deliveries that may be under way or queued; with more, only memory would be measured

/// What a Swift program has as data: a struct.
struct Call: Codable {
    struct Analysis: Codable {
        var sentiment: String
        var score: Double
    }

    var callId, customerNumber, callStatus, agentId: String
    var callDuration: Int
    var callDirection: String
    var analysis: Analysis
    var transcript: String
}

/// CPU seconds of the process, user and system.
func processSeconds() -> (user: Double, system: Double) {
    var usage = rusage()
    getrusage(numericCast(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return (seconds(usage.ru_utime), seconds(usage.ru_stime))
}

/// CPU seconds of this thread.
func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// VmHWM: `ru_maxrss` starts at the size of the process that started this one.
func peakKiB() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return Int(line.filter(\.isNumber)) ?? 0
}

func fail(_ text: String) -> Never {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
    exit(1)
}

struct Host {
    let engine: Engine
    let data: [UInt8]
    let call: Call
    let form: String
    let batch, count, warmUp: Int

    init(_ options: [String: String]) throws {
        data = try Array(Data(contentsOf: URL(fileURLWithPath: options["--data"] ?? "")))
        // The tags stand in no struct; the transcript makes up for them.
        var call = try JSONDecoder().decode(Call.self, from: Data(data))
        call.transcript += #","tags":["delivery","late",null,true]"#
        self.call = call
        form = options["--form"] ?? ""
        batch = options["--batch"].flatMap { Int($0) } ?? 1
        count = options["--count"].flatMap { Int($0) } ?? 0
        warmUp = options["--warm-up"].flatMap { Int($0) } ?? 0
        engine = try Engine(JSON(parsing: options["--configuration"] ?? ""))
        try engine.createWebhook(JSON(parsing: options["--webhook"] ?? ""))
    }

    func run(_ mode: String) async throws {
        switch mode {
        case "push":
            try push(warmUp)
            try await measure("pushes") { try push(count) }
        case "drain":
            try push(count)
            _ = try engine.cancelDeliveries()
            try await engine.flush(timeout: .seconds(60))
            try await measure("outcomes") { try await drain() }
        case "send":
            try await send(warmUp)
            try await measure("deliveries") { try await send(count) }
        default:
            var outcomes = try engine.outcomes().makeAsyncIterator()
            try await deliver(&outcomes, warmUp)
            try await measure("deliveries") { try await deliver(&outcomes, count) }
        }
    }

    private func push(_ total: Int) throws {
        if batch > 1 { return try pushBatches(total) }
        for tag in 0..<total {
            if form == "native" {
                try engine.push(type, call, tag: UInt64(tag))
            } else {
                try engine.push(type, json: data, tag: UInt64(tag))
            }
        }
    }

    private func pushBatches(_ total: Int) throws {
        let line = Array(#"{"eventType":"\#(type)","data":"#.utf8) + data + Array("}\n".utf8)
        let lines = Array(repeatElement(line, count: batch).joined())
        for _ in 0..<total / batch {
            switch form {
            case "ready": try engine.push(lines: lines)
            case "each": try engine.push(contentsOf: (0..<batch).map { _ in Event(type, json: data) })
            default: try engine.push(contentsOf: (0..<batch).map { _ in try Event(type, call) })
            }
        }
    }

    private func send(_ total: Int) async throws {
        for pushed in 1...total {
            try engine.push(type, json: data, tag: UInt64(pushed))
            if pushed % window == 0 || pushed == total { try await engine.flush(timeout: .seconds(60)) }
        }
    }

    private func deliver(_ outcomes: inout OutcomeSequence.Iterator, _ total: Int) async throws {
        var pushed = 0
        var settled = 0
        while settled < total {
            while pushed < total, pushed - settled < window {
                try engine.push(type, json: data, tag: UInt64(pushed))
                pushed += 1
            }
            let until = pushed == total ? total : pushed - window / 2
            while settled < until {
                let outcome = await outcomes.next()
                guard outcome?.state == .succeeded else { fail("a delivery did not succeed") }
                settled += 1
            }
        }
    }

    private func drain() async throws {
        var left = count
        for await outcome in try engine.outcomes() where outcome.kind == .delivery {
            left -= 1
            if left == 0 { break }
        }
    }

    private func measure(_ things: String, _ part: () async throws -> Void) async rethrows {
        let (before, thread, began) = (processSeconds(), threadSeconds(), ContinuousClock.now)
        try await part()
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        let (after, threadAfter) = (processSeconds(), threadSeconds())
        print(
            #"{"\#(things)":\#(count),"seconds":\#(seconds),"threadSeconds":\#(threadAfter - thread),"#
                + #""user":\#(after.user - before.user),"system":\#(after.system - before.system),"#
                + #""peakKiB":\#(peakKiB())}"#
        )
    }
}

var options: [String: String] = [:]
var words = CommandLine.arguments.dropFirst()
while let name = words.popFirst() { options[name] = words.popFirst() }

do {
    try await Host(options).run(options["--mode"] ?? "")
} catch {
    fail("\(error)")
}
