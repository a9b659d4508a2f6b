import JSONText

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Reads many definitions that ``WebhookDefinition/writeStored(to:)`` wrote, each as ``WebhookDefinition/init(stored:)``
/// does it.
///
/// Most webhooks of an engine are alike: of a document that has the keys of one before in the same order, only the members
/// that differ are read, and what is equal is kept once.
package struct StoredDefinitions: Sendable {
    /// A document that was read, without its URL.
    private struct Form: Sendable {
        /// What stands behind the URL: a comma in front of each member, and the closing brace.
        var rest: [UInt8]
        var members: [Member]
        var definition: WebhookDefinition
    }

    /// Where a member stands in the rest of its document.
    private struct Member: Sendable {
        var range: Range<Int>
        /// The key with its quotes and its colon.
        var keyLength: Int
    }

    /// Documents of so many sets of keys are at hand.
    private static let maximumForms = 8
    private static let fewChanges = 2

    private var forms: [Form] = []
    private var nextForm = 0
    private var members: [Member] = []

    package init() {}

    package mutating func definition(_ bytes: UnsafeRawBufferPointer) throws(DocumentError) -> WebhookDefinition {
        guard let urlEnd = StoredDefinitions.urlEnd(bytes) else { return try WebhookDefinition(stored: bytes) }
        let url = UnsafeRawBufferPointer(rebasing: bytes[StoredDefinitions.head.utf8CodeUnitCount..<urlEnd])
        let rest = UnsafeRawBufferPointer(rebasing: bytes[(urlEnd + 1)...])
        for form in forms where form.rest.withUnsafeBytes({ $0.hasBytes(of: rest) }) {
            return form.definition.with(url: url)
        }
        guard findMembers(of: rest) else { return try WebhookDefinition(stored: bytes) }
        let place = forms.firstIndex { hasKeys(of: $0, rest) }
        if let place, let (definition, changes) = changed(forms[place], rest) {
            // Those to come are more like this one, unless it is only that each has some members of its own.
            if changes > StoredDefinitions.fewChanges {
                forms[place] = Form(rest: Array(rest), members: members, definition: definition)
            }
            return definition.with(url: url)
        }
        let definition = try WebhookDefinition(stored: bytes)
        let form = Form(rest: Array(rest), members: members, definition: definition)
        if let place {
            forms[place] = form
        } else if forms.count < StoredDefinitions.maximumForms {
            forms.append(form)
        } else {
            forms[nextForm] = form
            nextForm = (nextForm + 1) % StoredDefinitions.maximumForms
        }
        return definition
    }

    // MARK: Parts of a document

    private static let head: StaticString = "{\"url\":\""

    /// Where the URL's closing quote stands; nil where the document does not begin with a URL that stands there as it is.
    private static func urlEnd(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let start = head.utf8CodeUnitCount
        let expected = UnsafeRawBufferPointer(start: head.utf8Start, count: start)
        guard bytes.count > start, UnsafeRawBufferPointer(rebasing: bytes[..<start]).hasBytes(of: expected) else {
            return nil
        }
        var index = start
        while index < bytes.count, bytes[index] != Byte.quote {
            // What is not plain ASCII is the reader's matter.
            guard 0x20...0x7E ~= bytes[index], bytes[index] != Byte.backslash else { return nil }
            index += 1
        }
        return index < bytes.count && 1...2048 ~= index - start ? index : nil
    }

    /// Finds the members of a rest; false where it is none, or one that the reader should look at.
    ///
    /// It knows strings and nesting only: a member is what stands between two commas outside of both. Whether it is JSON is
    /// found out where it is read.
    private mutating func findMembers(of rest: UnsafeRawBufferPointer) -> Bool {
        members.removeAll(keepingCapacity: true)
        guard rest.count >= 2, rest[0] == Byte.comma, rest[rest.count - 1] == Byte.closeBrace else {
            return false
        }
        var start = 1
        var depth = 0
        var index = 1
        while index < rest.count {
            switch rest[index] {
            case Byte.quote:
                index += 1
                while index < rest.count, rest[index] != Byte.quote {
                    index += rest[index] == Byte.backslash ? 2 : 1
                }
            case Byte.openBrace, Byte.openBracket: depth += 1
            case Byte.comma where depth == 0:
                guard addMember(start..<index, of: rest) else { return false }
                start = index + 1
            case Byte.closeBrace where depth == 0:
                return index == rest.count - 1 && addMember(start..<index, of: rest)
            case Byte.closeBrace, Byte.closeBracket: depth -= 1
            default: break
            }
            index += 1
        }
        return false
    }

    private mutating func addMember(_ range: Range<Int>, of rest: UnsafeRawBufferPointer) -> Bool {
        guard let first = range.first, rest[first] == Byte.quote else { return false }
        var index = first + 1
        while index < range.upperBound, rest[index] != Byte.quote {
            guard rest[index] != Byte.backslash else { return false }
            index += 1
        }
        guard index + 1 < range.upperBound, rest[index + 1] == Byte.colon else { return false }
        members.append(Member(range: range, keyLength: index + 2 - first))
        return true
    }

    /// Whether ``members`` have the same keys as those of a form, in the same order.
    private func hasKeys(of form: Form, _ rest: UnsafeRawBufferPointer) -> Bool {
        guard form.members.count == members.count else { return false }
        return form.rest.withUnsafeBytes { formRest in
            zip(form.members, members).allSatisfy { known, member in
                known.keyLength == member.keyLength
                    && formRest[known.range].prefix(known.keyLength).bytes.hasBytes(
                        of:
                            rest[member.range].prefix(member.keyLength).bytes
                    )
            }
        }
    }

    /// The form's definition with the members changed that are others in `rest`, and how many they are; nil where one
    /// of them is refused.
    private func changed(_ form: Form, _ rest: UnsafeRawBufferPointer) -> (WebhookDefinition, changes: Int)? {
        form.rest.withUnsafeBytes { formRest in
            var definition = form.definition
            var changes = 0
            for (known, member) in zip(form.members, members) {
                let text = rest[member.range].bytes
                if formRest[known.range].bytes.hasBytes(of: text) { continue }
                changes += 1
                // A member alone makes an object; where it is not exactly one, the reader says what is wrong.
                let object = [Byte.openBrace] + Array(text) + [Byte.closeBrace]
                guard let value = try? object.withUnsafeBytes({ try Document<WebhookDefinition>.value(of: $0) }),
                    case .object(let object) = value, object.count == 1, let given = object.members.first,
                    (try? WebhookDefinition.document.replace(given, in: &definition)) != nil
                else { return nil }
            }
            return (try? WebhookDefinition.document.check(definition)) == nil ? nil : (definition, changes)
        }
    }
}

extension WebhookDefinition {
    /// The same with another URL, which is plain ASCII.
    fileprivate func with(url: UnsafeRawBufferPointer) -> WebhookDefinition {
        var definition = self
        definition.url = String(decoding: url, as: UTF8.self)
        return definition
    }
}

private enum Byte {
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let comma = UInt8(ascii: ",")
    static let colon = UInt8(ascii: ":")
    static let openBrace = UInt8(ascii: "{")
    static let closeBrace = UInt8(ascii: "}")
    static let openBracket = UInt8(ascii: "[")
    static let closeBracket = UInt8(ascii: "]")
}

extension UnsafeRawBufferPointer {
    fileprivate func hasBytes(of other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard let start = baseAddress, let otherStart = other.baseAddress else { return true }
        // In bounds: both have as many bytes.
        return memcmp(start, otherStart, count) == 0
    }
}

extension Slice<UnsafeRawBufferPointer> {
    fileprivate var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self)
    }
}
