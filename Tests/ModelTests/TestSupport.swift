import JSONText
import Testing

@testable import Model

/// The message of the error that `body` throws; nil where it throws none.
func fault<Value>(_ body: () throws(DocumentError) -> Value) -> DocumentError? {
    do throws(DocumentError) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}

func configuration(_ json: String) throws(DocumentError) -> Configuration {
    try Configuration(json: json)
}

func configurationFault(_ json: String) -> String? {
    fault { () throws(DocumentError) in try configuration(json) }?.message
}

func webhook(_ json: String, catalog: EventCatalog = .builtIn) throws(DocumentError) -> WebhookDefinition {
    try Array(json.utf8).withUnsafeBytes { bytes in
        Result { () throws(DocumentError) in try WebhookDefinition(json: bytes, catalog: catalog) }
    }.get()
}

/// A webhook document with what it needs and `members` beside.
func webhook(adding members: String) throws(DocumentError) -> WebhookDefinition {
    try webhook(#"{"url":"https://a.example","events":["*"],\#(members)}"#)
}

func webhookFault(adding members: String) -> DocumentError? {
    fault { () throws(DocumentError) in try webhook(adding: members) }
}

extension WebhookDefinition {
    func updated(_ json: String, catalog: EventCatalog = .builtIn) throws(DocumentError) -> WebhookDefinition {
        try Array(json.utf8).withUnsafeBytes { bytes in
            Result { () throws(DocumentError) in try updated(json: bytes, catalog: catalog) }
        }.get()
    }
}

func event(_ json: String, catalog: EventCatalog = .builtIn, depth: Int = 64) throws(DocumentError) -> NewEvent {
    var extraction = JSONText.Extraction()
    return try Array(json.utf8).withUnsafeBytes { bytes in
        Result { () throws(DocumentError) in
            try NewEvent(json: bytes, catalog: catalog, maximumDepth: depth, extraction: &extraction)
        }
    }.get()
}

func eventFault(_ json: String) -> String? {
    fault { () throws(DocumentError) in try event(json) }?.message
}

func text(_ writer: JSONWriter) -> String {
    String(decoding: writer.bytes, as: UTF8.self)
}

func decoded(_ json: String) throws -> JSONValue {
    try JSONValue.parse(json)
}
