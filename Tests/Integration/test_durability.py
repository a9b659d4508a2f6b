"""A data directory: what an engine knew is there again in the next one."""

import base64
import ctypes
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from ctypes import byref, c_size_t
from datetime import datetime

import martlet
import pytest
from martlet import (CANCELED, DELIVERY, EVENT, EXPIRED, FAILED, SUCCEEDED, WEBHOOK_DISABLED, Engine, Error)
from receiver import Answer

SLOW_RETRY = {"delaysSeconds": [3600], "jitter": 0}


def seconds(stamp):
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


@pytest.fixture
def lives(tmp_path):
    """Opens one engine after the other on the same directory; frees them at the end."""
    opened = []

    def open_engine(**configuration):
        opened.append(Engine(**{"dataDirectory": str(tmp_path / "data"), **configuration}))
        return opened[-1]

    yield open_engine
    for engine in opened:
        engine.free()


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


# ---- Deliveries ----


def test_a_pending_delivery_goes_on_where_it_was(lives, receivers):
    receiver = receivers(Answer(503, b"busy: <come back>"))
    engine = lives(retry=SLOW_RETRY)
    engine.webhook(receiver.url(), ["call.*"])
    event = engine.push('{"n": 1.50}', tag=77)
    (before,) = waits(engine)
    leave(engine)

    engine = lives(retry=SLOW_RETRY)
    (after,) = engine.deliveries()
    assert after["state"] == "pending" and after["eventId"] == event and after["tag"] == 77
    assert {k: v for k, v in after.items() if k != "nextAttemptAt"} == \
        {k: v for k, v in before.items() if k != "nextAttemptAt"}
    assert abs(seconds(after["nextAttemptAt"]) - seconds(before["nextAttemptAt"])) <= 1
    whole = json.loads(engine.read("delivery_get", after["id"]))
    (attempt,) = whole["attempts"]
    assert (attempt["status"], attempt["response"]) == (503, "busy: <come back>")
    assert json.loads(whole["payload"])["data"] == {"n": 1.5} and '"data":{"n": 1.50}' in whole["payload"]
    assert recovery(engine) | {"milliseconds": 0} == {
        "events": 1, "deliveries": 1, "webhooks": 1, "outcomes": 0, "records": 3, "truncatedBytes": 0,
        "quarantined": 0, "quarantinedBytes": 0, "lostRecords": 0, "unreadableRecords": 0, "milliseconds": 0}
    # Through several lives: the wait is not begun anew.
    leave(engine)
    engine = lives(retry=SLOW_RETRY)
    (again,) = engine.deliveries()
    assert abs(seconds(again["nextAttemptAt"]) - seconds(before["nextAttemptAt"])) <= 1
    assert len(receiver.requests) == 1
    leave(engine)


def test_the_retry_schedule_is_not_begun_anew(lives, receivers):
    receiver = receivers(503)
    delays = {"delaysSeconds": [0.05, 0.05, 1.5], "jitter": 0}
    engine = lives(retry=delays)
    engine.webhook(receiver.url())
    event = engine.push()
    waits(engine, attempts=3)
    leave(engine)
    engine = lives(retry=delays)
    outcome = engine.one()
    assert (outcome.state, outcome.attempts, outcome.event_id.decode()) == (FAILED, 4, event)
    assert len(receiver.requests) == 4
    assert [a["number"] for a in engine.delivery(outcome)["attempts"]] == [1, 2, 3, 4]
    bodies = {r.body for r in receiver.requests}
    assert len(bodies) == 1 and {r.event_id for r in receiver.requests} == {event}


@pytest.mark.parametrize("sync", ["always", "interval", "os"])
def test_many_events_behind_a_receiver_that_fails_reach_it_in_the_next_life(lives, receivers, sync):
    """Over many small files: none of what is pending goes with a close."""
    receiver = receivers(503)
    small = {"journal": {"segmentBytes": 65536}, "maxEventBytes": 4096, "sync": sync, "breaker": {"failures": 0},
             "retry": {"delaysSeconds": [0.3] * 30, "jitter": 0}}
    engine = lives(**small)
    engine.webhook(receiver.url("/a"))
    engine.webhook(receiver.url("/b"))
    ids = [engine.push(json.dumps({"pad": "x" * 900}), tag=n) for n in range(400)]
    receiver.wait(100)
    for _ in range(3):
        leave(engine)
        engine = lives(**small)
        assert recovery(engine)["events"] == 400 and recovery(engine)["deliveries"] == 800
    receiver.answer = 200
    outcomes = engine.settle(400, 60)
    assert sorted(o.tag for o in outcomes if o.kind == EVENT) == list(range(400))
    assert len({o.delivery_id for o in outcomes if o.kind == DELIVERY}) == 800
    assert all(o.state == SUCCEEDED for o in outcomes)
    assert {r.event_id for r in receiver.requests if r.path == "/a"} == set(ids)
    end(engine)


