"""The rows about host languages: what their hosts are told to do, and the columns, medians and lines of the table.

A host is a program that uses Martlet through its language's binding. It is told the engine's configuration and a
webhook as documents, and what to do:

- push: how fast one thread pushes. One webhook matches every event and is held back by a rate limit: nothing is sent.
  The form is `native`, the language's own object (a dict, an object, a struct), or `ready`, bytes of JSON; in batches
  `ready` is one text of whole lines, and `each` a list of events with ready data.
- drain: as many outcomes as there were events wait; the host takes them one by one in its language's own way.
- send: end to end. The host pushes ready bytes, a window at a time, and waits until all is settled.
- deliver: as send, but the host takes the outcome of each delivery: when half of those under way are settled, it pushes
  again.
"""

import json
from statistics import median

from row import Row

COLUMNS = {
    "push-host": (
        "Push by language, one webhook matches",
        ["pushes/s", "pushes/CPU s", "CPU µs/push", "ratio to C", "process µs"],
    ),
    "drain-host": (
        "Outcomes taken by language", ["outcomes/s", "outcomes/CPU s", "CPU µs/outcome", "ratio to C", "peak MiB"],
    ),
    "send-host": (
        "Deliveries by language, no outcomes asked for",
        ["deliveries/s", "deliveries/CPU s", "CPU µs/delivery", "", "peak MiB"],
    ),
    "deliver-host": (
        "Deliveries by language, each outcome taken",
        ["deliveries/s", "deliveries/CPU s", "CPU µs/delivery", "", "peak MiB"],
    ),
}
MODES = {"push-host": "push", "drain-host": "drain", "send-host": "send", "deliver-host": "deliver"}


def options(row: Row, port: int, count: int) -> dict[str, object]:
    """The command line of a host, but for where the data is."""
    mode = MODES[row.kind]
    events = count + row.warm_up
    # The last eighth of an engine's slots is for webhooks with nothing under way: this leaves what was asked for.
    configuration = {
        "environment": "development",
        "lanes": 1,
        "outcomes": "off" if mode in ("push", "send") else "deliveries",
        "queue": {"maxEvents": events + 1000, "maxBytes": events * (row.body_bytes + 1024) + (64 << 20)},
        "maxPendingPerWebhook": events + 1000,
        "maxInFlight": row.in_flight + row.in_flight // 7 + 1,
        "maxInFlightPerWebhook": row.in_flight,
    }
    webhook: dict[str, object] = {"url": f"http://127.0.0.1:{port}/webhook", "events": ["call.*"]}
    if mode in ("push", "drain"):
        webhook["rateLimit"] = {"perSecond": 0.001, "burst": 1}
    return {
        "--mode": mode, "--form": row.form, "--configuration": json.dumps(configuration),
        "--webhook": json.dumps(webhook), "--count": count, "--warm-up": row.warm_up, "--batch": row.batch,
    }


def number(sample: dict) -> int:
    return next(sample[things] for things in ("pushes", "outcomes", "deliveries") if things in sample)


def process_microseconds(sample: dict) -> float:
    """CPU of the process with all its threads, or of all processes where there are several."""
    return (sample["user"] + sample["system"]) / number(sample) * 1e6


def microseconds(row: Row, sample: dict) -> float:
    """What the row is about: pushes are a thread's work, for the rest some languages use threads of their own."""
    return sample["threadSeconds"] / number(sample) * 1e6 if row.kind == "push-host" else process_microseconds(sample)


def summarize(row: Row, samples: list[dict], baseline: list[dict], anchors: list[list[dict]]) -> dict:
    """Medians of one row over its rounds, under the names that the JSON file has; ratios are taken within a round."""
    own = [microseconds(row, sample) for sample in samples]
    summary: dict = {
        "perSecond": median(number(sample) / sample["seconds"] for sample in samples),
        "perCPUSecond": median(1e6 / cost for cost in own),
        "cpuMicroseconds": median(own),
        "processMicroseconds": median(map(process_microseconds, samples)),
    }
    if baseline:
        summary["ratio"] = median(cost / microseconds(row, other) for cost, other in zip(own, baseline))
    times = {
        anchor: median(process_microseconds(other) / cost for cost, other in zip(own, measured))
        for anchor, measured in zip(row.anchors, anchors)
        if measured
    }
    if times:
        summary["times"] = times
    return summary


def lines_of(entry: dict) -> list[tuple[str, list[str]]]:
    """The lines of one row, each a title and its cells."""
    ratio = f"{entry['ratio']:.2f}" if "ratio" in entry else ""
    rates = [f"{entry['perSecond']:,.0f}", f"{entry['perCPUSecond']:,.0f}", f"{entry['cpuMicroseconds']:.2f}"]
    last = f"{entry['processMicroseconds']:.2f}" if entry["kind"] == "push-host" else f"{entry['peakMiB']:.1f}"
    compared = [
        (f"  times the deliveries/CPU s of row {anchor}", ["", f"{times:.2f}"])
        for anchor, times in entry.get("times", {}).items()
    ]
    return [(entry["title"], [*rates, ratio, last]), *compared]
