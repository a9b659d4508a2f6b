import Foundation
import Martlet

// Runs the shared cases: `Cases FILE`, with the receiver's base URL in MARTLET_RECEIVER.

let environment = ProcessInfo.processInfo.environment
guard CommandLine.arguments.count == 2, let receiver = environment["MARTLET_RECEIVER"] else {
    print("not ok usage (MARTLET_RECEIVER=http://127.0.0.1:PORT Cases cases.json)")
    exit(2)
}

var passed = 0
var failed = 0
let file = try JSON(parsing: Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1])))
for document in file["cases"]?.array ?? [] {
    let name = document["name"]?.string ?? ""
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-case-\(UUID())")
    var run = CaseRun(receiver: receiver, directory: folder.path)
    do {
        for (place, step) in (document["steps"]?.array ?? []).enumerated() {
            do {
                try await run.execute(step)
            } catch {
                throw Mismatch("step \(place + 1): \(error)")
            }
        }
        passed += 1
        print("ok \(name)")
    } catch {
        failed += 1
        print("not ok \(name) (\(error))")
    }
    try? await run.engine?.close(timeout: .zero)
    run.engine = nil
    try? FileManager.default.removeItem(at: folder)
}
print("\(passed) passed, \(failed) failed")
exit(failed == 0 && passed > 0 ? 0 : 1)
