"""Runs the rows of the table: for each a fresh sink and one client process, round after round, interleaved."""

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import hosts
from request import write_request
from rows import Row

HERE = Path(__file__).resolve().parent
# The sink stays awake while deliveries come, so that a sender's CPU does not depend on whether it has to wake the sink.
# Not for latencies: there the receiver's waking is part of the way.
SPIN_MICROSECONDS = 100
# Kinds of rows that deliver as fast as they can, and whose every delivery the sink must have seen.
DELIVERING = ("deliver", "durable", "send-host", "deliver-host")
HANGING_MS = 20_000  # how long a hanging receiver holds its answers back: longer than any attempt may take
PATIENCE_SECONDS = 300  # for one client in one round; far more than any row needs


class RowFailed(Exception):
    """A row that could not be measured, with the reason in one line."""


@dataclass
class Bench:
    """Where the built programs are, and how long a round is."""

    build: Path
    scratch: Path  # for this run's own files, so that two runs at once do not share any
    directory: Path  # on whose file system journals and databases are written
    quick: bool
    requests: dict[int, tuple[Path, Path]] = field(default_factory=dict)

    def command(self, client: str) -> list[str]:
        commands = {
            "bare": [str(self.build / "bare_libcurl")],
            "martlet": [str(self.build / "martlet_bench")],
            "sqlite": [str(self.build / "sqlite_bench")],
            "go": [str(self.build / "go_client")],
            "node": ["node", str(HERE / "node_client.js")],
            "aiohttp": [str(self.build / "venv/bin/python"), str(HERE / "aiohttp_client.py")],
            "celery": [str(self.build / "celery/bin/python"), str(HERE / "bindings/celery_client.py")],
            "host_python": ["python3", str(HERE / "bindings/host.py")],
            "host_node": ["node", str(HERE / "bindings/host.js"), "--package", str(self.build / "host_node/martlet")],
            "host_swift": [str(self.build / "swift/release/Host")],
        } | {name: [str(self.build / name)] for name in ("host_c", "host_cpp", "host_go")}
        return commands[client]

    def request(self, size: int) -> tuple[Path, Path]:
        if size not in self.requests:
            self.requests[size] = write_request(self.scratch, size)
        return self.requests[size]


class Sink:
    """The receiver as a child process. It ends when its input is closed, so it cannot outlive this process."""

    def __init__(self, bench: Bench, row: Row, delay_ms: int, stamps: Path | None = None) -> None:
        command = [str(bench.build / "sink"), "--addresses", str(row.hosts), "--delay-ms", str(delay_ms)]
        if stamps:
            command += ["--stamps", str(stamps)]
        if row.kind in DELIVERING:
            command += ["--spin-us", str(SPIN_MICROSECONDS)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.port = json.loads(self.process.stdout.readline())["port"]
        except ValueError:
            self.process.kill()
            self.process.wait()
            raise RowFailed("the sink did not start") from None

    def end(self) -> dict:
        """Ends it and returns what it saw."""
        try:
            output, _ = self.process.communicate(timeout=10)
            return json.loads(output)
        except (subprocess.TimeoutExpired, ValueError):
            raise RowFailed("the sink did not end in order") from None
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


def run_client(command: list[str]) -> dict:
    """Runs one client to its end and returns the JSON line it printed."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            output, errors = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise RowFailed(f"not done after {PATIENCE_SECONDS} s") from None
        finally:
            if process.poll() is None:
                process.kill()
    if process.returncode != 0:
        lines = errors.strip().splitlines() or ["no message"]
        raise RowFailed(f"exit code {process.returncode}: {lines[-1]}")
    try:
        return json.loads(output)
    except ValueError:
        raise RowFailed(f"printed no JSON line but {output[:80]!r}") from None


def run_row(bench: Bench, row: Row) -> dict:
    """One round of one row: the client's own figures, and what the sinks saw of it."""
    with ExitStack() as stack:
        directory = None
        if row.sync:
            bench.directory.mkdir(parents=True, exist_ok=True)
            fresh = tempfile.TemporaryDirectory(prefix="martlet-bench-", dir=bench.directory)
            directory = Path(stack.enter_context(fresh))
        return measure(bench, row, directory)


def measure(bench: Bench, row: Row, directory: Path | None) -> dict:
    """The same, where the directory for what is written is made."""
    problem = bench.build / "errors" / row.client
    if problem.exists():
        raise RowFailed(problem.read_text().strip())
    count = row.quick_count if bench.quick else row.count
    body, data = bench.request(row.body_bytes)
    stamps = bench.scratch / "stamps" if row.kind == "latency" else None
    sinks = [Sink(bench, row, row.delay_ms, stamps)]
    try:
        options = {
            "--port": sinks[0].port, "--hosts": row.hosts, "--headers": HERE / "headers.txt", "--body": body,
            "--count": count, "--warm-up": row.warm_up, "--in-flight": row.in_flight,
        }
        if row.client.startswith("host_"):
            options = hosts.options(row, sinks[0].port, count) | {"--data": data}
        if stamps:
            options["--stamps"] = stamps
        if row.client == "martlet":
            options["--data"] = data
        if row.threads > 1:
            options["--threads"] = row.threads
        if row.batch > 1 and not row.client.startswith("host_"):
            options["--batch"] = row.batch
        if directory:
            options |= {"--directory": directory, "--sync": row.sync}
        if row.hanging:
            sinks.append(Sink(bench, row, HANGING_MS))
            options |= {"--hanging": row.hanging, "--hanging-port": sinks[-1].port}
        command = bench.command(row.client) + [str(part) for option in options.items() for part in option]
        sample = run_client(command + list(row.arguments))
    finally:
        seen, *others = [sink.end() for sink in sinks]
    if row.kind in (*DELIVERING, "latency") and seen["requests"] != count + row.warm_up:
        raise RowFailed(f"the sink saw {seen['requests']} requests where {count + row.warm_up} were to come")
    if seen["requests"]:
        sample["bytesPerRequest"] = (seen["headBytes"] + seen["bodyBytes"]) / seen["requests"]
    sample["connections"] = seen["connections"]
    if row.hanging:
        sample["hangingConnections"] = others[0]["connections"]
        if others[0]["mostOpen"] < row.hanging:
            raise RowFailed(f"only {others[0]['mostOpen']} attempts hung at a time, from {row.hanging} webhooks")
    return sample


def run_rounds(bench: Bench, rows: list[Row], rounds: int) -> tuple[dict[str, list[dict]], dict[str, str]]:
    """All rounds of all rows, A B C A B C …; returns the samples and, for rows that failed, the reason, by row id."""
    samples: dict[str, list[dict]] = {row.id: [] for row in rows}
    failures: dict[str, str] = {}
    terminal = sys.stderr.isatty()
    for number in range(1, rounds + 1):
        if not terminal:
            print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
        for row in rows:
            if row.id in failures or (row.once and bench.quick and number > 1):
                continue
            if terminal:
                print(f"\r\033[Kround {number} of {rounds}: {row.title}", end="", file=sys.stderr, flush=True)
            try:
                samples[row.id].append(run_row(bench, row))
            except (RowFailed, OSError) as failure:
                failures[row.id] = str(failure)
    if terminal:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return samples, failures
