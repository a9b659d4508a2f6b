"""What reaches a receiver: payload, headers, signature; and what each answer leads to."""

import email.utils
import json
import threading
import time

import pytest
import standardwebhooks
from conftest import ROOT
from martlet import CANCELED, DELIVERY, EVENT, FAILED, FAILURES, SUCCEEDED, WEBHOOK_DISABLED, Engine, Error
from receiver import Answer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CALL = (ROOT / "examples/events/01-call-placed.json").read_text()
WORKFLOW = (ROOT / "examples/events/02-workflow-in_queue.json").read_text()


def one_line(text):
    return text.replace("\n", " ")


def test_both_sample_events_reach_the_flask_endpoint(engine, flask_receiver):
    url, printed = flask_receiver(SECRET)
    engine.webhook(url, ["call.*", "workflow.*"], secret=SECRET)
    assert engine.push_json(one_line(CALL) + "\n" + one_line(WORKFLOW) + "\n") == 2
    outcomes = engine.settle(2)
    assert [o.http_status for o in outcomes if o.kind == DELIVERY] == [200, 200]
    answers = {d["eventType"]: d["attempts"][0]["response"] for d in engine.deliveries()}
    assert json.loads(answers["call.placed"]) == {"received": True, "eventType": "call.placed"}
    assert json.loads(answers["workflow.in_queue"]) == {"received": True, "eventType": "workflow.in_queue"}


def test_the_flask_endpoint_refuses_another_secret(engine, flask_receiver):
    url, _ = flask_receiver(SECRET)
    engine.webhook(url)
    engine.push()
    outcome = engine.one()
    assert (outcome.state, outcome.http_status, outcome.attempts) == (FAILED, 401, 1)


def test_the_flask_endpoint_is_busy_once(engine, flask_receiver):
    url, _ = flask_receiver(SECRET, BUSY_ONCE_FOR="call.completed")
    engine.webhook(url, secret=SECRET)
    engine.push()
    outcome = engine.one()
    assert (outcome.state, outcome.attempts, outcome.http_status) == (SUCCEEDED, 2, 200)
    assert [a["status"] for a in engine.delivery(outcome)["attempts"]] == [503, 200]


def test_signatures_hold_for_an_independent_verifier_on_every_attempt(engine, receivers):
    receiver = receivers(lambda request: 503 if request.attempt < 3 else 200)
    secret = engine.secret(engine.webhook(receiver.url()))
    # Fewer failures in a row than open the circuit breaker.
    for number in range(8):
        engine.push({"number": number, "text": "Grüße 🐦\u2028"})
    engine.settle(8)
    verifier = standardwebhooks.Webhook(secret)
    assert len(receiver.requests) == 24
    for request in receiver.requests:
        verifier.verify(request.body, request.headers)
        assert abs(int(request.headers["webhook-timestamp"]) - request.wall) <= 2
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verifier.verify(receiver.requests[0].body + b" ", receiver.requests[0].headers)


def test_the_data_is_untouched_and_the_payload_is_as_documented(engine, receiver):
    data = b'{ "b" : 1.50, "a":[ 1e3 , -0 ],\t"\\u00e9":"\xc3\xa9", "b":2 }'
    webhook = engine.webhook(receiver.url("/hook?x=1"), headers={"Authorization": "Bearer t", "X-Client-ID": "c"})
    event_id = engine.push(data, tag=7)
    outcome = engine.one()
    (request,) = receiver.requests
    assert request.body.startswith(b'{"eventType":"call.completed","createdAt":"')
    assert request.body.endswith(b'"data":' + data + b"}")
    assert json.loads(request.body).keys() == {"eventType", "createdAt", "data"}
    assert request.path == "/hook?x=1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer t" and request.headers["x-client-id"] == "c"
    assert request.headers["user-agent"].startswith("Martlet/")
    assert request.event_id == event_id == outcome.event_id.decode()
    assert outcome.webhook_id.decode() == webhook["id"] and outcome.tag == 7


