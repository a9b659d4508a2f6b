import Testing

@testable import Model

@Suite("Time, randomness and retry policy")
struct TimeAndRetryTests {
    @Test func instantsSaturate() {
        let zero = Instant(nanoseconds: 0)
        #expect(zero.advanced(milliseconds: 5).nanoseconds == 5_000_000)
        #expect(zero.advanced(milliseconds: -5).nanoseconds == -5_000_000)
        #expect(zero.advanced(milliseconds: .max) == .distantFuture)
        #expect(Instant.distantFuture.advanced(milliseconds: 1) == .distantFuture)
        #expect(zero.advanced(milliseconds: .min).nanoseconds == .min)
        #expect(Instant(nanoseconds: .min).advanced(milliseconds: -1).nanoseconds == .min)
        #expect(Instant(nanoseconds: 7).nanoseconds(since: Instant(nanoseconds: 3)) == 4)
        #expect(Instant.distantFuture.nanoseconds(since: Instant(nanoseconds: -1)) == .max)
        #expect(Instant(nanoseconds: .min).nanoseconds(since: Instant(nanoseconds: 1)) == .min)
    }

    @Test(arguments: [
        (0, 0), (999, 0), (1000, 1), (-1, -1), (-1000, -1), (-1001, -2), (1_765_189_800_999, 1_765_189_800),
    ])
    func wholeSecondsRoundDown(_ milliseconds: Int64, _ seconds: Int64) {
        #expect(WallTime(milliseconds: milliseconds).seconds == seconds)
    }

    @Test func clocksRun() {
        let first = Clock.monotonic()
        #expect(first <= Clock.monotonic())
        // Between 2020 and 2100: the unit is right.
        #expect(1_577_836_800_000...4_102_444_800_000 ~= Clock.wall().milliseconds)
        #expect(Clock.randomSeed() != Clock.randomSeed())
    }

    @Test func randomNumbersReplayAndKeepTheirBounds() {
        var first = RandomSource(seed: 9)
        var second = RandomSource(seed: 9)
        for _ in 0..<1000 { #expect(first.next() == second.next()) }
        for bound in [1, 2, 7, 1000] {
            var seen = Set<Int>()
            for _ in 0..<2000 {
                let number = first.next(below: bound)
                #expect(0..<bound ~= number)
                seen.insert(number)
            }
            #expect(seen.count > bound / 2)
        }
        #expect(first.next(below: 0) == 0)
        #expect(first.next(below: -1) == 0)
        for _ in 0..<1000 { #expect(0..<1 ~= first.nextUnit()) }
    }

    @Test func theSeedsRetriesAreTheDefault() {
        let policy = RetryPolicy()
        #expect(policy.delaysMilliseconds == [1000, 5000, 25_000])
        #expect(policy.jitter == 0.1)
        #expect(policy.retryOn == .all)
        #expect(policy.retryAfterCapMilliseconds == 3_600_000)
        #expect(policy.retryOn.contains([.timeout, .connection, .requestTimeout, .tooManyRequests, .serverError]))
    }

    @Test func errorClassesHaveDistinctNames() {
        let names = ErrorClass.allCases.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.utf8.allSatisfy { 0x61...0x7A ~= $0 || $0 == 0x5F } })
    }

    @Test func decimalDigits() {
        #expect(UInt64(decimalDigits: "18446744073709551615".utf8) == .max)
        #expect(UInt64(decimalDigits: "00000000000000000001".utf8) == 1)
        for text in ["", "18446744073709551616", "99999999999999999999", "000000000000000000001", "+1", "1 ", "１"] {
            #expect(UInt64(decimalDigits: text.utf8) == nil, "\(text)")
        }
    }
}
