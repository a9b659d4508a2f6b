import Model
import Testing

@testable import Delivery

@Suite("Ordering, rate, breaker, adaptive concurrency, disabling, tests")
struct PolicyTests {
    // MARK: Ordering

    @Test func oneKeyGoesInOrderAndOthersFlow() {
        let bench = Bench()
        let slot = bench.webhook(0, .plain { $0.ordering = .key })
        let first = [bench.push(slot, key: 5), bench.push(slot, key: 5), bench.push(slot, key: 5)]
        let second = [bench.push(slot, key: 6), bench.push(slot, key: 6)]
        let free = [bench.push(slot), bench.push(slot)]
        bench.run()
        #expect(bench.takeStarts() == [first[0], second[0], free[0], free[1]])
        bench.end(first[0], 500)
        bench.end(second[0])
        bench.run()
        #expect(bench.takeStarts() == [second[1]], "the retry of the first still holds its key")
        bench.run(afterMilliseconds: 1000)
        #expect(bench.takeStarts() == [first[0]])
        bench.end(first[0], 404)
        bench.run()
        #expect(bench.takeStarts() == [first[1]], "given up lets the next one go")
        bench.cancel(first[2])
        bench.end(first[1])
        bench.run()
        #expect(bench.takeStarts().isEmpty)
        #expect(bench.state(of: first[2]) == .canceled)
    }

    @Test func strictOrderIsTheWholeWebhooks() {
        let bench = Bench()
        let slot = bench.webhook(0, .plain { $0.ordering = .strict })
        let events = (0..<10 as Range<UInt64>).map { bench.push(slot, key: $0) }
        bench.run()
        for event in events {
            #expect(bench.inFlight == 1)
            bench.end(event, 500)
            bench.run(afterMilliseconds: 1000)
            bench.end(event)
            bench.run()
        }
        #expect(bench.starts == events.flatMap { [$0, $0] })
    }

    @Test func removingAnOrderedWebhookLeavesNothing() {
        let bench = Bench()
        let slot = bench.webhook(0, .plain { $0.ordering = .key })
        for number in 0..<100 as Range<UInt64> { bench.push(slot, key: 1 + number % 7) }
        bench.run()
        bench.remove(slot)
        #expect(bench.settled.count == 93)
        for event in bench.flying.keys.sorted() { bench.end(event, 500) }
        #expect(bench.settled.count == 100)
        #expect(bench.released == [slot])
        #expect(bench.pending == 0)
    }

    // MARK: Rate limit

    @Test func attemptsKeepToTheRate() {
        let bench = Bench()
        let rate = WebhookPolicy.RateLimit(perSecond: 10, burst: 5)
        let slot = bench.webhook(0, .plain { $0.rate = rate })
        for _ in 0..<30 { bench.push(slot) }
        bench.run()
        #expect(bench.takeStarts().count == 5)
        for _ in 0..<25 {
            #expect(bench.millisecondsToTimer == 100)
            bench.run(afterMilliseconds: 99)
            #expect(bench.starts.isEmpty)
            bench.run(afterMilliseconds: 1)
            #expect(bench.takeStarts().count == 1)
        }
        // After a rest the burst is there again, and no more.
        bench.run(afterMilliseconds: 60_000)
        for _ in 0..<10 { bench.push(slot) }
        bench.run()
        #expect(bench.takeStarts().count == 5)
        bench.update(slot, .plain)
        bench.run()
        #expect(bench.takeStarts().count == 5)
    }

    // MARK: Breaker

    private static let breaker = WebhookPolicy.plain {
        $0.retry.delaysMilliseconds = [10_000, 10_000]
        $0.breaker = .init(failures: 3, afterMilliseconds: 0, openMilliseconds: 1000, maximumOpenMilliseconds: 4000)
    }

    @Test func anOpenBreakerSendsNothingAndThenOneProbe() {
        let bench = Bench()
        let slot = bench.webhook(0, PolicyTests.breaker)
        let failing = (0..<3).map { _ in bench.push(slot) }
        bench.run()
        for event in failing { bench.end(event, 500) }
        _ = bench.takeStarts()
        let blocked = bench.push(slot)
        bench.run()
        #expect(bench.starts.isEmpty)
        #expect(bench.record(of: blocked)?.tries == 1, "the try is used up")
        #expect(bench.record(of: blocked)?.attempts == 0)
        // It opens for a second, moved by a tenth at most.
        bench.run(afterMilliseconds: 1100)
        let later = (0..<5).map { _ in bench.push(slot) }
        bench.run()
        #expect(bench.takeStarts() == [later[0]], "one probe")
        bench.end(later[0])
        let more = (0..<5).map { _ in bench.push(slot) }
        bench.run()
        #expect(bench.takeStarts() == [more[0], more[1]], "then a ramp")
    }

    @Test func aBlockedDeliveryFailsWhenItsScheduleEnds() {
        let bench = Bench()
        let slot = bench.webhook(
            0,
            .plain {
                $0.retry.delaysMilliseconds = [100]
                $0.breaker = .init(
                    failures: 1,
                    afterMilliseconds: 0,
                    openMilliseconds: 60_000,
                    maximumOpenMilliseconds: 60_000
                )
            }
        )
        let first = bench.push(slot)
        bench.run()
        bench.end(first, 500)
        let blocked = bench.push(slot)
        bench.run()
        bench.run(afterMilliseconds: 100)
        #expect(bench.state(of: blocked) == .failed)
        #expect(bench.settlement(of: blocked)?.attempts == 0)
        #expect(bench.settlement(of: blocked)?.lastError == .circuitOpen)
        #expect(bench.starts == [first])
    }