def test_id_and_time_of_the_caller_are_kept(engine, receiver):
    engine.webhook(receiver.url())
    engine.push_json('{"eventType":"call.placed","id":"order-17","createdAt":"2025-12-08T10:30:00+05:30","data":null}')
    assert engine.one().event_id == b"order-17"
    assert receiver.requests[0].event_id == "order-17"
    assert json.loads(receiver.requests[0].body)["createdAt"] == "2025-12-08T10:30:00+05:30"


def test_a_binding_is_seen_in_the_user_agent(receiver):
    engine = Engine(binding="host-kit/2.1", userAgent="Acme/9")
    try:
        engine.webhook(receiver.url())
        engine.push("{}")
        engine.one()
        assert receiver.requests[0].headers["user-agent"] == "Acme/9 host-kit/2.1"
    finally:
        engine.free()


@pytest.mark.parametrize("payload_format, keys", [("standard", {"type", "timestamp", "data"}), ("raw", {"callId"})])
def test_payload_formats(engines, receiver, payload_format, keys):
    engine = engines(payloadFormat=payload_format)
    engine.webhook(receiver.url())
    engine.push('{"callId":"c"}')
    engine.one()
    assert json.loads(receiver.requests[0].body).keys() == keys


def test_events_go_to_the_webhooks_that_want_them(engine, receiver):
    wanted = {"/calls": ["call.*"], "/one": ["call.placed"], "/all": ["*"], "/flows": ["workflow.*"]}
    for path, events in wanted.items():
        engine.webhook(receiver.url(path), events)
    engine.push(type="call.placed", tag=1)
    engine.push(type="call.expired", tag=2)
    engine.push(type="workflow.failed", tag=3)
    events = {o.tag: o.deliveries for o in engine.settle(3) if o.kind == EVENT}
    assert events == {1: 3, 2: 2, 3: 2}
    got = sorted((r.path, json.loads(r.body)["eventType"]) for r in receiver.requests)
    assert got == sorted([
        ("/calls", "call.placed"), ("/one", "call.placed"), ("/all", "call.placed"), ("/calls", "call.expired"),
        ("/all", "call.expired"), ("/flows", "workflow.failed"), ("/all", "workflow.failed"),
    ])


def test_an_event_nobody_wants_is_settled_at_once(engine, receiver):
    engine.webhook(receiver.url(), ["call.placed"])
    engine.push(type="call.expired", tag=5)
    (outcome,) = engine.settle(1)
    assert (outcome.kind, outcome.tag, outcome.deliveries, outcome.state) == (EVENT, 5, 0, SUCCEEDED)
    assert receiver.requests == []


# What an answer leads to.


def test_503_is_retried_on_the_schedule_until_none_is_left(engines, receivers):
    engine = engines(retry={"delaysSeconds": [0.05, 0.15, 0.45], "jitter": 0})
    receiver = receivers(503)
    engine.webhook(receiver.url())
    engine.push()
    outcome = engine.one()
    assert (outcome.state, FAILURES[outcome.failure], outcome.http_status) == (FAILED, "httpStatus", 503)
    assert outcome.attempts == len(receiver.requests) == 4
    times = [r.at for r in receiver.requests]
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    # Never before its time; how much later is the machine's affair.
    assert all(gap >= delay - 0.002 for gap, delay in zip(gaps, [0.05, 0.15, 0.45])), gaps
    assert len({r.event_id for r in receiver.requests}) == 1
    assert len({r.body for r in receiver.requests}) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_fails_and_is_not_followed(engine, receivers, status):
    elsewhere = receivers()
    receiver = receivers(Answer(status, headers={"Location": elsewhere.url()}))
    engine.webhook(receiver.url())
    engine.push()
    outcome = engine.one()
    assert (outcome.state, outcome.attempts, outcome.http_status) == (FAILED, 1, status)
    assert len(receiver.requests) == 1 and elsewhere.requests == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422, 451])
