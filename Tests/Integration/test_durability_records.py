"""A data directory: outcomes, the delivery log and known ids are there again in the next engine."""

import ctypes
import json
import threading
import time
from ctypes import byref, c_size_t

import pytest
from data_directory import end, leave, recovery, until, waits
from martlet import EVENT, SUCCEEDED, Error
from receiver import Answer


# ---- Outcomes ----


def key(outcome):
    return outcome.kind, outcome.tag, outcome.state, outcome.event_id, outcome.delivery_id, outcome.settled_at_ms, \
        outcome.attempts, outcome.http_status


def test_outcomes_that_were_not_polled_come_again_and_polled_ones_do_not(lives, receiver):
    engine = lives()
    engine.webhook(receiver.url())
    for tag in range(10):
        engine.push(tag=tag)
    engine.flush(10_000)
    first = [key(o) for o in engine.poll(7)]
    end(engine)
    engine = lives()
    assert recovery(engine)["outcomes"] == 13 and engine.stats()["outcomesWaiting"] == 13
    assert engine.stats()["queue"]["events"] == 20 / 2 - sum(kind == EVENT for kind, *_ in first)
    rest = [key(o) for o in engine.outcomes(lambda seen: len(seen) == 13)]
    assert len(set(first + rest)) == 20 and {k[1] for k in first + rest} == set(range(10))
    assert engine.stats()["queue"]["events"] == 0
    end(engine)
    engine = lives()
    assert engine.poll() == [] and recovery(engine)["outcomes"] == 0
    assert len(receiver.requests) == 10


def test_outcomes_may_be_read_after_close(lives, receiver):
    engine = lives()
    engine.webhook(receiver.url())
    for tag in range(5):
        engine.push(tag=tag)
    engine.close(10_000)
    assert {o.tag for o in engine.poll(3)} <= set(range(5))
    engine.free()
    engine = lives()
    assert len(engine.outcomes(lambda seen: len(seen) == 7)) == 7
    end(engine)
    engine = lives()
    assert engine.poll() == []


def test_outcomes_switched_off_are_given_up(lives, receiver):
    engine = lives()
    engine.webhook(receiver.url())
    engine.push()
    engine.flush(10_000)
    end(engine)
    engine = lives(outcomes="off")
    assert engine.stats()["queue"]["events"] == 0
    with pytest.raises(Error, match="WRONG_STATE"):
        engine.poll()


# ---- Log, redelivery, replay, tests, duplicates ----


def test_the_log_is_there_again_and_serves_redelivery(lives, receivers):
    receiver = receivers(lambda r: Answer(503, b"no") if r.attempt == 1 else Answer(200, b"yes"))
    engine = lives()
    webhook = engine.webhook(receiver.url())
    events = [engine.push({"n": n}, tag=n) for n in range(5)]
    engine.settle(5)
    before = engine.deliveries()
    end(engine)
    engine = lives()
    after = engine.deliveries()
    assert after == before and len(after) == 5
    # Again, so that what was restored is restored as well.
    end(engine)
    engine = lives()
    assert engine.deliveries() == before
    for delivery in before:
        whole = json.loads(engine.read("delivery_get", delivery["id"]))
        assert [(a["number"], a["status"], a["response"]) for a in whole["attempts"]] == [(1, 503, "no"), (2, 200, "yes")]
        assert json.loads(whole["payload"])["data"] == {"n": delivery["tag"]}
    made = redeliver(engine, before[0]["id"])
    outcome = engine.one()
    assert outcome.delivery_id.decode() == made and outcome.event_id.decode() == before[0]["eventId"]
    assert receiver.requests[-1].body == receiver.requests[receiver_index(receiver, before[0]["eventId"])].body
    assert json.loads(engine.read("delivery_get", made))["redeliveryOf"] == before[0]["id"]
    assert before[0]["eventId"] in events and webhook["id"] == before[0]["webhookId"]


def receiver_index(receiver, event):
    return next(i for i, r in enumerate(receiver.requests) if r.event_id == event)


def redeliver(engine, delivery):
    made = ctypes.create_string_buffer(72)
    engine.call("redeliver", delivery, made)
    return made.value.decode()


