/// What the command line asks for.
struct Options {
    var check = false
    var help = false
    var package = "."
    var input: String?
    private var chosenOutput: String?
    private var chosenExports: String?

    var output: String {
        chosenOutput ?? package + "/include/martlet.h"
    }

    var exports: String {
        chosenExports ?? package + "/bindings/c/martlet.map"
    }

    init(arguments: some Sequence<String>) throws {
        var arguments = arguments.makeIterator()
        while let argument = arguments.next() {
            switch argument {
            case "--check": check = true
            case "--help", "-h": help = true
            case "--output": chosenOutput = try value(of: argument, &arguments)
            case "--exports": chosenExports = try value(of: argument, &arguments)
            case "--package": package = try value(of: argument, &arguments)
            case "--input": input = try value(of: argument, &arguments)
            default: throw Failure("unknown option \(argument); see --help")
            }
        }
    }

    private func value(of option: String, _ arguments: inout some IteratorProtocol<String>) throws -> String {
        guard let value = arguments.next() else { throw Failure("\(option) needs a value") }
        return value
    }
}

/// Why no header was written: something the generator does not understand, or a stale file.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
