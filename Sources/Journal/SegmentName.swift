/// How the files of a journal are called.
enum SegmentName {
    case segment(UInt32)
    /// Under preparation; worthless after a crash.
    case unfinished
    /// A side file with damaged bytes; the number of their segment.
    case quarantine(UInt32)
    case foreign

    init(_ name: String) {
        if let number = SegmentName.number(name, "segment-", ".log") {
            self = .segment(number)
        } else if SegmentName.number(name, "segment-", ".tmp") != nil {
            self = .unfinished
        } else if let number = SegmentName.number(name, "quarantine-", "") {
            self = .quarantine(number)
        } else {
            self = .foreign
        }
    }

    static func file(_ number: UInt32) -> String {
        "segment-\(hexadecimal(UInt64(number), digits: 16)).log"
    }

    static func unfinishedFile(_ number: UInt32) -> String {
        "segment-\(hexadecimal(UInt64(number), digits: 16)).tmp"
    }

    /// The side file for damaged bytes at `offset` of a segment.
    static func quarantineFile(_ number: UInt32, offset: Int) -> String {
        "quarantine-\(hexadecimal(UInt64(number), digits: 16))-\(hexadecimal(UInt64(offset), digits: 8)).bin"
    }

    /// The new name of a segment whose header is not usable.
    static func quarantineFile(_ number: UInt32) -> String {
        "quarantine-\(hexadecimal(UInt64(number), digits: 16)).log"
    }

    static func hexadecimal(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(digits - text.count, 0)) + text
    }

    /// The 16 lower-case digits between `prefix` and `suffix`; text may follow an empty suffix.
    private static func number(_ name: String, _ prefix: String, _ suffix: String) -> UInt32? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        let rest = name.dropFirst(prefix.count)
        let digits = rest.prefix(16)
        guard digits.count == 16, digits.allSatisfy({ $0.isHexDigit && !$0.isUppercase }) else { return nil }
        guard suffix.isEmpty || rest.dropFirst(16) == suffix else { return nil }
        guard let value = UInt64(digits, radix: 16), let number = UInt32(exactly: value), number != 0 else {
            return nil
        }
        return number
    }
}
