"""Turns the samples of all rounds into medians, and the medians into the table that people read."""

from statistics import median

import hosts
import parts
import stored
import targets
from blocks import Block
from row import Row

TARGETS = "Targets"
COLUMNS = {
    "deliver": (
        "Deliveries",
        ["deliveries/s", "CPU µs/delivery", "of it kernel", "ratio to bare loop", "peak memory MiB", "connections"],
    ),
    "push": ("Push, one thread", ["pushes/s", "CPU µs/push", "", "peak memory MiB"]),
    "latency": ("Push to first byte at the receiver", ["p50 µs", "p99 µs", "", "peak memory MiB"]),
    "fairness": ("Healthy webhooks, 2 events each under way", ["undisturbed", "disturbed", "ratio", "peak memory MiB"]),
    "index": ("Push, one thread, many webhooks", ["CPU µs/push", "ratio to 1,000", "registration s", "bytes/webhook"]),
    **parts.COLUMNS,
    **stored.COLUMNS,
    **hosts.COLUMNS,
}


def thread_microseconds(sample: dict) -> float:
    """CPU of the pushing thread, user and system, for one push of this sample."""
    return sample["threadSeconds"] / sample["pushes"] * 1e6


def cpu_microseconds(sample: dict) -> float:
    """CPU of the sender process, user and system, for one delivery or push of this sample."""
    return (sample["user"] + sample["system"]) / sample.get("deliveries", sample.get("pushes")) * 1e6


def paired_ratios(samples: list[dict], baseline: list[dict]) -> list[float]:
    """CPU against the baseline of the same round: what slows the whole machine for a while slows both."""
    return [cpu_microseconds(own) / cpu_microseconds(other) for own, other in zip(samples, baseline)]


def summarize_fairness(samples: list[dict]) -> dict:
    """The two parts of each round side by side, and the ratios of the disturbed one to the undisturbed one."""
    measures = {
        "deliveriesPerSecond": lambda part: part["deliveries"] / part["seconds"],
        "p99Microseconds": lambda part: part["p99"],
        "cpuMicroseconds": cpu_microseconds,
    }
    summary: dict = {}
    for name, measure in measures.items():
        before = [measure(sample["undisturbed"]) for sample in samples]
        after = [measure(sample["disturbed"]) for sample in samples]
        ratios = [later / earlier for earlier, later in zip(before, after)]
        summary[name] = {"undisturbed": median(before), "disturbed": median(after), "ratio": median(ratios)}
    return summary


def summarize_index(samples: list[dict], baseline: list[dict]) -> dict:
    """Pushes that match no webhook and pushes that match one, and what the webhooks cost themselves."""
    summary: dict = {
        "registrationSeconds": median(sample["registrationSeconds"] for sample in samples),
        "bytesPerWebhook": median(sample["registeredKiB"] * 1024 / sample["webhooks"] for sample in samples),
    }
    for name in ("none", "one"):
        own = [thread_microseconds(sample[name]) for sample in samples]
        ratios = [cost / thread_microseconds(other[name]) for cost, other in zip(own, baseline)]
        summary[name] = {"threadMicroseconds": median(own), "ratio": median(ratios)}
    return summary


def summarize(row: Row, samples: list[dict], baseline: list[dict], anchors: list[list[dict]]) -> dict:
    """Medians of one row over its rounds, under the names that the JSON file has."""
    if row.kind in parts.COLUMNS:
        return parts.summarize(row, samples, baseline)
    summary: dict = {"peakMiB": median(sample["peakKiB"] for sample in samples) / 1024}
    if row.kind == "deliver":
        summary["connections"] = median(sample["connections"] for sample in samples)
        summary["deliveriesPerSecond"] = median(sample["deliveries"] / sample["seconds"] for sample in samples)
        summary["cpuMicroseconds"] = median(map(cpu_microseconds, samples))
        summary["kernelMicroseconds"] = median(sample["system"] / sample["deliveries"] * 1e6 for sample in samples)
        ratios = paired_ratios(samples, baseline)
        if ratios:
            summary["ratio"] = median(ratios)
    elif row.kind == "push":
        summary["pushesPerSecond"] = median(sample["pushes"] / sample["seconds"] for sample in samples)
        summary["threadMicroseconds"] = median(map(thread_microseconds, samples))
    elif row.kind == "fairness":
        summary |= summarize_fairness(samples)
    elif row.kind == "index":
        summary |= summarize_index(samples, baseline)
    elif row.kind in stored.COLUMNS:
        summary |= stored.summarize(row, samples, baseline, anchors)
    elif row.kind in hosts.COLUMNS:
        summary |= hosts.summarize(row, samples, baseline, anchors)
    else:
        summary["p50Microseconds"] = median(sample["p50"] for sample in samples)
        summary["p99Microseconds"] = median(sample["p99"] for sample in samples)
    if all("bytesPerRequest" in sample for sample in samples):
        summary["bytesPerRequest"] = median(sample["bytesPerRequest"] for sample in samples)
    return summary


