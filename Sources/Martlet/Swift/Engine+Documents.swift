import JSONText

// How typed calls reach the ones that take and give documents.
extension Engine {
    /// Hands a text in and reads the document that comes out.
    func answer(
        _ text: String,
        _ call: (UnsafeRawBufferPointer) throws(MartletError) -> [UInt8]
    ) throws(MartletError) -> JSONValue {
        try Engine.read(try text.withUTF8Bytes { text throws(MartletError) in try call(text) })
    }

    func answer(
        _ bytes: [UInt8],
        _ call: (UnsafeRawBufferPointer) throws(MartletError) -> [UInt8]
    ) throws(MartletError) -> JSONValue {
        try Engine.read(try bytes.withBytes { bytes throws(MartletError) in try call(bytes) })
    }

    func answer(
        _ document: JSON,
        _ call: (UnsafeRawBufferPointer) throws(MartletError) -> [UInt8]
    ) throws(MartletError) -> JSONValue {
        try answer(document.bytes, call)
    }

    /// Reads a document that the engine wrote.
    static func read(_ bytes: [UInt8]) throws(MartletError) -> JSONValue {
        do throws(JSONText.Failure) {
            // Payloads are strings in it, so it is not deep.
            return try JSONValue.parse(bytes, maximumDepth: JSONText.deepestDepth)
        } catch {
            throw MartletError(.internal, "the engine's answer cannot be read: \(error.description(in: bytes))")
        }
    }
}

extension JSON {
    /// This query for the page after `cursor`.
    func from(_ cursor: String?) -> JSON {
        guard let cursor, var query = value.objectValue else { return self }
        query["cursor"] = .string(cursor)
        return JSON(.object(query))
    }
}

extension Listing.Page {
    init(_ page: JSONValue, _ key: String, _ read: (JSONValue) -> Element) {
        elements = (page[key]?.arrayValue ?? []).map(read)
        cursor = page.optionalText("cursor")
    }
}

extension JSONText.Failure {
    fileprivate func description(in bytes: [UInt8]) -> String {
        bytes.withUnsafeBytes { description(in: $0) }
    }
}
