import Journal

/// The command line.
struct Arguments {
    var directory = ""
    var showsRecords = false
    var isJSON = false
    var wantsHelp = false
    var kindNames: [UInt8: String] = [:]
    /// The one record to print byte by byte.
    var dump: Position?

    struct Refusal: Error {
        let text: String
    }

    static let help = """
        usage: martlet-journal [--records] [--json] [--kind-names NUMBER=NAME,...] DIRECTORY
               martlet-journal --dump SEGMENT:OFFSET DIRECTORY

        Lists the segments of a journal and checks every record. DIRECTORY is the engine's data directory or the
        journal's own. An engine may be at work there: nothing is locked and nothing is changed.

          --records     lists every record: place, sequence, kind, bytes of its body, state
          --json        one JSON object a line: records and damage as they come, a line a segment, a summary
          --kind-names  what to call kinds of records, as in 1=event,2=attempt
          --dump        prints one record byte by byte; SEGMENT and OFFSET as --records shows them

        A record's state is good or damaged. Whether it is still needed only the engine knows.

        Exit codes: 0 no damage, 1 something that was written is damaged or missing, 2 it could not be read.
        """

    static func parse(_ words: [String]) -> Result<Arguments, Refusal> {
        var arguments = Arguments()
        var directories: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--records": arguments.showsRecords = true
            case "--json": arguments.isJSON = true
            case "--help", "-h":
                arguments.wantsHelp = true
                return .success(arguments)
            case "--kind-names":
                guard let names = rest.popFirst().flatMap(kindNames) else {
                    return .failure(Refusal(text: "--kind-names wants NUMBER=NAME,..."))
                }
                arguments.kindNames.merge(names) { $1 }
            case "--dump":
                guard let position = rest.popFirst().flatMap(position) else {
                    return .failure(Refusal(text: "--dump wants SEGMENT:OFFSET"))
                }
                arguments.dump = position
            case "--": directories += rest.drain()
            default:
                if word.hasPrefix("-") { return .failure(Refusal(text: "unknown option \(word)")) }
                directories.append(word)
            }
        }
        guard let directory = directories.first, directories.count == 1 else {
            return .failure(Refusal(text: "one directory is wanted, \(directories.count) given"))
        }
        arguments.directory = directory
        return .success(arguments)
    }

    private static func kindNames(_ text: String) -> [UInt8: String]? {
        var names: [UInt8: String] = [:]
        for part in text.split(separator: ",") {
            let sides = part.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, let kind = UInt8(sides[0]) else { return nil }
            names[kind] = String(sides[1])
        }
        return names
    }

    private static func position(_ text: String) -> Position? {
        let sides = text.split(separator: ":")
        guard sides.count == 2, let segment = UInt32(sides[0]) else { return nil }
        let isHexadecimal = sides[1].hasPrefix("0x")
        let offset = isHexadecimal ? UInt32(sides[1].dropFirst(2), radix: 16) : UInt32(sides[1])
        return offset.map { Position(rawValue: UInt64(segment) << 32 | UInt64($0)) }
    }
}

extension ArraySlice {
    /// All elements; none is left.
    fileprivate mutating func drain() -> ArraySlice {
        defer { self = [] }
        return self
    }
}
