import Model

/// A simulated receiver: how long it takes to answer, and what.
struct Receiver {
    enum Mode: Int64, CaseIterable {
        case healthy
        case flaky
        /// Says nothing until the attempt's deadline.
        case hanging
        case refusing
        case serverError
        case clientError
        case redirecting
        case rateLimiting
        case unavailable
        case gone
        case asksToDisable
    }

    /// What the receiver will say, decided when the attempt starts; a date in it is set when the answer is written.
    struct Answer {
        enum Wait {
            case none
            case seconds(Int64)
            /// Seconds from the wall clock at the time of the answer; may lie in the past.
            case date(inSeconds: Int64)
            /// A date as it was sent, whatever the clock says.
            case fixedDate(Int64)
        }

        var status: UInt16
        var error: ErrorClass
        var wait = Wait.none
        var asksToDisable = false

        func result(duration: Int64, wall: WallTime) -> AttemptResult {
            let retryAfter: RetryAfter =
                switch wait {
                case .none: .absent
                case .seconds(let seconds): .delay(seconds: seconds)
                case .date(let seconds): .date(seconds: wall.seconds + seconds)
                case .fixedDate(let seconds): .date(seconds: seconds)
                }
            return AttemptResult(
                status: status,
                errorClass: error,
                durationMicroseconds: duration / 1000,
                retryAfter: retryAfter,
                asksToDisable: asksToDisable
            )
        }
    }

    /// The deadline of an attempt, in nanoseconds.
    static let deadline: Int64 = 5_000_000_000

    var mode: Mode
    /// The usual latency in nanoseconds; single answers take from a tenth of it to ten times as long.
    var latency: Int64

    init(random: inout RandomSource) {
        mode = Receiver.mode(random: &random)
        latency = [50_000, 1_000_000, 20_000_000, 300_000_000, 2_000_000_000][random.next(below: 5)]
    }

    /// Half of the receivers are healthy; those that end a webhook are rare.
    static func mode(random: inout RandomSource) -> Mode {
        switch random.next(below: 20) {
        case 0...7: .healthy
        case 8...9: .flaky
        case 10...11: .hanging
        case 12: .refusing
        case 13...14: .serverError
        case 15: .clientError
        case 16: .rateLimiting
        case 17: .unavailable
        case 18: .redirecting
        default: random.next(below: 4) == 0 ? .gone : random.next(below: 4) == 0 ? .asksToDisable : .flaky
        }
    }

    /// The answer to an attempt and the nanoseconds until it is there, never beyond the deadline.
    func answer(random: inout RandomSource) -> (answer: Answer, after: Int64) {
        var mode = mode
        if mode == .flaky {
            let modes = Mode.allCases
            // Up to `unavailable`: a flaky receiver does not end its webhook by chance.
            mode = modes[random.next(below: Int(Mode.unavailable.rawValue) + 1)]
        }
        if mode == .hanging { return (Answer(status: 0, error: .timeout), Receiver.deadline) }
        let spread = [0.1, 0.5, 1, 1, 1, 2, 10][random.next(below: 7)] * (0.5 + random.nextUnit())
        let after = Int64(Double(latency) * spread)
        guard after < Receiver.deadline else { return (Answer(status: 0, error: .timeout), Receiver.deadline) }
        return (Receiver.answer(in: mode, random: &random), max(after, 1))
    }

    private static func answer(in mode: Mode, random: inout RandomSource) -> Answer {
        switch mode {
        case .healthy, .flaky, .hanging:
            return Answer(status: [200, 201, 204, 299][random.next(below: 4)], error: .none)
        case .refusing:
            let errors: [ErrorClass] = [
                .dns, .addressRefused, .connect, .tls, .certificate, .connectionLost, .badResponse, .local,
            ]
            return Answer(status: 0, error: errors[random.next(below: errors.count)])
        case .serverError:
            // Retry-After on other statuses than 429 and 503 means nothing.
            let status: UInt16 = [500, 501, 502, 504, 599, 408, 425][random.next(below: 7)]
            return Answer(status: status, error: .httpStatus, wait: wait(random: &random))
        case .clientError:
            let status: UInt16 = [400, 401, 403, 404, 413, 422, 499, 600][random.next(below: 8)]
            return Answer(status: status, error: .httpStatus)
        case .redirecting:
            return Answer(status: [301, 302, 307, 308, 304][random.next(below: 5)], error: .httpStatus)
        case .rateLimiting:
            return Answer(status: 429, error: .httpStatus, wait: wait(random: &random))
        case .unavailable:
            return Answer(status: 503, error: .httpStatus, wait: wait(random: &random))
        case .gone:
            return Answer(status: 410, error: .httpStatus)
        case .asksToDisable:
            let status: UInt16 = [200, 404, 429, 500, 503][random.next(below: 5)]
            return Answer(
                status: status,
                error: status == 200 ? .none : .httpStatus,
                wait: wait(random: &random),
                asksToDisable: true
            )
        }
    }

    private static func wait(random: inout RandomSource) -> Answer.Wait {
        switch random.next(below: 10) {
        case 0...1: .none
        case 2...4: .seconds(Int64(random.next(below: 30)))
        case 5: .seconds([.min, -5, 0, 1, 100_000, .max][random.next(below: 6)])
        case 6...8: .date(inSeconds: Int64(random.next(below: 40)) - 8)
        default: .fixedDate([.min, -1, 0, 1_800_000_000, .max][random.next(below: 5)])
        }
    }
}
