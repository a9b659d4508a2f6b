import JSONText

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An event as a document hands it in: one line of newline-delimited JSON.
///
/// `data` is not read into a tree: its bytes go to the receivers untouched, so all that is kept is where they stand.
package struct NewEvent: Hashable, Sendable {
    package var type = EventTypeIndex(rawValue: 0)
    /// Whose event it is; empty for the default tenant.
    package var tenant = ""
    /// The bytes of `data` in the line that was parsed.
    package var data: Range<Int> = 0..<0
    /// The caller's own id: 1 to 64 letters, digits, underscores and hyphens. Nil: Martlet makes one.
    package var id: EventID?
    /// The caller's own time, kept as it was written. Nil: now.
    package var createdAt: String?
    /// Whatever the host wants to see again in the outcome.
    package var tag: UInt64 = 0
    /// What a webhook with `ordering` by key orders by.
    package var key: String?
    /// How long after the push it may still be sent; nil leaves it to the webhooks.
    package var expiryMilliseconds: Int64?
    /// Sent with this event, after Martlet's own.
    package var headers: [HeaderField] = []

    /// Reads one document.
    ///
    /// - Parameters:
    ///   - line: the JSON text; blanks around it are no harm.
    ///   - maximumDepth: for the whole document, whose `data` stands one level down.
    ///   - extraction: a buffer to use again for the next line; nothing else of it matters.
    package init(
        json line: UnsafeRawBufferPointer,
        catalog: EventCatalog,
        maximumDepth: Int,
        extraction: inout JSONText.Extraction
    ) throws(DocumentError) {
        if let failure = JSONText.validate(
            line,
            maximumDepth: maximumDepth,
            extracting: Key.paths,
            into: &extraction
        ) {
            throw DocumentError(failure, in: line)
        }
        try Key.checkMembers(of: line, found: extraction)
        let name = extraction[Key.eventType.rawValue]
        guard name.kind != .missing, name.kind != .null else { throw Key.eventType.missing }
        guard extraction[Key.data.rawValue].kind != .missing else { throw Key.data.missing }
        type = try NewEvent.type(name, in: line, catalog: catalog)
        let data = extraction[Key.data.rawValue]
        // The slice lies in the line, so the sum cannot overflow.
        self.data = data.offset..<data.offset &+ data.length
        id = try Key.id.read(extraction[Key.id.rawValue], in: line) { EventID(own: $0) }
        createdAt = try Key.createdAt.read(extraction[Key.createdAt.rawValue], in: line) { text in
            guard NewEvent.timestampForm.bytes.contains(text.count), Timestamp.parse(text) != nil else { return nil }
            return String(decoding: text, as: UTF8.self)
        }
        tag = try NewEvent.tag(extraction[Key.tag.rawValue], in: line)
        tenant = try NewEvent.tenant(extraction[Key.tenant.rawValue], in: line)
        key = try NewEvent.orderKey(extraction[Key.key.rawValue], in: line)
        expiryMilliseconds = try NewEvent.expiry(extraction[Key.expirySeconds.rawValue], in: line)
        headers = try NewEvent.headers(extraction[Key.headers.rawValue], in: line)
    }

    /// Standard Webhooks forbids a dot in `webhook-id`.
    package static let identifierForm = TextForm(.identifier, bytes: 1...EventID.maximumTextLength)
    package static let timestampForm = TextForm(.timestamp, bytes: 20...64)

    private static func type(
        _ slice: JSONText.Slice,
        in line: UnsafeRawBufferPointer,
        catalog: EventCatalog
    ) throws(DocumentError) -> EventTypeIndex {
        guard slice.kind == .string else { throw Key.eventType.refusal(slice, in: line) }
        if let index = slice.read(in: line, { catalog.index(of: $0) }) { return index }
        throw catalog.unknownType(slice.string(in: line) ?? "", key: "eventType")
    }

    private static func tenant(
        _ slice: JSONText.Slice,
        in line: UnsafeRawBufferPointer
    ) throws(DocumentError) -> String {
        let tenant = try Key.tenant.read(slice, in: line) { bytes -> String? in
            guard Tenant.form.bytes.contains(bytes.count) else { return nil }
            let text = String(decoding: bytes, as: UTF8.self)
            return Tenant.form.acceptsCharacters(of: text) ? text : nil
        }
        return tenant ?? ""
    }

    private static func tag(_ slice: JSONText.Slice, in line: UnsafeRawBufferPointer) throws(DocumentError) -> UInt64 {
        switch slice.kind {
        case .missing, .null: return 0
        case .number:
            // Whole numbers above 2⁶³ fit no Int64; plain digits are read as they stand.
            if let tag = UInt64(decimalDigits: slice.bytes(in: line)) { return tag }
            if let tag = slice.int64(in: line).flatMap({ UInt64(exactly: $0) }) { return tag }
        case .string:
            if let tag = slice.string(in: line).flatMap({ UInt64(decimalDigits: $0.utf8) }) { return tag }
        default: break
        }
        throw Key.tag.refusal(slice, in: line)
    }
}