def test_a_partly_delivered_event_goes_only_where_it_has_not_been(lives, receivers):
    good, bad = receivers(), receivers(503)
    engine = lives(retry=SLOW_RETRY)
    one, other = engine.webhook(good.url()), engine.webhook(bad.url())
    event = engine.push(tag=5)
    first = engine.outcomes(lambda seen: len(seen) == 1)
    assert first[0].webhook_id.decode() == one["id"]
    until(lambda: [d for d in engine.deliveries(state="pending") if d["attemptCount"] == 1])
    leave(engine)
    bad.answer = 200
    engine = lives(retry=SLOW_RETRY)
    engine.update(other, retry={"delaysSeconds": [0.01]})
    assert engine.deliveries(state="pending")[0]["webhookId"] == other["id"]
    assert len(engine.deliveries(eventId=event)) == 2
    leave(engine)
    engine = lives(retry=SLOW_RETRY)
    engine.call("deliveries_cancel", None, byref(c_size_t()))
    seen = engine.settle(1)
    assert [(o.kind, o.state) for o in seen] == [(DELIVERY, CANCELED), (EVENT, CANCELED)]
    assert (seen[1].deliveries, seen[1].succeeded, seen[1].tag) == (2, 1, 5)
    assert len(good.requests) == 1


def test_expiry_counts_from_the_push(lives, receivers):
    engine = lives(retry={"delaysSeconds": [30], "jitter": 0})
    engine.webhook(receivers(503).url())
    engine.push_json({"eventType": "call.completed", "data": 1, "expirySeconds": 1, "tag": 1})
    engine.push_json({"eventType": "call.completed", "data": 1, "expirySeconds": 3000, "tag": 2})
    waits(engine, count=2)
    leave(engine)
    time.sleep(1.1)
    engine = lives()
    outcomes = engine.settle(1)
    assert {(o.tag, o.state) for o in outcomes} == {(1, EXPIRED)}
    leave(engine)


def test_order_by_key_holds_across_a_restart(lives, receivers):
    receiver = receivers(503)
    configuration = {"retry": {"delaysSeconds": [0.5] * 20, "jitter": 0}, "breaker": {"failures": 0}}
    engine = lives(**configuration)
    engine.webhook(receiver.url(), ordering="key")
    for n in range(30):
        engine.push_json({"eventType": "call.completed", "data": n, "key": f"k{n % 3}", "id": f"e{n}"})
    receiver.wait(3)
    leave(engine)
    receiver.answer = 200
    asked = len(receiver.requests)
    engine = lives(**configuration)
    engine.push_json({"eventType": "call.completed", "data": 30, "key": "k0", "id": "e30"})
    engine.settle(31)
    got = [int(r.event_id[1:]) for r in receiver.requests[asked:]]
    for key in range(3):
        own = [n for n in got if n % 3 == key]
        assert own == sorted(own)
    assert len(got) == 31


def test_headers_own_id_tenant_and_createdAt_are_kept(lives, receivers):
    receiver = receivers(503)
    configuration = {"retry": {"delaysSeconds": [1], "jitter": 0}}
    engine = lives(**configuration)
    engine.webhook(receiver.url(), tenant="acme", headers={"x-own": "w"})
    engine.webhook(receiver.url("/not"))
    engine.push_json({"eventType": "call.placed", "data": {"ä": "\u2028"}, "tenant": "acme", "id": "mine-1",
                      "createdAt": "2025-12-08T10:30:00.125+02:00", "headers": {"traceparent": "00-1"}})
    receiver.wait(1)
    waits(engine)
    leave(engine)
    receiver.answer = 200
    engine = lives(**configuration)
    (delivery,) = engine.deliveries(tenant="acme")
    assert delivery["eventId"] == "mine-1"
    assert engine.one().event_id == b"mine-1"
    first, second = receiver.requests
    assert first.body == second.body and b'"createdAt":"2025-12-08T10:30:00.125+02:00"' in second.body
    for request in (first, second):
        assert request.event_id == "mine-1" and request.path == "/"
        assert (request.headers["traceparent"], request.headers["x-own"]) == ("00-1", "w")


def test_the_payload_format_may_change_between_two_lives(lives, receivers):
    receiver = receivers(503)
    retry = {"delaysSeconds": [1, 1, 1, 1], "jitter": 0}
    engine = lives(retry=retry)
    webhook = engine.webhook(receiver.url())
    event = engine.push('{"a": [1, 2]}')
    waits(engine)
    leave(engine)
    engine = lives(retry=retry, payloadFormat="standard")
    secret = engine.secret(webhook)
    receiver.wait(2)
    waits(engine, attempts=2)
    leave(engine)
    receiver.answer = 200
    engine = lives(retry=retry, payloadFormat="raw")
    assert engine.one().state == SUCCEEDED
    first, second, third = receiver.requests
    assert json.loads(first.body).keys() == {"eventType", "createdAt", "data"}
    assert json.loads(second.body).keys() == {"type", "timestamp", "data"}
    assert third.body == b'{"a": [1, 2]}'
    assert json.loads(first.body)["createdAt"] == json.loads(second.body)["timestamp"]
    for request in receiver.requests:
        assert verifies(secret, request) and request.event_id == event


def verifies(secret, request):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{request.event_id}.{request.headers['webhook-timestamp']}.".encode() + request.body
    mine = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{mine}" in request.headers["webhook-signature"].split()


# ---- Webhooks ----


def test_webhooks_come_back_as_they_were(lives):
    engine = lives()
    full = engine.webhook(
        "http://127.0.0.1:1/x", ["call.*", "workflow.failed"], tenant="t", agents=["a"], workflows=["w"],
        filter={"n": {"$gt": 5}}, headers={"Authorization": "Bearer x"}, description="ü", metadata={"k": "v"},
        timeoutMs=1234, ordering="key", rateLimit={"perSecond": 5}, retry={"delaysSeconds": [7]},
        payloadFormat="raw", maxInFlight=3)
    plain = engine.webhook("http://127.0.0.1:1/y")
    gone = engine.webhook("http://127.0.0.1:1/z")
    engine.delete(gone)
    off = engine.webhook("http://127.0.0.1:1/o")
    engine.enable(off, False)
    changed = engine.update(plain, description="now another", url="http://127.0.0.1:1/other")
    before = [engine.get(w) for w in (full, changed, off)]
    secrets = [engine.read("webhook_secrets", w["id"]) for w in before]
    rotated = json.loads(engine.read("webhook_rotate_secret", full["id"], {"overlapSeconds": 3600}))
    for _ in range(2):
        end(engine)
        engine = lives()
        listed = json.loads(engine.read("webhook_list", None))["webhooks"]
        assert {w["id"]: w for w in listed} == {w["id"]: w | ({"updatedAt": engine.get(w)["updatedAt"]}
                                                            if w["id"] == full["id"] else {}) for w in before}
        assert json.loads(engine.read("webhook_secrets", full["id"])) == rotated and len(rotated["secrets"]) == 2
        assert [engine.read("webhook_secrets", w["id"]) for w in before[1:]] == secrets[1:]
        assert engine.get(off)["disabled"]["reason"] == "host"


def test_requests_are_signed_with_every_live_secret_after_a_restart(lives, receiver):
    engine = lives()
    webhook = engine.webhook(receiver.url())
    old = engine.secret(webhook)
    engine.read("webhook_rotate_secret", webhook["id"], {"overlapSeconds": 3600})
    end(engine)
    engine = lives()
    new = engine.secret(webhook)
    engine.push()
    engine.one()
    assert new != old and verifies(old, receiver.requests[0]) and verifies(new, receiver.requests[0])


def test_a_webhook_that_410_disabled_stays_so_and_tells_why(lives, receivers):
    receiver = receivers(410)
    engine = lives()
    webhook = engine.webhook(receiver.url())
    engine.push()
    engine.outcomes(lambda seen: {o.kind for o in seen} == {DELIVERY, EVENT, WEBHOOK_DISABLED})
    note = engine.get(webhook)["disabled"]
    end(engine)
    engine = lives()
    assert engine.get(webhook)["enabled"] is False and engine.get(webhook)["disabled"] == note
    assert note["reason"] == "gone"
    engine.push()
    assert engine.settle(1)[-1].deliveries == 0
    engine.enable(webhook, True)
    end(engine)
    engine = lives()
    assert engine.get(webhook)["enabled"] is True and engine.get(webhook)["disabled"] is None


