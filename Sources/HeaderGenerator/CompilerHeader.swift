/// The header that the Swift compiler writes for MartletC: the truth about the C signatures.
///
/// Its functions stand one a line between macros for Objective-C. Only they are taken; each line that is not understood
/// in full stops the generator.
enum CompilerHeader {
    /// Starts a declaration; in the header's preamble the word only follows `#`.
    private static let start = "SWIFT_EXTERN "

    static func prototypes(in text: String) throws -> [Prototype] {
        let lines = text.split(separator: "\n").filter { $0.hasPrefix(start) }
        let prototypes = try lines.map { try prototype($0.dropFirst(start.count)) }
        guard !prototypes.isEmpty else { throw Failure("the compiler's header declares no function") }
        return prototypes
    }

    private static func prototype(_ line: Substring) throws -> Prototype {
        guard let open = line.firstIndex(of: "("), let close = line.firstIndex(of: ")"), open < close else {
            throw Failure("not a plain function: \(line)")
        }
        let attributes = line[line.index(after: close)...]
        guard ["SWIFT_NOEXCEPT;", "SWIFT_NOEXCEPT SWIFT_WARN_UNUSED_RESULT;"].contains(attributes.dropFirst()) else {
            throw Failure("unknown attributes in: \(line)")
        }
        let result = try declaration(line[..<open])
        let list = line[line.index(after: open)..<close]
        let parameters = list == "void" ? [] : try list.split(separator: ",").map { try declaration($0) }
        guard result.name.hasPrefix("martlet_") else { throw Failure("a name outside martlet_: \(result.name)") }
        return Prototype(
            name: result.name,
            result: result.type,
            parameters: parameters.map { .init(type: $0.type, name: snakeCase($0.name)) }
        )
    }

    /// Splits `char const * _Nullable name` into its C type and its name.
    private static func declaration(_ text: Substring) throws -> (type: CType, name: String) {
        let words = text.split(separator: " ").filter { !["_Nullable", "_Nonnull"].contains($0) }
        guard let name = words.last, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
            throw Failure("no name in: \(text)")
        }
        return (try CType(compilerSpelling: words.dropLast().joined(separator: " ")), String(name))
    }

    /// `eventID` → `event_id`, `jsonLength` → `json_length`.
    static func snakeCase(_ name: String) -> String {
        var result = ""
        var previousIsUpper = true
        for character in name {
            if character.isUppercase && !previousIsUpper {
                result += "_"
            }
            previousIsUpper = character.isUppercase
            result += character.lowercased()
        }
        return result
    }
}

/// A C type of the public header.
struct CType {
    /// As it is written in front of a name: ends with a star or a blank.
    let spelling: String

    /// Every type that may cross the boundary, as the compiler prints it and as the header does.
    private static let known = [
        "void": "void ",
        "int32_t": "int32_t ",
        "uint32_t": "uint32_t ",
        "int64_t": "int64_t ",
        "uint64_t": "uint64_t ",
        "NSUInteger": "size_t ",
        "char const *": "const char *",
        "char *": "char *",
        "char * *": "char **",
        "void *": "void *",
        "int32_t *": "int32_t *",
        "NSUInteger *": "size_t *",
        "martlet_engine_t": "martlet_engine_t ",
        "martlet_engine_t *": "martlet_engine_t *",
        "martlet_outcome_t *": "martlet_outcome_t *",
        "martlet_log_t": "martlet_log_t ",
    ]

    init(compilerSpelling: String) throws {
        guard let spelling = CType.known[compilerSpelling] else {
            throw Failure("the type `\(compilerSpelling)` is not known to the header")
        }
        self.spelling = spelling
    }
}

/// A function of the public header.
struct Prototype {
    struct Parameter {
        let type: CType
        let name: String
    }

    let name: String
    let result: CType
    let parameters: [Parameter]

    /// The declaration, continued under its first parameter where it is longer than `width`.
    func text(width: Int) -> String {
        let start = result.spelling + name + "("
        guard !parameters.isEmpty else { return start + "void);" }
        var lines = [start]
        var length = start.count
        for (index, parameter) in parameters.enumerated() {
            let isLast = index == parameters.count - 1
            let word = parameter.type.spelling + parameter.name + (isLast ? ");" : ",")
            let blank = index == 0 ? "" : " "
            if index > 0 && length + 1 + word.count > width {
                lines.append(String(repeating: " ", count: start.count) + word)
                length = start.count + word.count
            } else {
                lines[lines.count - 1] += blank + word
                length += blank.count + word.count
            }
        }
        return lines.joined(separator: "\n")
    }
}
