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

import rows
import storage
import table
from rounds import Bench, run_rounds


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.sh", description="Measures Martlet beside other HTTP clients.")
    parser.add_argument("--quick", action="store_true", help="a short run that shows that all rows work")
    names = f"ids or groups, comma separated (default: {rows.DEFAULT})"
    parser.add_argument("--rows", default=rows.DEFAULT, help=names)
    parser.add_argument("--rounds", type=int, help="rounds that medians are taken of (default: 5, with --quick 3)")
    parser.add_argument("--json", type=Path, help="writes rows and samples to this file too")
    parser.add_argument("--prefix", type=Path, help="where Martlet is installed (default: built for this run)")
    where = "for journals and databases, each in a fresh directory that is removed (default: below .build-bench)"
    parser.add_argument("--directory", type=Path, help=where)
    parser.add_argument("--list", action="store_true", help="prints the ids of all rows by group and ends")
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--print-clients", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.directory is None:
        options.directory = options.build
    if options.rounds is None:
        options.rounds = 3 if options.quick else 5
    if options.rounds < 1:
        parser.error("--rounds takes a number from 1")
    try:
        options.chosen = rows.select(options.rows)
    except ValueError as error:
        parser.error(str(error))
    return options


def first_line(*command: str) -> str:
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return "absent"
    return (output.strip().splitlines() or ["absent"])[0]


def describe_machine(build: Path) -> dict[str, str]:
    """What the figures depend on."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return {
        "processor": f"{cpu}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "libcurl": first_line("pkg-config", "--modversion", "libcurl"),
        "SQLite": first_line("pkg-config", "--modversion", "sqlite3"),
        "go": first_line("go", "env", "GOVERSION"),
        "node": first_line("node", "--version"),
        "aiohttp": first_line(str(build / "venv/bin/python"), "-c", "import aiohttp; print(aiohttp.__version__)"),
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def main() -> int:
    options = read_options()
    if options.list:
        for row in rows.ROWS:
            print(f"{row.group:8} {row.id:24} {row.title}")
        return 0
    if options.print_clients:
        print(" ".join(sorted({row.client for row in options.chosen})))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the child processes are ended on the way out

    machine = describe_machine(options.build)
    doubts = []
    if any(row.sync for row in options.chosen):
        machine["data directories"] = "on " + storage.describe(options.directory)
        doubts = storage.warnings(options.directory, options.chosen, options.quick)
        for doubt in doubts:
            print(f"Warning: {doubt}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=options.build) as scratch:
        bench = Bench(options.build, Path(scratch), options.directory, options.quick)
        samples, failures = run_rounds(bench, options.chosen, options.rounds)
    entries = table.build(options.chosen, samples, failures)
    print(table.render(entries))
    print()
    print(
        f"Medians of {options.rounds} interleaved rounds; ratios are taken within a round. HTTP/1.1 keep-alive to "
        "loopback, 1 KiB body,\n64 in flight unless the row says otherwise. CPU is user and system time of the "
        "sender's process (push, events accepted: of the pushing threads)."
    )
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    for warning in doubts + table.warnings(options.chosen, entries):
        print(f"Warning: {warning}")
    if options.quick:
        print("Warning: this was a quick run. It shows that the rows work; its figures are not to be quoted.")
    if options.json:
        result = {"quick": options.quick, "rounds": options.rounds, "machine": machine, "rows": entries}
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
