"""Opening, closing and forgetting; threads, signals and exit."""

import asyncio
import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable

import pytest

import martlet
from conftest import run_script

# An engine with an event that is not settled for minutes.
PENDING = """
import sys, martlet
engine = martlet.Engine(environment="development", outcomes="all", retry={"delaysSeconds": [600]})
engine.webhooks.create(url="http://127.0.0.1:1/", events=["*"])
engine.push("call.placed", {})
"""


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_closing_is_idempotent_and_refuses_work() -> None:
    engine = martlet.Engine(environment="development")
    engine.webhooks.create(url="http://127.0.0.1:1/", events=["*"])
    assert engine.close() and engine.close() and engine.close(0)
    calls: list[Callable[[], object]] = [
        lambda: engine.push("call.placed", 1),
        lambda: engine.push("call.placed", 1, id="own"),
        lambda: engine.push_many([]),
        lambda: engine.webhooks.create(url="http://127.0.0.1:1/", events=["*"]),
        lambda: engine.add_event_type("a.b"),
    ]
    for call in calls:
        with pytest.raises(martlet.ClosedError):
            call()
    assert len(list(engine.webhooks.list())) == 1
    assert engine.stats()["state"] == "closed" and "martlet_webhooks 1" in engine.metrics()
    engine.free()
    engine.free()
    assert engine.close()
    for call in [*calls, engine.stats, engine.metrics, lambda: list(engine.deliveries())]:
        with pytest.raises(martlet.ClosedError):
            call()


def test_time_that_is_over_is_told_and_a_wrong_one_refused(engine: martlet.Engine) -> None:
    engine.webhooks.create(url="http://127.0.0.1:1/", events=["*"], rate_limit={"perSecond": 0.01, "burst": 1})
    engine.push("call.placed", 1)
    engine.push("call.placed", 2)
    assert engine.flush(0) is False
    assert engine.flush(0.25) is False
    with pytest.raises(martlet.InvalidArgumentError):
        engine.flush(-1)
    with pytest.raises(martlet.InvalidArgumentError):
        engine.close(-1)
    assert engine.close(0.2) is False
    assert engine.close() is True and engine.flush(float("inf")) is True


def test_a_forgotten_engine_is_freed_with_its_descriptors_and_threads() -> None:
    martlet.Engine(outcomes="all").close()
    gc.collect()
    before = descriptors(), len(os.listdir("/proc/self/task"))
    engine = martlet.Engine(outcomes="all")
    outcomes = engine.outcomes()
    assert descriptors() > before[0]
    handle = weakref.ref(engine._handle)
    del engine
    assert outcomes.poll() == [], "an iterator keeps the engine"
    del outcomes
    gc.collect()
    assert handle() is None
    assert (descriptors(), len(os.listdir("/proc/self/task"))) == before


def test_an_engine_stays_in_its_process() -> None:
    with martlet.Engine() as engine:
        for way in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="open one in each process"):
                way(engine)


@pytest.mark.parametrize(
    "ending",
    [
        "pass",
        "outcomes = engine.outcomes()",
        "import threading; threading.Thread(target=lambda: list(engine.outcomes()), daemon=True).start()",
        "import threading; threading.Thread(target=lambda: engine.flush(600), daemon=True).start()",
        "import atexit; atexit.register(engine.close, 0.2)",
        "import atexit; atexit.register(engine.close)  # 10 s, on a thread that cannot be started\nengine.cancel_all()",
        "cycle = [engine]; cycle.append(cycle); del engine, cycle",
        "sys.modules['keep'] = engine",
        "class Late:\n    def __del__(self): engine.close(0)\nlate = Late()",
        "import os; os._exit(0)",
    ],
)
def test_forgetting_to_close_does_not_hang_or_crash_the_exit(ending: str) -> None:
    result = run_script(f"{PENDING}\n{ending}")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("call", ["engine.close(600)", "engine.flush(600)", "next(engine.outcomes())"])
def test_ctrl_c_interrupts_what_waits(call: str) -> None:
    script = f"""{PENDING}
import signal
# A shell's background jobs start with it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    print("waiting", flush=True)
    {call}
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        # Some of these signals come before the call waits, and are handled all the same.
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert process.wait(20) == 0


def failing_soon() -> martlet.Engine:
    """An engine whose only event is settled, as failed, after half a second."""
    engine = martlet.Engine(environment="development", outcomes="events", retry={"delaysSeconds": [0.5], "jitter": 0})
    engine.webhooks.create(url="http://127.0.0.1:1/", events=["*"])
    engine.push("call.placed", 1)
    return engine


def test_other_threads_run_while_one_waits() -> None:
    engine = failing_soon()
    closed = threading.Event()

    def close() -> None:
        engine.close(30)
        closed.set()

    thread = threading.Thread(target=close)
    thread.start()
    while engine.stats()["state"] == "open":
        pass
    rounds = 0
    while not closed.is_set():
        rounds += 1
        time.sleep(0.001)
    thread.join(10)
    assert rounds > 1


def test_two_closes_at_a_time_and_the_outcomes_end_with_the_last() -> None:
    engine = failing_soon()
    outcomes = engine.outcomes()
    seen: list[martlet.Outcome] = []
    reader = threading.Thread(target=lambda: seen.extend(outcomes))
    long = threading.Thread(target=engine.close, args=(30,))
    reader.start()
    long.start()
    while engine.stats()["state"] == "open":
        time.sleep(0.001)
    assert engine.close(0.01) is False
    long.join(20)
    reader.join(20)
    assert [outcome.state for outcome in seen] == ["canceled"]


def test_pushes_race_a_close() -> None:
    engine = martlet.Engine(environment="development", outcomes="events")
    accepted: list[str] = []

    def push() -> None:
        try:
            while True:
                accepted.append(engine.push("call.placed", b"1"))
        except martlet.ClosedError:
            pass

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(accepted) < 1000:
        time.sleep(0.001)
    assert engine.close(10)
    for thread in threads:
        thread.join(10)
    assert sorted(outcome.event_id for outcome in engine.outcomes()) == sorted(accepted)


@pytest.mark.parametrize("call", ["engine.aflush(600)", "engine.aclose(600)"])
def test_a_canceled_wait_holds_up_nothing(call: str) -> None:
    script = f"""{PENDING}
import asyncio

async def main():
    waiting = asyncio.ensure_future({call})
    await asyncio.sleep(0.05)
    waiting.cancel()
    try:
        await waiting
    except asyncio.CancelledError:
        print("canceled")

asyncio.run(main())
print(engine.stats()["state"])
"""
    result = run_script(script)
    state = "closed" if "aclose" in call else "open"
    assert (result.returncode, result.stdout, result.stderr) == (0, f"canceled\n{state}\n", "")


def test_waiting_in_asyncio(engine: martlet.Engine) -> None:
    async def wait() -> None:
        engine.webhooks.create(url="http://127.0.0.1:1/", events=["*"], rate_limit={"perSecond": 0.01, "burst": 1})
        assert await engine.aflush(0)
        engine.push("call.placed", 1)
        engine.push("call.placed", 2)
        assert await engine.aflush(0.25) is False
        engine.cancel_all()
        assert await engine.aflush(float("inf"))
        with pytest.raises(martlet.InvalidArgumentError):
            await engine.aflush(-1)

    asyncio.run(wait())
