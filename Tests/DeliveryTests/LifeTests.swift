import Model
import Testing

@testable import Delivery

@Suite("Life of a delivery")
struct LifeTests {
    @Test func successIsSettledOnce() throws {
        let bench = Bench()
        let slot = bench.webhook()
        let event = bench.push(slot)
        #expect(bench.starts.isEmpty, "nothing starts before the run")
        bench.run()
        #expect(bench.starts == [event])
        #expect(bench.inFlight == 1)
        bench.setLog(77, of: event)
        bench.end(event, 204)
        let settlement = try #require(bench.settlement(of: event))
        #expect(settlement.state == .succeeded)
        #expect(settlement.attempts == 1)
        #expect(settlement.lastStatus == 204)
        #expect(settlement.lastError == .none)
        #expect(settlement.log == 77)
        #expect(settlement.webhook == slot)
        #expect(settlement.id == Identifier(high: event, low: 7))
        bench.run(afterMilliseconds: 1_000_000)
        #expect(bench.settled.count == 1)
        #expect(bench.pending == 0)
        #expect(bench.inFlight == 0)
    }

    @Test func threeRetriesThenFailed() throws {
        let bench = Bench()
        let event = bench.push(bench.webhook())
        bench.run()
        for (delay, status) in [(1000, 500), (5000, 0), (25_000, 429)] as [(Int64, UInt16)] {
            #expect(bench.takeStarts() == [event])
            bench.end(event, status)
            #expect(bench.inFlight == 0, "a retry waits outside any slot")
            #expect(bench.millisecondsToTimer == Double(delay))
            bench.run(afterMilliseconds: delay - 1)
            #expect(bench.starts.isEmpty)
            bench.run(afterMilliseconds: 1)
        }
        #expect(bench.takeStarts() == [event])
        bench.end(event, 503)
        let settlement = try #require(bench.settlement(of: event))
        #expect(settlement.state == .failed)
        #expect(settlement.attempts == 4)
        #expect(settlement.lastStatus == 503)
        #expect(settlement.lastError == .httpStatus)
        #expect(bench.settled.count == 1)
    }

    @Test func aRetryCanSucceed() {
        let bench = Bench()
        let event = bench.push(bench.webhook())
        bench.run()
        bench.end(event, 500)
        bench.run(afterMilliseconds: 1000)
        bench.end(event, 200)
        #expect(bench.state(of: event) == .succeeded)
        #expect(bench.settlement(of: event)?.attempts == 2)
    }

    @Test func aWebhookThatIsGoneCancelsAtOnce() {
        let bench = Bench()
        let event = bench.push(WebhookSlot(index: 9, generation: 1))
        #expect(bench.state(of: event) == .canceled)
        #expect(bench.settlement(of: event)?.webhook == WebhookSlot(index: 9, generation: 1))
        #expect(bench.pending == 0)
    }

    @Test func aFailedStartDoesNotCount() throws {
        let bench = Bench()
        let event = bench.push(bench.webhook())
        bench.run()
        for _ in 0..<10 {
            bench.failStart(event, retryAfterMilliseconds: 100)
            #expect(bench.inFlight == 0)
            bench.run(afterMilliseconds: 99)
            #expect(bench.inFlight == 0)
            bench.run(afterMilliseconds: 1)
            #expect(bench.inFlight == 1)
        }
        for delay in [1000, 5000, 25_000] as [Int64] {
            bench.end(event, 500)
            bench.run(afterMilliseconds: delay)
        }
        bench.end(event, 500)
        #expect(bench.settlement(of: event)?.attempts == 4)
    }

    // MARK: Cancel

    @Test func cancelWhileQueuedAndWaiting() {
        let bench = Bench()
        let slot = bench.webhook()
        let waiting = bench.push(slot)
        bench.run()
        bench.end(waiting, 500)
        let queued = bench.push(slot)
        bench.cancel(waiting)
        bench.cancel(queued)
        #expect(bench.state(of: waiting) == .canceled)
        #expect(bench.settlement(of: waiting)?.attempts == 1)
        #expect(bench.state(of: queued) == .canceled)
        bench.run(afterMilliseconds: 100_000)
        #expect(bench.starts == [waiting])
        #expect(bench.settled.count == 2)
    }

    @Test(
        arguments: [(200, .succeeded), (500, .canceled), (404, .canceled), (410, .canceled), (0, .canceled)]
            as [(UInt16, Settlement.State)]
    )
    func cancelInFlightLetsTheAttemptEnd(_ status: UInt16, _ state: Settlement.State) {
        let bench = Bench()
        let event = bench.push(bench.webhook())
        bench.run()
        bench.cancel(event)
        #expect(bench.settled.isEmpty)
        bench.end(event, status)
        #expect(bench.state(of: event) == state)
        #expect(bench.settled.count == 1)
    }

