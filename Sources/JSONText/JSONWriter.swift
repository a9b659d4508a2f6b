/// Writes compact JSON at the end of a byte array.
///
/// Commas and colons come by themselves; the caller sees to it that begins and ends pair up and that each member has
/// its key. Several top-level values in a row are parted by commas as if they stood in an array.
package struct JSONWriter {
    /// What is written so far. Take it out when done; ``removeAll()`` keeps its memory for the next document.
    package private(set) var bytes: [UInt8]
    /// Whether a value stands right before the end, so that the next one needs a comma.
    private var needsComma = false

    /// - Parameter bytes: what the JSON is appended to.
    package init(appendingTo bytes: consuming [UInt8] = []) {
        self.bytes = bytes
    }

    /// Forgets everything written and keeps the memory.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    package mutating func reserveCapacity(_ count: Int) {
        bytes.reserveCapacity(count)
    }

    package mutating func beginObject() {
        begin(JSONText.Byte.openBrace)
    }

    package mutating func endObject() {
        end(JSONText.Byte.closeBrace)
    }

    package mutating func beginArray() {
        begin(JSONText.Byte.openBracket)
    }

    package mutating func endArray() {
        end(JSONText.Byte.closeBracket)
    }

    /// The key of the member whose value comes next.
    package mutating func key(_ key: String) {
        string(key)
        bytes.append(JSONText.Byte.colon)
        needsComma = false
    }

    package mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { string(bytes: UnsafeRawBufferPointer($0)) }
    }

    package mutating func integer(_ value: Int64) {
        separate()
        if value < 0 {
            bytes.append(JSONText.Byte.minus)
        }
        append(value.magnitude)
    }

    package mutating func integer(_ value: UInt64) {
        separate()
        append(value)
    }

    package mutating func integer(_ value: Int) {
        integer(Int64(value))
    }

    /// The shortest number that reads back as the same `Double`; null for an infinite one and for no number, which
    /// JSON cannot express.
    package mutating func number(_ value: Double) {
        guard value.isFinite else {
            return null()
        }
        separate()
        // The standard library's description is the shortest that round-trips, and fits the JSON grammar.
        bytes.append(contentsOf: value.description.utf8)
    }

    package mutating func bool(_ value: Bool) {
        separate()
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    package mutating func null() {
        separate()
        bytes.append(contentsOf: "null".utf8)
    }

    /// A value that is JSON already; it is copied as it is, unchecked.
    package mutating func raw(_ json: UnsafeRawBufferPointer) {
        separate()
        bytes.append(contentsOf: json)
    }

    /// The same for an array of bytes.
    package mutating func raw(_ json: [UInt8]) {
        separate()
        bytes.append(contentsOf: json)
    }

    private mutating func begin(_ byte: UInt8) {
        separate()
        bytes.append(byte)
        needsComma = false
    }

    private mutating func end(_ byte: UInt8) {
        bytes.append(byte)
        needsComma = true
    }

    /// The comma before a value, where one is due.
    private mutating func separate() {
        if needsComma {
            bytes.append(JSONText.Byte.comma)
        }
        needsComma = true
    }

    private mutating func append(_ value: UInt64) {
        let start = bytes.count
        var value = value
        repeat {
            bytes.append(JSONText.Byte.zero &+ UInt8(truncatingIfNeeded: value % 10))
            value /= 10
        } while value != 0
        bytes[start...].reverse()
    }
}

extension JSONWriter {
    /// A string from bytes of any origin, such as a receiver's answer.
    ///
    /// What is not well-formed UTF-8 is replaced by U+FFFD, one for each longest beginning of a sequence (the practice
    /// Unicode section 3.9 recommends). Quotes, backslashes and control characters are escaped (RFC 8259 section 7);
    /// everything else stays, U+2028 and U+2029 too.
    package mutating func string(bytes source: UnsafeRawBufferPointer) {
        separate()
        bytes.append(JSONText.Byte.quote)
        if let start = source.baseAddress {
            appendContent(start, start + source.count)
        }
        bytes.append(JSONText.Byte.quote)
    }

    /// Every read stands behind a comparison with `end`.
    private mutating func appendContent(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) {
        /// What stands between here and `p` can be copied as it is.
        var copied = start
        var p = start
        while p < end {
            let first = JSONText.byte(p)
            if first >= 0x80 {
                p = JSONText.skipSequences(p, end)
                guard p < end, JSONText.byte(p) >= 0x80 else {
                    continue
                }
                let sequence = JSONText.utf8Sequence(p, end)
                if !sequence.isWhole {
                    bytes.append(contentsOf: UnsafeRawBufferPointer(start: copied, count: p - copied))
                    bytes.append(contentsOf: "\u{FFFD}".utf8)
                    copied = p + max(1, sequence.length)
                }
                p += max(1, sequence.length)
            } else if first < JSONText.Byte.space || first == JSONText.Byte.quote || first == JSONText.Byte.backslash {
                bytes.append(contentsOf: UnsafeRawBufferPointer(start: copied, count: p - copied))
                appendEscape(first)
                p += 1
                copied = p
            } else {
                p = JSONText.skipPlain(p + 1, end)
            }
        }
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: copied, count: end - copied))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        bytes.append(JSONText.Byte.backslash)
        switch byte {
        case JSONText.Byte.quote, JSONText.Byte.backslash: bytes.append(byte)
        case 0x08: bytes.append(0x62)
        case 0x0C: bytes.append(0x66)
        case JSONText.Byte.lineFeed: bytes.append(0x6E)
        case JSONText.Byte.carriageReturn: bytes.append(0x72)
        case JSONText.Byte.tab: bytes.append(0x74)
        default:
            // Below 0x20, so the first of the last two digits is 0 or 1.
            let low = byte & 0x0F
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(JSONText.Byte.zero &+ byte &>> 4)
            bytes.append(low < 10 ? JSONText.Byte.zero &+ low : 0x61 &+ low &- 10)
        }
    }
}

extension JSONValue {
    /// Appends this value; one that was parsed reads back equal.
    package func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .integer(let value): writer.integer(value)
        case .number(let value): writer.number(value)
        case .string(let value): writer.string(value)
        case .array(let elements):
            writer.beginArray()
            for element in elements {
                element.write(to: &writer)
            }
            writer.endArray()
        case .object(let object):
            writer.beginObject()
            for member in object {
                writer.key(member.key)
                member.value.write(to: &writer)
            }
            writer.endObject()
        }
    }

    /// This value as compact JSON.
    package var bytes: [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }
}

extension JSONValue: CustomStringConvertible {
    package var description: String {
        String(decoding: bytes, as: UTF8.self)
    }
}
