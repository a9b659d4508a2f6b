/// Checks JSON over raw bytes, and reads chosen members out of it, in one pass without allocating.
///
/// The grammar is RFC 8259, whole: any value may stand at the top, and the text must be well-formed UTF-8 (Unicode
/// table 3-7). Three things the RFC leaves open are decided here:
/// - A byte order mark is refused (RFC 8259 section 8.1 forbids sending one).
/// - Numbers may have any number of digits and any exponent; only reading one as a `Double` or `Int64` has limits.
/// - A lone surrogate escape such as `"\ud800"` is accepted. The grammar of section 7 allows it, and a sender that
///   passes the bytes on untouched has no reason to refuse what its receivers may accept. Wherever such a string is
///   decoded, the lone surrogate becomes U+FFFD.
///
/// Every call takes any bytes at all, among them none with a nil address, and never traps on their content.
package enum JSONText {
    /// How deep arrays and objects may nest where the caller names no bound.
    package static let defaultDepth = 64

    /// The deepest nesting any caller can ask for; a larger wish is lowered to it.
    package static let deepestDepth = 512

    /// Says whether the bytes are one JSON text.
    ///
    /// - Parameters:
    ///   - bytes: the text; borrowed for the call.
    ///   - maximumDepth: how many arrays and objects may be open at once, 0 to 512; 0 allows only a scalar. Values
    ///     outside that range are moved to its nearer end.
    /// - Returns: nil if the bytes are valid, or else the first thing wrong with them.
    ///
    /// Thread rule: any thread. Nothing is allocated and the native stack does not grow with the input.
    package static func validate(
        _ bytes: UnsafeRawBufferPointer,
        maximumDepth: Int = defaultDepth
    ) -> Failure? {
        var sink = NoSink()
        return scan(bytes, maximumDepth: maximumDepth, sink: &sink)
    }

    /// Says whether the bytes are one JSON text, and notes where the asked-for members stand in it.
    ///
    /// - Parameters:
    ///   - bytes: the text; borrowed for the call. The slices are offsets into it.
    ///   - maximumDepth: as for ``validate(_:maximumDepth:)``.
    ///   - paths: what to look for. An empty set costs nothing beside the check.
    ///   - extraction: the caller's buffer, made over to one slice per path. Reuse it: only a set with more paths than
    ///     any before makes it allocate. After a failure all its slices are missing.
    /// - Returns: nil if the bytes are valid, or else the first thing wrong with them.
    ///
    /// Where an object names a key twice, the last one counts: what the first one held is forgotten, and so is
    /// everything below it.
    package static func validate(
        _ bytes: UnsafeRawBufferPointer,
        maximumDepth: Int = defaultDepth,
        extracting paths: PathSet,
        into extraction: inout Extraction
    ) -> Failure? {
        extraction.prepare(for: paths)
        guard paths.count > 0 else {
            return validate(bytes, maximumDepth: maximumDepth)
        }
        return extract(bytes, maximumDepth: maximumDepth, paths: paths, extraction: &extraction)
    }

    /// The same with one slice per path in the caller's memory, which is initialized and has exactly that many.
    package static func validate(
        _ bytes: UnsafeRawBufferPointer,
        maximumDepth: Int = defaultDepth,
        extracting paths: PathSet,
        into slices: UnsafeMutableBufferPointer<Slice>
    ) -> Failure? {
        precondition(slices.count == paths.count, "one slice for each path")
        guard paths.count > 0 else {
            return validate(bytes, maximumDepth: maximumDepth)
        }
        return withUnsafeTemporaryAllocation(of: Int32.self, capacity: paths.nodes.count) { counters in
            counters.initialize(repeating: 0)
            return extract(bytes, maximumDepth: maximumDepth, paths: paths, counters: counters, slices: slices)
        }
    }
}