    @Test func cancelAllSettlesEverythingOnce() {
        let bench = Bench(maximumInFlight: 3)
        let slots = (0..<4 as Range<UInt32>).map { bench.webhook($0, .plain { $0.ordering = .key }) }
        var events = slots.flatMap { slot in (0..<5).map { bench.push(slot, key: UInt64($0 % 2)) } }
        bench.run()
        bench.end(bench.starts[0], 500)
        bench.remove(slots[3])
        bench.cancelAll()
        events.append(bench.push(slots[1]))
        bench.cancelAll()
        #expect(bench.settled.count == events.count)
        #expect(Set(bench.settled.map(\.event)) == Set(events))
        #expect(bench.settled.allSatisfy { $0.state == .canceled })
        #expect(bench.pending == 0)
        #expect(bench.inFlight == 0)
        #expect(bench.released == [slots[3]])
    }

    // MARK: Stale results

    @Test func theEndOfAnAttemptCountsOnce() throws {
        let bench = Bench()
        let event = bench.push(bench.webhook())
        bench.run()
        let index = try #require(bench.index(of: event))
        let generation = bench.generation(of: index)
        #expect(bench.isLive(index, generation: generation))
        bench.end(event)
        #expect(!bench.isLive(index, generation: generation))
        // The place goes to another delivery; the old name does not.
        let next = bench.push(WebhookSlot(index: 0, generation: 1))
        #expect(bench.index(of: next) == index)
        #expect(!bench.isLive(index, generation: generation))
    }

    @Test func aTimerOfASettledDeliveryIsNotAnothers() {
        let bench = Bench()
        let slot = bench.webhook()
        let first = bench.push(slot)
        bench.run()
        bench.end(first, 500)
        bench.cancel(first)
        // Takes the place of the first, and waits for 5 seconds while the timer of the first fires after one.
        let second = bench.push(slot)
        bench.run()
        bench.end(second, 503, retryAfter: .delay(seconds: 5))
        _ = bench.takeStarts()
        bench.run(afterMilliseconds: 1000)
        #expect(bench.starts.isEmpty)
        #expect(bench.record(of: second)?.phase == .waiting)
        bench.run(afterMilliseconds: 4000)
        #expect(bench.starts == [second])
    }

    // MARK: Expiry

    @Test func expiresWhileQueued() {
        let bench = Bench()
        let event = bench.push(bench.webhook(isEnabled: false), expiresInMilliseconds: 50)
        bench.run()
        #expect(bench.millisecondsToTimer == 50)
        bench.run(afterMilliseconds: 49)
        #expect(bench.settled.isEmpty)
        bench.run(afterMilliseconds: 1)
        #expect(bench.state(of: event) == .expired)
        #expect(bench.settlement(of: event)?.attempts == 0)
    }

    @Test func expiredBeforeTheFirstRunIsNeverSent() {
        let bench = Bench()
        let slot = bench.webhook()
        let events = [bench.push(slot, expiresInMilliseconds: 0), bench.push(slot, expiresInMilliseconds: -5)]
        bench.run()
        #expect(bench.starts.isEmpty)
        #expect(events.allSatisfy { bench.state(of: $0) == .expired })
    }

    @Test func expiresWhileWaitingForARetry() {
        let bench = Bench()
        let event = bench.push(bench.webhook(), expiresInMilliseconds: 600)
        bench.run()
        bench.end(event, 500)
        bench.run(afterMilliseconds: 599)
        #expect(bench.settled.isEmpty)
        bench.run(afterMilliseconds: 1)
        #expect(bench.state(of: event) == .expired)
        #expect(bench.settlement(of: event)?.attempts == 1)
        bench.run(afterMilliseconds: 10_000)
        #expect(bench.starts == [event])
    }

    @Test func expiresWhileDue() {
        let bench = Bench()
        let slot = bench.webhook(0, .limit(1))
        let event = bench.push(slot, expiresInMilliseconds: 2000)
        bench.run()
        bench.end(event, 500)
        // Holds the only place while the retry comes due.
        let other = bench.push(slot)
        bench.run()
        bench.run(afterMilliseconds: 1000)
        #expect(bench.record(of: event)?.phase == .due)
        bench.run(afterMilliseconds: 1000)
        #expect(bench.state(of: event) == .expired)
        #expect(bench.flying[other] != nil)
    }

    @Test func anAttemptInFlightIsNotCutShortByExpiry() {
        for (status, state) in [(200, .succeeded), (500, .expired), (404, .failed)] as [(UInt16, Settlement.State)] {
            let bench = Bench()
            let event = bench.push(bench.webhook(), expiresInMilliseconds: 10)
            bench.run()
            bench.run(afterMilliseconds: 20)
            #expect(bench.settled.isEmpty)
            bench.end(event, status)
            #expect(bench.state(of: event) == state)
        }
    }

    @Test func expiresBehindItsKey() {
        let bench = Bench()
        let slot = bench.webhook(0, .plain { $0.ordering = .strict })
        let first = bench.push(slot)
        let second = bench.push(slot, expiresInMilliseconds: 30)
        let third = bench.push(slot)
        bench.run()
        bench.run(afterMilliseconds: 30)
        #expect(bench.state(of: second) == .expired)
        bench.end(first)
        bench.run()
        #expect(bench.starts == [first, third])
    }
}
