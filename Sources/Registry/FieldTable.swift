/// Numbers for the fields that the filters of one tenant ask for: small, and the same as long as anybody asks.
struct FieldTable: Sendable {
    private struct Field: Sendable {
        var path: String
        var uses: Int
    }

    private var fields: ContiguousArray<Field> = []
    private var numbers: [[UInt8]: UInt32] = [:]
    private var free: [UInt32] = []

    /// Every number is below this.
    var capacity: Int { fields.count }

    subscript(number: UInt32) -> String {
        Int(number) < fields.count ? fields[Int(number)].path : ""
    }

    mutating func acquire(_ path: String) -> UInt32 {
        // Bytes are compared: equivalent spellings of é are different fields.
        let key = Array(path.utf8)
        if let number = numbers[key] {
            fields[Int(number)].uses += 1
            return number
        }
        let number = free.popLast() ?? UInt32(truncatingIfNeeded: fields.count)
        if Int(number) == fields.count {
            fields.append(Field(path: path, uses: 1))
        } else {
            fields[Int(number)] = Field(path: path, uses: 1)
        }
        numbers[key] = number
        return number
    }

    mutating func release(_ number: UInt32) {
        guard Int(number) < fields.count else { return }
        fields[Int(number)].uses -= 1
        guard fields[Int(number)].uses == 0 else { return }
        numbers[Array(fields[Int(number)].path.utf8)] = nil
        fields[Int(number)].path = ""
        free.append(number)
    }
}
