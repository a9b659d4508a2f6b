import Journal
import Model
import Records

// Event types that were added while the engine ran: the document that the host gave, in the journal.
extension EngineState {
    func addEventType(_ type: EventType, _ document: UnsafeRawBufferPointer) throws(MartletError) {
        try changes.withLock { _ in
            Result { () throws(MartletError) in
                // First the catalog: it may refuse, the journal then need not know.
                do throws(DocumentError) {
                    try registry.addEventType(type)
                } catch {
                    throw MartletError(error)
                }
                guard let journal else { return }
                let record: Position
                do throws(JournalError) {
                    record = try journal.append(
                        .eventType,
                        length: document.count,
                        options: .move
                    ) { $0.put(document) }
                } catch {
                    throw MartletError(error)
                }
                keepTypeRecord(of: type.name, record)
            }
        }.get()
        try journal?.commit()
    }

    private func keepTypeRecord(of name: String, _ record: Position) {
        let former = typeRecords.withLock { $0.updateValue(record, forKey: name) }
        if let former { journal?.release(former) }
    }

    /// Adds the types that the journal holds, in the order they were added.
    func restoreEventTypes(_ found: RecoveredState) {
        for position in found.eventTypes {
            guard let record = journal?.read(position), let type = try? EventType(json: record.bytes),
                (try? registry.addEventType(type)) != nil
            else { continue }
            keepTypeRecord(of: type.name, record.position)
        }
    }

    /// The type of this name, which is added where the configuration does not name it any more.
    func restoredType(_ name: String) -> EventTypeIndex? {
        if let known = catalog.index(of: name) { return known }
        try? registry.addEventType(EventType(name: name))
        return catalog.index(of: name)
    }

    func moveTypeRecords(upTo segment: UInt32) {
        guard let journal else { return }
        changes.withLock { _ in
            for (name, record) in typeRecords.withLock({ $0 }) where record.segment <= segment {
                guard let pinned = journal.read(record.rawValue) else { continue }
                let copy = journal.note(.eventType, length: pinned.bytes.count, copied: true) { $0.put(pinned.bytes) }
                if copy != .none { keepTypeRecord(of: name, copy) }
            }
        }
    }
}
