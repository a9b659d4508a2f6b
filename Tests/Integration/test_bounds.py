"""Bounds and ends: queue, outcomes, flush, close, lanes."""

import random
import threading
import time
from collections import Counter

import pytest
from martlet import CANCELED, DELIVERY, EVENT, FAILED, SUCCEEDED, Error


def test_exactly_one_outcome_for_each_delivery_and_event(engine, receivers):
    dice, lock, wanted = random.Random(7), threading.Lock(), {}

    def answer(request):
        with lock:
            return dice.choices([200, 500, 404], [70, 27, 3])[0]

    first, second = receivers(answer), receivers(answer)
    engine.webhook(first.url())
    engine.webhook(second.url(), ["call.*"])
    total, ids = 2000, {}
    for tag in range(total):
        kind = "call.placed" if tag % 4 else "workflow.started"
        ids[tag] = engine.push({"n": tag}, kind, tag)
        wanted[tag] = 2 if tag % 4 else 1
    outcomes = engine.settle(total, 60)
    deliveries = [o for o in outcomes if o.kind == DELIVERY]
    events = [o for o in outcomes if o.kind == EVENT]
    assert Counter(o.tag for o in deliveries) == Counter(wanted)
    assert len({o.delivery_id for o in deliveries}) == len(deliveries) == sum(wanted.values())
    assert sorted(o.tag for o in events) == list(range(total))
    assert all(o.event_id.decode() == ids[o.tag] for o in outcomes)
    for event in events:
        own = [o.state for o in deliveries if o.tag == event.tag] if event.tag % 97 == 0 else None
        assert event.deliveries == wanted[event.tag]
        if own is not None:
            assert event.succeeded == own.count(SUCCEEDED)
            assert event.state == (FAILED if FAILED in own else SUCCEEDED)
    assert sum(o.attempts for o in deliveries) == len(first.requests) + len(second.requests)
    assert {o.state for o in deliveries} == {SUCCEEDED, FAILED}
    assert engine.poll() == []
    # An event's own outcome comes after those of its deliveries.
    last = {o.tag: index for index, o in enumerate(outcomes)}
    assert all(outcomes[index].kind == EVENT for index in last.values())


def test_both_lanes_deliver(engines, receivers):
    engine = engines(lanes=2)
    for _ in range(4):
        engine.webhook(receivers().url())
    for _ in range(50):
        engine.push()
    engine.settle(50)
    attempts = [lane["attempts"] for lane in engine.stats()["lanes"]]
    assert attempts == [100, 100]


def test_never_more_in_flight_than_configured(engines, receivers):
    engine = engines(maxInFlightPerWebhook=3)
    gate = threading.Semaphore(0)
    receiver = receivers(lambda request: 200 if gate.acquire(timeout=20) else 500)
    engine.webhook(receiver.url())
    for _ in range(30):
        engine.push()
    receiver.wait(3)
    assert engine.stats()["deliveries"]["inFlight"] == 3
    gate.release(30)
    engine.settle(30)
    assert receiver.most_in_flight == 3 and len(receiver.requests) == 30


def test_a_full_queue_refuses_by_events_and_recovers(engines, receivers):
    engine = engines(queue={"maxEvents": 10})
    release = threading.Event()
    engine.webhook(receivers(lambda request: 200 if release.wait(20) else 500).url())
    for _ in range(10):
        engine.push()
    with pytest.raises(Error, match="QUEUE_FULL.*maxEvents"):
        engine.push()
    assert engine.stats()["events"]["refused"] == 1
    release.set()
    engine.settle(10)
    for _ in range(10):
        engine.push()
    engine.settle(10)
    assert engine.stats()["queue"]["events"] == 0


def test_outcomes_not_drained_count_against_the_queue(engines, receiver):
    engine = engines(queue={"maxEvents": 10})
    engine.webhook(receiver.url())
    for _ in range(10):
        engine.push()
    engine.flush(10_000)
    with pytest.raises(Error, match="QUEUE_FULL"):
        engine.push()
    engine.settle(10)
    engine.push()


