"""What a data directory takes of the disk, and what happens when there is no more."""

import contextlib
import json
import os
import shutil
import subprocess
import time

import pytest
from data_directory import child, end, leave, recovery, until
from martlet import EVENT, SUCCEEDED, Engine, Error

SEGMENT = 65536
SMALL = {"journal": {"segmentBytes": SEGMENT, "maxBytes": 16 * SEGMENT}, "maxEventBytes": 4096,
         "breaker": {"failures": 0}}


def journal(engine):
    return engine.stats()["journal"]


def on_disk(directory):
    """Bytes that the files there really take."""
    room = 0
    for file in os.scandir(directory):
        # The engine deletes files meanwhile.
        with contextlib.suppress(FileNotFoundError):
            room += file.stat().st_blocks * 512
    return room


def push_until_full(engine, data, limit=100_000):
    """How many were accepted; the error's text."""
    for accepted in range(limit):
        try:
            engine.push(data, tag=accepted)
        except Error as error:
            assert error.name == "STORAGE_FULL", error
            return accepted, error.text
    raise AssertionError("it never was full")


def push_on(engine, data, count, seconds=30):
    """Pushes so many, waiting where the disk is full for the moment."""
    limit = time.monotonic() + seconds
    refused = 0
    while count:
        try:
            engine.push(data)
            count -= 1
        except Error as error:
            assert error.name == "STORAGE_FULL", error
            refused += 1
            assert time.monotonic() < limit, f"{count} left: {journal(engine)}"
            while engine.poll():
                pass
            time.sleep(0.01)
        if count % 50 == 0:
            while engine.poll():
                pass
    return refused


def drain(engine, seconds=60):
    """Reads outcomes until nothing is pending."""
    limit, outcomes = time.monotonic() + seconds, []
    while True:
        is_last = engine.stats()["events"]["unsettled"] == 0
        batch = engine.poll()
        outcomes += batch
        if is_last and not batch:
            return outcomes
        assert time.monotonic() < limit, engine.stats()
        if not batch:
            time.sleep(0.005)


DATA = json.dumps({"pad": "x" * 1500})


def test_a_full_journal_refuses_pushes_and_takes_them_again(lives, receivers, tmp_path):
    receiver = receivers(503)
    engine = lives(**SMALL, retry={"delaysSeconds": [0.3] * 30, "jitter": 0})
    engine.webhook(receiver.url())
    accepted, text = push_until_full(engine, DATA)
    assert "journal.maxBytes" in text and accepted > 300
    assert journal(engine)["bytesOnDisk"] <= 16 * SEGMENT and on_disk(tmp_path / "data") <= 16 * SEGMENT
    assert engine.stats()["events"]["refused"] == 1
    # A change that makes room must be possible: disabling a webhook, deleting it.
    other = engine.webhook("http://127.0.0.1:1/")
    engine.enable(other, False)
    engine.delete(other)
    receiver.answer = 200
    outcomes = drain(engine)
    assert sorted(o.tag for o in outcomes if o.kind == EVENT) == list(range(accepted))
    assert {o.state for o in outcomes} == {SUCCEEDED}
    push_on(engine, DATA, 200)
    drain(engine)
    assert len(receiver.attempts) == accepted + 200
    end(engine)
    engine = lives(**SMALL)
    assert recovery(engine)["events"] == 0
    end(engine)


def test_history_gives_way_to_new_events(lives, receiver, tmp_path):
    """The delivery log and kept payloads could fill the journal many times over."""
    engine = lives(**SMALL)
    engine.webhook(receiver.url())
    most = 0
    for _ in range(40):
        push_on(engine, DATA, 50)
        drain(engine)
        most = max(most, journal(engine)["bytesOnDisk"], on_disk(tmp_path / "data"))
    assert most <= 16 * SEGMENT
    assert len(receiver.attempts) == 2000
    # What is left is history that fits.
    assert engine.deliveries()
    end(engine)


