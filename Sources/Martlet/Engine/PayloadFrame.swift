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

    /// Where what stands in a body.
    struct Layout {
        /// Of the whole body.
        let length: Int
        /// Of the pushed bytes.
        let data: Range<Int>
    }

    /// What ``build(_:)`` makes of the content; to be asked for once.
    func layout(_ content: borrowing Content) -> Layout {
        // Bounded by maxEventBytes and a few hundred bytes: no overflow.
        let start = dataOffset(content)
        let end = start + content.data.count
        return Layout(length: end + closing.count, data: start..<end)
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
        let layout = layout(content)
        guard let memory = malloc(max(layout.length, 1)) else { return nil }
        return write(content, layout, into: memory)
    }

    /// Writes the body into memory of its layout's length, and answers it.
    ///
    /// - Parameter layout: the content's.
    func write(
        _ content: borrowing Content,
        _ layout: Layout,
        into memory: UnsafeMutableRawPointer
    ) -> UnsafeRawBufferPointer {
        // Nothing is written past its end, whatever the layout.
        var sink = ByteSink(UnsafeMutableRawBufferPointer(start: memory, count: layout.length))
        putOpening(content, into: &sink)
        sink.put(content.data)
        sink.put(closing)
        precondition(!sink.isOverrun && sink.count == layout.length, "the layout is of another content")
        return UnsafeRawBufferPointer(start: memory, count: layout.length)
    }
}
