"""The kinds of rows that are about the journal: their columns, their medians, and their lines of the table."""

from statistics import median

from row import Row

COLUMNS = {
    "store": (
        "Events accepted, journal beside SQLite (WAL)",
        ["events/s", "CPU µs/event", "time to memory's", "× SQLite single", "× SQLite batched"],
    ),
    "durable": (
        "Deliveries with the journal", ["deliveries/s", "CPU µs/delivery", "ratio to memory", "peak memory MiB"],
    ),
    "pause": ("Single pushes while files are moved", ["p50 µs", "p99 µs", "p99.9 µs", "longest µs", "over 5 ms"]),
    "recovery": ("Open until the first push is accepted", ["recovered", "seconds", "CPU seconds", "anonymous MiB"]),
    "memory": ("Resident memory in MiB", ["empty", "queued", "all delivered", "a second later"]),
}
PARTS = ("empty", "queued", "drained", "later")


def cpu_microseconds(sample: dict) -> float:
    """CPU of the sender process, user and system, for one delivery of this sample."""
    return (sample["user"] + sample["system"]) / sample["deliveries"] * 1e6


def event_seconds(sample: dict) -> float:
    return sample["seconds"] / sample["pushes"]


def summarize_store(samples: list[dict], baseline: list[dict], anchors: list[list[dict]]) -> dict:
    """How fast events are accepted; ratios are taken within a round."""
    summary: dict = {
        "eventsPerSecond": median(1 / event_seconds(sample) for sample in samples),
        "threadMicroseconds": median(sample["threadSeconds"] / sample["pushes"] * 1e6 for sample in samples),
    }
    ratios = [event_seconds(own) / event_seconds(other) for own, other in zip(samples, baseline)]
    if ratios:
        summary["timeRatio"] = median(ratios)
    times = [[event_seconds(other) / event_seconds(own) for own, other in zip(samples, anchor)] for anchor in anchors]
    if times and all(times):
        summary["timesSQLite"] = dict(zip(("single", "batched"), map(median, times)))
    return summary


def summarize_pause(samples: list[dict]) -> dict:
    """Medians of the percentiles; the longest push is that of all rounds."""
    summary: dict = {"segmentsMoved": median(sample["segmentsMoved"] for sample in samples)}
    for part in ("undisturbed", "compacting"):
        of_part = [sample[part] for sample in samples]
        summary[part] = {name: median(sample[name] for sample in of_part) for name in ("p50", "p99", "p999")}
        summary[part]["max"] = max(sample["max"] for sample in of_part)
        summary[part]["slow"] = sum(sample["slow"] for sample in of_part)
    return summary


def summarize(row: Row, samples: list[dict], baseline: list[dict], anchors: list[list[dict]]) -> dict:
    """Medians of one row over its rounds, under the names that the JSON file has."""
    if row.kind == "store":
        return summarize_store(samples, baseline, anchors)
    if row.kind == "pause":
        return summarize_pause(samples)
    if row.kind == "recovery":
        return {
            "recovered": median(sample["recovered"] for sample in samples),
            "seconds": median(sample["openSeconds"] + sample["pushSeconds"] for sample in samples),
            "cpuSeconds": median(sample["cpuSeconds"] for sample in samples),
            "anonymousMiB": median(sample["anonymousKiB"] for sample in samples) / 1024,
            "fileMiB": median(sample["fileKiB"] for sample in samples) / 1024,
        }
    if row.kind == "memory":
        return {
            "events": median(sample["events"] for sample in samples),
            "drainSeconds": median(sample["drainSeconds"] for sample in samples),
        } | {
            f"{pages}MiB": {part: median(sample[part][f"{pages}KiB"] for sample in samples) / 1024 for part in PARTS}
            for pages in ("anonymous", "file")
        }
    ratios = [cpu_microseconds(own) / cpu_microseconds(other) for own, other in zip(samples, baseline)]
    summary = {
        "deliveriesPerSecond": median(sample["deliveries"] / sample["seconds"] for sample in samples),
        "cpuMicroseconds": median(map(cpu_microseconds, samples)),
    }
    return summary | ({"ratio": median(ratios)} if ratios else {})


def optional(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def lines_of(entry: dict) -> list[tuple[str, list[str]]]:
    """The lines of one row, each a title and its cells."""
    title = entry["title"]
    if entry["kind"] == "store":
        times = entry.get("timesSQLite", {})
        ratios = [entry.get("timeRatio"), times.get("single"), times.get("batched")]
        rates = [f"{entry['eventsPerSecond']:,.0f}", f"{entry['threadMicroseconds']:.2f}"]
        return [(title, rates + [optional(ratio) for ratio in ratios])]
    if entry["kind"] == "durable":
        rates = [f"{entry['deliveriesPerSecond']:,.0f}", f"{entry['cpuMicroseconds']:.1f}"]
        return [(title, rates + [optional(entry.get("ratio")), f"{entry['peakMiB']:.1f}"])]
    if entry["kind"] == "pause":
        parts = [
            ("  nothing is moved", entry["undisturbed"]),
            (f"  files with stragglers are moved: {entry['segmentsMoved']:,.0f}", entry["compacting"]),
        ]
        return [(title, [])] + [
            (name, [f"{part[key]:,.1f}" for key in ("p50", "p99", "p999", "max")] + [f"{part['slow']:,}"])
            for name, part in parts
        ]
    if entry["kind"] == "recovery":
        figures = [f"{entry['seconds']:.3f}", f"{entry['cpuSeconds']:.3f}", f"{entry['anonymousMiB']:,.1f}"]
        return [(title, [f"{entry['recovered']:,.0f}", *figures])]
    kinds = [("  anonymous", entry["anonymousMiB"]), ("  pages of files, which the system drops", entry["fileMiB"])]
    return [(f"{entry['events']:,.0f} {title}", [])] + [
        (name, [f"{kind[part]:,.1f}" for part in PARTS]) for name, kind in kinds
    ]
