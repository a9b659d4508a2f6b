"""What a restart and a crash at a bad moment do to what was acknowledged: nothing."""

import os
import sqlite3
import sys

import martlet
import pytest
from conftest import HERE, NODE, RECEIVERS, SECRET, event, send, take

both = pytest.mark.parametrize(
    "command", [[sys.executable, str(HERE / "gated.py")], [NODE, str(HERE / "gated.js")]], ids=["flask", "express"])


@pytest.fixture
def gate(tmp_path):
    """A pipe: who reads it waits until a test writes."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return str(path)


def effects(tmp_path):
    with sqlite3.connect(tmp_path / "receiver.sqlite") as db:
        return [id for (id,) in db.execute("SELECT event_id FROM effects ORDER BY rowid")]


@both
def test_killed_between_answer_and_work(programs, engine, command, gate, tmp_path):
    first = programs(command, GATE=gate)
    webhook = engine.webhooks.create(url=first.url, events=["*"], secret=SECRET)
    # The work on the first is under way, that on the others has not begun.
    ids = [engine.push("call.placed", {"callId": "call_1"})]
    first.wait(f"{ids[0]} begun")
    ids += [engine.push("call.completed", {"callId": f"call_{number}"}) for number in (2, 3)]
    assert [delivery.attempts[0].status for delivery in take(engine, 3)] == [200, 200, 200]
    first.kill()
    assert not any("done" in line for line in first.printed)
    assert effects(tmp_path) == []

    second = programs(command)
    second.wait(" done$", 3)
    assert sorted(effects(tmp_path)) == sorted(ids)
    # A sender that did not hear of the first answer sends it again.
    engine.webhooks.update(webhook.id, url=second.url)
    delivery = next(iter(engine.deliveries(event_id=ids[0])))
    engine.redeliver(delivery.id)
    (again,) = take(engine, 1)
    assert again.attempts[0].status == 200 and '"duplicate":true' in again.attempts[0].response.replace(" ", "")
    # The worker does all in turn: nothing of the duplicate can be behind this one.
    ids.append(engine.push("call.expired", {}))
    second.wait(f"{ids[3]}: .*done")
    assert sorted(effects(tmp_path)) == sorted(ids)


def test_killed_between_the_works_writing_and_its_end(programs, gate, tmp_path):
    first = programs([sys.executable, str(HERE / "gated.py")], GATE_BEHIND=gate)
    assert send(first.url)[0] == 200
    first.wait("msg_1 written")
    first.kill()
    assert effects(tmp_path) == []
    programs([sys.executable, str(HERE / "gated.py")]).wait("msg_1: .*done")
    assert effects(tmp_path) == ["msg_1"]


@both
def test_duplicates_after_restarts(programs, command, tmp_path):
    for life in range(3):
        program = programs(command)
        status, answer = send(program.url)
        assert status == 200 and answer.get("duplicate", False) == (life > 0)
        assert send(program.url)[1] == {"received": True, "eventType": "call.placed", "duplicate": True}
        assert send(program.url, id=f"msg_of_{life}")[0] == 200
        program.wait(f"msg_of_{life}: .*done")
        if life == 0:
            program.kill()
        else:
            assert program.end() == 0
    assert effects(tmp_path) == ["msg_1", "msg_of_0", "msg_of_1", "msg_of_2"]


@both
def test_an_answer_does_not_wait_for_the_work(programs, command, gate, tmp_path):
    program = programs(command, GATE=gate)
    for number in range(5):
        assert send(program.url, id=f"msg_{number}")[0] == 200
    program.wait("msg_0 begun")
    assert effects(tmp_path) == []
    # Opened for one after the other.
    for number in range(5):
        program.wait(f"msg_{number} begun")
        with open(gate, "w"):
            pass
        program.wait(f"msg_{number}: .*done")
    assert effects(tmp_path) == [f"msg_{number}" for number in range(5)]


@both
def test_the_receiver_was_down_and_martlet_comes_again(programs, command, tmp_path):
    first = programs(command)
    url, port = first.url, first.url.split(":")[2].split("/")[0]
    first.kill()
    with martlet.Engine(environment="development", outcomes="deliveries") as engine:
        engine.webhooks.create(url=url, events=["*"], secret=SECRET, retry={"delaysSeconds": [0.1] * 10 + [1] * 10})
        ids = [engine.push("call.placed", {}) for _ in range(5)]
        second = programs(command, PORT=port)
        assert {delivery.state for delivery in take(engine, 5)} == {"succeeded"}
    second.wait(" done$", 5)
    assert sorted(effects(tmp_path)) == sorted(ids)


@both
def test_a_database_that_cannot_be_written_gives_503_and_the_event_is_not_lost(programs, command, tmp_path):
    program = programs(command)
    assert send(program.url)[0] == 200
    program.wait("msg_1: .*done")
    with sqlite3.connect(tmp_path / "receiver.sqlite", isolation_level=None) as other:
        # Somebody else's table is in the way: an insert fails at once.
        other.execute("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no room'); END")
        assert send(program.url, event("call.completed"), id="msg_2")[0] == 503
        other.execute("DROP TRIGGER full")
    answer = {"received": True, "eventType": "call.completed"}
    assert send(program.url, event("call.completed"), id="msg_2") == (200, answer)
    program.wait("msg_2: .*done")
    assert effects(tmp_path) == ["msg_1", "msg_2"]


@both
def test_old_events_go_when_they_are_done(programs, command, tmp_path):
    program = programs(command)
    for name in ("msg_old", "msg_old_and_waiting", "msg_new"):
        assert send(program.url, id=name)[0] == 200
        program.wait(f"{name}: .*done")
    program.end()
    with sqlite3.connect(tmp_path / "receiver.sqlite") as db:
        db.execute("UPDATE events SET received_at = received_at - 31 * 24 * 3600 WHERE id LIKE '%old%'")
        table, key = ("jobs", "event_id") if "py" in command[1] else ("events", "id")
        db.execute(f"UPDATE {table} SET state = 'waiting' WHERE {key} = 'msg_old_and_waiting'")
    programs(command).wait("msg_old_and_waiting: .*done")
    with sqlite3.connect(tmp_path / "receiver.sqlite") as db:
        assert db.execute("SELECT id FROM events ORDER BY rowid").fetchall() == [("msg_old_and_waiting",), ("msg_new",)]
    assert effects(tmp_path) == ["msg_old", "msg_old_and_waiting", "msg_new", "msg_old_and_waiting"]


FAILING = {
    "flask": [sys.executable, "-c", """
