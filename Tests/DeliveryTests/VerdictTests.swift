import Model
import Testing

@testable import Delivery

@Suite("Verdict")
struct VerdictTests {
    private static let wall = WallTime(milliseconds: 1_767_225_600_500)

    private func verdict(
        _ status: UInt16,
        _ error: ErrorClass = .httpStatus,
        retryAfter: RetryAfter = .absent,
        asksToDisable: Bool = false,
        attempt: Int = 1,
        policy: RetryPolicy = RetryPolicy(jitter: 0)
    ) -> Verdict {
        let result = AttemptResult(
            status: status,
            errorClass: error,
            durationMicroseconds: 1,
            retryAfter: retryAfter,
            asksToDisable: asksToDisable
        )
        var random = RandomSource(seed: 5)
        return .of(result, attempt: attempt, policy: policy, at: VerdictTests.wall, random: &random)
    }

    @Test(arguments: [200, 201, 202, 204, 226, 299] as [UInt16])
    func everyStatusOf200To299IsSuccess(_ status: UInt16) {
        #expect(verdict(status, .none) == .success)
        #expect(verdict(status, .none, attempt: 99) == .success)
    }

    @Test(
        arguments: [
            100, 101, 199, 300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 409, 411, 413,
            418,
            422, 424, 426, 428, 431, 451, 499, 600, 999,
        ] as [UInt16]
    )
    func otherAnswersAreFinal(_ status: UInt16) {
        #expect(verdict(status) == .giveUp)
    }

    @Test(arguments: [408, 425, 429, 500, 501, 502, 503, 504, 507, 520, 599] as [UInt16])
    func overloadAndServerErrorsAreTriedAgain(_ status: UInt16) {
        #expect(verdict(status) == .retry(afterMilliseconds: 1000))
        #expect(verdict(status, attempt: 2) == .retry(afterMilliseconds: 5000))
        #expect(verdict(status, attempt: 3) == .retry(afterMilliseconds: 25_000))
    }

    @Test(arguments: ErrorClass.allCases.filter { ![.none, .httpStatus].contains($0) })
    func noAnswerIsTriedAgain(_ error: ErrorClass) {
        #expect(verdict(0, error) == .retry(afterMilliseconds: 1000))
    }

    @Test func theScheduleEnds() {
        #expect(verdict(500, attempt: 4) == .giveUp)
        #expect(verdict(0, .timeout, attempt: 4) == .giveUp)
        #expect(verdict(500, policy: RetryPolicy(delaysMilliseconds: [])) == .giveUp)
        let one = RetryPolicy(delaysMilliseconds: [7], jitter: 0)
        #expect(verdict(500, attempt: 1, policy: one) == .retry(afterMilliseconds: 7))
        #expect(verdict(500, attempt: 2, policy: one) == .giveUp)
    }

    @Test func eachKindOfFailureHasItsSwitch() {
        let failures: [(UInt16, ErrorClass, RetryPolicy.RetryOn)] = [
            (0, .timeout, .timeout), (0, .dns, .connection), (0, .connect, .connection), (0, .tls, .connection),
            (0, .certificate, .connection), (0, .connectionLost, .connection), (0, .badResponse, .connection),
            (0, .addressRefused, .connection), (408, .httpStatus, .requestTimeout),
            (425, .httpStatus, .requestTimeout), (429, .httpStatus, .tooManyRequests),
            (500, .httpStatus, .serverError), (503, .httpStatus, .serverError),
        ]
        for (status, error, needed) in failures {
            for bits in 0..<UInt8(32) {
                let allowed = RetryPolicy.RetryOn(rawValue: bits)
                let policy = RetryPolicy(delaysMilliseconds: [10], jitter: 0, retryOn: allowed)
                let expected: Verdict = allowed.contains(needed) ? .retry(afterMilliseconds: 10) : .giveUp
                #expect(verdict(status, error, policy: policy) == expected, "\(status) \(error) with \(bits)")
            }
        }
    }

    @Test func goneAndTheDisableHeaderDisable() {
        #expect(verdict(410) == .disable(.gone))
        #expect(verdict(410, asksToDisable: true) == .disable(.gone))
        for status in [400, 404, 429, 500, 503] as [UInt16] {
            #expect(verdict(status, asksToDisable: true) == .disable(.receiverAsked))
        }
        #expect(verdict(410, attempt: 99) == .disable(.gone))
    }