def test_a_client_error_gives_up(engine, receivers, status):
    engine.webhook(receivers(status).url())
    engine.push()
    outcome = engine.one()
    assert (outcome.state, outcome.attempts, outcome.http_status) == (FAILED, 1, status)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_a_passing_failure_is_tried_again(engine, receivers, status):
    engine.webhook(receivers(lambda request: status if request.attempt == 1 else 204).url())
    engine.push()
    outcome = engine.one()
    assert (outcome.state, outcome.attempts, outcome.http_status) == (SUCCEEDED, 2, 204)


def test_410_fails_and_disables_the_webhook(engine, receivers):
    receiver = receivers(410)
    webhook = engine.webhook(receiver.url())
    engine.push(tag=3)
    seen = engine.outcomes(lambda seen: {o.kind for o in seen} == {DELIVERY, EVENT, WEBHOOK_DISABLED})
    delivery = next(o for o in seen if o.kind == DELIVERY)
    notice = next(o for o in seen if o.kind == WEBHOOK_DISABLED)
    assert (delivery.state, delivery.attempts, delivery.http_status) == (FAILED, 1, 410)
    assert (notice.webhook_id.decode(), notice.tag, notice.http_status) == (webhook["id"], 0, 410)
    assert engine.get(webhook)["enabled"] is False
    engine.push()
    assert engine.settle(1)[-1].deliveries == 0


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(engine, receivers, status):
    receiver = receivers(lambda r: Answer(status, headers={"Retry-After": "1"}) if r.attempt == 1 else 200)
    engine.webhook(receiver.url())
    engine.push()
    assert engine.one().attempts == 2
    first, second = receiver.requests
    assert second.at - first.at >= 0.998


def test_retry_after_may_be_a_date(engine, receivers):
    until = int(time.time()) + 2
    date = email.utils.formatdate(until, usegmt=True)
    receiver = receivers(lambda r: Answer(503, headers={"Retry-After": date}) if r.attempt == 1 else 200)
    engine.webhook(receiver.url())
    engine.push()
    assert engine.one().attempts == 2
    assert receiver.requests[1].wall >= until - 0.01


def test_retry_after_is_capped(engines, receivers):
    engine = engines(retry={"delaysSeconds": [0.05], "jitter": 0, "retryAfterCapSeconds": 1})
    receiver = receivers(lambda r: Answer(503, headers={"Retry-After": "86400"}) if r.attempt == 1 else 200)
    engine.webhook(receiver.url())
    engine.push()
    assert engine.one().attempts == 2
    assert receiver.requests[1].at - receiver.requests[0].at >= 0.998


def test_retry_after_holds_back_the_whole_webhook(engines, receivers):
    engine = engines(maxInFlightPerWebhook=1)
    receiver = receivers(lambda r: Answer(429, headers={"Retry-After": "1"}) if len(receiver.requests) == 1 else 200)
    engine.webhook(receiver.url())
    engine.push()
    receiver.wait(1)
    engine.push()
    engine.settle(2)
    assert all(r.at - receiver.requests[0].at >= 0.998 for r in receiver.requests[1:])


def test_an_answer_that_does_not_come_is_retried(engines, receivers):
    release = threading.Event()
    receiver = receivers(lambda r: 200 if r.attempt > 1 or not release.wait(20) else 200)
    engine = engines(timeoutMs=300)
    engine.webhook(receiver.url())
    engine.push()
    try:
        outcome = engine.one()
    finally:
        release.set()
    assert (outcome.state, outcome.attempts) == (SUCCEEDED, 2)
    first, second = engine.delivery(outcome)["attempts"]
    assert (first["status"], first["errorClass"]) == (None, "timeout")
    assert 290 <= first["durationMs"] and second["status"] == 200
    assert receiver.requests[1].at - receiver.requests[0].at >= 0.34


def test_nobody_listens(engine, receivers):
    receiver = receivers()
    receiver.close()
    engine.webhook(receiver.url())
    engine.push()
    outcome = engine.one()
    assert (outcome.state, FAILURES[outcome.failure]) == (FAILED, "connect")
    assert (outcome.attempts, outcome.http_status) == (4, 0)