def test_a_redelivery_that_is_pending_goes_on(lives, receivers):
    receiver = receivers()
    configuration = {"retry": {"delaysSeconds": [1, 1, 1], "jitter": 0}, "logRetention": {"payloadBytes": 65536}}
    engine = lives(**configuration)
    engine.webhook(receiver.url())
    event = engine.push({"pad": "x" * 1000}, tag=3)
    first = engine.one()
    receiver.answer = 503
    made = redeliver(engine, first.delivery_id)
    receiver.wait(2)
    waits(engine)
    for _ in range(2):
        leave(engine)
        engine = lives(**configuration)
        (delivery,) = engine.deliveries(state="undelivered")
        assert (delivery["id"], delivery["redeliveryOf"], delivery["tag"]) == (made, first.delivery_id.decode(), 3)
    receiver.answer = 200
    outcome = engine.one()
    assert (outcome.delivery_id.decode(), outcome.event_id.decode(), outcome.tag) == (made, event, 3)
    assert len({r.body for r in receiver.requests}) == 1


def test_replay_after_a_restart_sends_what_failed_and_goes_on_in_the_next_life(lives, receivers):
    receiver = receivers(404)
    engine = lives()
    engine.webhook(receiver.url())
    for tag in range(12):
        engine.push({"n": tag}, tag=tag)
    engine.settle(12)
    end(engine)
    receiver.answer = 200
    engine = lives()
    answer = json.loads(engine.read("replay", {"perSecond": 4}))
    assert (answer["replayed"], answer["skipped"]) == (12, 0)
    receiver.wait(13)
    leave(engine)
    engine = lives()
    until(lambda: sorted(receiver.attempts.values())[0] >= 2)
    assert len(receiver.attempts) == 12
    # Repeated it sends nothing: each has been redelivered.
    engine.flush(10_000)
    assert json.loads(engine.read("replay", None))["replayed"] == 0


def test_a_test_delivery_survives_and_is_one_still(lives, receivers):
    gate = threading.Event()
    receiver = receivers(lambda request: 200 if gate.wait(20) else 500)
    engine = lives()
    webhook = engine.webhook(receiver.url(), ["workflow.failed"])
    made = json.loads(engine.read("webhook_test", webhook["id"], {"eventType": "call.placed", "data": [1]}))
    receiver.wait(1)
    leave(engine)
    gate.set()
    engine = lives()
    outcome = engine.one()
    assert outcome.delivery_id.decode() == made["deliveryId"] and outcome.state == SUCCEEDED
    assert receiver.requests[-1].headers["webhook-test"] == "true"
    assert engine.delivery(outcome)["test"] is True


def push_counted(engine, *documents):
    accepted, duplicates = c_size_t(), c_size_t()
    engine.call("push_json", "\n".join(json.dumps(d) for d in documents), byref(accepted), byref(duplicates))
    return accepted.value, duplicates.value


def test_duplicates_are_known_across_restarts_within_the_window(lives, receiver):
    event = {"eventType": "call.completed", "data": 1, "id": "one"}
    other_tenant = event | {"tenant": "t"}
    configuration = {"deduplication": {"windowSeconds": 4}}
    engine = lives(**configuration)
    engine.webhook(receiver.url())
    started = time.monotonic()
    assert push_counted(engine, event, event) == (1, 1)
    engine.settle(1)
    for _ in range(2):
        end(engine)
        engine = lives(**configuration)
        assert push_counted(engine, event) == (0, 1)
    assert push_counted(engine, other_tenant) == (1, 0)
    time.sleep(max(4.1 - (time.monotonic() - started), 0))
    assert push_counted(engine, event) == (1, 0)
    engine.settle(1)
    end(engine)
    engine = lives(**configuration)
    assert push_counted(engine, event) == (0, 1)
    assert [r.event_id for r in receiver.requests] == ["one", "one"]


def test_log_retention_holds_across_restarts(lives, receiver):
    configuration = {"logRetention": {"attempts": 20}, "lanes": 1}
    engine = lives(**configuration)
    engine.webhook(receiver.url())
    for tag in range(50):
        engine.push(tag=tag)
    engine.settle(50)
    kept = engine.deliveries()
    assert len(kept) == 20
    end(engine)
    engine = lives(**configuration)
    assert engine.deliveries() == kept
    end(engine)
    engine = lives(logRetention={"attempts": 0})
    assert engine.deliveries() == []
    end(engine)
