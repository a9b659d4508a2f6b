import Glibc
import Model
import Records

/// A request body in one of the formats: what stands around the pushed bytes.
///
/// Names and timestamps hold no character that JSON escapes, so they are copied as they are.
struct PayloadFrame: @unchecked Sendable {
    // Sendable: the pointers are to literals.

    /// Bytes of a literal.
    private typealias Text = UnsafeRawBufferPointer

    private let opening: Text
    private let middle: Text
    private let dataKey: Text
    private let closing: Text
    /// Of all in front of the data but the name and the time; 0 where there is nothing.
    private let openingLength: Int

    init(_ format: DeliverySettings.PayloadFormat) {
        func text(_ literal: StaticString) -> Text {
            Text(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
        }
        switch format {
        case .subverse:
            opening = text("{\"eventType\":\"")
            middle = text("\",\"createdAt\":\"")
        case .standard:
            opening = text("{\"type\":\"")
            middle = text("\",\"timestamp\":\"")
        case .raw:
            opening = text("")
            middle = text("")
        }
        dataKey = text(format == .raw ? "" : "\",\"data\":")
        closing = text(format == .raw ? "" : "}")
        openingLength = opening.count + middle.count + dataKey.count
    }

    private var isRaw: Bool {
        openingLength == 0
    }

    /// What goes into a frame. The data is borrowed for the call.
    struct Content: ~Copyable {
        var typeName: String
        /// Nil for `acceptedAt`.
        var createdAt: String?
        var acceptedAt: WallTime
        var data: UnsafeRawBufferPointer
    }

    /// How long ``build(_:)`` makes the body.
    func length(_ content: borrowing Content) -> Int {
        // Bounded by maxEventBytes and a few hundred bytes: no overflow.
        dataOffset(content) + content.data.count + closing.count
    }

    /// Where the pushed bytes stand in the body.
    func dataRange(_ content: borrowing Content) -> Range<Int> {
        let start = dataOffset(content)
        return start..<(start + content.data.count)
    }

    private func dataOffset(_ content: borrowing Content) -> Int {
        guard !isRaw else { return 0 }
        return openingLength + content.typeName.utf8.count + (content.createdAt?.utf8.count ?? Timestamp.length)
    }

    /// Writes what stands in front of the pushed bytes.
    func putOpening(_ content: borrowing Content, into sink: inout ByteSink) {
        guard !isRaw else { return }
        sink.put(opening)
        content.typeName.withUTF8Bytes { sink.put($0) }
        sink.put(middle)
        if let createdAt = content.createdAt {
            createdAt.withUTF8Bytes { sink.put($0) }
        } else {
            withUnsafeTemporaryAllocation(byteCount: Timestamp.length, alignment: 1) { area in
                let count = Timestamp.write(content.acceptedAt, into: area)
                sink.put(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(area)[..<count]))
            }
        }
        sink.put(dataKey)
    }

    /// What stands behind the pushed bytes.
    var closingBytes: UnsafeRawBufferPointer {
        closing
    }

    /// Builds the body in memory from malloc, which the caller owns; nil where there is none.
    func build(_ content: borrowing Content) -> UnsafeRawBufferPointer? {
        let length = length(content)
        guard let memory = malloc(max(length, 1)) else { return nil }
        return write(content, into: UnsafeMutableRawBufferPointer(start: memory, count: length))
    }

    /// Writes the body into memory of its ``length(_:)``, and answers it.
    func write(_ content: borrowing Content, into memory: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
        // All that is written below adds up to this: nothing is written past the end.
        precondition(memory.count == length(content), "the memory has another size than the body")
        guard var place = memory.baseAddress else { return UnsafeRawBufferPointer(memory) }
        if !isRaw {
            PayloadFrame.put(opening, &place)
            content.typeName.withUTF8Bytes { PayloadFrame.put($0, &place) }
            PayloadFrame.put(middle, &place)
            if let createdAt = content.createdAt {
                createdAt.withUTF8Bytes { PayloadFrame.put($0, &place) }
            } else {
                place += Timestamp.write(
                    content.acceptedAt,
                    into: UnsafeMutableRawBufferPointer(start: place, count: Timestamp.length)
                )
            }
            PayloadFrame.put(dataKey, &place)
        }
        PayloadFrame.put(content.data, &place)
        PayloadFrame.put(closing, &place)
        return UnsafeRawBufferPointer(memory)
    }

    @inline(__always)
    private static func put(_ bytes: Text, _ place: inout UnsafeMutableRawPointer) {
        guard let start = bytes.baseAddress else { return }
        place.copyMemory(from: start, byteCount: bytes.count)
        place += bytes.count
    }
}
