"""Counts instructions with valgrind's callgrind, and says in whose code they are.

Two runs that differ only in their number of deliveries or pushes are subtracted: what starting, warming up and ending
take is in both. valgrind knows no SHA instructions, so the library takes its portable SHA-256 there; what that takes is
told apart and is in no sum.
"""

import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from receivers import RowFailed

PATIENCE_SECONDS = 600
PARTS = ("own", "libcurl", "rest", "sha256")
NAME = re.compile(r"^(c?)(ob|fn)=\((\d+)\)(?: (.*))?$")
COST = re.compile(r"^[+*\-\d]\S* (\d+)$")


def part_of(program: str, object_name: str, function: str) -> str:
    """Which of PARTS a function belongs to; `own` is the program that was started, and libmartlet."""
    file = Path(object_name).name
    if function == "compress_portable" or function.startswith("martlet_hw_sha256"):
        return "sha256"
    if file.startswith("libmartlet") or file == program:
        return "own"
    return "libcurl" if file.startswith("libcurl") else "rest"


def read_counts(path: Path, program: str) -> dict[str, int]:
    """Adds up one file of callgrind: its lines name an object and a function, and then the costs of the latter."""
    counts = dict.fromkeys(PARTS, 0)
    names: dict[tuple[str, str], str] = {}
    current = {"ob": "", "fn": ""}
    of_call = False  # the line after `calls=` has what the called function cost, which stands there too
    for line in path.read_text(errors="replace").splitlines():
        if match := NAME.match(line):
            called, kind, number, name = match.groups()
            if name:
                names[kind, number] = name
            if not called:
                current[kind] = names.get((kind, number), "")
        elif line.startswith("calls="):
            of_call = True
        elif match := COST.match(line):
            if not of_call:
                counts[part_of(program, current["ob"], current["fn"])] += int(match[1])
            of_call = False
    return counts


def run_counted(command: list[str], first_thread_only: bool, environment: dict[str, str]) -> dict[str, int]:
    with tempfile.TemporaryDirectory(prefix="callgrind-") as folder:
        output = Path(folder) / "out"
        valgrind = [
            "valgrind", "--tool=callgrind", f"--callgrind-out-file={output}", "--separate-threads=yes", "-q",
        ]
        try:
            done = subprocess.run(
                valgrind + command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, env=environment,
            )
        except subprocess.TimeoutExpired:
            raise RowFailed(f"not done after {PATIENCE_SECONDS} s") from None
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise RowFailed(f"exit code {done.returncode} under valgrind: {lines[-1]}")
        counts = dict.fromkeys(PARTS, 0)
        for path in sorted(Path(folder).glob("out*-01" if first_thread_only else "out*-*")):
            for part, count in read_counts(path, Path(command[0]).name).items():
                counts[part] += count
    if not counts["own"]:
        raise RowFailed("valgrind wrote no counts")
    return counts


def count_instructions(
    command_for: Callable[[int], list[str]], count: int, first_thread_only: bool, environment: dict[str, str],
) -> dict:
    """Instructions for one more delivery or push, by part; `command_for` makes the command for a number of them."""
    few = max(count // 4, 1)
    start, end = (run_counted(command_for(each), first_thread_only, environment) for each in (few, count))
    return {part: (end[part] - start[part]) / (count - few) for part in PARTS}