def build(rows: list[Row], samples: dict[str, list[dict]], failures: dict[str, str]) -> list[dict]:
    """One entry a row: its medians and all its samples, or its error."""
    entries = []
    for row in rows:
        entry: dict = {"id": row.id, "title": row.title, "kind": row.kind}
        if row.id in failures:
            entry["error"] = failures[row.id]
        else:
            anchors = [samples.get(anchor, []) for anchor in row.anchors]
            entry |= summarize(row, samples[row.id], samples.get(row.baseline, []), anchors)
            entry["samples"] = samples[row.id]
        entries.append(entry)
    return entries


def lines_of(entry: dict) -> list[tuple[str, list[str]]]:
    """The lines of one row, each a title and its cells."""
    title = entry["title"]
    if "error" in entry:
        return [(title, ["error: " + entry["error"]])]
    if entry["kind"] in parts.COLUMNS:
        return parts.lines_of(entry)
    if entry["kind"] in stored.COLUMNS:
        return stored.lines_of(entry)
    if entry["kind"] in hosts.COLUMNS:
        return hosts.lines_of(entry)
    if entry["kind"] == "fairness":
        rates, times, costs = (
            [f"{entry[name][part] / unit:,.{digits}f}" for part in ("undisturbed", "disturbed")]
            + [f"{entry[name]['ratio']:.2f}"]
            for name, unit, digits in (
                ("deliveriesPerSecond", 1, 0), ("p99Microseconds", 1_000, 1), ("cpuMicroseconds", 1, 1),
            )
        )
        return [
            (title, []),
            ("  healthy deliveries/s, ratio to be 0.95 or more", [*rates, f"{entry['peakMiB']:.1f}"]),
            ("  p99 from push to outcome in ms, ratio to be 2 or less", times),
            ("  CPU µs/healthy delivery, what hangs included", costs),
        ]
    if entry["kind"] == "index":
        facts = [f"{entry['registrationSeconds']:.2f}", f"{entry['bytesPerWebhook']:,.0f}"]
        matches = [
            [f"{entry[name]['threadMicroseconds']:.2f}", f"{entry[name]['ratio']:.2f}"] for name in ("none", "one")
        ]
        return [
            (title, []),
            ("  events that match none", [*matches[0], *facts]),
            ("  events that match exactly one", matches[1]),
        ]
    return [(title, cells(entry))]


def cells(entry: dict) -> list[str]:
    peak = f"{entry['peakMiB']:.1f}"
    if entry["kind"] == "deliver":
        ratio = f"{entry['ratio']:.2f}" if "ratio" in entry else "-"
        rates = [f"{entry['deliveriesPerSecond']:,.0f}", f"{entry['cpuMicroseconds']:.1f}"]
        return [*rates, f"{entry['kernelMicroseconds']:.1f}", ratio, peak, f"{entry['connections']:,.0f}"]
    if entry["kind"] == "push":
        return [f"{entry['pushesPerSecond']:,.0f}", f"{entry['threadMicroseconds']:.2f}", "", peak]
    return [f"{entry['p50Microseconds']:,.0f}", f"{entry['p99Microseconds']:,.0f}", "", peak]


def blocks_of(entries: list[dict], goals: list[dict]) -> list[Block]:
    """The whole table: a block for each kind of row, and the targets at the end."""
    blocks = []
    for kind, (title, names) in COLUMNS.items():
        of_kind = [entry for entry in entries if entry["kind"] == kind]
        if of_kind:
            blocks.append(Block(title, names, [line for entry in of_kind for line in lines_of(entry)]))
    if goals:
        lines = [(goal["title"], targets.cells(goal)) for goal in goals]
        blocks.append(Block(TARGETS, ["figure", "target", "verdict"], lines))
    return blocks


def warnings(rows: list[Row], entries: list[dict]) -> list[str]:
    """What a reader must know before comparing: requests that differ in size from those of their baseline."""
    by_id = {entry["id"]: entry for entry in entries}
    found = []
    for row in rows:
        own = by_id[row.id].get("bytesPerRequest")
        other = by_id.get(row.baseline, {}).get("bytesPerRequest")
        if own and other and abs(own / other - 1) > 0.05:
            found.append(f"{row.title} sends {own:.0f} bytes a request, the row it is compared with {other:.0f}.")
    return found
