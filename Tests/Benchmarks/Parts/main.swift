import CHardware
import Foundation
import JSONText
import Signing

/// The two things that Martlet does with every byte of an event, measured alone: the JSON check beside Foundation's
/// JSONSerialization, and the signature.
///
///     BenchmarkParts --part json|records|signature --body FILE --count N
///
/// - `json` checks the file. `records` checks an array of call records of the file's size: many members and numbers
///   instead of one long text.
/// - `signature` signs the file as an attempt does.
///
/// Prints one JSON line. Times are CPU time of this thread, medians of 21 parts of the count.

func fail(_ text: String) -> Never {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(1)
}

func threadSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

/// Seconds of one call of `work`, which says whether it went as it should.
func measure(_ name: String, count: Int, _ work: () -> Bool) -> Double {
    let parts = 21
    let each = max(count / parts, 1)
    var seconds: [Double] = []
    for _ in 0..<parts {
        let start = threadSeconds()
        for _ in 0..<each {
            guard work() else { fail("\(name) failed") }
        }
        seconds.append((threadSeconds() - start) / Double(each))
    }
    return seconds.sorted()[parts / 2]
}

func records(bytes: Int) -> [UInt8] {
    let record = """
        {"callId":"call_xyz789","customerNumber":"+91xxxxxxxxxx","callStatus":"call_placed","agentId":"agent_123",\
        "callDuration":185,"callDirection":"outbound","score":-0.9312e-2,"late":true,"note":null}
        """
    let wanted = max(bytes / (record.utf8.count + 1), 1)
    return Array(("[" + Array(repeating: record, count: wanted).joined(separator: ",") + "]").utf8)
}

func measureJSON(_ body: [UInt8], count: Int) throws {
    let paths = try JSONText.PathSet(["data.agentId", "data.callStatus"])
    var extraction = JSONText.Extraction()
    let gigabytes = Double(body.count) / 1e9
    let check = body.withUnsafeBytes { body in measure("check", count: count) { JSONText.validate(body) == nil } }
    let extract = body.withUnsafeBytes { body in
        measure("check with two members", count: count) {
            JSONText.validate(body, extracting: paths, into: &extraction) == nil
        }
    }
    let data = Data(body)
    // It takes a hundred times as long.
    let foundation = measure("JSONSerialization", count: max(count / 20, 21)) {
        (try? JSONSerialization.jsonObject(with: data)) != nil
    }
    let speeds = [check, extract, foundation].map { String(format: "%.4f", gigabytes / $0) }
    print(
        "{\"bytes\":\(body.count),\"check\":\(speeds[0]),\"extracting\":\(speeds[1]),\"foundation\":\(speeds[2])}"
    )
}

func measureSignature(_ body: [UInt8], count: Int) {
    let keys = [Array("a secret of thirty-two bytes, yes".utf8).withUnsafeBytes { HMACSHA256Key($0) }]
    let id = Array("evt_01JEJ3V6W8Q4ZC7M2N5T9RXKHB".utf8)
    var header = [UInt8](repeating: 0, count: StandardWebhooks.signatureLength(keyCount: 1))
    let expected = header.count
    let seconds = id.withUnsafeBytes { id in
        body.withUnsafeBytes { body in
            header.withUnsafeMutableBytes { header in
                measure("signature", count: count) {
                    let size = try? StandardWebhooks.sign(
                        id: id,
                        timestamp: 1_765_189_800,
                        body: body,
                        keys: keys,
                        into: header
                    )
                    return size == expected
                }
            }
        }
    }
    var state = martlet_hw_sha256_state()
    let hasInstructions = martlet_hw_sha256_compress_with(MARTLET_HW_INSTRUCTIONS, &state, nil, 0) == 1
    let shown = String(format: "%.4f", seconds * 1e6)
    print("{\"bytes\":\(body.count),\"microseconds\":\(shown),\"hardware\":\(hasInstructions)}")
}

var options: [String: String] = [:]
let arguments = CommandLine.arguments.dropFirst()
for (name, value) in zip(arguments, arguments.dropFirst()) where name.hasPrefix("--") {
    options[name] = value
}
guard let path = options["--body"], let data = FileManager.default.contents(atPath: path),
    let count = options["--count"].flatMap({ Int($0) }), count > 0
else {
    fail("--body is a file that can be read, --count a number from 1")
}
switch options["--part"] {
case "json": try measureJSON(Array(data), count: count)
case "records": try measureJSON(records(bytes: data.count), count: count)
case "signature": measureSignature(Array(data), count: count)
default: fail("--part is json, records or signature")
}
