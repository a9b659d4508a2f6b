import JSONText
import Testing

@testable import Model

@Suite("Webhook document")
struct WebhookDefinitionTests {
    private static let full = #"""
        {"url":"https://a.example/h","events":["call.*","workflow.completed","call.*"],
        "headers":{"X-B":"2","X-A":"1"},"enabled":false,"description":"d","metadata":{"team":"ops"},"timeoutMs":700,
        "secret":"whsec_abc"}
        """#

    @Test func theLeastThatIsNeeded() throws {
        let value = try webhook(#"{"url":"https://a.example","events":["*"]}"#)
        #expect(value == WebhookDefinition(url: "https://a.example", events: [.all]))
        #expect(value.isEnabled)
        #expect(value.overrides == SettingOverrides())
    }

    @Test func everyKeyReachesItsPlace() throws {
        let value = try webhook(Self.full)
        #expect(value.url == "https://a.example/h")
        #expect(value.events == [.below("call."), .type("workflow.completed")])
        #expect(value.headers == [HeaderField(name: "X-B", value: "2"), HeaderField(name: "X-A", value: "1")])
        #expect(!value.isEnabled)
        #expect(value.description == "d")
        #expect(value.metadata == [WebhookDefinition.MetadataEntry(key: "team", value: "ops")])
        #expect(value.overrides.values["timeoutMs"] == .integer(700))
        #expect(value.secret == "whsec_abc")
    }

    @Test(arguments: [
        ("{}", DocumentError.Code.missing, "url is required: a string of 1 to 2048 bytes without control characters"),
        (
            #"{"url":"u"}"#, .missing,
            #"events is required: an array of 1 to 1024 items, each an event type, a wildcard such as "call.*", or "*""#
        ),
        (
            #"{"url":null,"events":["*"]}"#, .missing,
            "url is required and has no default: a string of 1 to 2048 bytes without control characters"
        ),
        (
            #"{"url":"u","events":[]}"#, .outOfRange,
            "events must be an array of 1 to 1024 items, each an event type, a wildcard such as \"call.*\", or \"*\", "
                + "not one of 0 items"
        ),
        (
            #"{"url":"u","events":["call.complete"]}"#, .unknownEventType,
            #"unknown event type "call.complete"; did you mean "call.completed"?"#
        ),
        (
            #"{"url":"u","events":["invoice.paid"]}"#, .unknownEventType,
            #"unknown event type "invoice.paid"; it is neither built in nor added by the host"#
        ),
        (
            #"{"url":"u","events":["call*"]}"#, .outOfRange,
            #"events[0] must be an event type, a wildcard such as "call.*", or "*", not "call*""#
        ),
        (#"{"url":"u","event":["*"]}"#, .unknownKey, #"unknown key "event"; did you mean "events"?"#),
        (#"{"id":"wh_1","url":"u","events":["*"]}"#, .notSettable, "id is set by Martlet and cannot be given"),
        ("7", .notAnObject, "the document must be an object, not a number"),
        ("", .invalidJSON, "invalid JSON at line 1, column 1: there is no JSON value"),
    ])
    func errorTexts(_ json: String, _ code: DocumentError.Code, _ message: String) {
        let error = fault { () throws(DocumentError) in try webhook(json) }
        #expect(error?.code == code)
        #expect(error?.message == message)
    }

    @Test func theHostsOwnTypesAreKnown() throws {
        let catalog = try EventCatalog.builtIn.adding([EventType(name: "order.shipped")])
        let value = try webhook(#"{"url":"u","events":["order.shipped"]}"#, catalog: catalog)
        #expect(value.events == [.type("order.shipped")])
    }

    // MARK: Update

    @Test func anUpdateChangesTheNamedKeysAlone() throws {
        let before = try webhook(Self.full)
        var expected = before
        expected.description = "new"
        #expect(try before.updated(#"{"description":"new"}"#) == expected)
        #expect(try before.updated("{}") == before)
        expected = before
        expected.headers = [HeaderField(name: "X-C", value: "3")]
        #expect(try before.updated(#"{"headers":{"X-C":"3"}}"#) == expected)
    }

    @Test func nullPutsTheDefaultBack() throws {
        let before = try webhook(Self.full)
        let after = try before.updated(
            #"{"headers":null,"enabled":null,"description":null,"metadata":null,"timeoutMs":null}"#
        )
        var expected = WebhookDefinition(url: before.url, events: before.events)
        expected.secret = before.secret
        #expect(after == expected)
    }

    @Test(arguments: [
        (#"{"id":"wh_1"}"#, DocumentError.Code.notSettable, "id is set by Martlet and cannot be given"),
        (#"{"createdAt":null}"#, .notSettable, "createdAt is set by Martlet and cannot be given"),
        (#"{"updatedAt":"x"}"#, .notSettable, "updatedAt is set by Martlet and cannot be given"),
        (#"{"secret":"x"}"#, .notSettable, "secret cannot be changed by an update; rotate the secret instead"),
        (
            #"{"url":null}"#, .missing,
            "url is required and has no default: a string of 1 to 2048 bytes without control characters"
        ),
        (
            #"{"events":["nope"]}"#, .unknownEventType,
            #"unknown event type "nope"; it is neither built in nor added by the host"#
        ),
        (
            #"{"headers":{"Host":"x"}}"#, .notSettable,
            #"the header "Host" cannot be set: it follows from the URL"#
        ),
        (
            #"{"nope":1}"#, .unknownKey,
            #"unknown key "nope"; the keys are "#
                + WebhookDefinition.document.knownKeys(under: "").joined(separator: ", ")
        ),
    ])
    func whatAnUpdateRefuses(_ json: String, _ code: DocumentError.Code, _ message: String) throws {
        let before = try webhook(Self.full)
        let error = fault { () throws(DocumentError) in try before.updated(json) }
        #expect(error?.code == code)
        #expect(error?.message == message)
    }

    // MARK: Writing

    @Test func printedInFullWithoutTheSecret() throws {
        var writer = JSONWriter()
        let id = Identifier(high: 0x0192_0000_0000_7000, low: 1 << 63)
        try webhook(Self.full).write(
            to: &writer,
            id: id,
            createdAt: WallTime(milliseconds: 0),
            updatedAt: WallTime(milliseconds: 1_765_189_800_123)
        )
        let expected =
            #"{"id":"\#(id.text(.webhook))","url":"https://a.example/h","events":["call.*","workflow.completed"],"#
            + #""tenant":"","agents":null,"workflows":null,"filter":null,"#
            + #""headers":{"X-B":"2","X-A":"1"},"clientCertificateFile":null,"clientKeyFile":null,"#
            + #""enabled":false,"description":"d","metadata":{"team":"ops"},"#
            + #""timeoutMs":700,"disabled":null,"createdAt":"1970-01-01T00:00:00.000Z","updatedAt":"2025-12-08T10:30:00.123Z"}"#
        #expect(text(writer) == expected)
    }

    @Test func secretsAndCredentialsStayOutOfMessages() throws {
        let long = String(repeating: "hunter2", count: 1000)
        for members in [
            #""secret":"hunter2é""#, #""secret":"\#(long)""#, #""secret":["hunter2"]"#,
            #""headers":{"Authorization":"hunter2\n"}"#, #""headers":{"Authorization":"\#(long)"}"#,
            #""headers":["hunter2"]"#, #""headers":"hunter2""#, #""url2":"hunter2""#,
        ] {
            let error = try #require(webhookFault(adding: members))
            #expect(!error.message.contains("hunter2"), "\(error)")
        }
        let url = fault { () throws(DocumentError) in
            try webhook(#"{"url":"https://u:hunter2@a\n","events":["*"]}"#)
        }
        let message = "url must be a string of 1 to 2048 bytes without control characters; the given string is not"
        #expect(url?.message == message)
    }
}
