"""The Python host of the benchmark, see hosts.py for what is measured. Prints one JSON line."""

import argparse
import itertools
import json
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any, Callable

import martlet

TYPE = "call.completed"
WINDOW = 4096  # deliveries that may be under way or queued; with more, only memory would be measured


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("--mode", "--form", "--configuration", "--webhook"):
        parser.add_argument(name, required=True)
    for name in ("--count", "--warm-up", "--batch"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    return parser.parse_args()


def pusher(engine: martlet.Engine, data: bytes, form: str, batch: int) -> Callable[[int], None]:
    """A function that pushes so many events in the form that is asked for."""
    value: Any = json.loads(data) if form == "native" else data
    events: Any = [{"eventType": TYPE, "data": value}] * batch
    if form != "native":
        lines = [b'{"eventType":"%s","data":%s}' % (TYPE.encode(), data)] * batch
        events = b"\n".join(lines) if form == "ready" else lines

    def push(total: int) -> None:
        for tag in range(total):
            engine.push(TYPE, value, tag)

    def push_batches(total: int) -> None:
        for _ in range(0, total, batch):
            engine.push_many(events)

    return push if batch == 1 else push_batches


def send(engine: martlet.Engine, data: bytes, total: int) -> None:
    for pushed in range(1, total + 1):
        engine.push(TYPE, data, pushed)
        if (pushed % WINDOW == 0 or pushed == total) and not engine.flush(60):
            sys.exit("not all was settled within a minute")


def deliver(engine: martlet.Engine, outcomes: martlet.Outcomes, data: bytes, total: int) -> None:
    pushed = settled = 0
    while settled < total:
        while pushed < total and pushed - settled < WINDOW:
            engine.push(TYPE, data, pushed)
            pushed += 1
        until = total if pushed == total else pushed - WINDOW // 2
        for outcome in itertools.islice(outcomes, until - settled):
            if outcome.state != "succeeded":
                sys.exit(f"a delivery ended as {outcome.state}: {outcome.failure}")
        settled = until


def measure(things: str, number: int, part: Callable[[], Any]) -> None:
    before, thread, began = resource.getrusage(resource.RUSAGE_SELF), time.thread_time(), time.monotonic()
    part()
    seconds, thread = time.monotonic() - began, time.thread_time() - thread
    after = resource.getrusage(resource.RUSAGE_SELF)
    # VmHWM, because ru_maxrss starts at the size of the process that started this one.
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    result = {
        things: number,
        "seconds": seconds,
        "threadSeconds": thread,
        "user": after.ru_utime - before.ru_utime,
        "system": after.ru_stime - before.ru_stime,
        "peakKiB": int(peak.group(1)) if peak else 0,
    }
    print(json.dumps(result))


def main() -> None:
    options = read_options()
    data = options.data.read_bytes()
    engine = martlet.Engine(options.configuration)
    engine.webhooks.create(options.webhook)
    push = pusher(engine, data, options.form, options.batch)
    if options.mode == "push":
        push(options.warm_up)
        measure("pushes", options.count, lambda: push(options.count))
    elif options.mode == "drain":
        push(options.count)
        engine.cancel_all()
        engine.flush(60)
        outcomes = itertools.islice(engine.outcomes(), options.count)
        measure("outcomes", options.count, lambda: [None for _ in outcomes])
    elif options.mode == "send":
        send(engine, data, options.warm_up)
        measure("deliveries", options.count, lambda: send(engine, data, options.count))
    else:
        results = engine.outcomes()
        deliver(engine, results, data, options.warm_up)
        measure("deliveries", options.count, lambda: deliver(engine, results, data, options.count))
    engine.free()


main()
