import Foundation
import Model

// Writes the generated reference page of all documents, or with --check says whether the file is up to date.
//
//     swift run ConfigurationReference [--check] [path]
//
// Without a path it is the page of this package, found from the package's folder. Exit codes: 0 done or up to date,
// 1 stale or not written, 2 wrong usage.

let defaultPath = "Sources/Martlet/Martlet.docc/Configuration.md"

func complain(_ message: String, code: Int32) -> Never {
    FileHandle.standardError.write(Data("ConfigurationReference: \(message)\n".utf8))
    exit(code)
}

var isCheck = false
var paths: [String] = []
for argument in CommandLine.arguments.dropFirst() {
    if argument == "--check" {
        isCheck = true
    } else if argument.hasPrefix("-") {
        complain("unknown option \(argument); usage: ConfigurationReference [--check] [path]", code: 2)
    } else {
        paths.append(argument)
    }
}
guard paths.count <= 1 else { complain("one path at most", code: 2) }

let path = paths.first ?? defaultPath
let page = Data(ReferencePage.markdown().utf8)
if isCheck {
    guard FileManager.default.contents(atPath: path) == page else {
        complain("\(path) is not up to date; run: swift run ConfigurationReference", code: 1)
    }
} else {
    do {
        try page.write(to: URL(fileURLWithPath: path), options: .atomic)
        print("wrote \(path)")
    } catch {
        complain("cannot write \(path): \(error.localizedDescription)", code: 1)
    }
}
