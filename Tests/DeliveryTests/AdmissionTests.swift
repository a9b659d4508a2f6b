import Model
import Testing

@testable import Delivery

@Suite("Limits, fairness and pauses")
struct AdmissionTests {
    // MARK: Limits

    @Test func limitsHoldAtEveryMoment() {
        let bench = Bench(maximumInFlight: 7)
        let limits = [1, 2, 3, 64]
        let slots = limits.enumerated().map { bench.webhook(UInt32($0.offset), .limit($0.element)) }
        for _ in 0..<50 { for slot in slots { bench.push(slot) } }
        var random = RandomSource(seed: 8)
        while bench.pending > 0 {
            bench.run()
            #expect(bench.inFlight <= 7)
            #expect(bench.inFlight == slots.map { bench.inFlight(of: $0) }.reduce(0, +))
            for (slot, limit) in zip(slots, limits) { #expect(0...limit ~= bench.inFlight(of: slot)) }
            // Sorted, for the order of a dictionary is not the same twice.
            let flying = bench.flying.keys.sorted()
            for event in flying where random.next(below: 3) == 0 { bench.end(event) }
        }
        #expect(bench.settled.count == 200)
    }

    @Test func noSlotIsIdleWhileSomethingCouldUseIt() {
        let bench = Bench(maximumInFlight: 10)
        let narrow = bench.webhook(0, .limit(2))
        let wide = bench.webhook(1, .limit(64))
        for _ in 0..<20 { bench.push(narrow) }
        bench.run()
        #expect(bench.inFlight == 2)
        for _ in 0..<20 { bench.push(wide) }
        bench.run()
        #expect(bench.inFlight(of: narrow) == 2)
        // Three quarters of the slots are anybody's.
        #expect(bench.inFlight(of: wide) == 6)
    }

    @Test func receiversThatHangLeaveSlotsToOthers() {
        let bench = Bench(maximumInFlight: 64)
        let hanging = (0..<20 as Range<UInt32>).map { bench.webhook($0, .limit(64)) }
        for slot in hanging { for _ in 0..<100 { bench.push(slot) } }
        bench.run()
        // Seven eighths of 64 are 56, two for each; the last quarter is for those below that.
        #expect(hanging.allSatisfy { bench.inFlight(of: $0) <= 3 })
        #expect(bench.inFlight <= 56)
        // Nobody hands a slot back, and still a newcomer is served at once.
        let healthy = (20..<28 as Range<UInt32>).map { bench.webhook($0, .limit(64)) }
        for slot in healthy { bench.push(slot) }
        bench.run()
        #expect(healthy.allSatisfy { bench.inFlight(of: $0) == 1 })
    }

    /// However many webhooks come, go and wait: one that has less than its share is given a slot as long as there is one.
    @Test func aFreeSlotIsNeverKeptFromOneBelowItsShare() {
        let bench = Bench(maximumInFlight: 64)
        var random = RandomSource(seed: 11)
        var slots = (0..<48 as Range<UInt32>).map { bench.webhook($0, .limit(64)) }
        var waits = 0
        for _ in 0..<3000 {
            // Few webhooks at times, and all of them at others, so that shares grow and shrink.
            let some = 1 + random.next(below: slots.count)
            for _ in 0..<random.next(below: 20) { bench.push(slots[random.next(below: some)]) }
            for event in bench.flying.keys.sorted() where random.next(below: 8) == 0 { bench.end(event) }
            if random.next(below: 50) == 0 {
                let index = random.next(below: slots.count)
                bench.remove(slots[index])
                for event in bench.flying.keys.sorted() { bench.end(event) }
                slots[index] = bench.webhook(UInt32(index), generation: slots[index].generation + 1, .limit(64))
            }
            bench.run()
            let flying = slots.count { bench.inFlight(of: $0) > 0 }
            for slot in slots where bench.pending(of: slot) > bench.inFlight(of: slot) && bench.inFlight < 64 {
                let inFlight = bench.inFlight(of: slot)
                let taken = bench.inFlight
                #expect(
                    SlotShare.isShort(slots: 64, taken: taken, flyingWebhooks: flying, inFlight: inFlight),
                    "\(inFlight) of \(taken) in flight, \(flying) webhooks have some"
                )
                waits += 1
            }
        }
        #expect(waits > 1000)
    }

    // MARK: Fairness

    @Test func aBacklogDoesNotStarveOthers() {
        let bench = Bench(maximumInFlight: 4)
        let greedy = bench.webhook(0)
        for _ in 0..<10_000 { bench.push(greedy) }
        bench.run()
        let others = (1...5 as ClosedRange<UInt32>).map { bench.webhook($0) }
        let mine = others.map { bench.push($0) }
        // Each slot that is freed goes to the next webhook in turn: five others are served within six.
        for _ in 0..<6 {
            guard let event = bench.flying.keys.min() else { break }
            bench.end(event)
            bench.run()
        }
        #expect(mine.allSatisfy { bench.starts.contains($0) })
    }

    @Test func slotsGoRound() {
        let bench = Bench(maximumInFlight: 1)
        let slots = (0..<6 as Range<UInt32>).map { bench.webhook($0) }
        var owner: [UInt64: Int] = [:]
        for round in 0..<100 {
            for index in slots.indices where round < 100 - index * 10 { owner[bench.push(slots[index])] = index }
        }
        // Those with less to send end sooner; as long as all have something, all get the same.
        bench.run()
        while bench.starts.count < 300 {
            guard let event = bench.flying.keys.first else { break }
            bench.end(event)
            bench.run()
            let counts = slots.indices.map { index in bench.starts.count { owner[$0] == index } }
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
        }
        #expect(bench.starts.count == 300)
    }

