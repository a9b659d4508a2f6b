/// Where a lane keeps a webhook: a dense index chosen by the engine, and how often that index was given out.
package struct WebhookSlot: BitwiseCopyable, Hashable, Sendable {
    package var index: UInt32
    package var generation: UInt32

    package init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }
}
