"""What the tests of data directories share."""

import json
import os
import subprocess
import sys
import time
from datetime import datetime

import pytest
from martlet import Error

SLOW_RETRY = {"delaysSeconds": [3600], "jitter": 0}


def seconds(stamp):
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def leave(engine):
    """Closes at once; what is pending stays."""
    with pytest.raises(Error, match="TIMED_OUT"):
        engine.close(0)
    engine.free()


def end(engine):
    engine.close(5000)
    engine.free()


def waits(engine, attempts=1, count=1):
    """The deliveries, once each has made so many attempts and waits for the next."""
    limit = time.monotonic() + 15
    while True:
        found = engine.deliveries(state="pending", limit=1000)
        if len(found) == count and all(d["attemptCount"] == attempts and d["nextAttemptAt"] for d in found):
            return found
        assert time.monotonic() < limit, found
        time.sleep(0.005)


def recovery(engine):
    return engine.stats()["journal"]["recovery"]


def until(condition, seconds=20):
    limit = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.01)
    return value


CHILD = """
import json, os, sys, time
sys.path.insert(0, {here!r})
from martlet import Engine, Error
configuration = json.loads(sys.argv[1])
"""


def child(code, configuration, **more):
    """Runs a program with the wrapper; its standard output."""
    here = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run([sys.executable, "-c", CHILD.format(here=here) + code, json.dumps(configuration)],
                          capture_output=True, text=True, timeout=60, **more)
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout
