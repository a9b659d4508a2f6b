"""The benchmark's command line. run.sh builds the programs and then starts this; see run.sh for how to use it."""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import blocks
import rows
import storage
import table
import targets
from rounds import Bench, run_rounds
from row import Row

BUSY_LOAD = 0.5  # runnable processes on average over a minute


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.sh", description="Measures Martlet beside other HTTP clients.")
    parser.add_argument("--quick", action="store_true", help="a short run that shows that all rows work")
    names = f"ids or groups, comma separated (default: {rows.DEFAULT})"
    parser.add_argument("--rows", default="", help=names)
    parser.add_argument("--rounds", type=int, help="rounds that medians are taken of (default: 5, with --quick 1)")
    parser.add_argument("--json", type=Path, help="writes rows and samples to this file too")
    page = "writes the tables as Markdown to this file, or between the marks that it has"
    parser.add_argument("--markdown", type=Path, help=page)
    parser.add_argument("--libcurl", type=Path, help="a libcurl to run the clients in C with, instead of the system's")
    parser.add_argument("--prefix", type=Path, help="where Martlet is installed (default: built for this run)")
    where = "for journals and databases, each in a fresh directory that is removed (default: below .build-bench)"
    parser.add_argument("--directory", type=Path, help=where)
    parser.add_argument("--list", action="store_true", help="prints the ids of all rows by group and ends")
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--load-before", type=float, default=0, help=argparse.SUPPRESS)  # before anything was built
    parser.add_argument("--print-clients", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.directory is None:
        options.directory = options.build
    if options.rounds is None:
        options.rounds = 1 if options.quick else 5
    if options.rounds < 1:
        parser.error("--rounds takes a number from 1")
    if options.libcurl and not options.libcurl.is_file():
        parser.error(f"--libcurl names no file: {options.libcurl}")
    try:
        if options.markdown:
            blocks.split_page(options.markdown, options.rows)  # before work that could not be written
        options.chosen = rows.select(options.rows or rows.DEFAULT)
        if options.quick and not options.rows:
            options.chosen = rows.select_quick(options.chosen)
    except ValueError as error:
        parser.error(str(error))
    return options


def first_line(*command: str, environment: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True, env=environment)
        output = done.stdout
    except (OSError, subprocess.SubprocessError):
        return "absent"
    return (output.strip().splitlines() or ["absent"])[0]


def describe_machine(bench: Bench, chosen: list[Row]) -> dict[str, str]:
    """What the figures depend on."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    build = bench.build
    bare = str(build / "bare_libcurl")
    libcurl = first_line(bare, "--version", environment=bench.environment(libcurl=bench.libcurl))
    if any(row.newer_libcurl for row in chosen):
        newer = first_line(bare, "--version", environment=bench.environment(libcurl=bench.newer_libcurl))
        libcurl += f" (newer: {newer})"
    return {
        "processor": f"{cpu}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "libcurl": libcurl,
        "SQLite": first_line("pkg-config", "--modversion", "sqlite3"),
        "go": first_line("go", "env", "GOVERSION"),
        "node": first_line("node", "--version"),
        "aiohttp": first_line(str(build / "venv/bin/python"), "-c", "import aiohttp; print(aiohttp.__version__)"),
    }


def main() -> int:
    options = read_options()
    if options.list:
        for row in rows.ROWS:
            print(f"{row.group:12} {row.id:24} {row.title}")
        return 0
    if options.print_clients:
        print(" ".join(sorted(rows.needs(options.chosen))))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the child processes are ended on the way out

    machine: dict[str, str] = {}
    doubts = []
    if any(row.sync for row in options.chosen):
        machine["data directories"] = "on " + storage.describe(options.directory)
        doubts = storage.warnings(options.directory, options.chosen, options.quick)
        for doubt in doubts:
            print(f"Warning: {doubt}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=options.build) as scratch:
        bench = Bench(options.build, Path(scratch), options.directory, options.quick, options.libcurl)
        machine |= describe_machine(bench, options.chosen) | {"load before": f"{options.load_before:.2f}"}
        samples, failures = run_rounds(bench, options.chosen, options.rounds)
    entries = table.build(options.chosen, samples, failures)
    goals = targets.build(samples, failures, options.quick)
    shown = table.blocks_of(entries, goals)
    rounds = "one round" if options.rounds == 1 else f"{options.rounds} interleaved rounds"
    notes = [
        f"Medians of {rounds}; ratios are taken within a round. HTTP/1.1 keep-alive to loopback, 1 KiB body,\n"
        "64 in flight unless the row says otherwise. CPU is user and system time of the sender's process\n"
        "(push, events accepted: of the pushing threads).",
        ", ".join(f"{name} {value}" for name, value in machine.items()),
        *(f"Warning: {warning}" for warning in doubts + table.warnings(options.chosen, entries)),
    ]
    if options.load_before >= BUSY_LOAD:
        notes.append("Warning: the machine was busy with other work before this run began; see its load.")
    if options.quick:
        notes.append("Warning: this was a quick run. It shows that the rows work; its figures are not to be quoted.")
    print(blocks.as_text(shown), "", *notes, sep="\n")
    if options.markdown:
        # Readers of a page look for the targets first.
        first = sorted(shown, key=lambda block: block.title != table.TARGETS)
        figures = "\n\n".join([blocks.as_markdown(first), *notes])
        blocks.write_page(options.markdown, options.rows, figures)
    if options.json:
        result = {
            "quick": options.quick, "rounds": options.rounds, "machine": machine, "targets": goals, "rows": entries,
        }
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
