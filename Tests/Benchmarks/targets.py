"""What the engine is to reach, each target a line at the end of the table.

A target takes its figure from samples: of one row the median over the rounds, of two rows the median of the ratios
within each round, since what slows the machine for a while slows both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from rows import ROWS

Samples = dict[str, list[dict]]
Measure = Callable[[dict], float]


@dataclass(frozen=True)
class Target:
    title: str
    row: str  # id
    measure: Measure
    limit: float
    unit: str = ""
    other: str = ""  # id of the row whose figure of the same round it is divided by
    at_least: bool = False
    digits: int = 2

    def figure(self, samples: Samples) -> float | None:
        own = [self.measure(sample) for sample in samples.get(self.row, [])]
        if self.other:
            own = [mine / self.measure(other) for mine, other in zip(own, samples.get(self.other, []))]
        return median(own) if own else None

    def is_met(self, figure: float) -> bool:
        # As it is shown: 1.004 meets 1.00.
        shown = round(figure, self.digits)
        return shown >= self.limit if self.at_least else shown <= self.limit


def cpu(sample: dict) -> float:
    """CPU µs of the whole process for each delivery."""
    return (sample["user"] + sample["system"]) / sample["deliveries"] * 1e6


def deliveries(sample: dict) -> float:
    return sample["deliveries"] / sample["seconds"]


def deliveries_per_cpu(sample: dict) -> float:
    return 1e6 / cpu(sample)


def pushes(sample: dict) -> float:
    return sample["pushes"] / sample["seconds"]


def of_thread(part: str) -> Measure:
    return lambda sample: sample[part]["threadSeconds"] / sample[part]["pushes"] * 1e6


def value(name: str, unit: float = 1) -> Measure:
    return lambda sample: sample[name] / unit


def anonymous(part: str) -> Measure:
    return lambda sample: (sample[part]["anonymousKiB"] - sample["empty"]["anonymousKiB"]) / 1024


def kept(sample: dict) -> float:
    """The part of a queue's memory that is still held a second after the queue was empty."""
    return anonymous("later")(sample) / anonymous("queued")(sample)


TARGETS = [
    Target("CPU per delivery, 1 lane / bare libcurl loop", "martlet-1", cpu, 1.00, other="bare"),
    Target("  with the journal, interval / bare libcurl loop", "journal-1", cpu, 1.10, other="bare"),
    Target("  with the journal, interval / without", "journal-1", cpu, 1.15, other="martlet-1"),
    Target("CPU per delivery, 1 lane / Go net/http", "martlet-1", cpu, 0.75, other="go"),
    Target("HTTPS to nginx, CPU per delivery / bare libcurl loop", "https", cpu, 1.05, other="https-bare"),
    Target("1 event to 1,000 webhooks on 50 hosts, CPU per delivery / single", "fan-out", cpu, 1.2, other="martlet-1"),
    Target("2,000 receivers that take 1 s, deliveries/s", "slow", deliveries, 1_900, at_least=True, digits=0),
    Target("  CPU per delivery / that with 64 in flight", "slow", cpu, 1.5, other="martlet-1"),
    Target("pushes/s, 1 thread, memory", "push-match", pushes, 1_000_000, at_least=True, digits=0),
    Target("pushes/s, 1 thread, journal, interval", "store-interval-1x1", pushes, 500_000, at_least=True, digits=0),
    *(
        Target(f"  / SQLite, {rows} a transaction", "store-interval-1x1", pushes, 5, other=other, at_least=True)
        for rows, other in (("1 row", "sqlite-interval-1"), ("1,000 rows", "sqlite-interval-1000"))
    ),
    Target("push, none of 100,000 webhooks matches", "index-100000", of_thread("none"), 0.7, "µs"),
    Target("  / none of 1,000", "index-100000", of_thread("none"), 1.2, other="index-1000"),
    Target("push, one of 100,000 webhooks matches", "index-100000", of_thread("one"), 2, "µs"),
    Target("  / one of 1,000", "index-100000", of_thread("one"), 1.2, other="index-1000"),
    Target("JSON check, 1 KiB", "json-1KiB", value("check"), 1.5, "GB/s", at_least=True),
    Target("JSON check, 64 KiB", "json-64KiB", value("check"), 1.5, "GB/s", at_least=True),
    Target("signature of 1 KiB", "signature", value("microseconds"), 1.2, "µs"),
    Target("push to first byte, idle engine, p50", "latency", value("p50"), 150, "µs", digits=0),
    Target("push to first byte, idle engine, p99", "latency", value("p99"), 1_000, "µs", digits=0),
    Target("1,000,000 queued events of 1 KiB, memory", "memory-only", anonymous("queued"), 1.3 * 1024, "MiB", digits=0),
    Target("  with the journal", "memory-journal", anonymous("queued"), 300, "MiB", digits=0),
    Target("  part still held after the drain, memory", "memory-only", kept, 0.1),
    Target("100,000 webhooks, memory", "index-100000", value("registeredKiB", 1024), 100, "MiB", digits=0),
    Target("100,000 webhooks, opened from disk", "recovery-webhooks", value("openSeconds", 1e-3), 500, "ms", digits=0),
    Target("library: load, open, close", "load", value("allMs"), 25, "ms", digits=1),
    *(
        Target(f"{title}, pushes/s with ready bytes", row, pushes, limit, at_least=True, digits=0)
        for title, row, limit in (
            ("Python", "python-push-ready-1", 150_000), ("Python, 100 lines a call", "python-push-ready-100", 500_000),
            ("Node", "node-push-ready-1", 300_000), ("Go", "go-push-ready-1", 500_000),
        )
    ),
    *(
        Target(f"{title}, deliveries/CPU s{how}", row + label, deliveries_per_cpu, limit, other=other, at_least=True)
        for how, label in ((", no outcomes asked for", "-send"), (", each outcome taken", "-deliver"))
        for title, row, other, limit in (
            ("Python / aiohttp", "python", "aiohttp", 3), ("Node / http.Agent", "node", "node", 2),
            ("Go / net/http", "go", "go", 1),
        )
    ),
]
assert {target.row for target in TARGETS} | {target.other for target in TARGETS} - {""} <= {row.id for row in ROWS}


def build(samples: Samples, failures: dict[str, str], quick: bool) -> list[dict]:
    """One entry for each target whose rows were to be measured; `met` is None where one failed, and in a quick run."""
    entries = []
    for target in TARGETS:
        rows = {target.row, target.other} - {""}
        if not rows <= set(samples):
            continue
        figure = None if rows & set(failures) else target.figure(samples)
        entries.append(
            {
                "title": target.title, "figure": figure, "limit": target.limit, "unit": target.unit,
                "atLeast": target.at_least, "digits": target.digits,
                "met": None if figure is None or quick else target.is_met(figure),
            }
        )
    return entries


def cells(entry: dict) -> list[str]:
    """Figure, target and whether it is met, as they are shown."""
    unit = f" {entry['unit']}" if entry["unit"] else ""
    figure = "-" if entry["figure"] is None else f"{entry['figure']:,.{entry['digits']}f}{unit}"
    limit = f"{entry['limit']:,.{entry['digits']}f}{unit}"
    verdict = {True: "met", False: "missed", None: "not judged"}[entry["met"]]
    return [figure, ("≥ " if entry["atLeast"] else "≤ ") + limit, verdict]
