import Glibc
import Model
import Synchronization

/// The bodies of an event in formats other than the engine's own, for the webhooks that ask for them.
///
/// Built by the lane that first needs one, kept with the event, shared by all lanes.
struct OtherPayloads: ~Copyable, Sendable {
    /// Addresses of blocks from malloc, a length followed by the bytes; 0 where there is none yet.
    private let subverse = Atomic<UInt>(0)
    private let standard = Atomic<UInt>(0)

    deinit {
        OtherPayloads.release(subverse.load(ordering: .acquiring))
        OtherPayloads.release(standard.load(ordering: .acquiring))
    }

    private static func release(_ address: UInt) {
        free(UnsafeMutableRawPointer(bitPattern: address))
    }

    /// The body in a framed format; `build` makes it where no lane has yet. Nil where there is no memory.
    func body(
        _ format: DeliverySettings.PayloadFormat,
        build: () -> UnsafeRawBufferPointer?
    ) -> (body: UnsafeRawBufferPointer, isNew: Bool)? {
        switch format {
        case .subverse: OtherPayloads.body(subverse, build)
        case .standard: OtherPayloads.body(standard, build)
        case .raw: nil
        }
    }

    private static func body(
        _ place: borrowing Atomic<UInt>,
        _ build: () -> UnsafeRawBufferPointer?
    ) -> (body: UnsafeRawBufferPointer, isNew: Bool)? {
        if let known = read(place.load(ordering: .acquiring)) { return (known, false) }
        guard let built = build() else { return nil }
        defer { free(UnsafeMutableRawPointer(mutating: built.baseAddress)) }
        let header = MemoryLayout<Int>.size
        guard let block = malloc(header + built.count) else { return nil }
        block.storeBytes(of: built.count, as: Int.self)
        UnsafeMutableRawBufferPointer(start: block + header, count: built.count).copyMemory(from: built)
        let address = UInt(bitPattern: block)
        let (exchanged, original) = place.compareExchange(
            expected: 0,
            desired: address,
            ordering: .acquiringAndReleasing
        )
        // Another lane was faster: its block stands.
        if !exchanged { release(address) }
        return read(exchanged ? address : original).map { ($0, exchanged) }
    }

    private static func read(_ address: UInt) -> UnsafeRawBufferPointer? {
        guard let block = UnsafeRawPointer(bitPattern: address) else { return nil }
        // Written by body(_:_:) before the address was published.
        return UnsafeRawBufferPointer(start: block + MemoryLayout<Int>.size, count: block.load(as: Int.self))
    }
}