// MARK: - Rarely given

extension NewEvent {
    package static let keyForm = TextForm(bytes: 1...256)
    /// A year, as for the setting of the same name.
    package static let expiryRange = 0.001...31_536_000.0

    private static func orderKey(
        _ slice: JSONText.Slice,
        in line: UnsafeRawBufferPointer
    ) throws(DocumentError) -> String? {
        if slice.kind == .missing || slice.kind == .null { return nil }
        guard slice.kind == .string, let key = slice.string(in: line), keyForm.bytes.contains(key.utf8.count) else {
            throw Key.key.refusal(slice, in: line)
        }
        return key
    }

    private static func expiry(
        _ slice: JSONText.Slice,
        in line: UnsafeRawBufferPointer
    ) throws(DocumentError) -> Int64? {
        if slice.kind == .missing || slice.kind == .null { return nil }
        guard slice.kind == .number, let seconds = slice.double(in: line), expiryRange.contains(seconds) else {
            throw Key.expirySeconds.refusal(slice, in: line)
        }
        // The range bounds the product.
        return Int64((seconds * 1000).rounded())
    }

    /// An object of strings under the same rules as a webhook's headers.
    private static func headers(
        _ slice: JSONText.Slice,
        in line: UnsafeRawBufferPointer
    ) throws(DocumentError) -> [HeaderField] {
        if slice.kind == .missing || slice.kind == .null { return [] }
        let key = Key.headers
        let value: JSONValue
        do throws(JSONText.Failure) {
            value = try JSONValue.parse(slice.bytes(in: line))
        } catch {
            // The text was checked as JSON: a name is given twice, or it nests too deep.
            throw DocumentError(.conflict, key: key.name, message: "\(key.name): \(error)")
        }
        try key.shape.check(value, key: key.name, isHidden: true)
        let headers = (value.objectValue ?? JSONObject()).compactMap { member in
            member.value.stringValue.map { HeaderField(name: member.key, value: $0) }
        }
        if let fault = HeaderField.fault(in: headers, key: key.name) { throw fault }
        return headers
    }
}

// MARK: - Keys

