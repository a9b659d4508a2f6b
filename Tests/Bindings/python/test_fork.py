"""Processes: os.fork, multiprocessing, and servers that fork workers."""

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import pytest

import martlet
from conftest import Receiver, run_script


def in_child(work: Callable[[], None]) -> int:
    """Runs `work` in a forked child and returns its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def deliver(url: str, tag: int) -> None:
    """An engine of this process delivers one event."""
    with martlet.Engine(environment="development", outcomes="deliveries") as engine:
        engine.webhooks.create(url=url, events=["*"])
        engine.push("call.placed", {"pid": os.getpid()}, tag)
        outcome = next(engine.outcomes(timeout=20))
        assert (outcome.state, outcome.tag) == ("succeeded", tag)


def test_a_forked_child_cannot_use_its_parents_engine_but_its_own(
    engine: martlet.Engine, receiver: Receiver, path: str
) -> None:
    hook = engine.webhooks.create(url=receiver.url + path, events=["*"])
    outcomes = engine.outcomes()

    def work() -> None:
        calls: list[Callable[[], object]] = [
            lambda: engine.push("call.placed", 1),
            lambda: engine.push_many([{"eventType": "call.placed", "data": 1}]),
            lambda: engine.webhooks.get(hook.id),
            lambda: next(outcomes),
            lambda: outcomes.poll(),
            lambda: list(engine.deliveries()),
            lambda: engine.stats(),
            lambda: engine.flush(1),
            lambda: engine.close(),
            lambda: engine.close(0),
        ]
        for call in calls:
            with pytest.raises(martlet.ForkedError):
                call()
        engine.free()
        deliver(receiver.url + path, 5)

    assert in_child(work) == 0
    engine.push("call.placed", 1, tag=6)
    assert next(engine.outcomes(timeout=20)).tag == 6, "the parent's engine goes on"
    assert len(receiver.got(path)) == 2


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(engine: martlet.Engine, receiver: Receiver, path: str, method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    processes = [context.Process(target=deliver, args=(receiver.url + path, tag)) for tag in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(receiver.got(path)) == 2


# A master that has loaded the package, forks workers, and starts another for one that dies.
PREFORK = """
import os, sys, martlet

def worker(number):
    with martlet.Engine(environment="development", outcomes="deliveries") as engine:
        engine.webhooks.create(url=sys.argv[1], events=["*"])
        engine.push("call.placed", {"worker": number}, tag=number)
        outcome = next(engine.outcomes(timeout=20))
        if number == 1:
            os.kill(os.getpid(), 9)
        assert outcome.state == "succeeded" and outcome.tag == number

def start(number):
    pid = os.fork()
    if pid:
        return pid
    # As workers do: leave through the interpreter's own exit.
    worker(number)
    sys.exit(0)

workers = {start(number): number for number in range(3)}
codes = []
while workers:
    pid, status = os.wait()
    codes.append(os.waitstatus_to_exitcode(status))
    if workers.pop(pid) == 1:
        workers[start(3)] = 3
assert sorted(codes) == [-9, 0, 0, 0], codes
with martlet.Engine() as engine:
    assert engine.stats()["state"] == "open", "the master too may open one, after forking"
"""


def test_a_server_that_forks_workers(receiver: Receiver, path: str) -> None:
    result = run_script(PREFORK, receiver.url + path)
    assert (result.returncode, result.stderr) == (0, "")
    assert sorted(request["json"]["data"]["worker"] for request in receiver.got(path)) == [0, 1, 2, 3]


def test_a_forked_child_with_its_parents_engine_exits_as_any_program() -> None:
    script = """
import os, sys, warnings, martlet
warnings.simplefilter("ignore", DeprecationWarning)  # about forking a process with threads
engine = martlet.Engine(outcomes="all")
outcomes = engine.outcomes()
child = os.fork()
if child == 0:
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), engine.stats()["state"])
"""
    result = run_script(script)
    assert (result.stdout, result.stderr) == ("7 open\n", "")
