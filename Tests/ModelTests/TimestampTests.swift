import Testing

@testable import Model

@Suite("Timestamps")
struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_765_189_800_123, "2025-12-08T10:30:00.123Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
        (-2_203_891_200_000, "1900-03-01T00:00:00.000Z"),
        (-2_203_977_600_000, "1900-02-28T00:00:00.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
    func vectors(_ milliseconds: Int64, _ expected: String) {
        #expect(Timestamp.text(WallTime(milliseconds: milliseconds)) == expected)
        #expect(Timestamp.parse(expected) == WallTime(milliseconds: milliseconds))
    }

    @Test(arguments: [
        ("2025-12-08T10:30:00Z", 1_765_189_800_000),
        ("2025-12-08t10:30:00z", 1_765_189_800_000),
        ("2025-12-08T16:00:00+05:30", 1_765_189_800_000),
        ("2025-12-08T02:30:00-08:00", 1_765_189_800_000),
        ("2025-12-09T10:29:00+23:59", 1_765_189_800_000),
        ("2025-12-08T10:30:00-00:00", 1_765_189_800_000),
        ("2025-12-08T10:30:00.1Z", 1_765_189_800_100),
        ("2025-12-08T10:30:00.12+00:00", 1_765_189_800_120),
        ("2025-12-08T10:30:00.123999999999Z", 1_765_189_800_123),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2016-12-31T15:59:60.5-08:00", 1_483_228_800_500),
        ("2400-02-29T00:00:00Z", 13_574_563_200_000),
        ("0001-01-01T01:00:00+01:00", -62_135_596_800_000),
    ])
    func otherForms(_ text: String, _ milliseconds: Int64) {
        #expect(Timestamp.parse(text) == WallTime(milliseconds: milliseconds))
    }

    @Test(arguments: [
        "", "2025", "2025-12-08", "2025-12-08T10:30Z", "2025-12-08T10:30:00", "2025-12-08 10:30:00Z",
        "2025-12-08T10:30:00.Z",
        "2025-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
        "2200-02-29T00:00:00Z",
        "2025-04-31T00:00:00Z", "2025-00-01T00:00:00Z", "2025-13-01T00:00:00Z", "2025-01-00T00:00:00Z",
        "2025-01-32T00:00:00Z", "2025-12-08T24:00:00Z", "2025-12-08T10:60:00Z", "2025-12-08T10:30:61Z",
        "2025-12-08T10:30:60Z", "2025-12-08T23:59:60Z", "2025-12-08T10:30:00+24:00", "2025-12-08T10:30:00+05:60",
        "2025-12-08T10:30:00+0530", "2025-12-08T10:30:00+05", "2025-12-08T10:30:00Z ", " 2025-12-08T10:30:00Z",
        "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z",
        "+2025-12-08T10:30:00Z", "-001-12-08T10:30:00Z", "２025-12-08T10:30:00Z", "2025-12-08T10:30:00Z\u{0}",
        "20251208T103000Z", "2025/12/08T10:30:00Z",
    ])
    func refused(_ text: String) {
        #expect(Timestamp.parse(text) == nil)
    }

    @Test func randomTimesComeBack() {
        var random = RandomSource(seed: 7)
        let span = Int(Timestamp.latest.milliseconds - Timestamp.earliest.milliseconds) + 1
        for _ in 0..<100_000 {
            let time = WallTime(milliseconds: Timestamp.earliest.milliseconds + Int64(random.next(below: span)))
            #expect(Timestamp.parse(Timestamp.text(time)) == time)
        }
    }

    @Test func everyDayOfFourHundredYearsFollowsTheCalendar() {
        // An independent count: month lengths and the leap rule, day by day.
        var time = WallTime(milliseconds: 946_684_800_000)
        for year in 2000..<2400 {
            let february = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
            for (month, days) in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                for day in 1...days {
                    let date = "\(year)-\(month < 9 ? "0" : "")\(month + 1)-\(day < 10 ? "0" : "")\(day)"
                    if Timestamp.text(time) != "\(date)T00:00:00.000Z" {
                        Issue.record("\(date): \(Timestamp.text(time))")
                        return
                    }
                    time = WallTime(milliseconds: time.milliseconds + 86_400_000)
                }
            }
        }
    }

    @Test func randomBytesNeverTrap() {
        var random = RandomSource(seed: 8)
        let alphabet = Array("0123456789-:.+TZtz 9999".utf8)
        for _ in 0..<100_000 {
            let text = (0..<random.next(below: 40)).map { _ in alphabet[random.next(below: alphabet.count)] }
            if let time = text.withUnsafeBytes({ Timestamp.parse($0) }) {
                #expect(Timestamp.earliest <= time && time <= Timestamp.latest)
            }
        }
    }

    @Test func outOfRangeTimesAndSmallBuffers() {
        #expect(Timestamp.text(WallTime(milliseconds: .min)) == "0001-01-01T00:00:00.000Z")
        #expect(Timestamp.text(WallTime(milliseconds: .max)) == "9999-12-31T23:59:59.999Z")
        withUnsafeTemporaryAllocation(byteCount: Timestamp.length, alignment: 1) { buffer in
            #expect(Timestamp.write(WallTime(milliseconds: 0), into: buffer) == 24)
            let short = UnsafeMutableRawBufferPointer(rebasing: buffer.dropLast())
            #expect(Timestamp.write(WallTime(milliseconds: 0), into: short) == 0)
        }
    }
}
