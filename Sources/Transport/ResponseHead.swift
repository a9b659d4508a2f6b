import CCurl
import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a verdict needs of a response's head, gathered line by line as libcurl hands the lines out.
///
/// A trivial value: it lives in an attempt's plain memory. Lines of 1xx answers and trailers come in here too.
struct ResponseHead {
    /// The status of the block of lines being read, 0 before a status line.
    private(set) var status: UInt16 = 0
    /// The status line and all headers of the final answer have arrived.
    private(set) var isComplete = false
    private(set) var retryAfter: RetryAfter = .absent
    private(set) var asksToDisable = false
    /// Bytes of all lines, those of 1xx answers and trailers included.
    private(set) var byteCount = 0
    private var isInBlock = false

    /// Takes one line with its line end.
    mutating func consume(_ line: UnsafeRawBufferPointer) {
        byteCount = byteCount.addingReportingOverflow(line.count).partialValue
        // What follows a complete head is a trailer, which has no say.
        if isComplete { return }
        guard isInBlock else {
            self = ResponseHead(byteCount: byteCount, status: ResponseHead.status(ofLine: line))
            return
        }
        switch line.first {
        case 0x0D, 0x0A:
            isInBlock = false
            // 101 was not asked for, but it is the last head that such a receiver sends.
            isComplete = status >= 200 || status == 101
        case UInt8(ascii: "r"), UInt8(ascii: "R"):
            guard retryAfter == .absent, let value = ResponseHead.value(of: "retry-after:", in: line) else { return }
            retryAfter = RetryAfter(headerValue: value)
        case UInt8(ascii: "w"), UInt8(ascii: "W"):
            guard let value = ResponseHead.value(of: "webhook-delivery:", in: line) else { return }
            if ResponseHead.equal(value, "disable") { asksToDisable = true }
        default:
            break
        }
    }

    init() {}

    private init(byteCount: Int, status: UInt16) {
        self.byteCount = byteCount
        self.status = status
        isInBlock = true
    }

    /// The three digits of a status line such as `HTTP/1.1 200 OK` (RFC 9112 section 4), 0 for any other line.
    static func status(ofLine line: UnsafeRawBufferPointer) -> UInt16 {
        guard line.count >= 8, equal(UnsafeRawBufferPointer(rebasing: line[..<5]), "http/"),
            let space = line.firstIndex(of: 0x20)
        else { return 0 }
        var index = space
        while index < line.count, line[index] == 0x20 { index += 1 }
        guard line.count - index >= 3 else { return 0 }
        var status: UInt16 = 0
        for digit in line[index..<index + 3] {
            guard digit >= 0x30, digit <= 0x39 else { return 0 }
            status = status * 10 + UInt16(digit - 0x30)
        }
        return status
    }

    /// The value of a line whose name (lower case, colon included) is `name`, without blanks and line end.
    private static func value(of name: StaticString, in line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let length = name.utf8CodeUnitCount
        guard line.count >= length, equal(UnsafeRawBufferPointer(rebasing: line[..<length]), name) else { return nil }
        var start = length
        var end = line.count
        while start < end, line[start] <= 0x20 { start += 1 }
        while end > start, line[end - 1] <= 0x20 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: line[start..<end])
    }

    /// Whether `bytes` are the lower-case `text`, whatever their case.
    private static func equal(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        for (index, byte) in bytes.enumerated() {
            let isUpper = byte >= 0x41 && byte <= 0x5A
            guard (isUpper ? byte | 0x20 : byte) == text.utf8Start[index] else { return false }
        }
        return true
    }
}

extension RetryAfter {
    /// Reads the value of a `Retry-After` header (RFC 9110 section 10.2.3): whole seconds, which saturate, or one of
    /// the three date forms of section 5.6.7. All else is absent.
    init(headerValue value: UnsafeRawBufferPointer) {
        self = .absent
        guard let first = value.first else { return }
        if first >= 0x30 && first <= 0x39 {
            var seconds: Int64 = 0
            for digit in value {
                guard digit >= 0x30, digit <= 0x39 else { return }
                let (tens, wide) = seconds.multipliedReportingOverflow(by: 10)
                let (sum, over) = tens.addingReportingOverflow(Int64(digit - 0x30))
                seconds = wide || over ? .max : sum
            }
            self = .delay(seconds: seconds)
            return
        }
        // libcurl's parser takes much that is no HTTP date; those start with a day's name and have a time of day.
        guard value.count <= 40, first >= 0x41, first <= 0x5A, value.count(where: { $0 == 0x3A }) == 2 else { return }
        let seconds = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 41) { text in
            for (index, byte) in value.enumerated() { text[index] = CChar(bitPattern: byte) }
            text[value.count] = 0
            return curl_getdate(text.baseAddress, nil)
        }
        if seconds >= 0 { self = .date(seconds: Int64(seconds)) }
    }
}
