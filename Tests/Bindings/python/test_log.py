"""Martlet's own messages in `logging`."""

import gc
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import martlet
from conftest import Receiver, run_script


class Heard(logging.Handler):
    """Keeps records, and lets a test wait for one."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.changed = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self.changed:
            self.records.append(record)
            self.changed.notify_all()

    def wait_for(self, text: str) -> logging.LogRecord:
        def find() -> "logging.LogRecord | None":
            return next((record for record in self.records if text in record.getMessage()), None)

        with self.changed:
            assert self.changed.wait_for(lambda: find() is not None, 20), [r.getMessage() for r in self.records]
            found = find()
        assert found is not None
        return found


@pytest.fixture
def heard(request: pytest.FixtureRequest) -> Iterator[Heard]:
    logger = logging.getLogger(request.node.name)
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    handler = Heard()
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def log_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "martlet-log"}


def test_messages_reach_the_logger_while_the_engine_runs(
    heard: Heard, receiver: Receiver, request: pytest.FixtureRequest
) -> None:
    logger = logging.getLogger(request.node.name)
    with martlet.Engine(environment="development", outcomes="all", retry={"delaysSeconds": []}, logger=logger) as engine:
        hook = engine.webhooks.create(url=receiver.url + "/410/log", events=["*"])
        assert heard.wait_for(f"{hook.id} is registered").levelno == logging.INFO
        engine.push("call.placed", {})
        disabled = heard.wait_for(f"{hook.id} is disabled")
        assert (disabled.levelno, disabled.name) == (logging.WARNING, logger.name)
        assert abs(disabled.created - engine.webhooks.get(hook.id).updated_at.timestamp()) < 60
        attempt = heard.wait_for("attempt 1 ended")
        assert attempt.levelno == logging.DEBUG and "with status 410" in attempt.getMessage()
    assert heard.wait_for("the engine is closed").levelno == logging.INFO


def test_close_returns_when_all_messages_were_handed_on(heard: Heard, request: pytest.FixtureRequest) -> None:
    engine = martlet.Engine(logger=logging.getLogger(request.node.name))
    engine.close()
    assert [record.getMessage() for record in heard.records] == ["the engine is closed"]


def test_the_level_is_the_loggers_or_the_one_given(heard: Heard, request: pytest.FixtureRequest) -> None:
    logger = logging.getLogger(request.node.name)
    with martlet.Engine(environment="development") as engine:
        for level, expected in [(logging.WARNING, 0), (logging.INFO, 1), (logging.CRITICAL, 1), (None, 2)]:
            engine.log_to(logger, level)
            engine.webhooks.create(url="http://127.0.0.1:9/", events=["*"])
            engine._log.take()
            assert len(heard.records) == expected, level
        engine.log_to(None)
        engine.webhooks.create(url="http://127.0.0.1:9/", events=["*"])
    assert len(heard.records) == 2


def test_a_forgotten_engine_ends_the_thread(heard: Heard, request: pytest.FixtureRequest) -> None:
    # Those of earlier tests may be ending still.
    before = log_threads()
    engine = martlet.Engine(logger=logging.getLogger(request.node.name))
    (thread,) = log_threads() - before
    descriptors = len(os.listdir("/proc/self/fd"))
    del engine
    gc.collect()
    thread.join(20)
    assert not thread.is_alive()
    assert len(os.listdir("/proc/self/fd")) < descriptors


def test_a_handler_that_fails_or_closes_the_engine_does_no_harm(
    heard: Heard, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger(request.node.name)
    engine = martlet.Engine(environment="development")
    closed = threading.Event()

    def filter(record: logging.LogRecord) -> bool:
        if "is registered" in record.getMessage():
            raise ValueError("of a filter")
        engine.close(0)
        closed.set()
        return True

    logger.addFilter(filter)
    try:
        engine.log_to(logger)
        hook = engine.webhooks.create(url="http://127.0.0.1:9/", events=["*"])
        engine.webhooks.rotate_secret(hook.id)
        assert closed.wait(20)
        heard.wait_for("the engine is closed")
    finally:
        logger.removeFilter(filter)
    assert "of a filter" in capsys.readouterr().err


def test_more_than_is_kept_is_counted(heard: Heard, request: pytest.FixtureRequest) -> None:
    logger = logging.getLogger(request.node.name)
    held = threading.Event()
    logger.addFilter(lambda record: held.wait(20) or True)
    with martlet.Engine(environment="development", logger=logger) as engine:
        hook = engine.webhooks.create(url="http://127.0.0.1:9/", events=["*"])
        for _ in range(1500):
            engine.webhooks.rotate_secret(hook.id, overlap_seconds=0)
        held.set()
    assert "messages of Martlet were dropped" in heard.wait_for("were dropped").getMessage()
    heard.wait_for("the engine is closed")
    assert 1024 <= len(heard.records) < 1500


def test_what_opening_found_is_told(heard: Heard, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    logger = logging.getLogger(request.node.name)
    with martlet.Engine(environment="development", data_directory=tmp_path) as engine:
        engine.webhooks.create(url="http://127.0.0.1:9/", events=["*"])
        engine.push("call.placed", {})
        engine.close(0)
    with martlet.Engine(environment="development", data_directory=tmp_path, logger=logger) as engine:
        heard.wait_for("1 webhooks, 1 pending deliveries of 1 events")
        engine.close(0)


@pytest.mark.parametrize("ending", ["pass", "sys.exit(0)", "engine.close(0)", "os.fork() or os._exit(0)"])
def test_the_thread_does_not_hold_up_the_exit(ending: str) -> None:
    result = run_script(f"""
import logging, os, sys, warnings, martlet
warnings.simplefilter("ignore", DeprecationWarning)  # about forking a process with threads
logging.basicConfig(stream=sys.stdout, level=logging.DEBUG)
engine = martlet.Engine(environment="development", logger=logging.getLogger("martlet"))
engine.webhooks.create(url="http://127.0.0.1:9/", events=["*"], retry={{"delaysSeconds": [600]}})
engine.push("call.placed", 1)
{ending}
""")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_forked_child_cannot_listen_to_its_parents_engine() -> None:
    result = run_script("""
import logging, os, sys, warnings, martlet
warnings.simplefilter("ignore", DeprecationWarning)
engine = martlet.Engine(logger=logging.getLogger("martlet"))
if os.fork() == 0:
    try:
        engine.log_to(logging.getLogger("child"))
    except martlet.ForkedError:
        with martlet.Engine(logger=logging.getLogger("own")) as own:
            print("forked", own.stats()["state"], flush=True)
    os._exit(0)
os.wait()
engine.close()
""")
    assert (result.returncode, result.stdout, result.stderr) == (0, "forked open\n", "")
