import Model
import Testing

@testable import Records

@Suite("Records of the journal")
struct RecordTests {
    @Test("An id of a series is found again, an id of another one is not")
    func seriesIndex() {
        let series = EventKey(first: 1_767_225_600_000 << 14 | 16_380, seed: 0x1234_5678_9abc_def0)
        for index in [0, 1, 3, 4, 5, 1000, 70_000] { #expect(series.index(of: series[index]) == index) }
        #expect(series.index(of: EventKey(first: series.first, seed: 1)[1]) == nil)
        #expect(EventKey(first: series.first + 5, seed: series.seed).index(of: series[4]) == nil)
    }
}