def test_a_full_queue_refuses_by_bytes_and_recovers(engines, receivers):
    engine = engines(queue={"maxBytes": 65536}, maxEventBytes=32768)
    release = threading.Event()
    engine.webhook(receivers(lambda request: 200 if release.wait(20) else 500).url())
    data = '"' + "x" * 20_000 + '"'
    for _ in range(3):
        engine.push(data)
    with pytest.raises(Error, match="QUEUE_FULL.*maxBytes"):
        engine.push(data)
    engine.push("1")  # a small one still fits
    with pytest.raises(Error, match="TOO_LARGE"):
        engine.push('"' + "x" * 32_767 + '"')
    release.set()
    engine.settle(4)
    queue = engine.stats()["queue"]
    assert (queue["events"], queue["bytes"], queue["maxBytes"]) == (0, 0, 65536)
    engine.push(data)
    engine.settle(1)


def test_push_json_stops_at_the_first_that_is_refused(engine, receiver):
    engine.webhook(receiver.url())
    good = '{"eventType":"call.placed","data":1}'
    with pytest.raises(Error, match="UNKNOWN_EVENT_TYPE.*line 4.*call.plcaed") as caught:
        engine.push_json(f'{good}\n\n{good}\r\n{{"eventType":"call.plcaed","data":1}}\n{good}')
    assert caught.value.accepted == 2
    engine.settle(2)
    assert len(receiver.requests) == 2


@pytest.mark.parametrize("data", [
    "", "{", '{"a":1,}', "01", '"\\x"', b'"\xff"', "[" * 65 + "]" * 65, "1 2",
], ids=lambda data: f"{data[:9]!r}")
def test_what_is_not_json_is_refused(engine, receiver, data):
    engine.webhook(receiver.url())
    with pytest.raises(Error, match="INVALID_JSON|INVALID_ARGUMENT"):
        engine.push(data)
    assert engine.stats()["events"]["accepted"] == 0


# Flush and close.


@pytest.fixture
def stuck(engines, receivers):
    """An engine with one delivery that is not answered until the end of the test."""
    release, arrived = threading.Event(), threading.Event()

    def answer(request):
        arrived.set()
        release.wait(30)
        return 200

    engine = engines(timeoutMs=60_000)
    engine.webhook(receivers(answer).url())
    engine.push(tag=1)
    assert arrived.wait(10)
    yield engine, release
    release.set()


def test_flush_waits_no_longer_than_told(stuck):
    engine, release = stuck
    for milliseconds in [0, 200]:
        start = time.monotonic()
        with pytest.raises(Error, match="TIMED_OUT"):
            engine.flush(milliseconds)
        assert time.monotonic() - start >= milliseconds / 1000 - 0.002
    release.set()
    engine.flush(20_000)
    assert engine.one().state == SUCCEEDED


def test_close_cancels_what_is_left(stuck):
    engine, _ = stuck
    start = time.monotonic()
    with pytest.raises(Error, match="TIMED_OUT"):
        engine.close(200)
    # Far below the attempt's own deadline of a minute.
    assert 0.198 <= time.monotonic() - start < 20
    outcome = engine.one()
    assert (outcome.state, outcome.tag) == (CANCELED, 1)
    with pytest.raises(Error, match="CLOSED"):
        engine.push()
    engine.close(20_000)


def test_close_waits_for_what_is_under_way(stuck):
    engine, release = stuck
    threading.Timer(0.1, release.set).start()
    engine.close(20_000)
    assert engine.one().state == SUCCEEDED
    assert engine.stats()["state"] == "closed"


def test_close_of_an_idle_engine_is_prompt(engine, receiver):
    engine.webhook(receiver.url())
    for _ in range(5):
        engine.push()
    engine.settle(5)
    start = time.monotonic()
    engine.close(60_000)
    assert time.monotonic() - start < 30
    assert len(engine.deliveries()) == 5


def test_pushes_and_a_close_at_the_same_time_lose_nothing(engine, receiver):
    engine.webhook(receiver.url())
    accepted, others = [0] * 4, []

    def push(thread):
        while True:
            try:
                engine.push(tag=thread)
                accepted[thread] += 1
            except Error as error:
                if error.name == "QUEUE_FULL":
                    continue
                others.append(error.name)
                return

    threads = [threading.Thread(target=push, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    receiver.wait(100)
    try:
        engine.close(0)
    except Error as error:
        assert error.name == "TIMED_OUT"
    for thread in threads:
        thread.join(20)
    assert others == ["CLOSED"] * 4
    events = Counter(o.tag for o in engine.settle(sum(accepted)) if o.kind == EVENT)
    assert [events[i] for i in range(4)] == accepted
