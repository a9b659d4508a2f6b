/// The webhooks that could use a slot and have their share, in the order in which they were put aside.
///
/// With thousands of receivers nearly all webhooks stand here, and each turn of the lane asks which of them need not any
/// more. To look at all of them would cost more than the turn's deliveries, so those that may have changed are known: the
/// ones of which an attempt ended, and all of them once the share has grown.
struct HeldWebhooks: Sendable {
    private struct Link: BitwiseCopyable, Sendable {
        var previous = HeldWebhooks.none
        var next = HeldWebhooks.none
        /// Grows with each that is put aside.
        var number: UInt64 = 0
        var isLoose = false
    }

    private struct Loose: BitwiseCopyable, Sendable {
        var number: UInt64
        var webhook: UInt32
    }

    static let none = UInt32.max

    /// By the index of the webhook, up to the largest that was ever here.
    private var links: ContiguousArray<Link> = []
    private var head = HeldWebhooks.none
    /// The one that was put aside last.
    private(set) var last = HeldWebhooks.none
    private var lastNumber: UInt64 = 0
    private var loose: ContiguousArray<Loose> = []
    /// Each of them has at least as many attempts in flight, but for those of which one ended since.
    private(set) var share = Int.max

    var isEmpty: Bool {
        head == HeldWebhooks.none
    }

    /// Puts a webhook aside that is not here, because it has `share` attempts in flight or more.
    mutating func append(_ webhook: UInt32, share: Int) {
        let index = Int(webhook)
        while links.count <= index { links.append(Link()) }
        self.share = isEmpty ? share : min(self.share, share)
        lastNumber += 1
        links[index] = Link(previous: last, number: lastNumber)
        if last == HeldWebhooks.none { head = webhook } else { links[Int(last)].next = webhook }
        last = webhook
    }

    mutating func remove(_ webhook: UInt32) {
        let link = links[Int(webhook)]
        if link.previous == HeldWebhooks.none {
            head = link.next
        } else {
            links[Int(link.previous)].next = link.next
        }
        if link.next == HeldWebhooks.none {
            last = link.previous
        } else {
            links[Int(link.next)].previous = link.previous
        }
    }

    /// The one that was put aside before `webhook`, which is here; ``none`` for the first.
    func previous(_ webhook: UInt32) -> UInt32 {
        links[Int(webhook)].previous
    }

    /// An attempt of `webhook`, which is here, has ended.
    mutating func loosen(_ webhook: UInt32) {
        let index = Int(webhook)
        guard !links[index].isLoose else { return }
        links[index].isLoose = true
        loose.append(Loose(number: links[index].number, webhook: webhook))
    }

    /// Takes the last put aside of those of which an attempt ended since they were judged; nil for no more. It is here.
    mutating func popLoose() -> UInt32? {
        guard let entry = loose.popLast() else { return nil }
        links[Int(entry.webhook)].isLoose = false
        return entry.webhook
    }

    /// Makes ``popLoose()`` keep to its order; to be called before the first of a turn.
    ///
    /// - Parameter share: what these are judged by. One that stays may have no more than that.
    mutating func sortLoose(share: Int) {
        guard !loose.isEmpty else { return }
        self.share = min(self.share, share)
        if loose.count > 1 { loose.sort { $0.number < $1.number } }
    }

    /// All that are left have at least `share` attempts in flight.
    mutating func judgedAll(share: Int) {
        for entry in loose { links[Int(entry.webhook)].isLoose = false }
        loose.removeAll(keepingCapacity: true)
        self.share = share
    }
}
