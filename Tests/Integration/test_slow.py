"""One slow receiver cannot hurt another."""

import threading

from martlet import DELIVERY, EVENT, FAILED, FAILURES, SUCCEEDED

WEBHOOKS, HANGING, EVENTS = 200, 40, 4


def test_a_fifth_of_all_receivers_hangs_and_nobody_else_notices(engines, receivers):
    engine = engines(maxInFlight=256, maxInFlightPerWebhook=EVENTS, timeoutMs=6000, connectTimeoutMs=6000,
                     retry={"delaysSeconds": []})
    release = threading.Event()
    hanging, good = receivers(lambda request: 200 if release.wait(30) else 500), receivers()
    slow, fast = set(), set()
    for number in range(WEBHOOKS):
        receiver, ids = (hanging, slow) if number % 5 == 0 else (good, fast)
        ids.add(engine.webhook(receiver.url(f"/{number}"))["id"])
    assert (len(slow), len(fast)) == (HANGING, WEBHOOKS - HANGING)
    try:
        for tag in range(EVENTS):
            engine.push(tag=tag)
        hanging.wait(HANGING * EVENTS)
        wanted = len(fast) * EVENTS
        first = engine.outcomes(lambda seen: sum(o.kind == DELIVERY for o in seen) >= wanted)
        in_flight = engine.stats()["deliveries"]["inFlight"]
        # Every one of the others, at the first attempt, before the first of those that hang.
        done = [o for o in first if o.kind == DELIVERY][:wanted]
        assert {o.webhook_id.decode() for o in done} == fast
        assert {(o.state, o.attempts) for o in done} == {(SUCCEEDED, 1)}
        assert in_flight == HANGING * EVENTS
        assert [o for o in first if o.kind == EVENT] == []
        rest = [o for o in engine.settle(EVENTS) if o.kind == DELIVERY]
        assert {o.webhook_id.decode() for o in rest} == slow and len(rest) == HANGING * EVENTS
        assert {(o.state, FAILURES[o.failure], o.attempts) for o in rest} == {(FAILED, "timeout", 1)}
    finally:
        release.set()
    assert hanging.most_in_flight == HANGING * EVENTS and len(good.requests) == wanted


def test_a_backlog_of_a_slow_receiver_leaves_the_slots_to_the_others(engines, receivers):
    # More waits for the slow one than the engine has slots: it may hold its own few only.
    engine = engines(lanes=1, maxInFlight=16, maxInFlightPerWebhook=8)
    release = threading.Event()
    hanging, good = receivers(lambda request: 200 if release.wait(30) else 500), receivers()
    engine.webhook(hanging.url(), ["call.completed"])
    for number in range(10):
        engine.webhook(good.url(f"/{number}"), ["call.placed"])
    try:
        for _ in range(100):
            engine.push(tag=1)
        hanging.wait(8)
        for _ in range(20):
            engine.push(type="call.placed", tag=2)
        first = [o for o in engine.settle(20) if o.kind == DELIVERY]
        assert {(o.tag, o.state, o.attempts) for o in first} == {(2, SUCCEEDED, 1)} and len(first) == 200
        assert len(hanging.requests) == 8
    finally:
        release.set()
    rest = [o for o in engine.settle(100) if o.kind == DELIVERY]
    assert {(o.tag, o.state, o.attempts) for o in rest} == {(1, SUCCEEDED, 1)}
    assert hanging.most_in_flight == 8


def test_slots_go_round(engines, receivers):
    # One slot in all: two webhooks with a backlog take turns, whoever came first.
    engine = engines(lanes=1, maxInFlight=1)
    gate = threading.Semaphore(0)
    receiver = receivers(lambda request: 200 if gate.acquire(timeout=20) else 500)
    for name in "ab":
        engine.webhook(receiver.url(f"/{name}"), [{"a": "call.placed", "b": "call.completed"}[name]])
    for _ in range(10):
        engine.push(type="call.placed")
    receiver.wait(1)
    for _ in range(10):
        engine.push(type="call.completed")
    gate.release(20)
    engine.settle(20)
    paths = [request.path for request in receiver.requests]
    assert paths[1:20] in (["/a", "/b"] * 9 + ["/b"], ["/b", "/a"] * 9 + ["/b"]), paths
