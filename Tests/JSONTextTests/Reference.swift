/// A slow reader of RFC 8259 that is meant to be obviously right: one function for each rule of the grammar, one byte
/// at a time, over an array. The fast one is compared with it.
struct Reference {
    /// The offset of the first byte that cannot continue a valid text.
    struct Wrong: Error, Equatable {
        let offset: Int
    }

    /// A value with all its members, duplicates too.
    indirect enum Node {
        case scalar(Range<Int>)
        case array([Node], Range<Int>)
        case object([(key: [UInt8], value: Node)], Range<Int>)

        var range: Range<Int> {
            switch self {
            case .scalar(let range), .array(_, let range), .object(_, let range): range
            }
        }

        /// The value at a path; where a key is there twice, the last one counts.
        func find(_ names: ArraySlice<String>) -> Node? {
            guard let name = names.first else {
                return self
            }
            switch self {
            case .scalar:
                return nil
            case .array(let elements, _):
                guard let index = Int(name), String(index) == name, elements.indices.contains(index) else {
                    return nil
                }
                return elements[index].find(names.dropFirst())
            case .object(let members, _):
                return members.last { $0.key == Array(name.utf8) }?.value.find(names.dropFirst())
            }
        }
    }

    let bytes: [UInt8]
    let maximumDepth: Int
    private var place = 0

    private init(_ bytes: [UInt8], _ maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    static func read(_ bytes: [UInt8], maximumDepth: Int = 64) throws(Wrong) -> Node {
        var reader = Reference(bytes, maximumDepth)
        reader.space()
        let node = try reader.value(depth: 0)
        reader.space()
        guard reader.place == bytes.count else {
            throw Wrong(offset: reader.place)
        }
        return node
    }

    /// The offset of the first wrong byte, or nil.
    static func failure(_ bytes: [UInt8], maximumDepth: Int = 64) -> Int? {
        do {
            _ = try read(bytes, maximumDepth: maximumDepth)
            return nil
        } catch {
            return error.offset
        }
    }

    private var current: UInt8? {
        place < bytes.count ? bytes[place] : nil
    }

    private var wrong: Wrong { Wrong(offset: place) }

    private mutating func space() {
        while let byte = current, [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
            place += 1
        }
    }

    private mutating func take(_ allowed: ClosedRange<UInt8>) throws(Wrong) -> UInt8 {
        guard let byte = current, allowed.contains(byte) else {
            throw wrong
        }
        place += 1
        return byte
    }

    private mutating func take(_ character: Character) throws(Wrong) {
        let byte = character.asciiValue ?? 0
        _ = try take(byte...byte)
    }

    private func isNext(_ character: Character) -> Bool {
        current == character.asciiValue
    }

    private mutating func value(depth: Int) throws(Wrong) -> Node {
        let start = place
        switch current {
        case UInt8(ascii: "{"):
            return try object(depth: depth)
        case UInt8(ascii: "["):
            return try array(depth: depth)
        case UInt8(ascii: "\""):
            _ = try string()
        case UInt8(ascii: "t"):
            for letter in "true" { try take(letter) }
        case UInt8(ascii: "f"):
            for letter in "false" { try take(letter) }
        case UInt8(ascii: "n"):
            for letter in "null" { try take(letter) }
        default:
            try number()
        }
        return .scalar(start..<place)
    }

    private mutating func object(depth: Int) throws(Wrong) -> Node {
        let start = place
        guard depth < maximumDepth else {
            throw wrong
        }
        try take("{")
        space()
        var members: [(key: [UInt8], value: Node)] = []
        if !isNext("}") {
            while true {
                let key = try string()
                space()
                try take(":")
                space()
                members.append((key, try value(depth: depth + 1)))
                space()
                guard isNext(",") else {
                    break
                }
                try take(",")
                space()
            }
        }
        try take("}")
        return .object(members, start..<place)
    }

    private mutating func array(depth: Int) throws(Wrong) -> Node {
        let start = place
        guard depth < maximumDepth else {
            throw wrong
        }
        try take("[")
        space()
        var elements: [Node] = []
        if !isNext("]") {
            while true {
                elements.append(try value(depth: depth + 1))
                space()
                guard isNext(",") else {
                    break
                }
                try take(",")
                space()
            }
        }
        try take("]")
        return .array(elements, start..<place)
    }

    private mutating func number() throws(Wrong) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        if isNext("-") {
            place += 1
        }
        if try take(digits) == UInt8(ascii: "0") {
            if let byte = current, digits.contains(byte) {
                throw wrong
            }
        } else {
            while let byte = current, digits.contains(byte) { place += 1 }
        }
        if isNext(".") {
            place += 1
            _ = try take(digits)
            while let byte = current, digits.contains(byte) { place += 1 }
        }
        if isNext("e") || isNext("E") {
            place += 1
            if isNext("+") || isNext("-") {
                place += 1
            }
            _ = try take(digits)
            while let byte = current, digits.contains(byte) { place += 1 }
        }
    }

    /// The decoded bytes.
    private mutating func string() throws(Wrong) -> [UInt8] {
        try take("\"")
        var units: [UInt16] = []
        while !isNext("\"") {
            guard let byte = current else {
                throw wrong
            }
            if byte == UInt8(ascii: "\\") {
                place += 1
                units.append(try escape())
            } else if byte < 0x20 {
                throw wrong
            } else {
                units += try character().utf16
            }
        }
        try take("\"")
        // Repairs lone surrogates.
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    private mutating func escape() throws(Wrong) -> UInt16 {
        let simple: [Character: UInt16] = [
            "\"": 0x22, "\\": 0x5C, "/": 0x2F, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
        ]
        guard let byte = current else {
            throw wrong
        }
        if let unit = simple[Character(Unicode.Scalar(byte))] {
            place += 1
            return unit
        }
        try take("u")
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = current, byte < 0x80,
                let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else {
                throw wrong
            }
            unit = unit << 4 | UInt16(digit)
            place += 1
        }
        return unit
    }

    /// Unicode table 3-7, row by row.
    static let table: [[ClosedRange<UInt8>]] = [
        [0x00...0x7F],
        [0xC2...0xDF, 0x80...0xBF],
        [0xE0...0xE0, 0xA0...0xBF, 0x80...0xBF],
        [0xE1...0xEC, 0x80...0xBF, 0x80...0xBF],
        [0xED...0xED, 0x80...0x9F, 0x80...0xBF],
        [0xEE...0xEF, 0x80...0xBF, 0x80...0xBF],
        [0xF0...0xF0, 0x90...0xBF, 0x80...0xBF, 0x80...0xBF],
        [0xF1...0xF3, 0x80...0xBF, 0x80...0xBF, 0x80...0xBF],
        [0xF4...0xF4, 0x80...0x8F, 0x80...0xBF, 0x80...0xBF],
    ]

    private mutating func character() throws(Wrong) -> String {
        guard let first = current, let row = Reference.table.first(where: { $0[0].contains(first) }) else {
            throw wrong
        }
        let start = place
        for range in row {
            _ = try take(range)
        }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }
}
