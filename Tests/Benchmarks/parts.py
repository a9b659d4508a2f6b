"""The kinds of rows that are about parts of the work: loading, the JSON check, signatures, instructions."""

from statistics import median

from row import Row

COLUMNS = {
    "load": ("Library", ["load ms", "open ms", "close ms", "all ms", "slowest ms"]),
    "json": ("JSON", ["GB/s", "reading 2 members", "JSONSerialization", "times"]),
    "signature": ("Signature", ["µs", "SHA instructions"]),
    "instructions": (
        "Instructions in user space, by valgrind",
        ["all but SHA-256", "Martlet, or loop", "libcurl", "libc and rest", "SHA-256, portable", "ratio to bare loop"],
    ),
}
FIGURES = {
    "load": ("loadMs", "openMs", "closeMs", "allMs", "slowestMs"),
    "json": ("check", "extracting", "foundation"),
    "signature": ("microseconds", "hardware"),
    "instructions": ("own", "libcurl", "rest", "sha256"),
}


def instructions(entry: dict) -> float:
    return entry["own"] + entry["libcurl"] + entry["rest"]


def summarize(row: Row, samples: list[dict], baseline: list[dict]) -> dict:
    """Medians of one row over its rounds, under the names that the JSON file has."""
    summary = {name: median(sample[name] for sample in samples) for name in FIGURES[row.kind]}
    if row.kind == "instructions" and baseline:
        summary["ratio"] = instructions(summary) / median(map(instructions, baseline))
    return summary


def lines_of(entry: dict) -> list[tuple[str, list[str]]]:
    """The lines of one row, each a title and its cells."""
    if entry["kind"] == "load":
        cells = [f"{entry[name]:.1f}" for name in FIGURES["load"]]
    elif entry["kind"] == "json":
        cells = [f"{entry[name]:.2f}" for name in FIGURES["json"]] + [f"{entry['check'] / entry['foundation']:.0f}"]
    elif entry["kind"] == "signature":
        cells = [f"{entry['microseconds']:.2f}", "yes" if entry["hardware"] else "no"]
    else:
        counts = [instructions(entry)] + [entry[name] for name in FIGURES["instructions"]]
        cells = [f"{count:,.0f}" for count in counts] + [f"{entry['ratio']:.2f}" if "ratio" in entry else "-"]
    return [(entry["title"], cells)]
