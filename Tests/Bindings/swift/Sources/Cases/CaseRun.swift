import Martlet

/// One case while it runs: its engine, and what its steps have saved.
struct CaseRun {
    var engine: Engine?
    private var saved: [String: JSON]

    init(receiver: String, directory: String) {
        saved = ["receiver": JSON(receiver), "directory": JSON(directory)]
    }

    var open: Engine {
        get throws {
            guard let engine else { throw Mismatch("there is no engine") }
            return engine
        }
    }

    mutating func execute(_ step: JSON) async throws {
        let step = try filled(step)
        let extra = ["save", "expect", "error"]
        let operations = (step.object ?? []).filter { !extra.contains($0.key) }
        guard operations.count == 1, let operation = operations.first else {
            throw Mismatch("not one operation: \(step)")
        }
        let result: JSON
        do {
            result = try await perform(operation.key, operation.value)
        } catch let error as MartletError {
            return try expect(error, step["error"])
        } catch let error as BatchError {
            return try expect(error.error, step["error"])
        }
        if let error = step["error"] {
            throw Mismatch("\(operation.key) did not fail with \(error), but gave \(result)")
        }
        if let expected = step["expect"] { try match(result, expected, at: operation.key) }
        if let name = step["save"]?.string { saved[name] = result }
    }

    private func expect(_ error: MartletError, _ expected: JSON?) throws {
        guard let expected else { throw error }
        let text = expected["contains"]?.string ?? ""
        guard error.code.name == expected["name"]?.string, text.isEmpty || error.message.contains(text) else {
            throw Mismatch("\(error) instead of \(expected)")
        }
    }

    // MARK: What was saved

    /// The value with every `${…}` in its strings replaced.
    private func filled(_ value: JSON) throws -> JSON {
        if let text = value.string { return try filled(text) }
        if let elements = value.array { return JSON(try elements.map(filled)) }
        guard let members = value.object else { return value }
        return JSON(try Dictionary(uniqueKeysWithValues: members.map { ($0.key, try filled($0.value)) }))
    }

    private func filled(_ text: String) throws -> JSON {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${"), let end = rest[start.upperBound...].firstIndex(of: "}") {
            let value = try look(String(rest[start.upperBound..<end]))
            // One that is all of the string keeps its type.
            if start.lowerBound == text.startIndex, rest.index(after: end) == text.endIndex { return value }
            result += rest[..<start.lowerBound] + (value.string ?? value.description)
            rest = rest[rest.index(after: end)...]
        }
        return JSON(result + rest)
    }

    private func look(_ path: String) throws -> JSON {
        let parts = path.split(separator: ".").map(String.init)
        guard var value = saved[parts[0]] else { throw Mismatch("nothing is saved as \(path)") }
        for part in parts.dropFirst() {
            guard let next = value[part] ?? Int(part).flatMap({ value[$0] }) else { throw Mismatch("no \(path)") }
            value = next
        }
        return value
    }
}

/// What was not as a case says.
struct Mismatch: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Checks a result as Tests/Bindings/README.md says.
func match(_ value: JSON?, _ expected: JSON, at place: String) throws {
    if let members = expected.object {
        if members.count == 1, members[0].key.hasPrefix("$") {
            guard matches(value, members[0].key, members[0].value) else {
                throw Mismatch("\(place) is \(value?.description ?? "missing"), not \(expected)")
            }
            return
        }
        guard let value, value.object != nil else { throw Mismatch("\(place) is no object") }
        for member in members { try match(value[member.key], member.value, at: "\(place).\(member.key)") }
    } else if let elements = expected.array {
        guard let actual = value?.array, actual.count == elements.count else {
            throw Mismatch("\(place) is \(value?.description ?? "missing"), not \(elements.count) elements")
        }
        for (number, element) in elements.enumerated() {
            try match(actual[number], element, at: "\(place).\(number)")
        }
    } else if let number = expected.double {
        guard value?.double == number else {
            throw Mismatch("\(place) is \(value?.description ?? "missing"), not \(expected)")
        }
    } else if value != expected {
        throw Mismatch("\(place) is \(value?.description ?? "missing"), not \(expected)")
    }
}

private func matches(_ value: JSON?, _ matcher: String, _ argument: JSON) -> Bool {
    switch matcher {
    case "$any":
        return value != nil
    case "$contains":
        return value?.string?.contains(argument.string ?? "") ?? false
    case "$matches":
        guard let text = value?.string, let pattern = try? Regex(argument.string ?? "") else { return false }
        return text.contains(pattern)
    case "$length":
        let length = value?.array?.count ?? value?.object?.count ?? value?.string?.unicodeScalars.count
        return length.map { Double($0) } == argument.double
    default:
        return false
    }
}
