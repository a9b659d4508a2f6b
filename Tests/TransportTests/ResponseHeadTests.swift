import Model
import Testing

@testable import Transport

@Suite struct ResponseHeadTests {
    private func head(_ text: String) -> ResponseHead {
        var head = ResponseHead()
        var line: [UInt8] = []
        for byte in text.utf8 {
            line.append(byte)
            guard byte == 0x0A else { continue }
            line.withUnsafeBytes { head.consume($0) }
            line = []
        }
        return head
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n", 200), ("HTTP/2 204 \r\n", 204), ("HTTP/1.0  404\n", 404), ("http/1.1 503 x\r\n", 503),
        ("HTTP/1.1 20\r\n", 0), ("HTTP/1.1 2x0 OK\r\n", 0), ("HTTP/1.1\r\n", 0), ("ICY 200 OK\r\n", 0), ("\r\n", 0),
    ])
    func readsTheStatus(line: String, status: UInt16) {
        #expect(head(line).status == status)
    }

    @Test func isCompleteAtTheEmptyLineOfTheFinalAnswer() {
        #expect(!head("HTTP/1.1 200 OK\r\nA: b\r\n").isComplete)
        #expect(head("HTTP/1.1 200 OK\r\nA: b\r\n\r\n").isComplete)
        #expect(!head("HTTP/1.1 100 Continue\r\n\r\n").isComplete)
        #expect(head("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 410 Gone\r\n\r\n").status == 410)
        #expect(!head("HTTP/1.1 xxx\r\n\r\n").isComplete)
        // A header that looks like a status line is none.
        #expect(head("HTTP/1.1 200 OK\r\nHTTP/1.1 500 x\r\n\r\n").status == 200)
    }

    @Test func trailersHaveNoSayButCount() {
        let text = "HTTP/1.1 200 OK\r\n\r\nRetry-After: 5\r\nWebhook-Delivery: disable\r\n"
        #expect(head(text).retryAfter == .absent)
        #expect(!head(text).asksToDisable)
        #expect(head(text).byteCount == text.utf8.count)
    }

    @Test(arguments: [
        ("120", RetryAfter.delay(seconds: 120)), ("0", .delay(seconds: 0)), ("  7\t", .delay(seconds: 7)),
        ("99999999999999999999999", .delay(seconds: .max)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", .date(seconds: 784_111_777)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", .date(seconds: 784_111_777)),
        ("Sun Nov  6 08:49:37 1994", .date(seconds: 784_111_777)),
        ("", .absent), ("-5", .absent), ("+5", .absent), ("1.5", .absent), ("12 s", .absent), ("soon", .absent),
        ("Sun, 99 Foo 1994 08:49:37 GMT", .absent), ("A:b:c", .absent), ("0x10", .absent),
        (String(repeating: "S", count: 100) + "::", .absent),
    ])
    func readsRetryAfter(value: String, expected: RetryAfter) {
        #expect(head("HTTP/1.1 429 x\r\nRetry-After:\(value)\r\n\r\n").retryAfter == expected)
    }

    @Test(arguments: [
        ("webhook-delivery: disable", true), ("WEBHOOK-DELIVERY:DISABLE", true), ("Webhook-Delivery:  Disable  ", true),
        ("webhook-delivery: disabled", false), ("webhook-delivery:", false), ("x-webhook-delivery: disable", false),
        ("webhook-delivery-x: disable", false),
    ])
    func readsTheWishToBeDisabled(line: String, expected: Bool) {
        #expect(head("HTTP/1.1 200 x\r\n\(line)\r\n\r\n").asksToDisable == expected)
    }
}