def test_the_log_alone_gives_way_too(lives, receiver):
    """Small events without kept payloads: what fills the journal are records of deliveries that ended long ago."""
    engine = lives(**{**SMALL, "journal": {"segmentBytes": SEGMENT, "maxBytes": 6 * SEGMENT}},
                   logRetention={"attempts": 100_000, "payloadBytes": 0})
    engine.webhook(receiver.url())
    for _ in range(60):
        push_on(engine, "1", 50)
        drain(engine)
    assert len(receiver.attempts) == 3000
    assert journal(engine)["unwrittenRecords"] == 0
    end(engine)


def test_a_few_events_that_wait_for_long_do_not_fill_the_journal(lives, receivers):
    """They are moved out of the way: the disk is full when what is needed fills it, and not before."""
    good = receivers()
    engine = lives(**SMALL, logRetention={"attempts": 50, "payloadBytes": 0},
                   retry={"delaysSeconds": [3600], "jitter": 0})
    engine.webhook(good.url())
    engine.webhook(receivers(503).url(), filter={"slow": True})
    waiting = []
    for n in range(3000):
        slow = n % 30 == 0
        document = json.dumps({"pad": "x" * 1000} | ({"slow": True} if slow else {}))
        if slow:
            waiting.append(n)
        push_on(engine, document, 1)
        while engine.poll():
            pass
    until(lambda: len(good.attempts) == 3000)
    # The last ones have arrived and may not be settled yet.
    until(lambda: engine.stats()["events"]["unsettled"] == len(waiting))
    figures = journal(engine)
    assert figures["liveBytes"] < 4 * SEGMENT
    leave(engine)
    engine = lives(**SMALL)
    assert recovery(engine)["deliveries"] == len(waiting)
    leave(engine)


def test_the_disk_shrinks_when_the_work_is_done(lives, receivers):
    receiver = receivers(503)
    engine = lives(journal={"segmentBytes": SEGMENT}, maxEventBytes=4096, breaker={"failures": 0},
                   retry={"delaysSeconds": [0.5] * 30, "jitter": 0}, logRetention={"attempts": 100, "payloadBytes": 0},
                   deduplication={"windowSeconds": 0})
    webhook = engine.webhook(receiver.url())
    for tag in range(2000):
        engine.push(DATA, tag=tag)
    full = journal(engine)["bytesOnDisk"]
    assert full > 2000 * 1500
    receiver.answer = 200
    drain(engine)
    until(lambda: journal(engine)["bytesOnDisk"] <= 12 * SEGMENT)
    assert journal(engine)["liveBytes"] < 100_000
    engine.delete(webhook)
    end(engine)
    engine = lives(logRetention={"attempts": 0, "payloadBytes": 0})
    # Nothing is needed any more: no event, no log, no webhook.
    until(lambda: journal(engine)["liveBytes"] == 0)
    end(engine)


def test_many_small_events_leave_little_behind(lives):
    """Each is accepted, told and forgotten; nobody has subscribed to it."""
    few = {"journal": {"segmentBytes": 1 << 20}, "maxEventBytes": 65536}
    engine = lives(**few, outcomes="events")
    lines = "\n".join(json.dumps({"eventType": "call.completed", "data": n}) for n in range(1000))
    for _ in range(200):
        assert engine.push_json(lines) == 1000
        while engine.poll(1000):
            pass
    until(lambda: journal(engine)["bytesOnDisk"] <= 8 << 20)
    assert engine.stats()["events"]["accepted"] == 200_000
    end(engine)
    engine = lives(**few)
    assert recovery(engine)["records"] < 50_000 and recovery(engine)["outcomes"] == 0
    end(engine)


