import JSONText

extension EventType {
    /// An event type as a document describes it; what is absent is nil.
    private struct Description: Sendable {
        var name = ""
        var title = ""
        var text = ""
        var sample = JSONValue.object(JSONObject())
    }

    private static let document = Document(
        prototype: Description(),
        properties: [
            .text("name", \.name, .eventType, presence: .required, "What events and subscriptions call it."),
            .text("title", \.title, TextForm(bytes: 0...128), "A short name for people."),
            .text("description", \.text, TextForm(bytes: 0...1024), "When the event happens."),
            Property(
                "sample",
                \.sample,
                .json,
                "An example of `data`, which a test delivery sends.",
                encode: { $0 },
                decode: { $0 }
            ),
        ]
    )

    /// The longest sample, as compact JSON.
    private static let maximumSampleBytes = 65_536

    /// Reads a name alone, or an object with `name` and optionally `title`, `description` and `sample`.
    ///
    /// - Parameter key: where the value stands in a document; empty where it is one of its own.
    package init(document value: JSONValue, key: String = "") throws(DocumentError) {
        if case .string(let name) = value, !key.isEmpty {
            try Shape.text(.eventType).check(value, key: key)
            self.init(name: name)
            return
        }
        do throws(DocumentError) {
            let description = try EventType.document.parse(value)
            let sample = description.sample.description
            guard sample.utf8.count <= EventType.maximumSampleBytes else {
                throw DocumentError(
                    .outOfRange,
                    key: "sample",
                    message: "sample must have at most \(EventType.maximumSampleBytes) bytes, not \(sample.utf8.count)"
                )
            }
            self.init(
                name: description.name,
                title: description.title,
                description: description.text,
                sample: sample
            )
        } catch {
            throw key.isEmpty ? error : error.below(key)
        }
    }

    /// Reads a JSON text.
    package init(json bytes: UnsafeRawBufferPointer) throws(DocumentError) {
        try self.init(document: Document<Description>.value(of: bytes))
    }

    /// The type as a document: its name where that is all there is to it.
    package var document: JSONValue {
        guard self != EventType(name: name) else { return .string(name) }
        var object = JSONObject()
        object["name"] = .string(name)
        object["title"] = .string(title)
        object["description"] = .string(description)
        object["sample"] = (try? JSONValue.parse(sample)) ?? .null
        return .object(object)
    }
}

extension DocumentError {
    /// The same fault of a document that stands inside another one, at `place`.
    fileprivate func below(_ place: String) -> DocumentError {
        DocumentError(code, key: key.isEmpty ? place : "\(place).\(key)", message: "\(place): \(message)")
    }
}
