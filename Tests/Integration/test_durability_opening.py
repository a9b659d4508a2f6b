"""A data directory: how engines leave it, and who may open what."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

import martlet
import pytest
from data_directory import CHILD, SLOW_RETRY, child, end, leave, recovery, until
from martlet import EVENT, SUCCEEDED, Engine, Error


# ---- Close and forgetting ----


def test_what_is_settled_is_not_sent_again(lives, receiver):
    engine = lives()
    engine.webhook(receiver.url())
    for tag in range(200):
        engine.push(tag=tag)
    engine.settle(200)
    for _ in range(3):
        end(engine)
        engine = lives()
        assert (recovery(engine)["events"], recovery(engine)["deliveries"]) == (0, 0)
    engine.flush(1000)
    assert len(receiver.requests) == 200


def test_free_without_close_leaves_it_to_the_next(lives, receivers):
    receiver = receivers(503)
    engine = lives(retry={"delaysSeconds": [0.5] * 5, "jitter": 0})
    engine.webhook(receiver.url())
    engine.push(tag=4)
    receiver.wait(1)
    engine.free()
    receiver.answer = 200
    engine = lives(retry={"delaysSeconds": [0.5] * 5, "jitter": 0})
    assert engine.one().tag == 4


def test_a_program_that_forgets_to_close_ends_and_loses_nothing(lives, receivers, tmp_path):
    receiver = receivers(503)
    configuration = {"dataDirectory": str(tmp_path / "data"), "retry": {"delaysSeconds": [0.5] * 5, "jitter": 0}}
    child(f"""
engine = Engine(**configuration)
engine.webhook({receiver.url()!r})
engine.push(tag=9)
time.sleep(0.2)
""", configuration)
    receiver.answer = 200
    engine = lives(retry={"delaysSeconds": [0.5] * 5, "jitter": 0})
    assert engine.one().tag == 9


def test_a_forked_child_cannot_touch_it_and_does_not_hold_it(lives, receivers, tmp_path):
    """The parent goes on; after its death the directory is free although the child lives."""
    configuration = {"dataDirectory": str(tmp_path / "data"), "retry": SLOW_RETRY}
    printed = child(f"""
engine = Engine(**configuration)
engine.webhook({receivers(503).url()!r})
engine.push(tag=1)
read, write = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(write)
    names = []
    for call in (lambda: engine.push(), lambda: engine.stats(), lambda: engine.close(0)):
        try:
            call()
            names.append("OK")
        except Error as error:
            names.append(error.name)
    engine.free()
    print(json.dumps(names), flush=True)
    try:
        Engine(**configuration)
        print("opened", flush=True)
    except Error as error:
        print(error.name, flush=True)
    os.read(read, 1)
    os._exit(0)
time.sleep(0.3)
engine.push(tag=2)
import signal
print(pid, flush=True)
os.dup2(2, 1)
if os.fork() == 0:
    # Outlives the parent for a while with everything it inherited.
    os.close(write)
    os.close(2); os.close(1)
    time.sleep(3)
    os._exit(0)
os._exit(0)
""", configuration)
    names, opened, _ = printed.splitlines()
    assert json.loads(names) == ["FORKED", "FORKED", "FORKED"]
    assert opened == "IN_USE"
    engine = lives(retry=SLOW_RETRY)
    assert sorted(d["tag"] for d in engine.deliveries()) == [1, 2]


# ---- Opening ----


def test_a_second_opener_is_told(lives, tmp_path):
    engine = lives()
    with pytest.raises(Error, match="IN_USE.*dataDirectory"):
        lives()
    assert child("""
try:
    Engine(**configuration)
except Error as error:
    print(error.name)
""", {"dataDirectory": str(tmp_path / "data")}) == "IN_USE\n"
    end(engine)
    end(lives())


def test_a_directory_is_made_for_its_owner_alone(lives, tmp_path):
    os.umask(0o000)
    try:
        engine = lives()
    finally:
        os.umask(0o022)
    directory = tmp_path / "data"
    assert directory.stat().st_mode & 0o7777 == 0o700
    files = list(directory.iterdir())
    assert files and all(f.stat().st_mode & 0o7777 == 0o600 for f in files)
    end(engine)


@pytest.mark.parametrize("path, words", [
    ("missing/data", "dataDirectory.*missing"), ("file", "dataDirectory.*(file|directory)"),
    ("file/data", "dataDirectory"),
])
def test_a_path_that_cannot_be_is_named(tmp_path, path, words):
    (tmp_path / "file").write_text("x")
    with pytest.raises(Error, match=f"STORAGE.*{words}"):
        Engine(dataDirectory=str(tmp_path / path))
    assert (tmp_path / "file").read_text() == "x"


NOBODY = 65534


@pytest.mark.parametrize("mode, uid", [(0o500, NOBODY), (0o300, NOBODY), (0o000, NOBODY), (0o700, 0)],
                         ids=["read only", "not readable", "nothing", "another's"])
def test_a_directory_without_permission(mode, uid):
    """By a process that is not root, which may do everything."""
    assert os.geteuid() == 0, "run as root: the test becomes somebody else"
    top = tempfile.mkdtemp(dir="/tmp")
    try:
        os.chmod(top, 0o755)
        directory = os.path.join(top, "data")
        os.mkdir(directory)
        os.chown(directory, uid, uid)
        os.chmod(directory, mode)
        prefix = os.path.join(top, "lib")
        shutil.copytree(os.path.join(martlet.PREFIX, "lib"), prefix, symlinks=True)
        printed = as_nobody(f"""