    // MARK: Retry-After

    @Test(arguments: [429, 503] as [UInt16])
    func secondsAreWaited(_ status: UInt16) {
        #expect(verdict(status, retryAfter: .delay(seconds: 30)) == .retry(afterMilliseconds: 30_000))
        // The schedule asks for more than the receiver does.
        #expect(verdict(status, retryAfter: .delay(seconds: 3), attempt: 2) == .retry(afterMilliseconds: 5000))
        for nothing in [0, -1, .min] as [Int64] {
            #expect(verdict(status, retryAfter: .delay(seconds: nothing)) == .retry(afterMilliseconds: 1000))
        }
    }

    @Test(arguments: [429, 503] as [UInt16])
    func datesAreWaitedFor(_ status: UInt16) {
        let inTenSeconds = VerdictTests.wall.seconds + 10
        // The wall clock stands half a second past the full one.
        #expect(verdict(status, retryAfter: .date(seconds: inTenSeconds)) == .retry(afterMilliseconds: 9500))
        for past in [VerdictTests.wall.seconds, 0, -1, .min] as [Int64] {
            #expect(verdict(status, retryAfter: .date(seconds: past)) == .retry(afterMilliseconds: 1000))
        }
    }

    @Test func theWaitIsCapped() {
        let policy = RetryPolicy(jitter: 0, retryAfterCapMilliseconds: 60_000)
        let huge: [RetryAfter] = [
            .delay(seconds: 61), .delay(seconds: .max), .date(seconds: .max),
            .date(seconds: VerdictTests.wall.seconds + 90),
        ]
        for retryAfter in huge {
            #expect(verdict(503, retryAfter: retryAfter, policy: policy) == .retry(afterMilliseconds: 60_000))
        }
        let never = RetryPolicy(jitter: 0, retryAfterCapMilliseconds: 0)
        #expect(verdict(429, retryAfter: .delay(seconds: 9), policy: never) == .retry(afterMilliseconds: 1000))
    }

    @Test(arguments: [408, 425, 500, 502, 504] as [UInt16])
    func otherStatusesHaveNoRetryAfter(_ status: UInt16) {
        #expect(verdict(status, retryAfter: .delay(seconds: 30)) == .retry(afterMilliseconds: 1000))
        #expect(verdict(200, .none, retryAfter: .delay(seconds: 30)) == .success)
        #expect(verdict(404, retryAfter: .delay(seconds: 30)) == .giveUp)
    }

    // MARK: Jitter

    @Test func jitterStaysWithinItsBoundsAndUsesThem() {
        for (jitter, range) in [(0.1, 4500...5500), (0.5, 2500...7500), (1, 0...10_000)]
            as [(Double, ClosedRange<Int64>)]
        {
            var waits = Set<Int64>()
            for seed in 0..<5000 as Range<UInt64> {
                var random = RandomSource(seed: seed)
                let wait = Verdict.jittered(5000, by: jitter, random: &random)
                #expect(range.contains(wait))
                waits.insert(wait)
            }
            let width = range.upperBound - range.lowerBound
            #expect((waits.min() ?? 0) < range.lowerBound + width / 20)
            #expect((waits.max() ?? 0) > range.upperBound - width / 20)
            #expect(waits.count > 500)
        }
    }

    @Test func noJitterIsExact() {
        var random = RandomSource(seed: 1)
        #expect(Verdict.jittered(5000, by: 0, random: &random) == 5000)
        #expect(Verdict.jittered(0, by: 1, random: &random) == 0)
        #expect(Verdict.jittered(-5, by: 0.1, random: &random) == 0)
        #expect(Verdict.jittered(.max, by: 0.1, random: &random) == .max)
    }

    @Test func jitterNeverUndercutsRetryAfter() {
        let policy = RetryPolicy(jitter: 0.5)
        let result = AttemptResult(
            status: 429,
            errorClass: .httpStatus,
            durationMicroseconds: 1,
            retryAfter: .delay(seconds: 20)
        )
        for seed in 0..<2000 as Range<UInt64> {
            var random = RandomSource(seed: seed)
            let verdict = Verdict.of(result, attempt: 1, policy: policy, at: VerdictTests.wall, random: &random)
            guard case .retry(let wait) = verdict else {
                Issue.record("\(verdict)")
                continue
            }
            #expect(20_000...30_000 ~= wait)
        }
    }
}
