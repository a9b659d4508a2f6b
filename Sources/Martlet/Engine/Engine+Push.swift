import Glibc
import JSONText
import Model
import Registry

extension Engine {
    /// Pushes one event.
    ///
    /// It is an event of the default tenant; ``pushJSON(_:accepted:duplicates:)`` takes others.
    ///
    /// The call matches the event against the webhooks, builds its payload and queues a delivery for each; nothing of it
    /// waits for a receiver. `data` reaches the receivers byte for byte.
    ///
    /// - Parameters:
    ///   - type: an event type of the catalog, in UTF-8.
    ///   - data: one JSON value (RFC 8259) in UTF-8, at most `maxEventBytes`; copied.
    ///   - tag: a number of your own that comes back with the outcomes.
    /// - Returns: the event's id.
    /// - Throws: ``MartletError/Code/unknownEventType``, ``MartletError/Code/invalidJSON``,
    ///   ``MartletError/Code/tooLarge``, ``MartletError/Code/queueFull``, ``MartletError/Code/closed``.
    @discardableResult
    package func push(
        type: UnsafeRawBufferPointer,
        data: UnsafeRawBufferPointer,
        tag: UInt64 = 0
    ) throws(MartletError) -> PushReceipt {
        try state.checkOpen()
        // The engine keeps its registry: counting references to it would take as long as the look-up.
        let registry = Unmanaged.passUnretained(state.registry)
        var found: Admission?
        registry._withUnsafeGuaranteedRef { found = $0.admit(type: type) }
        guard var admission = found.take() else {
            throw MartletError(
                state.catalog.unknownType(String(decoding: type.prefix(128), as: UTF8.self), key: "type")
            )
        }
        // Before the bytes are read: a length that was never set is most often a huge one.
        try state.checkSize(of: data)
        let depth = state.configuration.jsonDepth
        if let failure = registry._withUnsafeGuaranteedRef({ $0.match(data, maximumDepth: depth, &admission) }) {
            throw MartletError(.invalidJSON, "data is not valid JSON: \(failure.description(in: data))")
        }
        let pushed = PushedEvent(admission, data: data, tag: tag)
        return PushReceipt(event: try state.accept(pushed))
    }

    /// Pushes one event given as strings.
    @discardableResult
    package func push(type: String, data: String, tag: UInt64 = 0) throws(MartletError) -> PushReceipt {
        try type.withUTF8Bytes { type throws(MartletError) in
            try data.withUTF8Bytes { data throws(MartletError) in try push(type: type, data: data, tag: tag) }
        }
    }

    /// Pushes one or many full events, one JSON document a line.
    ///
    /// A document has the keys `eventType` and `data`, and optionally those that the reference of events
    /// lists, `id`, `tag` and `tenant` among them. Blank lines are passed
    /// over. Events are accepted one by one in their order; the first that is refused ends the call.
    ///
    /// An event whose own `id` was accepted within the time that `deduplication` names is a duplicate: it delivers nothing
    /// again, and is no error. Of two pushes of one id at the same time exactly one is accepted; an id whose push was
    /// refused is not remembered.
    ///
    /// - Parameters:
    ///   - events: UTF-8, copied.
    ///   - accepted: how many events were accepted, also where the call throws.
    ///   - duplicates: how many were duplicates, also where the call throws: go on behind both.
    package func pushJSON(
        _ events: UnsafeRawBufferPointer,
        accepted: inout Int,
        duplicates: inout Int
    ) throws(MartletError) {
        accepted = 0
        duplicates = 0
        try state.checkOpen()
        // Also where an event is refused: those before it are accepted.
        let result = Result { () throws(MartletError) in
            try pushLines(events, accepted: &accepted, duplicates: &duplicates)
        }
        // Duplicates too: whoever is told that may take it for certain that the first one is on the disk.
        if accepted + duplicates > 0 { try state.journal?.commit() }
        try result.get()
    }

    private func pushLines(
        _ events: UnsafeRawBufferPointer,
        accepted: inout Int,
        duplicates: inout Int
    ) throws(MartletError) {
        var extraction = JSONText.Extraction()
        var number = 0
        var start = 0
        while start < events.count {
            number += 1
            let end = Engine.endOfLine(in: events, from: start)
            let line = UnsafeRawBufferPointer(rebasing: events[start..<end])
            // At the most one past the last byte of memory that exists: no overflow.
            start = end + 1
            guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) else { continue }
            do throws(MartletError) {
                if try pushLine(line, extraction: &extraction).isDuplicate { duplicates += 1 } else { accepted += 1 }
            } catch {
                throw MartletError(error.code, "line \(number): \(error.message)")
            }
        }
    }

    /// Where the line that begins at `start` ends: a line feed, or the end of all.
    private static func endOfLine(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        guard let base = rest.baseAddress, let found = memchr(base, 0x0A, rest.count) else { return bytes.count }
        return start + (UnsafeRawPointer(found) - base)
    }

    /// Pushes one full event, a JSON document as ``pushJSON(_:accepted:duplicates:)`` takes them.
    package func pushEvent(_ event: UnsafeRawBufferPointer) throws(MartletError) -> PushReceipt {
        try state.checkOpen()
        var extraction = JSONText.Extraction()
        let receipt = try pushLine(event, extraction: &extraction)
        try state.journal?.commit()
        return receipt
    }

    /// Pushes one event document; the caller waits for the disk.
    func pushLine(
        _ line: UnsafeRawBufferPointer,
        extraction: inout JSONText.Extraction
    ) throws(MartletError) -> PushReceipt {
        // A document has a few hundred bytes beside its data.
        guard line.count <= state.configuration.maxEventBytes + 4096 else {
            throw state.refuse(.tooLarge, "the event's document has \(line.count) bytes")
        }
        let event: NewEvent
        do {
            event = try NewEvent(
                json: line,
                catalog: state.catalog,
                // `data` stands one level down in its document.
                maximumDepth: min(state.configuration.jsonDepth + 1, JSONText.deepestDepth),
                extraction: &extraction
            )
        } catch {
            throw MartletError(error)
        }
        let data = UnsafeRawBufferPointer(rebasing: line[event.data])
        var admission = state.registry.admit(type: event.type, tenant: event.tenant)
        // The line is valid JSON, so its data is.
        _ = state.registry.match(data, isChecked: true, maximumDepth: state.configuration.jsonDepth, &admission)
        var pushed = PushedEvent(admission, data: data, tag: event.tag)
        if case .own(let id)? = event.id { pushed.ownID = id }
        pushed.details = EventDetails(event)
        let accepted = try state.acceptOnce(pushed, tenant: event.tenant)
        return PushReceipt(event: accepted.id, isDuplicate: accepted.isDuplicate)
    }
}

/// What a push answers.
public struct PushReceipt: Sendable {
    package let event: EventID
    /// True where the event's own id was accepted a short while ago: it delivers nothing again.
    public private(set) var isDuplicate = false

    /// The event's id: your own, or `evt_…`. Receivers see it as `webhook-id`.
    public var eventID: String {
        event.text
    }

    /// Writes the id's text; 64 bytes are enough.
    package func write(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        event.write(into: buffer)
    }
}
