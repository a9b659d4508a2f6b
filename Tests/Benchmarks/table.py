"""Turns the samples of all rounds into medians, and the medians into the table that people read."""

from statistics import median

from rows import Row

COLUMNS = {
    "deliver": ("Deliveries", ["deliveries/s", "CPU µs/delivery", "ratio to bare loop", "peak memory MiB"]),
    "push": ("Push, one thread", ["pushes/s", "CPU µs/push", "", "peak memory MiB"]),
    "latency": ("Push to first byte at the receiver", ["p50 µs", "p99 µs", "", "peak memory MiB"]),
}


def cpu_microseconds(sample: dict) -> float:
    """CPU of the sender process, user and system, for one delivery or push of this sample."""
    return (sample["user"] + sample["system"]) / sample.get("deliveries", sample.get("pushes")) * 1e6


def paired_ratios(samples: list[dict], baseline: list[dict]) -> list[float]:
    """CPU against the baseline of the same round: what slows the whole machine for a while slows both."""
    return [cpu_microseconds(own) / cpu_microseconds(other) for own, other in zip(samples, baseline)]


def summarize(row: Row, samples: list[dict], baseline: list[dict]) -> dict:
    """Medians of one row over its rounds, under the names that the JSON file has."""
    summary: dict = {"peakMiB": median(sample["peakKiB"] for sample in samples) / 1024}
    if row.kind == "deliver":
        summary["deliveriesPerSecond"] = median(sample["deliveries"] / sample["seconds"] for sample in samples)
        summary["cpuMicroseconds"] = median(map(cpu_microseconds, samples))
        ratios = paired_ratios(samples, baseline)
        if ratios:
            summary["ratio"] = median(ratios)
    elif row.kind == "push":
        summary["pushesPerSecond"] = median(sample["pushes"] / sample["seconds"] for sample in samples)
        summary["threadMicroseconds"] = median(sample["threadSeconds"] / sample["pushes"] * 1e6 for sample in samples)
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
            entry |= summarize(row, samples[row.id], samples.get(row.baseline, []))
            entry["samples"] = samples[row.id]
        entries.append(entry)
    return entries


def cells(entry: dict) -> list[str]:
    peak = f"{entry['peakMiB']:.1f}"
    if entry["kind"] == "deliver":
        ratio = f"{entry['ratio']:.2f}" if "ratio" in entry else "-"
        return [f"{entry['deliveriesPerSecond']:,.0f}", f"{entry['cpuMicroseconds']:.1f}", ratio, peak]
    if entry["kind"] == "push":
        return [f"{entry['pushesPerSecond']:,.0f}", f"{entry['threadMicroseconds']:.2f}", "", peak]
    return [f"{entry['p50Microseconds']:,.0f}", f"{entry['p99Microseconds']:,.0f}", "", peak]


def render(entries: list[dict]) -> str:
    """The table as text: one block for each kind of row, all with the same columns' widths."""
    width = max(len(entry["title"]) for entry in entries)
    width = max(width, *(len(title) for title, _ in COLUMNS.values()))
    lines = []
    for kind, (title, names) in COLUMNS.items():
        block = [entry for entry in entries if entry["kind"] == kind]
        if not block:
            continue
        if lines:
            lines.append("")
        lines.append("  ".join([title.ljust(width)] + [name.rjust(18) for name in names]))
        lines.append("-" * len(lines[-1]))
        for entry in block:
            shown = ["error: " + entry["error"]] if "error" in entry else [cell.rjust(18) for cell in cells(entry)]
            lines.append("  ".join([entry["title"].ljust(width)] + shown))
    return "\n".join(lines)


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
