"""A data directory: deliveries, webhooks and their health are there again in the next engine."""

import base64
import hashlib
import hmac
import json
import time
from ctypes import byref, c_size_t

import pytest
from data_directory import SLOW_RETRY, end, leave, recovery, seconds, until, waits
from martlet import CANCELED, DELIVERY, EVENT, EXPIRED, FAILED, SUCCEEDED, WEBHOOK_DISABLED, Error
from receiver import Answer


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
