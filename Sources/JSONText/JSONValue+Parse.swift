extension JSONValue {
    /// Reads one JSON text into a tree.
    ///
    /// The grammar is that of ``JSONText``. Beyond it, a key that appears twice in one object is an error, since one of
    /// the two would be lost unseen, and so is a number that no `Double` can hold. An integer that does not fit 64 bits
    /// becomes a `Double`, and a lone surrogate escape U+FFFD.
    ///
    /// - Parameters:
    ///   - bytes: the text; borrowed for the call.
    ///   - maximumDepth: as for ``JSONText/validate(_:maximumDepth:)``.
    package static func parse(
        _ bytes: UnsafeRawBufferPointer,
        maximumDepth: Int = JSONText.defaultDepth
    ) throws(JSONText.Failure) -> JSONValue {
        var builder = TreeBuilder(text: bytes)
        if let failure = JSONText.scan(bytes, maximumDepth: maximumDepth, sink: &builder) {
            throw failure
        }
        return builder.result
    }

    /// The same for an array of bytes.
    package static func parse(
        _ bytes: [UInt8],
        maximumDepth: Int = JSONText.defaultDepth
    ) throws(JSONText.Failure) -> JSONValue {
        try bytes.withUnsafeBytes { bytes in
            Result { () throws(JSONText.Failure) in try parse(bytes, maximumDepth: maximumDepth) }
        }.get()
    }

    /// The same for a string; offsets count its UTF-8 bytes.
    package static func parse(
        _ text: String,
        maximumDepth: Int = JSONText.defaultDepth
    ) throws(JSONText.Failure) -> JSONValue {
        var text = text
        return try text.withUTF8 { bytes in
            Result { () throws(JSONText.Failure) in
                try parse(UnsafeRawBufferPointer(bytes), maximumDepth: maximumDepth)
            }
        }.get()
    }
}

/// Builds a tree from what the scan meets.
private struct TreeBuilder: JSONText.Sink {
    /// A container that is still open, and the key its next member has.
    private struct Container {
        var elements: [JSONValue] = []
        var object = JSONObject()
        let isObject: Bool
        var key = ""
    }

    private let text: UnsafeRawBufferPointer
    private var open: [Container] = []
    private(set) var result = JSONValue.null

    init(text: UnsafeRawBufferPointer) {
        self.text = text
    }

    mutating func begin(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) {}

    mutating func element() {}

    mutating func key(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer, escaped: Bool) -> JSONText.Reason? {
        guard let key = slice(.string, start, end).string(in: text), let innermost = open.indices.last else {
            return .keyExpected
        }
        guard !open[innermost].object.contains(key) else {
            return .duplicateKey
        }
        open[innermost].key = key
        return nil
    }

    mutating func scalar(
        _ kind: JSONText.Kind,
        _ start: UnsafeRawPointer,
        _ end: UnsafeRawPointer,
        escaped: Bool
    ) -> JSONText.Reason? {
        let slice = slice(kind, start, end)
        switch kind {
        case .true, .false:
            add(.bool(kind == .true))
        case .number:
            let decimal = JSONText.Decimal(slice.bytes(in: text))
            if decimal.isPlainInteger, let value = decimal.int64 {
                add(.integer(value))
                return nil
            }
            let value = decimal.double
            guard value.isFinite else {
                return .numberOutOfRange
            }
            add(.number(value))
        case .string:
            add(.string(slice.string(in: text) ?? ""))
        default:
            add(.null)
        }
        return nil
    }

    mutating func open(_ kind: JSONText.Kind, _ start: UnsafeRawPointer) {
        open.append(Container(isObject: kind == .object))
    }

    mutating func close(_ end: UnsafeRawPointer) {
        guard let container = open.popLast() else {
            return
        }
        add(container.isObject ? .object(container.object) : .array(container.elements))
    }

    private mutating func add(_ value: JSONValue) {
        guard let innermost = open.indices.last else {
            result = value
            return
        }
        if open[innermost].isObject {
            open[innermost].object.appendChecked(open[innermost].key, value)
        } else {
            open[innermost].elements.append(value)
        }
    }

    private func slice(_ kind: JSONText.Kind, _ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> JSONText.Slice {
        // The scan gives places inside the text, whose base address is therefore not nil.
        let offset = text.baseAddress.map { start - $0 } ?? 0
        return JSONText.Slice(offset: offset, length: end - start, kind: kind)
    }
}
