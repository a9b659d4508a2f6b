extension JSONText {
    /// Hears what the scan meets, in reading order; offsets count from the first byte of the text.
    ///
    /// The scan is compiled anew for each sink, so that one which does nothing costs nothing. A reason given back
    /// stops the scan with a failure at the token's first byte.
    protocol Sink {
        /// A key; `start` is at its opening quote, `end` behind its closing one.
        mutating func key(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer, escaped: Bool) -> Reason?
        /// The next thing heard is an array's next element.
        mutating func element()
        /// A value that holds no others.
        mutating func scalar(
            _ kind: Kind,
            _ start: UnsafeRawPointer,
            _ end: UnsafeRawPointer,
            escaped: Bool
        ) -> Reason?
        /// The opening byte of an array or object.
        mutating func open(_ kind: Kind, _ start: UnsafeRawPointer)
        /// The end, behind the closing byte, of the array or object opened last.
        mutating func close(_ end: UnsafeRawPointer)
        /// The text is about to be read from `start` to `end`.
        mutating func begin(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer)
    }

    /// For the check alone.
    struct NoSink: Sink {
        @inline(__always)
        mutating func key(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer, escaped: Bool) -> Reason? { nil }
        @inline(__always)
        mutating func element() {}
        @inline(__always)
        mutating func scalar(
            _ kind: Kind,
            _ start: UnsafeRawPointer,
            _ end: UnsafeRawPointer,
            escaped: Bool
        ) -> Reason? { nil }
        @inline(__always)
        mutating func open(_ kind: Kind, _ start: UnsafeRawPointer) {}
        @inline(__always)
        mutating func close(_ end: UnsafeRawPointer) {}
        @inline(__always)
        mutating func begin(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) {}
    }

    /// Which of the open containers are objects: one bit each, innermost lowest, in fixed storage.
    struct Nesting {
        /// How many are open.
        private(set) var depth = 0
        /// The innermost 64; zero when none is open.
        private var top: UInt64 = 0
        /// The 64s below, outermost first. In memory of their own: in registers, where they would be hardly ever used,
        /// they would be saved and restored around every token.
        private let below: UnsafeMutablePointer<UInt64>
        /// 512 levels need seven beside `top`.
        static let wordsBelow = deepestDepth / 64 - 1

        /// `below` has room for ``wordsBelow``, and outlives this; each word is written before it is read.
        @inline(__always)
        init(below: UnsafeMutablePointer<UInt64>) {
            self.below = below
        }

        /// Whether the innermost open container is an object; false when none is open.
        @inline(__always)
        var isObject: Bool { top & 1 == 1 }

        /// The byte that closes the innermost container: `]`, or the same with bit 5 set, which is `}`.
        @inline(__always)
        var closer: UInt8 { Byte.closeBracket | UInt8(truncatingIfNeeded: top & 1) &<< 5 }

        /// The caller keeps the depth at or below 512.
        @inline(__always)
        mutating func push(isObject: Bool) {
            if depth & 63 == 0, depth > 0 {
                below[depth &>> 6 &- 1] = top
            }
            top = top &<< 1 | (isObject ? 1 : 0)
            depth &+= 1
        }

        /// The caller knows that one is open.
        @inline(__always)
        mutating func pop() {
            depth &-= 1
            top &>>= 1
            if depth & 63 == 0, depth > 0 {
                top = below[depth &>> 6 &- 1]
            }
        }

        /// Why a text that ends here, outside any token, is not whole.
        var endReason: Reason {
            depth == 0 ? .noValue : isObject ? .objectNotClosed : .arrayNotClosed
        }
    }

    /// Reads the text once from front to back: the one place that knows the grammar of RFC 8259 section 2 to 5.
    ///
    /// Every read through a pointer stands behind a comparison of that pointer with `end`.
    @inline(__always)
    static func scan<S: Sink>(
        _ bytes: UnsafeRawBufferPointer,
        maximumDepth: Int,
        sink: inout S
    ) -> Failure? {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Nesting.wordsBelow) { below in
            guard let start = bytes.baseAddress, bytes.count > 0, let below = below.baseAddress else {
                return Failure(offset: 0, reason: .noValue)
            }
            return scan(start, start + bytes.count, maximumDepth: maximumDepth, Nesting(below: below), sink: &sink)
        }
    }

    @inline(__always)
    private static func scan<S: Sink>(
        _ start: UnsafeRawPointer,
        _ end: UnsafeRawPointer,
        maximumDepth: Int,
        _ nothingOpen: Nesting,
        sink: inout S
    ) -> Failure? {
        let limit = min(max(0, maximumDepth), deepestDepth)
        var nesting = nothingOpen
        sink.begin(start, end)
        var p = skipSpace(start, end)

        next: while true {
            // Here a member of an object, an element of an array, or the top value is due.
            if nesting.isObject {
                guard p < end else {
                    return Failure(offset: p - start, reason: .objectNotClosed)
                }
                guard byte(p) == Byte.quote else {
                    return Failure(offset: p - start, reason: .keyExpected)
                }
                let key = string(p, end)
                if let reason = key.reason {
                    return Failure(offset: key.end - start, reason: reason)
                }
                if let reason = sink.key(p, key.end, escaped: key.escaped) {
                    return Failure(offset: p - start, reason: reason)
                }
                p = skipSpace(key.end, end)
                guard p < end else {
                    return Failure(offset: p - start, reason: .objectNotClosed)
                }
                guard byte(p) == Byte.colon else {
                    return Failure(offset: p - start, reason: .colonExpected)
                }
                p = skipSpace(p + 1, end)
            } else if nesting.depth > 0 {
                sink.element()
            }
            guard p < end else {
                return Failure(offset: p - start, reason: nesting.endReason)
            }

            let first = byte(p)
            if first == Byte.openBrace || first == Byte.openBracket {
                guard nesting.depth < limit else {
                    return Failure(offset: p - start, reason: .tooDeep)
                }
                let isObject = first == Byte.openBrace
                nesting.push(isObject: isObject)
                sink.open(isObject ? .object : .array, p)
                p = skipSpace(p + 1, end)
                guard p < end, byte(p) == nesting.closer else {
                    continue next
                }
            } else {
                let token = first == Byte.quote ? string(p, end) : wordOrNumber(p, end)
                if let reason = token.reason {
                    let isMark = reason == .valueExpected && p == start && startsWithByteOrderMark(start, end)
                    return Failure(offset: token.end - start, reason: isMark ? .byteOrderMark : reason)
                }
                if let reason = sink.scalar(token.kind, p, token.end, escaped: token.escaped) {
                    return Failure(offset: p - start, reason: reason)
                }
                p = token.end
            }

            // Behind a value, or on the closing byte of an empty container.
            while nesting.depth > 0 {
                p = skipSpace(p, end)
                guard p < end else {
                    return Failure(offset: p - start, reason: nesting.endReason)
                }
                let byte = byte(p)
                p += 1
                if byte == Byte.comma {
                    p = skipSpace(p, end)
                    continue next
                }
                guard byte == nesting.closer else {
                    let reason: Reason = nesting.isObject ? .commaOrBraceExpected : .commaOrBracketExpected
                    return Failure(offset: p - start - 1, reason: reason)
                }
                nesting.pop()
                sink.close(p)
            }
            p = skipSpace(p, end)
            return p == end ? nil : Failure(offset: p - start, reason: .trailingBytes)
        }
    }

    private static func startsWithByteOrderMark(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Bool {
        end - start >= 3 && byte(start) == 0xEF && byte(start + 1) == 0xBB && byte(start + 2) == 0xBF
    }
}
