"""Outcomes: iteration in threads and in asyncio, waiting, ending, and that none is lost."""

from __future__ import annotations

import asyncio
import itertools
import selectors
import threading
from datetime import datetime, timedelta, timezone

import pytest

import martlet
from conftest import Receiver


def events(engine: martlet.Engine, count: int) -> None:
    """Events that nobody wants: each has one outcome at once."""
    engine.push_many([martlet.Event("call.placed", number, tag=number + 1) for number in range(count)])


def test_fields_of_a_delivery_its_event_and_a_notice(engine: martlet.Engine, receiver: Receiver) -> None:
    hook = engine.webhooks.create(url=receiver.url + "/410/outcome-fields", events=["*"])
    id = engine.push("call.placed", {}, tag=9)
    by_kind = {outcome.kind: outcome for outcome in itertools.islice(engine.outcomes(timeout=20), 3)}
    delivery, event, notice = (by_kind[kind] for kind in ("delivery", "event", "webhook_disabled"))
    assert (delivery.state, delivery.failure, delivery.http_status, delivery.attempts) == (
        "failed",
        "http_status",
        410,
        1,
    )
    assert (delivery.event_id, delivery.webhook_id, delivery.tag) == (id, hook.id, 9)
    assert delivery.delivery_id.startswith("dlv_") and delivery.reason is None
    assert (event.event_id, event.deliveries, event.succeeded, event.failure) == (id, 1, 0, None)
    assert event.delivery_id == event.webhook_id == ""
    assert (notice.webhook_id, notice.reason, notice.tag) == (hook.id, "gone", 0)
    assert abs(delivery.settled_at - datetime.now(timezone.utc)) < timedelta(seconds=30)


def test_waiting_ends_after_the_timeout_and_goes_on_with_a_new_iterator(engine: martlet.Engine) -> None:
    outcomes = engine.outcomes(timeout=0.05)
    assert list(outcomes) == []
    events(engine, 1)
    assert [outcome.tag for outcome in outcomes] == [1]
    assert list(engine.outcomes(timeout=0)) == []


def test_leaving_a_loop_loses_nothing(engine: martlet.Engine) -> None:
    events(engine, 600)
    seen = []
    for outcome in engine.outcomes():
        seen.append(outcome.tag)
        if len(seen) == 3:
            break
    seen += [outcome.tag for outcome in engine.outcomes().poll(2)]
    seen += [outcome.tag for outcome in itertools.islice(engine.outcomes(), 300)]
    seen += [outcome.tag for outcome in engine.outcomes().poll(1000)]
    assert seen == list(range(1, 601))


def test_threads_share_them(engine: martlet.Engine) -> None:
    seen: list[int] = []

    def drain() -> None:
        # Appending is atomic.
        for outcome in engine.outcomes():
            seen.append(outcome.tag)

    threads = [threading.Thread(target=drain) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        events(engine, 500)
    engine.close(10)
    for thread in threads:
        thread.join(10)
    assert sorted(seen) == sorted(list(range(1, 501)) * 10)


@pytest.mark.parametrize("how", ["stop", "close", "free"])
def test_an_iterator_that_waits_ends(engine: martlet.Engine, how: str) -> None:
    outcomes = engine.outcomes()
    thread = threading.Thread(target=lambda: list(outcomes))
    thread.start()
    outcomes.stop() if how == "stop" else engine.close(1) if how == "close" else engine.free()
    thread.join(10)
    assert not thread.is_alive()
    assert list(outcomes) == []


def test_outcomes_of_what_close_cancels_are_read_after_it(engine: martlet.Engine) -> None:
    hook = engine.webhooks.create(url="http://127.0.0.1:1/", events=["*"], rate_limit={"perSecond": 0.01, "burst": 1})
    for tag in range(4):
        engine.push("call.placed", {}, tag)
    assert engine.close(0) is False
    canceled = [outcome for outcome in engine.outcomes() if outcome.state == "canceled" and outcome.webhook_id]
    assert len(canceled) >= 3 and all(outcome.webhook_id == hook.id for outcome in canceled)


def test_an_event_loop_of_ones_own(engine: martlet.Engine) -> None:
    outcomes = engine.outcomes()
    with selectors.DefaultSelector() as selector:
        selector.register(outcomes, selectors.EVENT_READ)
        assert selector.select(0) == []
        events(engine, 2)
        assert selector.select(20)
        assert [outcome.tag for outcome in outcomes.poll()] == [1, 2]
        assert outcomes.poll() == [] and selector.select(0) == []


def test_asyncio(receiver: Receiver, path: str) -> None:
    async def main() -> list[int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.01)

        async def drain(outcomes: martlet.Outcomes) -> list[int]:
            return [outcome.tag async for outcome in outcomes]

        other = asyncio.create_task(tick())
        async with martlet.Engine(environment="development", outcomes="deliveries") as engine:
            engine.webhooks.create(url=receiver.url + path, events=["*"])
            tasks = [asyncio.create_task(drain(engine.outcomes())) for _ in range(2)]
            stopped = engine.outcomes()
            waiting = asyncio.create_task(drain(stopped))
            await asyncio.sleep(0.05)
            stopped.stop()
            assert await asyncio.wait_for(waiting, 10) == []
            assert [outcome async for outcome in engine.outcomes(timeout=0.02)] == []
            for tag in range(20):
                engine.push("call.placed", {}, tag)
            assert await engine.aclose(10)
            seen = await asyncio.wait_for(asyncio.gather(*tasks), 10)
        other.cancel()
        assert ticks > 5, "waiting does not hold up the loop"
        return sorted(seen[0] + seen[1])

    assert asyncio.run(main()) == list(range(20))


def test_canceling_a_task_that_waits_loses_nothing(engine: martlet.Engine) -> None:
    async def main() -> list[int]:
        outcomes = engine.outcomes()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(outcomes.__anext__(), 0.05)
        events(engine, 3)
        return [(await outcomes.__anext__()).tag for _ in range(3)]

    assert asyncio.run(main()) == [1, 2, 3]


def test_without_outcomes_in_the_configuration_that_is_said() -> None:
    with martlet.Engine() as engine, pytest.raises(martlet.WrongStateError):
        engine.outcomes()
