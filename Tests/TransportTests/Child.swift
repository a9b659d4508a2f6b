import Foundation
import Testing

/// Runs commands, and tests that change what a whole process has, in child processes.
enum Child {
    /// Runs `path` to its end, which must be a good one, and answers what it printed.
    static func run(_ path: String, _ arguments: [String], _ environment: [String: String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: path).resolvingSymlinksInPath()
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        // One that hangs fails the test instead of holding up the run.
        let limit = DispatchWorkItem { process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: limit)
        defer { limit.cancel() }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        try #require(process.terminationStatus == 0, "\(text)")
        return text
    }

    /// Runs the tests of a suite in a copy of this process.
    static func runTests(_ suite: String, _ environment: [String: String]) throws -> String {
        try run("/proc/self/exe", ["--testing-library", "swift-testing", "--filter", suite], environment)
    }
}