try:
    Engine(dataDirectory={directory!r})
    print("opened")
except Error as error:
    print(error)
""", top)
        assert "STORAGE:" in printed and directory in printed and "permission" in printed
        assert list(os.scandir(directory)) == []
    finally:
        shutil.rmtree(top)


def as_nobody(code, prefix):
    """Runs a program that has loaded the library and then gives up its rights."""
    here = os.path.dirname(os.path.abspath(__file__))
    program = CHILD.format(here=here) + f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n" + code
    done = subprocess.run([sys.executable, "-c", program, "{}"], capture_output=True, text=True, timeout=60,
                          env=os.environ | {"MARTLET_PREFIX": prefix})
    assert done.returncode == 0, done.stderr
    return done.stdout


def small_journal(lives, receivers, events=300, **more):
    """A closed journal of several files, most of whose events are pending. Gives the receiver."""
    receiver = receivers(503)
    engine = lives(**SMALL, **more)
    engine.webhook(receiver.url())
    for tag in range(events):
        engine.push({"n": tag, "pad": "x" * 500}, tag=tag)
    until(lambda: all(d["attemptCount"] for d in engine.deliveries(state="pending", limit=1000)))
    leave(engine)
    return receiver


SMALL = {"journal": {"segmentBytes": 65536}, "maxEventBytes": 4096, "retry": {"delaysSeconds": [2] * 9, "jitter": 0},
         "breaker": {"failures": 0}}


def segments(tmp_path):
    return sorted(f for f in (tmp_path / "data").iterdir() if f.name.startswith("segment-"))


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_a_newer_format_is_refused_and_left_alone(lives, receivers, tmp_path):
    small_journal(lives, receivers, 200)
    files = segments(tmp_path)
    assert len(files) >= 3
    data = bytearray(files[1].read_bytes())
    # As a later version would write it: the number 8 bytes into either copy of the header, the checksum at its end.
    for copy in (0, 64):
        data[copy + 8:copy + 12] = (99).to_bytes(4, "little")
        data[copy + 60:copy + 64] = crc32c(data[copy:copy + 60]).to_bytes(4, "little")
    files[1].write_bytes(data)
    before = {f.name: f.read_bytes() for f in (tmp_path / "data").iterdir()}
    with pytest.raises(Error, match="STORAGE.*version 99"):
        lives(**SMALL)
    assert {f.name: f.read_bytes() for f in (tmp_path / "data").iterdir()} == before


def test_damage_in_the_middle_takes_one_record_and_no_more(lives, receivers, tmp_path):
    receiver = small_journal(lives, receivers)
    file = segments(tmp_path)[1]
    data = bytearray(file.read_bytes())
    place = data.index(b'"pad"', 20_000)
    data[place + 50] ^= 0xFF
    file.write_bytes(data)
    receiver.answer = 200
    engine = lives(**SMALL)
    found = recovery(engine)
    assert found["quarantined"] == 1 and found["quarantinedBytes"] > 500 and found["events"] == 299
    assert any(f.name.startswith("quarantine") for f in (tmp_path / "data").iterdir())
    outcomes = engine.settle(299)
    assert {o.state for o in outcomes} == {SUCCEEDED}
    assert len({r.event_id for r in receiver.requests}) >= 299
    end(engine)
    engine = lives(**SMALL)
    assert recovery(engine)["quarantined"] == 0
    end(engine)


def test_a_torn_tail_is_cut(lives, receivers, tmp_path):
    receiver = small_journal(lives, receivers, 50)
    file = segments(tmp_path)[0]
    data = bytearray(file.read_bytes())
    # Records stand one behind the other, each begins with its length; the last is written whole but not yet valid.
    place, last = 128, 0
    while length := int.from_bytes(data[place:place + 4], "little"):
        place, last = place + (length + 7) // 8 * 8, place
    data[last:last + 8] = bytes(8)
    file.write_bytes(data)
    receiver.answer = 200
    engine = lives(**SMALL)
    found = recovery(engine)
    assert found["truncatedBytes"] >= place - last - 16 and found["quarantined"] == 0, found
    assert found["events"] == 50
    assert len([o for o in engine.settle(50) if o.kind == EVENT]) == 50
    end(engine)


def test_files_of_others_are_left_alone(lives, tmp_path):
    end(lives())
    (tmp_path / "data" / "notes.txt").write_text("mine")
    end(lives())
    assert (tmp_path / "data" / "notes.txt").read_text() == "mine"
