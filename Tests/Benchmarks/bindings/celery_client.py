"""Celery, Redis and requests for the benchmark table: this program puts tasks into Redis, a worker delivers them.

Its CPU is that of all three: this program, the broker and the worker. Prints one JSON line.
"""

import argparse
import json
import os
import re
import resource
import select
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
PATIENCE_SECONDS = 120


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument("--headers", type=Path, required=True)
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--warm-up", type=int, default=500)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--pool", default="threads")
    return parser.parse_args()


def end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def start(stack: ExitStack, *command: str, **more: object) -> subprocess.Popen:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    stack.callback(end, process)
    return process


def start_redis(stack: ExitStack, folder: str) -> tuple[subprocess.Popen, int]:
    """A broker that keeps its tasks in memory alone, as its users mostly have it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    redis = start(
        stack, "redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no",
        "--dir", folder,
    )
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return redis, port
        except OSError:
            time.sleep(0.05)
    sys.exit("redis-server did not start")


def await_told(told: int) -> None:
    if not select.select([told], [], [], PATIENCE_SECONDS)[0]:
        sys.exit("the worker did not deliver in time")
    line = os.read(told, 64)
    if line != b"done\n":
        sys.exit(f"a delivery failed: {line!r}")


def cpu(processes: list[subprocess.Popen]) -> tuple[float, float]:
    """User and system seconds of this process and of the others, with the children they waited for."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    user, system, tick = own.ru_utime, own.ru_stime, os.sysconf("SC_CLK_TCK")
    for process in processes:
        # Behind the name, which may hold anything: utime is field 14, then stime, cutime, cstime (proc(5)).
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        user += (int(fields[11]) + int(fields[13])) / tick
        system += (int(fields[12]) + int(fields[14])) / tick
    return user, system


def peak_kib(identity: int | str) -> int:
    match = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{identity}/status").read_text())
    return int(match.group(1)) if match else 0


def main(stack: ExitStack) -> None:
    options = read_options()
    redis, port = start_redis(stack, stack.enter_context(tempfile.TemporaryDirectory()))
    told, tell = os.pipe()
    os.environ["BENCHMARK_BROKER"] = f"redis://127.0.0.1:{port}/0"
    marks = f"{options.warm_up},{options.warm_up + options.count}"
    worker = start(
        stack, sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--pool", options.pool,
        "--concurrency", str(options.in_flight), "--loglevel", "ERROR",
        env=os.environ
        | {"BENCHMARK_MARKS": marks, "BENCHMARK_TOLD": str(tell), "BENCHMARK_IN_FLIGHT": str(options.in_flight)},
        cwd=HERE, pass_fds=(tell,),
    )
    from celery_tasks import deliver  # which reads where the broker is

    headers = dict(line.split(": ", 1) for line in options.headers.read_text().splitlines())
    body = options.body.read_text()

    def run(total: int) -> None:
        for _ in range(total):
            deliver.delay(f"http://127.0.0.1:{options.port}/webhook", headers, body)
        await_told(told)

    run(options.warm_up)
    before, began = cpu([redis, worker]), time.monotonic()
    run(options.count)
    seconds, after = time.monotonic() - began, cpu([redis, worker])
    result = {
        "deliveries": options.count,
        "seconds": seconds,
        "user": after[0] - before[0],
        "system": after[1] - before[1],
        "peakKiB": peak_kib("self") + peak_kib(redis.pid) + peak_kib(worker.pid),
    }
    print(json.dumps(result))


with ExitStack() as everything:
    main(everything)
