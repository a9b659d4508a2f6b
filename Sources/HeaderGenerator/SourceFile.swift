/// One part of the manual: a source file of MartletC with its functions in their order.
struct Section {
    let number: Int
    let title: String
    /// What stands under the title; may be empty.
    let introduction: [String]
    let functions: [Function]

    struct Function {
        let name: String
        /// The doc comment's lines without `///`.
        let documentation: [String]
    }
}

/// Reads the doc comments out of MartletC's sources: the compiler's header carries them too, but as HTML and without
/// their paragraphs.
enum SourceFile {
    /// The first line of a file that is a section: `// Header section 3: Webhooks`.
    private static let mark = "// Header section "
    private static let declaration = "@_cdecl(\""

    /// The file's section; nil where it declares no function.
    static func section(in text: String, named file: String) throws -> Section? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let functions = try self.functions(in: lines, named: file)
        guard let first = lines.first, first.hasPrefix(mark) else {
            guard functions.isEmpty else { throw Failure("\(file) does not start with `\(mark)N: Title`") }
            return nil
        }
        let parts = first.dropFirst(mark.count).split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let number = Int(parts[0]), !functions.isEmpty else {
            throw Failure("\(file): cannot read `\(first)`, or there is no function")
        }
        let introduction = lines.dropFirst().prefix { $0.hasPrefix("//") }.map { String($0.dropFirst(3)) }
        return Section(
            number: number,
            title: String(parts[1].dropFirst()),
            introduction: Array(introduction.drop { $0.isEmpty }),
            functions: functions
        )
    }

    private static func functions(in lines: [Substring], named file: String) throws -> [Section.Function] {
        var functions: [Section.Function] = []
        var documentation: [String] = []
        for line in lines {
            if line.hasPrefix("///") {
                documentation.append(String(line.dropFirst(line.hasPrefix("/// ") ? 4 : 3)))
                continue
            }
            if line.hasPrefix(declaration) {
                let name = line.dropFirst(declaration.count).prefix { $0 != "\"" }
                guard !documentation.isEmpty else { throw Failure("\(file): \(name) has no doc comment") }
                functions.append(.init(name: String(name), documentation: documentation))
            } else if line.contains("@_cdecl") || line.contains("@c(") {
                throw Failure("\(file): an exported function starts in an unexpected way: \(line)")
            }
            documentation = []
        }
        return functions
    }
}

/// The hand-written types of CMartlet.
enum TypesHeader {
    private static let includes = ["#include <stddef.h>", "#include <stdint.h>"]

    /// The lines between the includes and the end of the include guard.
    static func body(of text: String) throws -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let guards = ["#ifndef MARTLET_TYPES_H", "#define MARTLET_TYPES_H"]
        while lines.last == "" { lines.removeLast() }
        guard lines.prefix(2).elementsEqual(guards, by: ==), lines.last == "#endif /* MARTLET_TYPES_H */" else {
            throw Failure("martlet_types.h has lost its include guard")
        }
        let body = lines.dropFirst(2).dropLast().filter { !includes.contains(String($0)) }
        guard !body.contains(where: { $0.hasPrefix("#include") || $0.hasPrefix("#if") }) else {
            throw Failure("martlet_types.h includes more than <stddef.h> and <stdint.h>, or has conditions")
        }
        return body.drop { $0.isEmpty }.reversed().drop { $0.isEmpty }.reversed().joined(separator: "\n")
    }
}