def test_a_webhook_that_the_new_configuration_refuses_sends_nothing(lives, receivers):
    receiver = receivers(503)
    engine = lives(retry={"delaysSeconds": [0.2, 0.2, 0.2], "jitter": 0})
    webhook = engine.webhook(receiver.url())
    engine.push()
    receiver.wait(1)
    leave(engine)
    asked = len(receiver.requests)
    engine = lives(environment="production", retry={"delaysSeconds": [0.2], "jitter": 0})
    assert engine.get(webhook)["enabled"] is False and engine.get(webhook)["disabled"]["reason"] == "refused"
    with pytest.raises(Error):
        engine.enable(webhook, True)
    time.sleep(0.5)
    assert len(receiver.requests) == asked and len(engine.deliveries(state="pending")) == 1
    leave(engine)
    engine = lives()
    assert engine.get(webhook)["disabled"]["reason"] == "refused"
    receiver.answer = 200
    engine.enable(webhook, True)
    assert engine.one().state == SUCCEEDED


def test_deleting_a_webhook_cancels_what_is_pending_once_and_for_all(lives, receivers):
    engine = lives(retry=SLOW_RETRY)
    webhook = engine.webhook(receivers(503).url())
    for tag in range(3):
        engine.push(tag=tag)
    waits(engine, count=3)
    leave(engine)
    engine = lives(retry=SLOW_RETRY)
    engine.delete(webhook)
    outcomes = engine.settle(3)
    assert sorted(o.tag for o in outcomes if o.kind == DELIVERY) == [0, 1, 2]
    assert {o.state for o in outcomes} == {CANCELED}
    engine.poll()
    end(engine)
    engine = lives()
    assert engine.poll() == [] and engine.deliveries(state="undelivered") == []
    assert json.loads(engine.read("webhook_list", None))["webhooks"] == []


def test_event_types_added_at_run_time_are_there_again(lives, receiver):
    engine = lives()
    engine.call("event_type_add", {"name": "order.shipped", "title": "Shipped", "sample": {"n": 1}})
    webhook = engine.webhook(receiver.url(), ["order.shipped"])
    end(engine)
    engine = lives()
    types = {t["eventType"]: t for t in json.loads(engine.text("engine_event_types_json"))["eventTypes"]}
    assert types["order.shipped"]["title"] == "Shipped"
    engine.push(type="order.shipped")
    assert engine.one().state == SUCCEEDED
    assert engine.get(webhook)["events"] == ["order.shipped"]
    # A type that the configuration does not name any more does not keep its events from going out.
    end(engine)


def test_events_of_a_type_that_the_configuration_dropped_still_go_out(lives, receivers):
    receiver = receivers(503)
    retry = {"delaysSeconds": [0.5] * 9, "jitter": 0}
    engine = lives(eventTypes=["order.paid"], retry=retry)
    engine.webhook(receiver.url(), ["order.paid"])
    engine.push(type="order.paid")
    receiver.wait(1)
    leave(engine)
    receiver.answer = 200
    engine = lives(retry=retry)
    assert engine.one().state == SUCCEEDED
    assert json.loads(receiver.requests[-1].body)["eventType"] == "order.paid"


# ---- Health ----


def test_a_pause_that_the_receiver_asked_for_outlasts_a_restart(lives, receivers):
    receiver = receivers(Answer(429, headers={"Retry-After": "3"}))
    engine = lives()
    engine.webhook(receiver.url())
    engine.push(tag=1)
    waits(engine)
    leave(engine)
    receiver.answer = 200
    engine = lives()
    engine.push(tag=2)
    outcomes = engine.settle(2)
    assert {o.state for o in outcomes} == {SUCCEEDED}
    first, *others = receiver.requests
    assert min(r.at for r in others) - first.at >= 2.5


def test_a_webhook_that_was_disabled_for_failing_stays_so(lives, receivers):
    receiver = receivers(503)
    configuration = {"retry": {"delaysSeconds": [0.05] * 20, "jitter": 0}, "breaker": {"failures": 0},
                     "disableAfterSeconds": 2}
    engine = lives(**configuration)
    webhook = engine.webhook(receiver.url())
    for _ in range(4):
        engine.push()
        time.sleep(0.7)
    until(lambda: engine.get(webhook)["enabled"] is False)
    note = engine.get(webhook)["disabled"]
    assert note["reason"] == "failing"
    leave_or_end(engine)
    engine = lives(**configuration)
    assert engine.get(webhook)["disabled"] == note


def leave_or_end(engine):
    try:
        engine.close(0)
    except Error as error:
        assert error.name == "TIMED_OUT"
    engine.free()


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
    until(lambda: engine.deliveries(state="pending")[0]["attemptCount"] == 1)
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