@pytest.mark.parametrize("raw, failure", [
    (b"", "connectionLost"), (b"HTTP/1.1 200 OK\r\nX: ", "connectionLost"), (b"SSH-2.0-OpenSSH_9\r\n", "badResponse"),
    (b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"a" * 300_000 + b"\r\n\r\n", "badResponse"),
], ids=["nothing", "half a head", "not HTTP", "endless header"])
def test_what_is_no_answer_is_retried_and_classed(engine, receivers, raw, failure):
    receiver = receivers(Answer(raw=raw))
    engine.webhook(receiver.url())
    engine.push()
    outcome = engine.one()
    assert (outcome.state, FAILURES[outcome.failure], outcome.attempts) == (FAILED, failure, 4)


# Changing webhooks under way.


def test_an_update_applies_to_the_next_attempt(engines, receivers):
    engine = engines(retry={"delaysSeconds": [0.05] * 32, "jitter": 0})
    old, new = receivers(503), receivers(200)
    webhook = engine.webhook(old.url())
    engine.push()
    old.wait(2)
    engine.update(webhook, url=new.url("/moved"), headers={"X-New": "1"})
    outcome = engine.one()
    assert (outcome.state, outcome.http_status) == (SUCCEEDED, 200)
    (request,) = new.requests
    assert request.path == "/moved" and request.headers["x-new"] == "1"
    assert outcome.attempts == len(old.requests) + 1


def test_delete_while_in_flight(engine, receivers):
    arrived, release = threading.Event(), threading.Event()

    def answer(request):
        arrived.set()
        release.wait(20)
        return 503

    receiver = receivers(answer)
    webhook = engine.webhook(receiver.url())
    engine.push(tag=1)
    assert arrived.wait(10)
    engine.delete(webhook)
    release.set()
    outcome = engine.one()
    assert (outcome.state, outcome.attempts, outcome.tag) == (CANCELED, 1, 1)
    assert outcome.webhook_id.decode() == webhook["id"]
    assert len(receiver.requests) == 1
    with pytest.raises(Error, match="NOT_FOUND"):
        engine.get(webhook)
    assert engine.deliveries()[0]["webhookId"] == webhook["id"]


def test_a_success_on_its_way_counts_after_delete(engine, receivers):
    arrived, release = threading.Event(), threading.Event()

    def answer(request):
        arrived.set()
        release.wait(20)
        return 200

    webhook = engine.webhook(receivers(answer).url())
    engine.push()
    assert arrived.wait(10)
    engine.delete(webhook)
    release.set()
    assert engine.one().state == SUCCEEDED


def test_delete_cancels_what_waits_for_its_retry(engines, receivers):
    engine = engines(retry={"delaysSeconds": [600]})
    receiver = receivers(503)
    webhook = engine.webhook(receiver.url())
    for tag in range(10):
        engine.push(tag=tag)
    receiver.wait(10)
    engine.delete(webhook)
    outcomes = [o for o in engine.settle(10) if o.kind == DELIVERY]
    assert {o.state for o in outcomes} == {CANCELED} and sorted(o.tag for o in outcomes) == list(range(10))


def test_disable_keeps_what_is_pending_and_enable_resumes(engines, receivers):
    engine = engines(maxInFlightPerWebhook=1)
    arrived, release = threading.Event(), threading.Event()

    def answer(request):
        arrived.set()
        release.wait(20)
        return 200

    receiver = receivers(answer)
    webhook = engine.webhook(receiver.url())
    for tag in range(1, 6):
        engine.push(tag=tag)
    assert arrived.wait(10)
    engine.enable(webhook, False)
    release.set()
    first = engine.settle(1)
    assert {o.tag for o in first} == {1}
    engine.push(tag=99)  # passes the webhook by
    assert [(o.tag, o.deliveries) for o in engine.settle(1)] == [(99, 0)]
    assert engine.stats()["deliveries"]["pending"] == 4 and len(receiver.requests) == 1
    engine.enable(webhook, True)
    rest = [o for o in engine.settle(4) if o.kind == DELIVERY]
    assert [o.tag for o in rest] == [2, 3, 4, 5] and {o.state for o in rest} == {SUCCEEDED}