    @Test func firstAttemptsKeepTheOrderOfPushes() {
        let bench = Bench()
        let slot = bench.webhook(0, .limit(1))
        let events = (0..<20).map { _ in bench.push(slot) }
        bench.run()
        for event in events {
            bench.end(event)
            bench.run()
        }
        #expect(bench.starts == events)
    }

    @Test func aRetryWhoseTimeHasComeGoesBeforeABacklog() {
        let bench = Bench()
        let slot = bench.webhook(0, .limit(1))
        let first = bench.push(slot)
        bench.run()
        bench.end(first, 500)
        let backlog = (0..<100).map { _ in bench.push(slot) }
        bench.run(afterMilliseconds: 1000)
        #expect(bench.starts == [first, first], "the retry is due and goes first")
        bench.end(first)
        bench.run()
        #expect(bench.starts.last == backlog[0])
    }

    // MARK: Retry-After

    @Test(arguments: [429, 503] as [UInt16])
    func retryAfterPausesTheWholeWebhook(_ status: UInt16) {
        let bench = Bench()
        let slot = bench.webhook(0, .limit(1))
        let other = bench.webhook(1)
        let first = bench.push(slot)
        bench.run()
        bench.end(first, status, retryAfter: .delay(seconds: 10))
        let queued = bench.push(slot)
        let elsewhere = bench.push(other)
        bench.run(afterMilliseconds: 9999)
        #expect(bench.takeStarts() == [first, elsewhere])
        #expect(bench.millisecondsToTimer == 1)
        bench.run(afterMilliseconds: 1)
        bench.end(first)
        bench.run()
        #expect(bench.starts == [first, queued])
    }

    @Test func theLongestPauseHolds() {
        let bench = Bench()
        let slot = bench.webhook()
        let events = (0..<3).map { _ in bench.push(slot) }
        bench.run()
        bench.end(events[0], 429, retryAfter: .delay(seconds: 10))
        bench.end(events[1], 503, retryAfter: .delay(seconds: 30))
        bench.end(events[2], 429, retryAfter: .delay(seconds: 20))
        _ = bench.takeStarts()
        bench.run(afterMilliseconds: 29_999)
        #expect(bench.starts.isEmpty)
        bench.run(afterMilliseconds: 1)
        #expect(Set(bench.starts) == Set(events))
    }

    @Test func aPauseHoldsEvenWhereNothingIsRetried() {
        let bench = Bench()
        let slot = bench.webhook(0, .plain { $0.retry.retryOn = [] })
        let first = bench.push(slot)
        bench.run()
        bench.end(first, 429, retryAfter: .delay(seconds: 10))
        #expect(bench.state(of: first) == .failed)
        let second = bench.push(slot)
        bench.run(afterMilliseconds: 9999)
        #expect(bench.flying[second] == nil)
        bench.run(afterMilliseconds: 1)
        #expect(bench.flying[second] != nil)
    }

    @Test func otherStatusesDoNotPause() {
        let bench = Bench()
        let slot = bench.webhook(0, .limit(1))
        let first = bench.push(slot)
        let second = bench.push(slot)
        bench.run()
        bench.end(first, 500, retryAfter: .delay(seconds: 100))
        bench.run()
        #expect(bench.starts == [first, second])
    }

    @Test func aJumpOfTheWallClockMovesNothing() {
        let bench = Bench()
        let slot = bench.webhook()
        let event = bench.push(slot)
        bench.run()
        let date = bench.wall.seconds + 60
        bench.end(event, 429, retryAfter: .date(seconds: date))
        for jump in [-86_400_000, 31_536_000_000] as [Int64] {
            bench.wall = WallTime(milliseconds: bench.wall.milliseconds + jump)
            bench.run(afterMilliseconds: 29_999)
            #expect(bench.starts == [event])
        }
        bench.run(afterMilliseconds: 2)
        #expect(bench.starts == [event, event])
    }

    // MARK: Timer

    @Test func nothingToDoMeansNoTimer() {
        let bench = Bench()
        #expect(bench.millisecondsToTimer == nil)
        let slot = bench.webhook()
        let event = bench.push(slot)
        bench.run()
        #expect(bench.millisecondsToTimer == nil, "an attempt in flight has its deadline elsewhere")
        bench.end(event, 500)
        #expect(bench.millisecondsToTimer == 1000)
        bench.run(afterMilliseconds: 400)
        #expect(bench.millisecondsToTimer == 600)
    }

    @Test func runningBetweenTimersDoesNothing() {
        let bench = Bench()
        let slot = bench.webhook()
        for _ in 0..<20 { bench.push(slot, expiresInMilliseconds: 700) }
        bench.run()
        for event in bench.starts { bench.end(event, 500) }
        let starts = bench.starts.count
        for _ in 0..<69 {
            bench.run(afterMilliseconds: 10)
            #expect(bench.starts.count == starts)
            #expect(bench.settled.isEmpty)
        }
        bench.run(afterMilliseconds: 10)
        #expect(bench.settled.count == 20)
    }
}
