import Foundation

// Writes include/martlet.h and the list of exports, or with --check compares them: `swift run HeaderGenerator [--check]`.

let usage = """
    swift run HeaderGenerator [--check] [--output FILE] [--exports FILE] [--package DIR] [--input FILE]

      --check         write nothing; fail when a file differs from what would be written
      --output FILE   the header (default: include/martlet.h in the package)
      --exports FILE  the linker's list of exports (default: bindings/c/martlet.map in the package)
      --package DIR   the package (default: the current directory)
      --input FILE    the compiler's header (default: MartletC-Swift.h beside this executable)
    """

do {
    let options = try Options(arguments: CommandLine.arguments.dropFirst())
    if options.help {
        print(usage)
        exit(0)
    }
    let interface = try readInterface(options)
    for (path, text) in [(options.output, try interface.header()), (options.exports, interface.exports())] {
        if options.check {
            try compare(text, with: path)
            print("\(path) is up to date")
        } else {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            print("wrote \(path)")
        }
    }
} catch {
    FileHandle.standardError.write(Data("HeaderGenerator: \(error)\n".utf8))
    exit(1)
}

private func readInterface(_ options: Options) throws -> Interface {
    let input = try options.input ?? compilerHeaderBesideExecutable()
    let prototypes = try CompilerHeader.prototypes(in: readText(input))
    let directory = options.package + "/Sources/MartletC"
    let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    let sections = try files.filter { $0.hasSuffix(".swift") }.compactMap { file in
        try SourceFile.section(in: readText(directory + "/" + file), named: file)
    }
    let types = try TypesHeader.body(of: readText(options.package + "/Sources/CMartlet/include/martlet_types.h"))
    return Interface(types: types, sections: sections, prototypes: prototypes)
}

/// SwiftPM puts an executable and the build folders of all targets into the same directory.
private func compilerHeaderBesideExecutable() throws -> String {
    let executable = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    let path = executable.deletingLastPathComponent().path + "/MartletC.build/include/MartletC-Swift.h"
    guard FileManager.default.fileExists(atPath: path) else {
        throw Failure("\(path) is missing: run by `swift run HeaderGenerator`, or name the file with --input")
    }
    return path
}

private func readText(_ path: String) throws -> String {
    do {
        return try String(contentsOfFile: path, encoding: .utf8)
    } catch {
        throw Failure("cannot read \(path): \(error.localizedDescription)")
    }
}

private func compare(_ text: String, with path: String) throws {
    let expected = text.split(separator: "\n", omittingEmptySubsequences: false)
    let found = try readText(path).split(separator: "\n", omittingEmptySubsequences: false)
    guard expected != found else { return }
    let same = zip(expected, found).prefix { $0 == $1 }.count
    throw Failure(
        """
        \(path) is stale from line \(same + 1); run `swift run HeaderGenerator` and commit it
          is:        \(same < found.count ? found[same] : "(end of file)")
          should be: \(same < expected.count ? expected[same] : "(end of file)")
        """
    )
}