extension NewEvent {
    /// The keys of the document; the raw value is the place of the key's path in ``paths``.
    package enum Key: Int, CaseIterable, Sendable {
        case eventType
        case data
        case id
        case createdAt
        case tag
        case tenant
        case key
        case expirySeconds
        case headers

        package var name: String { "\(bytes)" }

        /// The name as it stands in the binary: each member of each event is compared with it.
        private var bytes: StaticString {
            switch self {
            case .eventType: "eventType"
            case .data: "data"
            case .id: "id"
            case .createdAt: "createdAt"
            case .tag: "tag"
            case .tenant: "tenant"
            case .key: "key"
            case .expirySeconds: "expirySeconds"
            case .headers: "headers"
            }
        }

        package var isRequired: Bool { self == .eventType || self == .data }

        package var shape: Shape {
            switch self {
            case .eventType: .text(.eventType)
            case .data: .json
            case .id: .text(NewEvent.identifierForm)
            case .createdAt: .text(NewEvent.timestampForm)
            case .tag: .unsigned
            case .tenant: .text(Tenant.form)
            case .key: .text(NewEvent.keyForm)
            case .expirySeconds: .number(NewEvent.expiryRange)
            case .headers:
                .map(keys: HeaderField.nameForm, values: HeaderField.valueForm, count: 0...HeaderField.maximumCount)
            }
        }

        /// The default in words.
        package var defaultText: String {
            switch self {
            case .eventType, .data: "required"
            case .id: "a new one, `evt_…`"
            case .createdAt: "now"
            case .tag: "`0`"
            case .tenant: "`\"\"`"
            case .key: "none"
            case .expirySeconds: "the webhook's `expirySeconds`"
            case .headers: "none"
            }
        }

        package var documentation: String {
            switch self {
            case .eventType: "One of the event types, built in or your own."
            case .data: "What happened. Receivers get these bytes exactly as they stand here."
            case .id: "Your own id, sent as `webhook-id`. Receivers use it to recognize repeated deliveries."
            case .createdAt: "When it happened. It is sent as it is written here."
            case .tag: "A number of yours that comes back with the outcomes of this event."
            case .tenant: "Whose event it is: it reaches only webhooks of the same `tenant`."
            case .key:
                "Webhooks with `ordering` by `key` get events with the same key one after the other."
            case .expirySeconds:
                "How long after the push the event may still be sent, in seconds; then it is settled as expired."
            case .headers:
                "Headers of this event alone, such as `traceparent`, under the same rules as a webhook's."
            }
        }

        private static let all = allCases

        /// Empty only if a name above were not a path, which a test rules out.
        static let paths = (try? JSONText.PathSet(allCases.map(\.name))) ?? JSONText.PathSet()

        var missing: DocumentError {
            DocumentError(.missing, key: name, message: "\(name) is required: \(shape.accepted)")
        }

        /// The error for a value that this key does not take.
        func refusal(_ slice: JSONText.Slice, in line: UnsafeRawBufferPointer) -> DocumentError {
            // The text was checked as JSON: what fails now is a number beyond all bounds, or nested too deep.
            guard let value = try? JSONValue.parse(slice.bytes(in: line)) else {
                return .unacceptable(.outOfRange, key: name, accepted: shape.accepted, given: "one too large to hold")
            }
            do throws(DocumentError) {
                try shape.check(value, key: name)
            } catch {
                return error
            }
            return shape.refusal(.outOfRange, value, name, false)
        }

        /// What `body` makes of a string; nil where it is absent or null, refused where `body` answers nil.
        func read<Value>(
            _ slice: JSONText.Slice,
            in line: UnsafeRawBufferPointer,
            _ body: (UnsafeRawBufferPointer) -> Value?
        ) throws(DocumentError) -> Value? {
            if slice.kind == .missing || slice.kind == .null { return nil }
            guard slice.kind == .string, let value = slice.read(in: line, body) else {
                throw refusal(slice, in: line)
            }
            return value
        }

        /// The key of this name, which is compared as it stands first: escapes in names are rare.
        private static func key(_ name: JSONText.Slice, in line: UnsafeRawBufferPointer) -> Key? {
            name.read(in: line) { bytes in
                all.first { key in
                    let wanted = key.bytes
                    guard wanted.utf8CodeUnitCount == bytes.count, let start = bytes.baseAddress else { return false }
                    // In bounds: both have as many bytes.
                    return memcmp(wanted.utf8Start, start, bytes.count) == 0
                }
            }
        }

        /// Refuses a document that is no object, that has an unknown key, or that has one twice.
        ///
        /// The extraction tells where the known members stand; so only their names are walked over, never `data`. The
        /// line is valid JSON.
        static func checkMembers(
            of line: UnsafeRawBufferPointer,
            found extraction: JSONText.Extraction
        ) throws(DocumentError) {
            var walker = MemberWalker(line: line)
            guard walker.enterObject() else {
                throw .unacceptable(.notAnObject, key: "", accepted: "an object", given: "another kind of JSON value")
            }
            while let name = walker.nextName() {
                guard let key = key(name, in: line) else {
                    throw unknown(name.string(in: line) ?? "")
                }
                let value = extraction[key.rawValue]
                // The extraction holds the last value of a name.
                guard walker.skipColon() == value.offset else {
                    throw DocumentError(.conflict, key: key.name, message: "\(key.name) is given twice")
                }
                walker.skip(value)
            }
        }

        private static func unknown(_ name: String) -> DocumentError {
            let names = allCases.map(\.name)
            let hint =
                Spelling.nearest(to: name, in: names).map { "did you mean \"\($0)\"?" }
                ?? "the keys are \(names.joined(separator: ", "))"
            return DocumentError(
                .unknownKey,
                key: name,
                message: "unknown key \(DocumentError.quoted(name)); \(hint)"
            )
        }
    }
}

extension JSONText.Slice {
    /// What `body` makes of a string's content: as it stands, or decoded where it was written with escapes.
    ///
    /// What `body` accepts must hold no backslash: none of the names and texts of an event does.
    fileprivate func read<Value>(
        in line: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> Value?
    ) -> Value? {
        // A string token has its two quotes.
        if let value = body(UnsafeRawBufferPointer(rebasing: bytes(in: line).dropFirst().dropLast())) { return value }
        guard bytes(in: line).contains(UInt8(ascii: "\\")), var decoded = string(in: line) else { return nil }
        return decoded.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

/// Goes over the member names of an object in a text that was checked as JSON.
///
/// Every read is behind a check of the position: a text that was not checked gives a useless answer and no trap.
private struct MemberWalker {
    let line: UnsafeRawBufferPointer
    private var position = 0

    init(line: UnsafeRawBufferPointer) {
        self.line = line
    }

    private var next: UInt8? { position < line.count ? line[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte <= 0x20 { position += 1 }
    }

    private mutating func skip(_ wanted: Unicode.Scalar) -> Bool {
        skipSpace()
        guard next == UInt8(ascii: wanted) else { return false }
        position += 1
        return true
    }

    mutating func enterObject() -> Bool {
        skip("{")
    }

    /// The next name as a string slice; nil at the end of the object.
    mutating func nextName() -> JSONText.Slice? {
        _ = skip(",")
        skipSpace()
        let start = position
        guard skip("\"") else { return nil }
        while let byte = next, byte != UInt8(ascii: "\"") {
            position += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        position += 1
        return JSONText.Slice(offset: start, length: position - start, kind: .string)
    }

    /// Goes to the value and answers where it starts.
    mutating func skipColon() -> Int {
        _ = skip(":")
        skipSpace()
        return position
    }

    mutating func skip(_ value: JSONText.Slice) {
        position = value.offset + value.length
    }
}
