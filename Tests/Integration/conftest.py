"""Fixtures: engines and receivers that end with their test, whatever happens in it."""

import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("MARTLET_PREFIX", str(ROOT / ".build-test" / "prefix"))
if not (pathlib.Path(os.environ["MARTLET_PREFIX"]) / "lib" / "libmartlet.so.0").exists():
    pytest.exit("no library: run bindings/c/install.sh --prefix .build-test/prefix, or set MARTLET_PREFIX", 2)

import martlet  # noqa: E402
from receiver import Receiver  # noqa: E402


@pytest.fixture
def engines():
    """Opens engines; frees them at the end."""
    opened = []

    def open_engine(**configuration):
        opened.append(martlet.Engine(**configuration))
        return opened[-1]

    yield open_engine
    for engine in opened:
        engine.free()


@pytest.fixture
def lives(tmp_path):
    """Opens one engine after the other on the same directory; frees them at the end."""
    opened = []

    def open_engine(**configuration):
        opened.append(martlet.Engine(**{"dataDirectory": str(tmp_path / "data"), **configuration}))
        return opened[-1]

    yield open_engine
    for engine in opened:
        engine.free()


@pytest.fixture
def engine(engines):
    return engines()


@pytest.fixture
def receivers():
    started = []

    def start(*arguments, **more):
        started.append(Receiver(*arguments, **more))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


@pytest.fixture
def receiver(receivers):
    return receivers()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, f"the server ended with code {process.returncode}"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"port {port} did not open within {seconds} s")


@pytest.fixture
def processes():
    """Starts server processes and waits for their port; ends them by their ids."""
    started = []

    def start(command, port, **more):
        process = subprocess.Popen(command, **more)
        started.append(process)
        wait_for_port(port, process)
        return process

    yield start
    for process in started:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def flask_receiver(processes, tmp_path):
    """Starts the example endpoint; gives its URL and a function that reads what it printed."""

    def start(secret, **environment):
        port = free_port()
        log = tmp_path / f"flask-{port}.log"
        application = ROOT / "examples" / "receivers" / "flask" / "app.py"
        with log.open("w") as output:
            processes(
                [sys.executable, str(application)], port, stdout=output, stderr=subprocess.STDOUT,
                env=os.environ | {"WEBHOOK_SECRET": secret, "PORT": str(port)} | environment,
            )
        return f"http://127.0.0.1:{port}/subverse/webhook", log.read_text

    return start
