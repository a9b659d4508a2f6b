import JSONText
import Testing

@testable import Model

@Suite("Configuration")
struct ConfigurationTests {
    @Test(arguments: ["", " \n\t\r", "{}", " {} ", #"{"queue":{},"retry":null,"caFile":null}"#])
    func nothingGivenMeansEveryDefault(_ json: String) throws {
        #expect(try configuration(json) == Configuration())
    }

    @Test func defaultsAreTheDocumentedOnes() throws {
        let value = Configuration()
        #expect(value.environment == .production)
        #expect(value.allowedNetworks.isEmpty)
        #expect(1...2 ~= value.lanes)
        #expect(value.maxInFlight == 1024)
        #expect(value.delivery.maximumInFlight == 64)
        #expect(value.queue.maxEvents == 100_000)
        #expect(value.queue.maxBytes == 268_435_456)
        #expect(value.maxEventBytes == 1_048_576)
        #expect(value.jsonDepth == 64)
        #expect(value.delivery.timeoutMilliseconds == 5000)
        #expect(value.delivery.connectTimeoutMilliseconds == 3000)
        #expect(value.delivery.retry == RetryPolicy())
        #expect(value.delivery.payloadFormat == .subverse)
        #expect(value.responseBodyBytes == 1024)
        #expect(value.logRetention.attempts == 10_000)
        #expect(value.outcomes == .off)
        #expect(value.caFile == nil)
        #expect(value.userAgent == "Martlet/\(Version.text)")
    }

    @Test func everyKeyReachesItsPlace() throws {
        let value = try configuration(
            #"""
            {"environment":"development","allowedNetworks":["10.0.0.0/8","fd00::/8"],"lanes":3,"maxInFlight":10,
            "maxInFlightPerWebhook":4,"queue":{"maxEvents":7,"maxBytes":4e6},"maxEventBytes":2048,"jsonDepth":9,
            "timeoutMs":1000,"connectTimeoutMs":2000,"eventTypes":["order.shipped"],"payloadFormat":"standard",
            "retry":{"delaysSeconds":[0.5,2],"jitter":0,"retryOn":["serverError","timeout"],"retryAfterCapSeconds":60},
            "responseBodyBytes":0,"logRetention":{"attempts":5},"outcomes":"all","caFile":"/etc/ca.pem",
            "userAgent":"host/1"}
            """#
        )
        #expect(value.environment == .development)
        #expect(value.allowedNetworks == ["10.0.0.0/8", "fd00::/8"])
        #expect(value.lanes == 3)
        #expect(value.maxInFlight == 10)
        #expect(value.delivery.maximumInFlight == 4)
        #expect(value.queue == Configuration.Queue(maxEvents: 7, maxBytes: 4_000_000))
        #expect(value.maxEventBytes == 2048)
        #expect(value.jsonDepth == 9)
        #expect(value.delivery.timeoutMilliseconds == 1000)
        #expect(value.delivery.effectiveConnectTimeoutMilliseconds == 1000)
        #expect(value.eventTypes == [EventType(name: "order.shipped")])
        #expect(value.delivery.payloadFormat == .standard)
        #expect(value.delivery.retry.delaysMilliseconds == [500, 2000])
        #expect(value.delivery.retry.jitter == 0)
        #expect(value.delivery.retry.retryOn == [.serverError, .timeout])
        #expect(value.delivery.retry.retryAfterCapMilliseconds == 60_000)
        #expect(value.responseBodyBytes == 0)
        #expect(value.logRetention.attempts == 5)
        #expect(value.outcomes == .all)
        #expect(value.caFile == "/etc/ca.pem")
        #expect(value.userAgent == "host/1")
    }

    @Test(arguments: [
        (#"{"queue":{"maxEvents":-5}}"#, "queue.maxEvents must be a whole number from 1 to 100000000, not -5"),
        (#"{"timeoutMS":1}"#, #"unknown key "timeoutMS"; did you mean "timeoutMs"?"#),
        (#"{"timeout_ms":1}"#, #"unknown key "timeout_ms"; did you mean "timeoutMs"?"#),
        (#"{"maxEvents":1}"#, #"unknown key "maxEvents"; did you mean "queue.maxEvents"?"#),
        (#"{"queue":{"maxEvent":1}}"#, #"unknown key "queue.maxEvent"; did you mean "queue.maxEvents"?"#),
        (#"{"queu":{}}"#, #"unknown key "queu"; did you mean "queue"?"#),
        (
            #"{"queue":{"colour":1}}"#,
            #"unknown key "queue.colour"; the keys of queue are maxEvents, maxBytes"#
        ),
        (
            #"{"colour":1}"#,
            #"unknown key "colour"; the keys are "#
                + Configuration.document.knownKeys(under: "").joined(separator: ", ")
        ),
        (
            #"{"queue.maxEvents":1}"#,
            #"unknown key "queue.maxEvents"; write it as nested objects, not with a dot"#
        ),
        (#"{"queue":5}"#, "queue must be an object, not 5"),
        (#"{"queue":[]}"#, "queue must be an object, not an array"),
        (#"[]"#, "the document must be an object, not an array"),
        (#""x""#, "the document must be an object, not a string"),
        (#"{"timeoutMs":"5000"}"#, #"timeoutMs must be a whole number from 100 to 300000, not "5000""#),
        (#"{"timeoutMs":99}"#, "timeoutMs must be a whole number from 100 to 300000, not 99"),
        (#"{"timeoutMs":100.5}"#, "timeoutMs must be a whole number from 100 to 300000, not 100.5"),
        (#"{"timeoutMs":true}"#, "timeoutMs must be a whole number from 100 to 300000, not true"),
        (#"{"timeoutMs":{}}"#, "timeoutMs must be a whole number from 100 to 300000, not an object"),
        (#"{"environment":"prod"}"#, #"environment must be "production" or "development", not "prod""#),
        (#"{"outcomes":1}"#, #"outcomes must be one of "off", "events", "deliveries", "all", not 1"#),
        (#"{"retry":{"jitter":1.5}}"#, "retry.jitter must be a number from 0 to 1, not 1.5"),
        (
            #"{"retry":{"delaysSeconds":[1,-1]}}"#,
            "retry.delaysSeconds[1] must be a number from 0 to 604800, not -1"
        ),
        (
            #"{"retry":{"retryOn":["serverErrors"]}}"#,
            #"retry.retryOn[0] must be one of "timeout", "connection", "requestTimeout", "tooManyRequests", "#
                + #""serverError", not "serverErrors""#
        ),
        (
            #"{"allowedNetworks":["10.0.0.0 /8"]}"#,
            #"allowedNetworks[0] must be a network such as "10.0.0.0/8" or "fd00::/8", not "10.0.0.0 /8""#
        ),
        (
            #"{"eventTypes":["a..b"]}"#,
            #"eventTypes[0] must be an event type of 1 to 128 bytes such as "order.shipped": "#
                + #"letters, digits and underscores in segments joined by dots, not "a..b""#
        ),
        (
            #"{"userAgent":"caf\u00e9"}"#,
            #"userAgent must be a string of 1 to 256 printable ASCII characters, not "café""#
        ),
        (
            #"{"queue":{"maxBytes":65536}}"#,
            "maxEventBytes must be at most half of queue.maxBytes, which is 32768, not 1048576"
        ),
        (
            #"{"dataDirectory":"d","journal":{"segmentBytes":1048576}}"#,
            "journal.segmentBytes must be at least 1327104 for events of maxEventBytes = 1048576, not 1048576"
        ),
        (
            #"{"dataDirectory":"d","maxEventBytes":1024,"responseBodyBytes":65536,"journal":{"segmentBytes":65536}}"#,
            "journal.segmentBytes must be at least 98304 for answers of responseBodyBytes = 65536, not 65536"
        ),
        (
            #"{"dataDirectory":"d","journal":{"maxBytes":67108864}}"#,
            "journal.maxBytes must hold three segments of journal.segmentBytes, 100663296 bytes, not 67108864"
        ),
        ("{\n \"lanes\": 01}", "invalid JSON at line 2, column 12: a number has a leading zero"),
        (#"{"lanes":1,"lanes":2}"#, #"invalid JSON at line 1, column 12: a key appears twice in one object: "lanes""#),
    ])
    func errorTexts(_ json: String, _ message: String) {
        #expect(configurationFault(json) == message)
    }

    @Test func aHostileKeyIsQuotedOnOneLine() throws {
        let message = try #require(configurationFault(#"{"a\nb\"\u0000\u2028":1}"#))
        #expect(message.hasPrefix(#"unknown key "a\nb\"\u0000\u2028"; the keys are dataDirectory"#))
        let long = try #require(configurationFault("{\"\(String(repeating: "k", count: 100_000))\":1}"))
        #expect(long.utf8.count < 500)
    }

    @Test func aSmallQueueTakesSmallEvents() throws {
        let value = try configuration(#"{"queue":{"maxBytes":65536},"maxEventBytes":32768}"#)
        #expect(value.maxEventBytes == 32_768)
        #expect(configurationFault(#"{"queue":{"maxBytes":65536},"maxEventBytes":32769}"#) != nil)
    }

    @Test func everyPrintedDelayIsReadBackExactly() throws {
        for milliseconds in [0, 1, 999, 1000, 1500, 604_800_000] as [Int64] {
            var value = Configuration()
            value.delivery.retry.delaysMilliseconds = [milliseconds]
            var writer = JSONWriter()
            writer.beginObject()
            Configuration.document.writeMembers(of: value, to: &writer)
            writer.endObject()
            #expect(try configuration(text(writer)).delivery.retry.delaysMilliseconds == [milliseconds])
        }
    }

    @Test func keysOfLaterVersionsAreUnknownUntilThen() {
        for key in ["proxy", "http2"] {
            #expect(configurationFault("{\"\(key)\":null}")?.hasPrefix("unknown key \"\(key)\"") == true)
        }
    }
}
