/// What a query found, read from the engine a page at a time while it is gone through.
///
/// The first page is read when the listing is made, which reports what is wrong with the query. It may be gone through more
/// than once; pages after the first are read anew each time. What is added meanwhile may or may not be met.
public struct Listing<Element: Sendable>: Sequence, Sendable {
    struct Page: Sendable {
        var elements: [Element]
        /// Nil on the last page.
        var cursor: String?
    }

    let first: Page
    let load: @Sendable (_ cursor: String) throws(MartletError) -> Page

    init(_ load: @escaping @Sendable (_ cursor: String?) throws(MartletError) -> Page) throws(MartletError) {
        first = try load(nil)
        self.load = { (cursor) throws(MartletError) in try load(cursor) }
    }

    /// Goes through all pages.
    public func makeIterator() -> Iterator {
        Iterator(page: first, load: load)
    }

    /// Reads a page when the one before is used up.
    public struct Iterator: IteratorProtocol {
        private var page: Page
        private var position = 0
        private let load: @Sendable (_ cursor: String) throws(MartletError) -> Page

        init(page: Page, load: @escaping @Sendable (_ cursor: String) throws(MartletError) -> Page) {
            self.page = page
            self.load = load
        }

        /// The next element; nil at the end.
        public mutating func next() -> Element? {
            while position == page.elements.count {
                // What the first page answered, later ones do too, but in a forked child, where nothing is to be had.
                guard let cursor = page.cursor, let next = try? load(cursor) else { return nil }
                page = next
                position = 0
            }
            defer { position += 1 }
            return page.elements[position]
        }
    }
}
