"""Runs the rows of the table: for each a fresh sink and one client process, round after round, interleaved."""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import callgrind
import hosts
from receivers import DELIVERING, Nginx, RowFailed, Sink
from request import write_request
from row import Row

HERE = Path(__file__).resolve().parent
HANGING_MS = 20_000  # how long a hanging receiver holds its answers back: longer than any attempt may take
PATIENCE_SECONDS = 300  # for one client in one round; far more than any row needs


@dataclass
class Bench:
    """Where the built programs are, and how long a round is."""

    build: Path
    scratch: Path  # for this run's own files, so that two runs at once do not share any
    directory: Path  # on whose file system journals and databases are written
    quick: bool
    libcurl: Path | None = None  # that the clients in C are run with, instead of the one they find
    requests: dict[int, tuple[Path, Path]] = field(default_factory=dict)

    def command(self, client: str) -> list[str]:
        commands = {
            "bare": [str(self.build / "bare_libcurl")],
            "martlet": [str(self.build / "martlet_bench")],
            "load": [str(self.build / "martlet_load"), "--library", str(self.build / "libmartlet.so")],
            "parts": [str(self.build / "parts/release/BenchmarkParts")],
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

    @property
    def newer_libcurl(self) -> Path | None:
        """The one that pycurl brings along."""
        return next(self.build.glob("newer/lib/python3*/site-packages/pycurl.libs/libcurl-*.so*"), None)

    def environment_of(self, row: Row) -> dict[str, str]:
        if row.newer_libcurl and not self.newer_libcurl:
            raise RowFailed("pycurl, which brings a newer libcurl along, could not be installed")
        libcurl = self.libcurl if row.client in ("bare", "martlet") else None
        folders = [self.build / "counted"] if row.kind == "instructions" else []  # run.sh says why
        return self.environment(self.newer_libcurl if row.newer_libcurl else libcurl, folders)

    def environment(self, libcurl: Path | None, folders: list[Path] | None = None) -> dict[str, str]:
        """For programs that are to find this libcurl, and libraries in these folders, before the system's."""
        found = [str(folder) for folder in folders or []]
        if libcurl:
            folder = self.scratch / f"with-{libcurl.name}"
            folder.mkdir(exist_ok=True)
            link = folder / "libcurl.so.4"  # the name that is looked for
            if not link.is_symlink():
                link.symlink_to(libcurl.resolve())
            found += [str(folder), str(libcurl.resolve().parent)]
        if not found:
            return dict(os.environ)
        return os.environ | {"LD_LIBRARY_PATH": ":".join(filter(None, [*found, os.environ.get("LD_LIBRARY_PATH")]))}

    def request(self, size: int) -> tuple[Path, Path]:
        if size not in self.requests:
            self.requests[size] = write_request(self.scratch, size)
        return self.requests[size]


def run_client(command: list[str], environment: dict[str, str]) -> dict:
    """Runs one client to its end and returns the JSON line it printed."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    ) as process:
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
    """One round of one row: the client's own figures, and what the receivers saw of it."""
    problem = bench.build / "errors" / row.client
    if problem.exists():
        raise RowFailed(problem.read_text().strip())
    count = row.quick_count if bench.quick else row.count
    with ExitStack() as stack:
        if row.kind == "instructions":
            return measure_instructions(bench, row, count)
        if row.client in ("load", "parts"):
            command = [*bench.command(row.client), "--count", str(count), *row.arguments]
            if row.client == "parts":
                command += ["--body", str(bench.request(row.body_bytes)[0])]
            return run_client(command, bench.environment_of(row))
        return measure(bench, row, count, make_directory(bench, row, stack))


def make_directory(bench: Bench, row: Row, stack: ExitStack) -> Path | None:
    """An empty directory for what the row writes, if it does; it goes with the stack."""
    if not row.sync:
        return None
    bench.directory.mkdir(parents=True, exist_ok=True)
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="martlet-bench-", dir=bench.directory)))


def client_options(bench: Bench, row: Row, count: int, port: int, directory: Path | None) -> dict[str, object]:
    """The part of the client's command line that all clients read alike."""
    body, data = bench.request(row.body_bytes)
    if row.client.startswith("host_"):
        return hosts.options(row, port, count) | {"--data": data}
    options: dict[str, object] = {
        "--port": port, "--hosts": row.hosts, "--headers": HERE / "headers.txt", "--body": body, "--count": count,
        "--warm-up": row.warm_up, "--in-flight": row.in_flight,
    }
    if row.client == "martlet":
        options["--data"] = data
    if row.threads > 1:
        options["--threads"] = row.threads
    if row.batch > 1:
        options["--batch"] = row.batch
    if directory:
        options |= {"--directory": directory, "--sync": row.sync}
    return options


def command_line(bench: Bench, row: Row, options: dict[str, object]) -> list[str]:
    return bench.command(row.client) + [str(part) for pair in options.items() for part in pair] + list(row.arguments)


def measure_instructions(bench: Bench, row: Row, count: int) -> dict:
    """Instructions for one delivery or push; each of the two runs has a sink and a directory of its own."""
    with ExitStack() as stack:

        def command_for(number: int) -> list[str]:
            sink = Sink(bench.build / "sink", row, row.delay_ms)
            stack.callback(sink.end)
            directory = make_directory(bench, row, stack)
            return command_line(bench, row, client_options(bench, row, number, sink.port, directory))

        pushes = "push" in row.arguments
        return callgrind.count_instructions(command_for, count, pushes, bench.environment_of(row))


def measure(bench: Bench, row: Row, count: int, directory: Path | None) -> dict:
    """One round of a row that delivers, or pushes what could be delivered."""
    sink = bench.build / "sink"
    stamps = bench.scratch / "stamps" if row.kind == "latency" else None
    receivers: list = [Nginx(bench.scratch / "nginx") if row.tls else Sink(sink, row, row.delay_ms, stamps)]
    try:
        options = client_options(bench, row, count, receivers[0].port, directory)
        if row.tls:
            options["--authority"] = receivers[0].authority
        if stamps:
            options["--stamps"] = stamps
        if row.hanging:
            receivers.append(Sink(sink, row, HANGING_MS))
            options |= {"--hanging": row.hanging, "--hanging-port": receivers[-1].port}
        sample = run_client(command_line(bench, row, options), bench.environment_of(row))
    finally:
        seen, *others = [receiver.end() for receiver in receivers]
    if row.kind in (*DELIVERING, "latency") and seen["requests"] != count + row.warm_up:
        raise RowFailed(f"the receiver saw {seen['requests']} requests where {count + row.warm_up} were to come")
    if seen["requests"] and not row.tls:
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
            # Instructions are the same in every round.
            if row.id in failures or (number > 1 and (row.kind == "instructions" or (row.once and bench.quick))):
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
