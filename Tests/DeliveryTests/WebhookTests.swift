import Model
import Testing

@testable import Delivery

@Suite("Webhooks that change")
struct WebhookTests {
    @Test func removingCancelsWhatIsNotInFlight() {
        let bench = Bench()
        let slot = bench.webhook(0, .limit(2))
        let flying = bench.push(slot)
        let waiting = bench.push(slot)
        bench.run()
        bench.end(waiting, 500)
        let other = bench.push(slot)
        bench.run()
        let queued = bench.push(slot)
        bench.remove(slot)
        #expect(bench.state(of: waiting) == .canceled)
        #expect(bench.state(of: queued) == .canceled)
        #expect(bench.released.isEmpty, "attempts are in flight")
        bench.end(flying, 200)
        #expect(bench.state(of: flying) == .succeeded)
        #expect(bench.released.isEmpty)
        bench.end(other, 500)
        #expect(bench.state(of: other) == .canceled)
        #expect(bench.released == [slot])
        bench.run(afterMilliseconds: 100_000)
        #expect(bench.takeStarts().count == 3)
        #expect(bench.settled.count == 4)
        // A second removal is nothing.
        bench.remove(slot)
        #expect(bench.released.count == 1)
    }

    @Test func aRemovedWebhookIsNotDisabledByALate410() {
        let bench = Bench()
        let slot = bench.webhook()
        let event = bench.push(slot)
        bench.run()
        bench.remove(slot)
        bench.end(event, 410)
        #expect(bench.state(of: event) == .canceled)
        #expect(bench.disabled.isEmpty)
        #expect(bench.released == [slot])
    }

    @Test func anIndexIsUsedAgainWithAnotherGeneration() {
        let bench = Bench()
        let first = bench.webhook(3, .limit(1))
        bench.push(first)
        bench.run()
        bench.end(1, 429, retryAfter: .delay(seconds: 3000))
        bench.remove(first)
        #expect(bench.released == [first])
        let second = bench.webhook(3, generation: 2, .limit(1))
        let stale = bench.push(first)
        #expect(bench.state(of: stale) == .canceled)
        bench.set(first, enabled: false)
        bench.update(first, .limit(9))
        #expect(bench.isEnabled(second))
        #expect(!bench.isEnabled(first))
        // The pause was the other webhook's.
        let event = bench.push(second)
        bench.push(second)
        bench.run()
        #expect(bench.inFlight(of: second) == 1)
        #expect(bench.flying[event] != nil)
        #expect(bench.pending(of: first) == 0)
        #expect(bench.pending(of: second) == 2)
    }

    @Test func disablingKeepsAndEnablingResumes() {
        let bench = Bench()
        let slot = bench.webhook()
        let retried = bench.push(slot)
        bench.run()
        bench.set(slot, enabled: false)
        let queued = bench.push(slot)
        bench.end(retried, 500)
        bench.run(afterMilliseconds: 60_000)
        #expect(bench.takeStarts() == [retried], "nothing starts while it is disabled")
        #expect(bench.pending(of: slot) == 2)
        #expect(bench.settled.isEmpty)
        bench.set(slot, enabled: true)
        bench.run()
        #expect(bench.takeStarts() == [retried, queued], "the retry is overdue")
        bench.end(retried)
        bench.end(queued)
        #expect(bench.settled.allSatisfy { $0.state == .succeeded })
        #expect(bench.settled.count == 2)
    }

    @Test(arguments: [(410, false, DisableReason.gone), (500, true, DisableReason.receiverAsked)])
    func theReceiverCanDisable(_ status: Int, _ asksToDisable: Bool, _ reason: DisableReason) {
        let bench = Bench()
        let slot = bench.webhook()
        let events = [bench.push(slot), bench.push(slot)]
        bench.run()
        let queued = bench.push(slot)
        for event in events { bench.end(event, UInt16(status), asksToDisable: asksToDisable) }
        #expect(bench.state(of: events[0]) == .failed)
        #expect(bench.disabled.map(\.slot) == [slot], "once, although two attempts say so")
        #expect(bench.disabled.map(\.reason) == [reason])
        bench.run(afterMilliseconds: 100_000)
        #expect(bench.pending(of: slot) == 1)
        bench.set(slot, enabled: true)
        bench.run()
        #expect(bench.flying[queued] != nil)
    }

    @Test func aNewPolicyAppliesFromTheNextAttempt() {
        let bench = Bench()
        let slot = bench.webhook(0, .limit(1))
        let events = (0..<5).map { _ in bench.push(slot) }
        bench.run()
        #expect(bench.inFlight == 1)
        bench.update(slot, .limit(3))
        bench.run()
        #expect(bench.inFlight == 3)
        // Lowered: those in flight go on, and no other starts above the limit.
        bench.update(slot, .limit(1))
        bench.end(events[0])
        bench.run()
        #expect(bench.inFlight == 2)
        bench.end(events[1])
        bench.end(events[2])
        bench.run()
        #expect(bench.inFlight == 1)
        bench.update(slot, .plain { $0.retry.delaysMilliseconds = [] })
        bench.end(events[3], 500)
        #expect(bench.state(of: events[3]) == .failed)
        #expect(bench.settlement(of: events[3])?.attempts == 1)
    }
}