    @Test func answersOtherThanOverloadKeepTheBreakerClosed() {
        let bench = Bench()
        let slot = bench.webhook(0, PolicyTests.breaker)
        for _ in 0..<10 {
            let event = bench.push(slot)
            bench.run()
            #expect(bench.end(event, 404))
        }
        #expect(bench.starts.count == 10)
    }

    // MARK: Adaptive concurrency

    @Test func theLimitGrowsWhileTheReceiverKeepsUpAndShrinksOnPushBack() {
        let bench = Bench()
        let slot = bench.webhook(0, .plain { $0.isAdaptive = true })
        for _ in 0..<5000 { bench.push(slot) }
        bench.run()
        let start = bench.inFlight
        #expect(1..<64 ~= start)
        func round(_ status: UInt16) {
            for event in bench.flying.keys.sorted() { bench.end(event, status) }
            bench.run(afterMilliseconds: 2)
        }
        for _ in 0..<20 { round(200) }
        #expect(bench.inFlight == 64, "as many as the bound allows")
        for _ in 0..<10 { round(500) }
        let low = bench.inFlight
        #expect(1..<64 ~= low)
        for _ in 0..<100 { round(503) }
        #expect(bench.inFlight <= low)
        #expect(bench.inFlight >= 1, "never less than one")
    }

    // MARK: Auto-disable

    @Test func nothingButFailuresForLongDisables() {
        let bench = Bench()
        let slot = bench.webhook(
            0,
            .plain {
                $0.disableAfterMilliseconds = 60_000
                $0.retry.delaysMilliseconds = []
            }
        )
        func attempt(_ status: UInt16, afterMilliseconds wait: Int64) {
            bench.run(afterMilliseconds: wait)
            let event = bench.push(slot)
            bench.run()
            bench.end(event, status)
        }
        attempt(500, afterMilliseconds: 0)
        attempt(500, afterMilliseconds: 59_000)
        attempt(200, afterMilliseconds: 500)
        attempt(500, afterMilliseconds: 500)
        attempt(404, afterMilliseconds: 59_999)
        #expect(bench.disabled.isEmpty, "a success starts the time anew")
        attempt(500, afterMilliseconds: 1)
        #expect(bench.disabled.map(\.reason) == [.failing])
        #expect(!bench.isEnabled(slot))
        bench.set(slot, enabled: true)
        attempt(500, afterMilliseconds: 0)
        #expect(bench.isEnabled(slot), "enabled by hand it starts with a clean record")
    }

    // MARK: Tests and delays

    @Test func aTestGoesPastEveryLimitAndIsNeverRepeated() {
        let bench = Bench()
        let slot = bench.webhook(0, .limit(1), isEnabled: false)
        let queued = bench.push(slot)
        let test = bench.push(slot) { $0.isTest = true }
        bench.run()
        #expect(bench.starts == [test])
        bench.end(test, 410)
        #expect(bench.state(of: test) == .failed)
        #expect(bench.disabled.isEmpty)
        bench.set(slot, enabled: true)
        bench.run()
        let again = bench.push(slot) { $0.isTest = true }
        bench.run()
        #expect(bench.starts == [test, queued, again])
    }

    @Test func aTestWhoseStartFailedIsNotSentEarly() {
        let bench = Bench(maximumInFlight: 1)
        let slot = bench.webhook()
        let holder = bench.push(slot)
        bench.run()
        // The first waits for the slot and is canceled; the second takes its place.
        let canceled = bench.push(slot) { $0.isTest = true }
        bench.run()
        bench.cancel(canceled)
        let test = bench.push(slot) { $0.isTest = true }
        bench.end(holder)
        bench.run()
        bench.failStart(test, retryAfterMilliseconds: 100)
        bench.run(afterMilliseconds: 99)
        #expect(bench.flying[test] == nil)
        bench.run(afterMilliseconds: 1)
        #expect(bench.flying[test] != nil)
    }

    @Test func aDelayedDeliveryStartsAtItsTime() {
        let bench = Bench()
        let slot = bench.webhook()
        let time = bench.now.advanced(milliseconds: 300)
        let delayed = bench.push(slot) { $0.notBefore = time }
        let now = bench.push(slot)
        bench.run()
        #expect(bench.starts == [now])
        bench.run(afterMilliseconds: 299)
        #expect(bench.starts == [now])
        bench.run(afterMilliseconds: 1)
        #expect(bench.starts == [now, delayed])
    }

    @Test func attemptsOfAnEarlierLifeCount() {
        let bench = Bench()
        let event = bench.push(bench.webhook()) {
            $0.attempts = 3
            $0.tries = 3
        }
        bench.run()
        bench.end(event, 500)
        #expect(bench.state(of: event) == .failed)
        #expect(bench.settlement(of: event)?.attempts == 4)
    }
}
