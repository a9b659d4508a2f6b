"""What the answers of a receiver teach: pauses, disabling, the circuit breaker, the limits of rate and concurrency."""

import threading
import time
from datetime import datetime

import pytest
from martlet import (DELIVERY, EVENT, FAILED, FAILING, FAILURES, RECEIVER_ASKED, SUCCEEDED, WEBHOOK_DISABLED)
from receiver import Answer


def seconds(stamp):
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def waiting(engine, seconds=10):
    """The only delivery, once its first attempt has ended and it waits for the next."""
    end = time.monotonic() + seconds
    while True:
        (delivery,) = engine.deliveries()
        if delivery["attemptCount"] == 1 and delivery["nextAttemptAt"]:
            return delivery
        assert time.monotonic() < end, delivery
        time.sleep(0.005)


# ---- Retry-After ----


@pytest.mark.parametrize("status, value, wait", [
    (429, "86400", 3600), (503, "3601", 3600), (503, "1800", 1800), (429, "99999999999999999999999", 3600),
    (503, "Fri, 31 Dec 2099 23:59:59 GMT", 3600), (429, "Friday, 31-Dec-60 23:59:59 GMT", 3600),
    (503, "Sun, 06 Nov 1994 08:49:37 GMT", 60), (503, "-5", 60), (503, "soon", 60), (503, "5", 60), (429, "", 60),
    (503, "1e9", 60), (500, "1800", 60), (502, "1800", 60), (408, "1800", 60),
])
def test_retry_after_moves_the_next_attempt_within_its_cap(engines, receivers, status, value, wait):
    engine = engines(retry={"delaysSeconds": [60], "jitter": 0, "retryAfterCapSeconds": 3600})
    engine.webhook(receivers(Answer(status, headers={"Retry-After": value})).url())
    engine.push()
    delivery = waiting(engine)
    # Counted from the end of the attempt; the log tells its start.
    gap = seconds(delivery["nextAttemptAt"]) - seconds(delivery["attempts"][0]["startedAt"])
    assert wait - 1 <= gap <= wait + 20, gap


def test_a_webhook_has_a_cap_of_its_own(engines, receivers):
    engine = engines(retry={"delaysSeconds": [1], "jitter": 0, "retryAfterCapSeconds": 3600})
    url = receivers(Answer(503, headers={"Retry-After": "86400"})).url()
    engine.webhook(url, retry={"retryAfterCapSeconds": 600})
    engine.push()
    delivery = waiting(engine)
    gap = seconds(delivery["nextAttemptAt"]) - seconds(delivery["attempts"][0]["startedAt"])
    assert 599 <= gap <= 620


# ---- Disabling ----


@pytest.mark.parametrize("status, state, failure", [
    (200, SUCCEEDED, "none"), (204, SUCCEEDED, "none"), (404, FAILED, "httpStatus"), (503, FAILED, "httpStatus"),
    (302, FAILED, "httpStatus"),
])
@pytest.mark.parametrize("value", ["disable", "DISABLE"])
def test_a_receiver_asks_to_be_left_alone(engine, receivers, status, state, failure, value):
    receiver = receivers(Answer(status, headers={"Webhook-Delivery": value}))
    webhook, other = engine.webhook(receiver.url(), ["call.placed"]), engine.webhook(receivers().url(), ["call.placed"])
    engine.push(type="call.placed", tag=1)
    seen = engine.outcomes(lambda seen: {o.kind for o in seen} == {DELIVERY, EVENT, WEBHOOK_DISABLED})
    (delivery,) = [o for o in seen if o.kind == DELIVERY and o.webhook_id.decode() == webhook["id"]]
    (notice,) = [o for o in seen if o.kind == WEBHOOK_DISABLED]
    assert (delivery.state, FAILURES[delivery.failure], delivery.http_status, delivery.attempts) == \
        (state, failure, status, 1)
    assert (notice.webhook_id.decode(), notice.reason, notice.tag) == (webhook["id"], RECEIVER_ASKED, 0)
    now = engine.get(webhook)
    assert now["enabled"] is False and now["disabled"]["reason"] == "receiver_asked"
    assert engine.get(other)["enabled"] is True
    engine.push(type="call.placed")
    assert engine.settle(1)[-1].deliveries == 1 and len(receiver.requests) == 1
    # The host has the last word.
    receiver.answer = 200
    engine.enable(webhook, True)
    engine.push(type="call.placed")
    assert engine.settle(1)[-1].succeeded == 2 and engine.get(webhook)["disabled"] is None


