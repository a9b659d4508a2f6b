import Glibc
import Model
import Records

/// A request body in one of the formats: what stands around the pushed bytes.
///
/// Names and timestamps hold no character that JSON escapes, so they are copied as they are.
struct PayloadFrame {
    private let opening: StaticString
    private let middle: StaticString
    private let dataKey: StaticString
    private let closing: StaticString

    init(_ format: DeliverySettings.PayloadFormat) {
        switch format {
        case .subverse:
            opening = "{\"eventType\":\""
            middle = "\",\"createdAt\":\""
            dataKey = "\",\"data\":"
            closing = "}"
        case .standard:
            opening = "{\"type\":\""
            middle = "\",\"timestamp\":\""
            dataKey = "\",\"data\":"
            closing = "}"
        case .raw:
            opening = ""
            middle = ""
            dataKey = ""
            closing = ""
        }
    }

    private var isRaw: Bool {
        opening.utf8CodeUnitCount == 0
    }

    /// What goes into a frame. The data is borrowed for the call.
    struct Content {
        var typeName: String
        /// Nil for `acceptedAt`.
        var createdAt: String?
        var acceptedAt: WallTime
        var data: UnsafeRawBufferPointer
    }

    /// How long ``build(_:)`` makes the body.
    func length(_ content: Content) -> Int {
        // Bounded by maxEventBytes and a few hundred bytes: no overflow.
        dataOffset(content) + content.data.count + closing.utf8CodeUnitCount
    }

    /// Where the pushed bytes stand in the body.
    func dataRange(_ content: Content) -> Range<Int> {
        let start = dataOffset(content)
        return start..<(start + content.data.count)
    }

    private func dataOffset(_ content: Content) -> Int {
        guard !isRaw else { return 0 }
        let createdAt = content.createdAt?.utf8.count ?? Timestamp.length
        return opening.utf8CodeUnitCount + content.typeName.utf8.count + middle.utf8CodeUnitCount + createdAt
            + dataKey.utf8CodeUnitCount
    }

    /// Writes what stands in front of the pushed bytes.
    func putOpening(_ content: Content, into sink: inout ByteSink) {
        guard !isRaw else { return }
        put(opening, into: &sink)
        content.typeName.withUTF8Bytes { sink.put($0) }
        put(middle, into: &sink)
        if let createdAt = content.createdAt {
            createdAt.withUTF8Bytes { sink.put($0) }
        } else {
            withUnsafeTemporaryAllocation(byteCount: Timestamp.length, alignment: 1) { area in
                let count = Timestamp.write(content.acceptedAt, into: area)
                sink.put(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(area)[..<count]))
            }
        }
        put(dataKey, into: &sink)
    }

    /// What stands behind the pushed bytes.
    var closingBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: closing.utf8Start, count: closing.utf8CodeUnitCount)
    }

    private func put(_ text: StaticString, into sink: inout ByteSink) {
        sink.put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Builds the body in memory from malloc, which the caller owns; nil where there is none.
    func build(_ content: Content) -> UnsafeRawBufferPointer? {
        let length = length(content)
        guard let memory = malloc(max(length, 1)) else { return nil }
        let buffer = UnsafeMutableRawBufferPointer(start: memory, count: length)
        var position = 0
        if !isRaw {
            append(opening, to: buffer, at: &position)
            append(content.typeName, to: buffer, at: &position)
            append(middle, to: buffer, at: &position)
            if let createdAt = content.createdAt {
                append(createdAt, to: buffer, at: &position)
            } else {
                let area = UnsafeMutableRawBufferPointer(rebasing: buffer[position..<(position + Timestamp.length)])
                position += Timestamp.write(content.acceptedAt, into: area)
            }
            append(dataKey, to: buffer, at: &position)
        }
        append(content.data, to: buffer, at: &position)
        append(closing, to: buffer, at: &position)
        return UnsafeRawBufferPointer(start: memory, count: position)
    }

    private func append(_ text: StaticString, to buffer: UnsafeMutableRawBufferPointer, at position: inout Int) {
        append(
            UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount),
            to: buffer,
            at: &position
        )
    }

    private func append(_ text: String, to buffer: UnsafeMutableRawBufferPointer, at position: inout Int) {
        text.withUTF8Bytes { append($0, to: buffer, at: &position) }
    }

    private func append(
        _ bytes: UnsafeRawBufferPointer,
        to buffer: UnsafeMutableRawBufferPointer,
        at position: inout Int
    ) {
        // The slice is checked: a frame longer than its computed length would trap here and not write past the end.
        UnsafeMutableRawBufferPointer(rebasing: buffer[position..<(position + bytes.count)]).copyMemory(from: bytes)
        position += bytes.count
    }
}