import sys, inbox, worker
tasks = {"bad": lambda event, db: 1 / 0, "good": lambda event, db: print("good works", flush=True)}
box = inbox.Inbox(sys.argv[1], tasks)
box.store(inbox.Event("msg_1", "call.placed", "", {}))
worker.Worker(box, tasks, lambda text: print(text, flush=True), (0, 0)).start()
"""],
    "express": [NODE, "-e", """
const [{ Inbox }, { Worker }] = ['inbox', 'worker'].map((name) => require(`${process.argv[2]}/${name}.js`));
const box = new Inbox(process.argv[1]);
box.store({ id: 'msg_1', eventType: 'call.placed', createdAt: '', data: '{}' });
new Worker(box, async () => { throw new Error('bad'); }, console.log, [0, 0]).wake();
setInterval(() => {}, 1000);
"""],
}


@pytest.mark.parametrize("kind", FAILING)
def test_work_that_goes_on_failing_is_kept_as_failed(programs, kind, tmp_path):
    path = str(tmp_path / "receiver.sqlite")
    program = programs([*FAILING[kind], path, str(RECEIVERS / "express")])
    program.wait("given up$")
    if kind == "flask":
        program.wait("good works")
    table = "jobs WHERE task = 'bad'" if kind == "flask" else "events"
    with sqlite3.connect(path) as db:
        ((state, tries, error),) = db.execute(f"SELECT state, tries, error FROM {table}")
    assert (state, tries) == ("failed", 3) and ("bad" in error or "ZeroDivisionError" in error)
    assert sum("failed" in line for line in program.printed) == 3
