import Model

/// The webhooks that want an event, in no order. Most often it is one, which needs no list then; a list is the index's own
/// and shared, not copied.
package struct Targets: Sendable {
    package private(set) var count = 0
    /// Where there is no list.
    @usableFromInline var only = WebhookTarget(id: .zero, slot: WebhookSlot(index: 0, generation: 0), lane: 0)
    /// Empty, or of ``count``.
    @usableFromInline var list = ContiguousArray<WebhookTarget>()

    package init() {}

    package init(_ target: WebhookTarget) {
        only = target
        count = 1
    }

    @inlinable package var isEmpty: Bool { count == 0 }

    @inlinable package var indices: Range<Int> { 0..<count }

    @inlinable
    package subscript(index: Int) -> WebhookTarget {
        precondition(index >= 0 && index < count, "no such target")
        return list.isEmpty ? only : list[index]
    }

    mutating func append(_ target: WebhookTarget) {
        if count == 0 {
            only = target
        } else {
            if list.isEmpty { list.append(only) }
            list.append(target)
        }
        count += 1
    }

    mutating func append(_ targets: ContiguousArray<WebhookTarget>) {
        guard !targets.isEmpty else { return }
        if count == 0 {
            // A list of one is not worth a reference.
            if targets.count == 1 { only = targets[0] } else { list = targets }
        } else {
            if list.isEmpty { list.append(only) }
            list += targets
        }
        count += targets.count
    }
}
