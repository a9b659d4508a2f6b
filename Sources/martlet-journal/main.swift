import Glibc
import Journal

// Looks into a journal and checks it, also while an engine writes to it: takes no lock and changes nothing.
//
//     swift run martlet-journal [--records] [--json] [--kind-names NUMBER=NAME,…] DIRECTORY
//     swift run martlet-journal --dump SEGMENT:OFFSET DIRECTORY
//
// Exit codes: 0 no damage, 1 something that was written is damaged or missing, 2 it could not be read, or wrong usage.

func complain(_ message: String) -> Never {
    // What was printed comes first.
    fflush(nil)
    var text = "martlet-journal: \(message)\n"
    text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(2)
}

let arguments: Arguments
switch Arguments.parse(Array(CommandLine.arguments.dropFirst())) {
case .success(let parsed): arguments = parsed
case .failure(let refusal): complain("\(refusal.text); try --help")
}
if arguments.wantsHelp {
    print(Arguments.help)
    exit(0)
}

/// Names from the command line go before the engine's own.
func kindName(_ kind: UInt8) -> String? {
    kind == 0 ? "filler" : arguments.kindNames[kind] ?? engineKindName(kind)
}

do throws(JournalError) {
    let journals = try JournalInspector.journals(at: arguments.directory)
    guard !journals.isEmpty else { complain("\(arguments.directory) holds no journal") }
    if let position = arguments.dump {
        guard journals.count == 1, let text = try JournalInspector.dump(position, in: journals[0]) else {
            complain("no record starts at \(position.segment):\(position.offset)")
        }
        print(text, terminator: "")
        exit(0)
    }
    var hasDamage = false
    var isUnknown = false
    for path in journals {
        let inspection: JournalInspection
        if arguments.isJSON {
            var report = JSONReport(path, showsRecords: arguments.showsRecords, kindName: kindName)
            inspection = try JournalInspector.walk(path) { report.tell($0) }
            report.conclude(inspection)
        } else {
            var report = TextReport(path, showsRecords: arguments.showsRecords, kindName: kindName)
            inspection = try JournalInspector.walk(path) { report.tell($0) }
            report.conclude(inspection)
        }
        hasDamage = hasDamage || inspection.hasDamage
        isUnknown = isUnknown || inspection.hasNewerFormat
    }
    exit(hasDamage ? 1 : isUnknown ? 2 : 0)
} catch {
    complain(error.description)
}