@pytest.mark.parametrize("headers", [
    {"Webhook-Delivery": "enable"}, {"Webhook-Delivery": "disabled"}, {"Webhook-Delivery": ""},
    {"X-Webhook-Delivery": "disable"},
])
def test_other_headers_do_not_disable(engine, receivers, headers):
    webhook = engine.webhook(receivers(Answer(200, headers=headers)).url())
    engine.push()
    assert engine.one().state == SUCCEEDED
    assert engine.get(webhook)["enabled"] is True


def test_nothing_but_failure_for_long_disables_with_a_notice(engines, receivers):
    engine = engines(disableAfterSeconds=0.4, breaker={"failures": 0}, retry={"delaysSeconds": [0.1] * 32, "jitter": 0})
    receiver = receivers(500)
    webhook = engine.webhook(receiver.url())
    engine.push(tag=1)
    (notice,) = engine.outcomes(lambda seen: seen)
    assert (notice.kind, notice.webhook_id.decode(), notice.reason) == (WEBHOOK_DISABLED, webhook["id"], FAILING)
    attempts = len(receiver.requests)
    assert attempts >= 2
    # Since the end of the first attempt, by the wall clock.
    assert receiver.requests[0].wall - 0.002 <= notice.failing_since_ms / 1000 <= receiver.requests[1].wall
    assert notice.settled_at_ms - notice.failing_since_ms >= 395
    disabled = engine.get(webhook)["disabled"]
    assert disabled["reason"] == "failing"
    assert abs(seconds(disabled["since"]) * 1000 - notice.failing_since_ms) <= 1
    assert abs(seconds(disabled["at"]) * 1000 - notice.settled_at_ms) <= 1000
    # What is pending is kept, new events pass by.
    assert engine.stats()["deliveries"]["pending"] == 1
    engine.push(tag=2)
    assert [(o.tag, o.deliveries) for o in engine.settle(1)] == [(2, 0)]
    assert len(receiver.requests) == attempts
    receiver.answer = 200
    engine.enable(webhook, True)
    outcome = engine.one()
    assert (outcome.tag, outcome.state, outcome.attempts) == (1, SUCCEEDED, attempts + 1)


def test_a_success_now_and_then_keeps_a_webhook(engines, receivers):
    engine = engines(disableAfterSeconds=0.3, breaker={"failures": 0}, retry={"delaysSeconds": []})
    receiver = receivers(lambda request: 500 if len(receiver.requests) % 3 else 200)
    webhook = engine.webhook(receiver.url())
    end = time.monotonic() + 0.9
    while time.monotonic() < end:
        engine.push()
        assert engine.settle(1)
    assert engine.get(webhook)["enabled"] is True


# ---- Circuit breaker ----


def test_attempts_stop_and_skips_are_told(engines, receivers):
    engine = engines(breaker={"failures": 3, "afterSeconds": 0, "openSeconds": 600, "maxOpenSeconds": 600},
                     retry={"delaysSeconds": []})
    bad, good = receivers(503), receivers()
    engine.webhook(bad.url(), ["call.placed"])
    engine.webhook(good.url(), ["call.placed"])
    for tag in range(30):
        engine.push(type="call.placed", tag=tag)
        seen = [o for o in engine.settle(1) if o.kind == DELIVERY]
        assert [o.succeeded for o in seen].count(1) == 1
        (failed,) = [o for o in seen if o.state == FAILED]
        wanted = ("httpStatus", 503, 1) if tag < 3 else ("circuitOpen", 0, 0)
        assert (FAILURES[failed.failure], failed.http_status, failed.attempts) == wanted
        if tag >= 3:
            assert engine.delivery(failed)["attempts"] == []
    assert len(bad.requests) == 3 and len(good.requests) == 30


def test_a_probe_then_a_ramp(engines, receivers):
    engine = engines(lanes=1, adaptiveConcurrency=False, maxInFlightPerWebhook=16, retry={"delaysSeconds": [0.1] * 32},
                     breaker={"failures": 3, "afterSeconds": 0, "openSeconds": 0.2})
    gate = threading.Semaphore(0)

    def answer(request):
        if len(receiver.requests) <= 3:
            return 503
        return 200 if gate.acquire(timeout=20) else 500

    receiver = receivers(answer)
    webhook = engine.webhook(receiver.url(), maxInFlight=1)
    # Three failures, one after the other, open it.
    for tag in range(20):
        engine.push(tag=tag)
    receiver.wait(3)
    # Not before the third answer has been heard: a fourth attempt would go beside it.
    while engine.stats()["deliveries"]["inFlight"] and len(receiver.requests) == 3:
        engine.enable(webhook, True)
    engine.update(webhook, maxInFlight=16)
    before = receiver.wait(4)
    # The probe is under way and everybody else waits; the stop may be a tenth shorter than told.
    assert before[3].at - before[2].at >= 0.17
    in_flight = []
    for released in range(6):
        engine.enable(webhook, True)  # the lane has done all that it could
        in_flight.append(engine.stats()["deliveries"]["inFlight"])
        gate.release()
        # After a success one more may go: 1, then 2, 3, 4 …
        receiver.wait(4 + 2 * (released + 1))
    gate.release(100)
    outcomes = [o for o in engine.settle(20) if o.kind == DELIVERY]
    assert {o.state for o in outcomes} == {SUCCEEDED} and len(outcomes) == 20
    assert in_flight == [1, 2, 3, 4, 5, 6]


