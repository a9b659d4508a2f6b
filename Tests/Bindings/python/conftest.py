"""A receiver and an engine for the tests."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import martlet

ROOT = Path(__file__).resolve().parents[3]


class Receiver:
    """Answers as the paths say: see Tests/Bindings/receiver.py."""

    def __init__(self, url: str) -> None:
        self.url = url

    def got(self, path: str) -> list[Any]:
        with urllib.request.urlopen(f"{self.url}/requests{path}") as answer:
            requests: list[Any] = json.load(answer)
        return requests


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    command = [sys.executable, str(ROOT / "Tests/Bindings/receiver.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().split()[1]
        yield Receiver(f"http://127.0.0.1:{port}")
        process.terminate()


@pytest.fixture
def engine() -> Iterator[martlet.Engine]:
    """Development mode, no retries, all outcomes."""
    with martlet.Engine(environment="development", outcomes="all", retry={"delaysSeconds": []}) as engine:
        yield engine
        engine.close(0)


@pytest.fixture
def path(request: pytest.FixtureRequest) -> str:
    """A path of the receiver that no other test uses, which answers 200."""
    return f"/200/{request.node.name.replace('[', '-').replace(']', '')}"


def run_script(text: str, *arguments: str, seconds: float = 20) -> subprocess.CompletedProcess[str]:
    """Runs a program of its own; fails when it has not ended after so many seconds."""
    command = [sys.executable, "-W", "error", "-c", text, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds)
