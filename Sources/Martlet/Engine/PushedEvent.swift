import Glibc
import Model

/// An event as it was pushed: checked, its bytes still the caller's.
struct PushedEvent {
    var type: EventTypeIndex
    /// Valid JSON.
    var data: UnsafeRawBufferPointer
    var tag: UInt64
    /// Nil: Martlet makes one.
    var id: EventID?
    /// A checked timestamp in the caller's words; nil for now.
    var createdAt: String?

    init(type: EventTypeIndex, data: UnsafeRawBufferPointer, tag: UInt64) {
        self.type = type
        self.data = data
        self.tag = tag
    }
}

/// The request body of an event: built once, shared by every delivery and retry of it.
struct PayloadFrame {
    private let opening: StaticString
    private let middle: StaticString
    private let dataKey: StaticString
    private let closing: StaticString

    init(_ format: Configuration.PayloadFormat) {
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

    /// How long ``build(_:typeName:at:)`` makes the body.
    func length(_ event: PushedEvent, typeName: String) -> Int {
        guard !isRaw else { return event.data.count }
        let createdAt = event.createdAt?.utf8.count ?? Timestamp.length
        // Bounded by maxEventBytes and a few hundred bytes: no overflow.
        return opening.utf8CodeUnitCount + typeName.utf8.count + middle.utf8CodeUnitCount + createdAt
            + dataKey.utf8CodeUnitCount + event.data.count + closing.utf8CodeUnitCount
    }

    /// Builds the body in memory from malloc, which the caller owns; nil where there is none.
    ///
    /// Names and timestamps hold no character that JSON escapes, so they are copied as they are.
    func build(_ event: PushedEvent, typeName: String, at now: WallTime) -> UnsafeRawBufferPointer? {
        let length = length(event, typeName: typeName)
        guard let memory = malloc(max(length, 1)) else { return nil }
        let buffer = UnsafeMutableRawBufferPointer(start: memory, count: length)
        var position = 0
        if !isRaw {
            append(opening, to: buffer, at: &position)
            append(typeName, to: buffer, at: &position)
            append(middle, to: buffer, at: &position)
            if let createdAt = event.createdAt {
                append(createdAt, to: buffer, at: &position)
            } else {
                let area = UnsafeMutableRawBufferPointer(rebasing: buffer[position..<(position + Timestamp.length)])
                position += Timestamp.write(now, into: area)
            }
            append(dataKey, to: buffer, at: &position)
        }
        append(event.data, to: buffer, at: &position)
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