def test_failed_probes_stop_attempts_for_longer_and_longer(engines, receivers):
    engine = engines(breaker={"failures": 3, "afterSeconds": 0, "openSeconds": 0.1, "maxOpenSeconds": 0.4},
                     maxInFlightPerWebhook=1, retry={"delaysSeconds": [0.02] * 32, "jitter": 0})
    receiver = receivers(503)
    engine.webhook(receiver.url())
    end = time.monotonic() + 20
    tag = 0
    while len(receiver.requests) < 7 and time.monotonic() < end:
        engine.push(tag=(tag := tag + 1))
        engine.settle(1)
    starts = [request.at for request in receiver.requests]
    gaps = [later - earlier for earlier, later in zip(starts[2:], starts[3:])]
    # 0.1, 0.2, 0.4, 0.4, each moved by up to a tenth.
    assert all(gap >= wanted * 0.89 for gap, wanted in zip(gaps, [0.1, 0.2, 0.4, 0.4])), gaps


# ---- Rate and concurrency ----


def test_the_rate_limit_holds_after_its_burst(engines, receivers):
    engine = engines(rateLimit={"perSecond": 10, "burst": 4})
    limited, free = receivers(), receivers()
    engine.webhook(limited.url())
    engine.webhook(free.url(), rateLimit={"perSecond": 0})
    total = 12
    for _ in range(total):
        engine.push()
    outcomes = [o for o in engine.settle(total) if o.kind == DELIVERY]
    assert {(o.state, o.attempts) for o in outcomes} == {(SUCCEEDED, 1)} and len(outcomes) == 2 * total
    starts = sorted(request.at for request in limited.requests)
    for index in range(4, total):
        assert starts[index] - starts[index - 4] >= 0.08, "never more than the burst at once"
    assert starts[-1] - starts[0] >= (total - 4) / 10 - 0.05
    # The neighbour without a limit has all of its own before the limited one has its sixth.
    assert max(request.at for request in free.requests) < starts[5]


def gated(receivers):
    gate = threading.Semaphore(0)
    return receivers(lambda request: 200 if gate.acquire(timeout=30) else 500), gate


def test_adaptive_concurrency_starts_low_and_grows(engines, receivers):
    engine = engines(lanes=1, maxInFlightPerWebhook=64)
    searching, first = gated(receivers)
    told, second = gated(receivers)
    webhook = engine.webhook(searching.url())
    engine.webhook(told.url(), adaptiveConcurrency=False)
    for _ in range(300):
        engine.push()
    told.wait(64)
    searching.wait(16)
    engine.enable(webhook, True)
    assert (len(searching.requests), len(told.requests)) == (16, 64)
    assert engine.stats()["deliveries"]["inFlight"] == 80
    # One good answer ends the first round, which used all there was: twice as many may go.
    first.release()
    searching.wait(33)
    engine.enable(webhook, True)
    assert engine.stats()["deliveries"]["inFlight"] == 32 + 64 and len(searching.requests) == 33
    first.release(1000)
    second.release(1000)
    engine.settle(300)


def test_adaptive_concurrency_backs_off(engines, receivers):
    engine = engines(lanes=1, maxInFlightPerWebhook=64, breaker={"failures": 0}, retry={"delaysSeconds": []})
    receiver, gate = gated(receivers)
    patient, receiver.answer = receiver.answer, 503
    webhook = engine.webhook(receiver.url())
    for _ in range(600):
        engine.push()
    engine.settle(600)
    receiver.answer = patient
    for _ in range(100):
        engine.push()
    receiver.wait(601)
    engine.enable(webhook, True)
    in_flight = engine.stats()["deliveries"]["inFlight"]
    gate.release(1000)
    assert 1 <= in_flight < 12
    engine.settle(100)
