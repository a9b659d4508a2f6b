/// Dates and times as text: RFC 3339, which is the profile of ISO 8601 that webhook payloads use.
///
/// Neither direction allocates or needs a locale, a time zone database or Foundation.
package enum Timestamp {
    /// Bytes of what ``write(_:into:)`` writes: `2025-12-08T10:30:00.123Z`.
    package static let length = 24

    /// 0001-01-01T00:00:00.000Z.
    package static let earliest = WallTime(milliseconds: -62_135_596_800_000)
    /// 9999-12-31T23:59:59.999Z.
    package static let latest = WallTime(milliseconds: 253_402_300_799_999)

    private static let millisecondsPerDay: Int64 = 86_400_000
    /// Days from 0000-03-01, where the reckoning below starts, to 1970-01-01.
    private static let daysToEpoch: Int64 = 719_468

    // MARK: Writing

    /// Writes `time` in UTC, milliseconds always, and answers ``length``; 0 where the buffer is too small.
    ///
    /// A time outside ``earliest`` … ``latest`` is written as the nearer of the two.
    package static func write(_ time: WallTime, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard buffer.count >= length else { return 0 }
        let milliseconds = max(earliest, min(latest, time)).milliseconds
        // The bounds above keep every number below small and not negative.
        let sinceStart = milliseconds &+ daysToEpoch &* millisecondsPerDay
        let date = civil(daysSinceStart: UInt32(truncatingIfNeeded: sinceStart / millisecondsPerDay))
        let ofDay = UInt32(truncatingIfNeeded: sinceStart % millisecondsPerDay)
        let (seconds, fraction) = ofDay.quotientAndRemainder(dividingBy: 1000)
        let (minutes, second) = seconds.quotientAndRemainder(dividingBy: 60)
        let (hour, minute) = minutes.quotientAndRemainder(dividingBy: 60)
        let (century, yearOfCentury) = date.year.quotientAndRemainder(dividingBy: 100)
        // Eight bytes at once, the first one lowest: each pair of digits stands at its place beside what parts them.
        let day =
            pair(century) | pair(yearOfCentury) &<< 16 | 0x2D &<< 32
            | pair(date.month) &<< 40 | 0x2D &<< 56
        let time =
            pair(date.day) | 0x54 &<< 16 | pair(hour) &<< 24 | 0x3A &<< 40
            | pair(minute) &<< 48
        let rest =
            0x3A | pair(second) &<< 8 | 0x2E &<< 24 | (pair(fraction / 10) & 0xFFFF) &<< 32
            | UInt64(0x30 &+ fraction % 10) &<< 48 | 0x5A &<< 56
        // In bounds: the buffer has 24 bytes.
        buffer.storeBytes(of: day.littleEndian, toByteOffset: 0, as: UInt64.self)
        buffer.storeBytes(of: time.littleEndian, toByteOffset: 8, as: UInt64.self)
        buffer.storeBytes(of: rest.littleEndian, toByteOffset: 16, as: UInt64.self)
        return length
    }

    /// The two decimal digits of a number below 100, the first one lowest.
    @inline(__always)
    private static func pair(_ number: UInt32) -> UInt64 {
        UInt64(0x3030 &+ number / 10 &+ (number % 10) &<< 8)
    }

    /// The same as a string, for cold paths.
    package static func text(_ time: WallTime) -> String {
        String(unsafeUninitializedCapacity: length) { buffer in
            write(time, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    // MARK: Reading

    /// The time that an RFC 3339 text names, down to the millisecond; nil where it names none.
    ///
    /// The grammar is that of RFC 3339 section 5.6: `T` and `Z` in either case, any offset, any number of fraction
    /// digits (those past the third are dropped). A date that the calendar does not have is refused, and so is a time
    /// outside ``earliest`` … ``latest``. A leap second, `23:59:60` in UTC at the end of a month, counts as the second
    /// that follows it, as in POSIX time.
    package static func parse(_ text: UnsafeRawBufferPointer) -> WallTime? {
        var reader = Reader(bytes: text)
        guard let year = reader.number(digits: 4), reader.skip("-"),
            let month = reader.number(digits: 2), reader.skip("-"),
            let day = reader.number(digits: 2), reader.skip("T"),
            let hour = reader.number(digits: 2), reader.skip(":"),
            let minute = reader.number(digits: 2), reader.skip(":"),
            let second = reader.number(digits: 2),
            let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd
        else { return nil }
        guard 1...9999 ~= year, 1...12 ~= month, 1...daysIn(month: month, of: year) ~= day,
            hour <= 23, minute <= 59, second <= 60
        else { return nil }
        // All parts are bounded by their digits: the sum stays far below the limits of 64 bits.
        let minutes = days(year, month, day) &* 1440 &+ hour &* 60 &+ minute &- offset
        if second == 60 && !isLastMinuteOfMonth(minutes) { return nil }
        let time = WallTime(milliseconds: (minutes &* 60 &+ second) &* 1000 &+ fraction)
        return earliest <= time && time <= latest ? time : nil
    }

    package static func parse(_ text: String) -> WallTime? {
        var text = text
        return text.withUTF8 { parse(UnsafeRawBufferPointer($0)) }
    }

    /// Leap seconds are only ever put in front of midnight UTC at the end of a month (ITU-R TF.460-6).
    private static func isLastMinuteOfMonth(_ minutesSinceEpoch: Int64) -> Bool {
        let next = minutesSinceEpoch &+ 1 &+ daysToEpoch &* 1440
        return next > 0 && next % 1440 == 0 && civil(daysSinceStart: UInt32(truncatingIfNeeded: next / 1440)).day == 1
    }

    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var position = 0

        var isAtEnd: Bool { position == bytes.count }

        private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

        /// Goes past one character; a letter matches in either case.
        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            let wanted = UInt8(ascii: character)
            guard let byte = next, byte == wanted || (wanted >= 0x41 && byte == wanted | 0x20) else { return false }
            position += 1
            return true
        }

        mutating func digit() -> Int64? {
            guard let byte = next, byte &- UInt8(ascii: "0") < 10 else { return nil }
            position += 1
            return Int64(byte &- UInt8(ascii: "0"))
        }

        mutating func number(digits: Int) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<digits {
                guard let digit = digit() else { return nil }
                // At most four digits.
                value = value &* 10 &+ digit
            }
            return value
        }

        /// Milliseconds: 0 without a point, nil where no digit follows it.
        mutating func fraction() -> Int64? {
            guard skip(".") else { return 0 }
            guard let first = digit() else { return nil }
            var value = first &* 100
            var weight: Int64 = 10
            while let digit = digit() {
                value &+= digit &* weight
                weight /= 10
            }
            return value
        }

        /// Minutes east of UTC.
        mutating func offset() -> Int64? {
            if skip("Z") { return 0 }
            let isWest = skip("-")
            guard isWest || skip("+"), let hours = number(digits: 2), hours <= 23, skip(":"),
                let minutes = number(digits: 2), minutes <= 59
            else { return nil }
            let value = hours &* 60 &+ minutes
            return isWest ? -value : value
        }
    }

    // MARK: Calendar

    package static func isLeap(_ year: Int64) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    private static func daysIn(month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01, for years 1 to 9999.
    ///
    /// A year is taken to start in March, so that the leap day is its last: then the months have a fixed pattern of
    /// lengths (153 days in five months) and each year's start follows from the leap rule alone.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year &- 1
        let monthFromMarch = month > 2 ? month &- 3 : month &+ 9
        let yearStart = shifted &* 365 &+ shifted / 4 &- shifted / 100 &+ shifted / 400
        return yearStart &+ (153 &* monthFromMarch &+ 2) / 5 &+ day &- 1 &- daysToEpoch
    }

    /// The date of a day counted from 0000-03-01, for years up to 9999. With 32 bits, since dividing 64 takes longer.
    @inline(__always)
    private static func civil(daysSinceStart days: UInt32) -> (year: UInt32, month: UInt32, day: UInt32) {
        let cycle = days / 146_097
        let dayOfCycle = days % 146_097
        // Takes out the leap days that came before, so that 365 divides evenly: one in 4 years less one in 100.
        let yearOfCycle = (dayOfCycle &- dayOfCycle / 1460 &+ dayOfCycle / 36_524 &- dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle &- (365 &* yearOfCycle &+ yearOfCycle / 4 &- yearOfCycle / 100)
        let monthFromMarch = (5 &* dayOfYear &+ 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch &+ 3 : monthFromMarch &- 9
        return (
            year: cycle &* 400 &+ yearOfCycle &+ (month <= 2 ? 1 : 0),
            month: month,
            day: dayOfYear &- (153 &* monthFromMarch &+ 2) / 5 &+ 1
        )
    }
}
