import Model
import Testing
import Threading

@testable import Registry

/// Counts the writers that are still at work.
private final class Writers: Sendable {
    private let count: Locked<Int>

    init(_ count: Int) {
        self.count = Locked(count)
    }

    var areBusy: Bool {
        count.withLock { $0 > 0 }
    }

    func oneIsDone() {
        count.withLock { $0 -= 1 }
    }
}

/// ThreadSanitizer does not know the Locked of Synchronization on Linux and reports every use of it; with a pthread mutex in
/// its place it has nothing to say about these tests.
@Suite("Match while the registry changes")
struct ConcurrencyTests {
    @Test func readersSeeWholeStates() async throws {
        let registry = registry(lanes: 2)
        let index = try #require(EventCatalog.builtIn.index(of: "call.placed"))
        // These stay; the others come, change and go.
        for number in 0..<10 as Range<UInt64> { registry.add(number, "call.*") }
        // The reader looks for as long as a writer is at work.
        let writers = Writers(2)
        await withTaskGroup(of: Void.self) { group in
            for writer in 1...2 as ClosedRange<UInt64> {
                group.addTask {
                    ConcurrencyTests.change(registry, from: writer * 1000, times: 300)
                    writers.oneIsDone()
                }
            }
            group.addTask {
                repeat {
                    let numbers = registry.match(index).map(\.id.high)
                    #expect(Set(numbers).count == numbers.count)
                    #expect(Set(numbers).isSuperset(of: 0..<10))
                    let page = registry.webhooks(after: .zero, limit: 5).page.map(\.id.high)
                    #expect(page == [1, 2, 3, 4, 5])
                    await Task.yield()
                } while writers.areBusy
            }
        }
        #expect(registry.matches("call.placed") == Set(0..<10))
        #expect(registry.count == 10)
    }

    private static func change(_ registry: Registry, from first: UInt64, times: Int) {
        for step in 0..<times {
            let number = first + UInt64(step)
            let webhook = registry.add(number, "*")
            var definition = webhook.definition
            definition.events = [.type("workflow.failed")]
            #expect(registry.update(webhook.id, at: wall, to: definition) != nil)
            definition.isEnabled = step % 2 == 0
            #expect(registry.update(webhook.id, at: wall, to: definition) != nil)
            #expect(registry.webhook(webhook.id)?.definition == definition)
            #expect(registry.remove(webhook.id)?.target == webhook.target)
            registry.released(webhook.target.slot, lane: Int(webhook.target.lane))
        }
    }
}
