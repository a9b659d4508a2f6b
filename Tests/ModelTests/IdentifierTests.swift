import Synchronization
import Testing

@testable import Model

@Suite("Identifiers")
struct IdentifierTests {
    private static let kinds: [Identifier.Kind] = [.event, .delivery, .webhook]

    @Test func textComesBack() throws {
        var random = RandomSource(seed: 11)
        var identifiers = [Identifier.zero, Identifier(high: .max, low: .max), Identifier(high: 1, low: 0)]
        identifiers += (0..<1000).map { _ in Identifier(high: random.next(), low: random.next()) }
        for identifier in identifiers {
            for kind in Self.kinds {
                let text = identifier.text(kind)
                #expect(text.hasPrefix(String(describing: kind.prefix)))
                #expect(!text.contains("."), "webhook-id must not have a dot")
                #expect(text.utf8.count == kind.prefix.utf8CodeUnitCount + 26)
                #expect(Identifier(text, kind: kind) == identifier)
            }
        }
    }

    @Test func textSortsLikeTheIdentifier() {
        var random = RandomSource(seed: 12)
        let identifiers = (0..<500).map { _ in Identifier(high: random.next(), low: random.next()) }.sorted()
        let texts = identifiers.map { $0.text(.event) }
        #expect(texts == texts.sorted())
    }

    @Test func badTextsAreRefused() {
        let good = Identifier(high: 5, low: 6).text(.event)
        #expect(Identifier(good, kind: .event) != nil)
        let digits = String(good.dropFirst(4))
        let start = String(good.dropLast())
        let zeros = String(repeating: "0", count: 25)
        let bad: [String] = [
            "", "evt_", start, "\(good)0", good.uppercased(), "dlv_\(digits)", "wh_\(digits)", " vt_\(digits)",
            "\(start)u",
            "\(start)i", "\(start)l", "\(start)o", "\(start).", "\(good.dropLast(2))é", "evt_8\(zeros)",
            "evt_z\(zeros)",
        ]
        for text in bad {
            #expect(Identifier(text, kind: .event) == nil, "\(text)")
        }
        #expect(
            Identifier("evt_7" + String(repeating: "z", count: 25), kind: .event) == Identifier(high: .max, low: .max)
        )
    }

    @Test func writesOnlyWhatFits() {
        withUnsafeTemporaryAllocation(byteCount: 30, alignment: 1) { buffer in
            #expect(Identifier.zero.write(.event, into: buffer) == 30)
            #expect(Identifier.zero.write(.event, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<29])) == 0)
            #expect(Identifier.zero.write(.webhook, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<29])) == 29)
        }
    }

    @Test func layoutIsVersionSeven() {
        let generator = IdentifierGenerator(seed: 1)
        let time = WallTime(milliseconds: 1_765_189_800_123)
        for _ in 0..<100 {
            let identifier = generator.next(at: time)
            #expect(identifier.high >> 12 & 0xF == 7)
            #expect(identifier.low >> 62 == 2)
            #expect(identifier.wallTime == time)
        }
    }

    @Test func strictlyIncreasingEvenWhenTheClockGoesBack() {
        let generator = IdentifierGenerator(seed: 2)
        var last = Identifier.zero
        for step in 0..<50_000 {
            // Forth and back by up to a second, and bursts beyond what one millisecond can number.
            let time = WallTime(milliseconds: 1_000_000 + Int64(step % 7 == 0 ? -1000 : step / 20_000))
            let next = generator.next(at: time)
            #expect(last < next)
            last = next
        }
    }

    @Test func reservedRunsDoNotOverlap() {
        let generator = IdentifierGenerator(seed: 3)
        let time = WallTime(milliseconds: 5)
        let run = generator.reserve(20_000, at: time)
        let identifiers = (0..<20_000).map { run[$0] }
        #expect(zip(identifiers, identifiers.dropFirst()).allSatisfy { $0 < $1 })
        #expect(identifiers[19_999] < generator.next(at: time))
    }

    @Test func uniqueOverThreads() async {
        let box = GeneratorBox()
        let all = await withTaskGroup(of: [Identifier].self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<5000).map { _ in box.generator.next(at: WallTime(milliseconds: 42)) } }
            }
            return await group.reduce(into: [Identifier]()) { $0 += $1 }
        }
        #expect(Set(all).count == 40_000)
    }

    @Test func generatorsWithOtherSeedsDiffer() {
        let time = WallTime(milliseconds: 42)
        let first = IdentifierGenerator(seed: 1).next(at: time)
        #expect(first != IdentifierGenerator(seed: 2).next(at: time))
        #expect(first == IdentifierGenerator(seed: 1).next(at: time))
    }

    /// A generator cannot be copied, so tasks share it through a class.
    private final class GeneratorBox: Sendable {
        let generator = IdentifierGenerator(seed: 4)
    }
}
