import Model

/// What kind of world it is: each draws its own, so that some are calm and others are mostly deletes.
struct Profile {
    var maximumInFlight: Int
    var maximumWebhooks: Int
    var maximumPending: Int
    /// Deliveries a push adds at most.
    var burst: Int
    /// Of 100 deliveries, how many carry an expiry.
    var expiryPercent: Int
    /// Of 100 deliveries, how many are delayed.
    var delayPercent: Int
    /// Order keys in use; 0 for none.
    var keys: Int
    /// Of 100 webhooks, how many have each of the policies: ordering, rate limit, breaker, adaptive, auto-disable.
    var policyPercent: Int
    /// Of 1,000 starts, how many fail for want of a local resource.
    var startFailures: Int
    /// Of 100 steps, how many let no time pass.
    var stillPercent: Int
    /// How likely each input is, relative to the others.
    var weights: [(Input, Int)]
    var weightSum: Int

    enum Input {
        case push, pushToOne, pushStale, pushTest
        case addWebhook, updateWebhook, enable, disable, removeWebhook
        case cancel, mode, wallJump
    }

    init(random: inout RandomSource) {
        maximumInFlight = [1, 2, 4, 8, 32, 200][random.next(below: 6)]
        maximumWebhooks = [1, 2, 5, 12, 24][random.next(below: 5)]
        maximumPending = [10, 60, 60, 200, 200, 1000][random.next(below: 6)]
        burst = [1, 3, 10, 60][random.next(below: 4)]
        expiryPercent = [0, 5, 30, 100][random.next(below: 4)]
        delayPercent = [0, 0, 10][random.next(below: 3)]
        keys = [0, 1, 5][random.next(below: 3)]
        policyPercent = [0, 30, 70][random.next(below: 3)]
        startFailures = [0, 0, 10, 200][random.next(below: 4)]
        stillPercent = [0, 10, 40][random.next(below: 3)]
        let common = [(Input.push, 60), (.pushToOne, 10), (.pushStale, 1), (.pushTest, 2)]
        let webhooks = [(Input.addWebhook, 4), (.updateWebhook, 4), (.enable, 5), (.disable, 3), (.removeWebhook, 1)]
        let rare = [(Input.cancel, 6), (.mode, 6), (.wallJump, 1)]
        var chosen: [(Input, Int)] = []
        for (input, weight) in common + webhooks + rare {
            chosen.append((input, weight * [0, 1, 1, 1, 4][random.next(below: 5)]))
        }
        // Without these two a world stays empty.
        chosen += [(.push, 10), (.addWebhook, 2)]
        weights = chosen
        weightSum = chosen.reduce(0) { $0 + $1.1 }
    }

    func input(random: inout RandomSource) -> Input {
        var ticket = random.next(below: weightSum)
        for (input, weight) in weights {
            ticket -= weight
            if ticket < 0 { return input }
        }
        return .push
    }
}