def test_queued_payloads_stay_on_the_disk(receivers, tmp_path):
    """100,000 events of a kilobyte wait; memory of the process's own holds a fraction of that."""
    receiver = receivers(503)
    printed = child(f"""
def own():
    with open("/proc/self/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    return int(lines["RssAnon"].split()[0]) * 1024
engine = Engine(**configuration)
engine.webhook({receiver.url()!r}, maxInFlight=1)
before = own()
lines = "\\n".join(json.dumps({{"eventType": "call.completed", "data": "x" * 1000}}) for n in range(1000))
for _ in range(100):
    engine.push_json(lines)
print(engine.stats()["events"]["unsettled"], own() - before)
""", {"dataDirectory": str(tmp_path / "data"), "queue": {"maxEvents": 1_000_000}, "outcomes": "off",
      "maxPendingPerWebhook": 1_000_000, "retry": {"delaysSeconds": [3600], "jitter": 0}})
    pending, grown = map(int, printed.split())
    assert pending >= 99_990 and grown < 60 << 20, grown


# ---- A disk that is full ----


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB: a tmpfs of this process, in a mount namespace where root may not mount for all."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(directory)],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        assert os.environ.get("CI") != "true", mounted.stderr
        pytest.skip(f"no file system can be mounted here: {mounted.stderr}")
    yield directory
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


@pytest.mark.parametrize("sync", ["always", "interval"])
def test_a_full_disk_refuses_pushes_and_deliveries_go_on(lives, receivers, small_disk, sync):
    receiver = receivers(503)
    configuration = {"dataDirectory": str(small_disk / "data"), "sync": sync, "breaker": {"failures": 0},
                     "journal": {"segmentBytes": 262_144}, "maxEventBytes": 4096,
                     "retry": {"delaysSeconds": [0.3] * 30, "jitter": 0}}
    engine = lives(**configuration)
    engine.webhook(receiver.url())
    accepted, text = push_until_full(engine, DATA)
    assert accepted > 1000 and "journal.maxBytes" not in text
    receiver.answer = 200
    outcomes = drain(engine)
    assert sorted(o.tag for o in outcomes if o.kind == EVENT) == list(range(accepted))
    push_on(engine, DATA, 100)
    drain(engine)
    assert len(receiver.attempts) == accepted + 100
    end(engine)
    engine = lives(**configuration)
    assert recovery(engine)["events"] == 0
    end(engine)


def test_somebody_else_fills_the_disk_and_clears_it(lives, receivers, small_disk):
    receiver = receivers()
    configuration = {"dataDirectory": str(small_disk / "data"), "maxEventBytes": 4096,
                     "journal": {"segmentBytes": 262_144}}
    engine = lives(**configuration)
    webhook = engine.webhook(receiver.url())
    hog = small_disk / "hog"
    with hog.open("wb") as file:
        try:
            while True:
                file.write(b"x" * 65536)
                file.flush()
        except OSError:
            pass
    # What was set aside is used up first.
    accepted, _ = push_until_full(engine, DATA)
    assert len([o for o in drain(engine) if o.kind == EVENT]) == accepted
    engine.close(5000)
    engine.free()
    # A disk that is full does not keep an engine from opening.
    engine = lives(**configuration)
    assert engine.get(webhook)["enabled"] is True
    hog.unlink()
    push_on(engine, DATA, 500)
    drain(engine)
    end(engine)


def test_a_new_directory_on_a_full_disk_is_told_at_once(small_disk):
    (small_disk / "hog").write_bytes(b"x" * (3 << 20))
    with pytest.raises(Error, match="STORAGE_FULL.*dataDirectory"):
        Engine(dataDirectory=str(small_disk / "data"), journal={"segmentBytes": 2 << 20})


def test_the_directory_disappears(lives, receivers, tmp_path):
    """Files that are open stay; what needs a new one is refused, and nothing crashes."""
    receiver = receivers()
    engine = lives(**SMALL)
    engine.webhook(receiver.url())
    engine.push()
    drain(engine)
    shutil.rmtree(tmp_path / "data")
    names = set()
    for _ in range(300):
        try:
            engine.push(DATA)
        except Error as error:
            names.add(error.name)
    assert names <= {"STORAGE", "STORAGE_FULL"} and names
    drain(engine)
    try:
        engine.close(5000)
    except Error as error:
        assert error.name == "STORAGE"
    engine.free()
