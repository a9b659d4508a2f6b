"""Outcomes: what became of deliveries and events."""

from __future__ import annotations

import asyncio
import ctypes
import math
import os
import select
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from ctypes import byref, c_int32, c_size_t
from datetime import datetime, timedelta, timezone
from typing import NamedTuple, Optional

from ._errors import CLOSED, failure
from ._handle import Handle, when_gone
from ._library import library

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_KINDS = {1: "delivery", 2: "event", 3: "webhook_disabled"}
_STATES = {1: "succeeded", 2: "failed", 3: "expired", 4: "canceled"}
_FAILURES = {
    0: None,
    1: "dns",
    2: "address_refused",
    3: "connect",
    4: "tls",
    5: "certificate",
    6: "timeout",
    7: "connection_lost",
    8: "bad_response",
    9: "http_status",
    10: "local",
    11: "circuit_open",
    12: "backlog_full",
}
_REASONS = {0: None, 1: "gone", 2: "receiver_asked", 3: "failing"}

# martlet_outcome_t. Native order and standard sizes: the layout has no holes.
_RECORD = struct.Struct("=IiiiQqIIII72s40s40sqII")
_BATCH = 256
# How long a wait lasts before it looks whether it was stopped, the engine closed, or another reader left something.
_SLICE_SECONDS = 0.25


class Outcome(NamedTuple):
    """One outcome. A kind, state or failure that this package does not know is its number as text."""

    kind: str
    """`delivery`: one event to one webhook is settled; `event`: all deliveries of an event are; `webhook_disabled`."""
    state: str
    """`succeeded`, `failed`, `expired` or `canceled`."""
    event_id: str
    delivery_id: str
    """Empty for an event."""
    webhook_id: str
    """Empty for an event."""
    tag: int
    """The number given at the push."""
    attempts: int
    """Requests made; 0 for an event."""
    http_status: int
    """The last one; 0 where there was no answer, and for an event."""
    failure: Optional[str]
    """Why the last attempt failed, such as `http_status` or `timeout`; None where it did not."""
    deliveries: int
    """Of an event: how many it had; 1 for a delivery."""
    succeeded: int
    """How many of them succeeded."""
    settled_at_ms: int
    """Milliseconds since 1970-01-01 00:00:00 UTC."""
    reason: Optional[str]
    """Why a webhook was disabled: `gone`, `receiver_asked` or `failing`."""
    failing_since_ms: int
    """Of a disabled webhook: since when its failures last, 0 where there were none."""

    @property
    def settled_at(self) -> datetime:
        """When it was settled."""
        return _EPOCH + timedelta(milliseconds=self.settled_at_ms)


class OutcomeQueue:
    """The outcomes of an engine. What was taken in a batch and not used yet stays here, so no iterator loses any."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self.taken: deque[Outcome] = deque()
        #: True when no more can come: the engine has been closed.
        self.is_closed = False

    def descriptor(self) -> int:
        """A descriptor of the caller's own for the pipe that is readable while outcomes wait."""
        fd = c_int32()
        status = self._handle.simple("outcomes_fd", byref(fd))
        if status:
            raise failure(status)
        return os.dup(fd.value)

    def take(self, limit: int = _BATCH) -> list[Outcome]:
        """Outcomes that wait, at most so many, without waiting for any; none when the engine was freed."""
        memory = ctypes.create_string_buffer(_RECORD.size * limit)
        count = c_size_t()
        status = library.martlet_outcomes_poll(self._handle.value, memory, _RECORD.size, limit, byref(count))
        if status == CLOSED:
            return []
        if status:
            raise failure(status)
        if not count.value:
            return []
        records = memoryview(memory)[: _RECORD.size * count.value]
        return [_outcome(*record) for record in _RECORD.iter_unpack(records)]


def _outcome(
    size: int, kind: int, state: int, why: int, tag: int, settled: int, attempts: int, http_status: int,
    deliveries: int, succeeded: int, event: bytes, delivery: bytes, webhook: bytes, failing_since: int, reason: int,
    reserved: int,
) -> Outcome:  # fmt: skip
    return Outcome(
        _KINDS.get(kind) or str(kind),
        _STATES.get(state) or str(state),
        event.rstrip(b"\0").decode(),
        delivery.rstrip(b"\0").decode(),
        webhook.rstrip(b"\0").decode(),
        tag,
        attempts,
        http_status,
        _FAILURES[why] if why in _FAILURES else str(why),
        deliveries,
        succeeded,
        settled,
        _REASONS[reason] if reason in _REASONS else str(reason),
        failing_since,
    )


class Outcomes(Iterator[Outcome], AsyncIterator[Outcome]):
    """Iterates over outcomes, with `for` or `async for`, and waits for those to come.

    It ends when the engine is closed and none is left, when `stop()` is called, or when none came for `timeout`
    seconds; a new iterator goes on where this one ended. Of several at a time each gets other outcomes.

    `fileno()` and `poll()` are for an event loop of your own.
    """

    def __init__(self, queue: OutcomeQueue, timeout: float | None) -> None:
        self._queue, self._timeout = queue, timeout
        self._is_stopped = False
        self._was_closed = False
        self._fd = queue.descriptor()
        when_gone(self, os.close, self._fd)

    def fileno(self) -> int:
        """Readable while outcomes wait: then call `poll()` until it gives none. Never read or close it."""
        return self._fd

    def poll(self, limit: int = _BATCH) -> list[Outcome]:
        """Takes at most so many outcomes that are there already, and never waits. Any thread."""
        ready: list[Outcome] = []
        try:
            while len(ready) < limit:
                ready.append(self._queue.taken.popleft())
        except IndexError:
            ready += self._queue.take(limit - len(ready))
        return ready

    def stop(self) -> None:
        """Ends the iteration, also one that waits in another thread or task, within a quarter of a second."""
        self._is_stopped = True

    def __next__(self) -> Outcome:
        outcome = self._next_ready()
        if outcome is not None:
            return outcome
        poller = select.poll()
        poller.register(self._fd, select.POLLIN)
        end = self._end()
        while (seconds := self._wait_seconds(end)) > 0:
            poller.poll(seconds * 1000)
            outcome = self._next_ready()
            if outcome is not None:
                return outcome
        raise StopIteration

    def __aiter__(self) -> Outcomes:
        return self

    async def __anext__(self) -> Outcome:
        outcome = self._next_ready()
        if outcome is not None:
            return outcome
        end = self._end()
        while (seconds := self._wait_seconds(end)) > 0:
            await self._readable(seconds)
            outcome = self._next_ready()
            if outcome is not None:
                return outcome
        raise StopAsyncIteration

    def _next_ready(self) -> Outcome | None:
        if self._is_stopped:
            return None
        taken = self._queue.taken
        try:
            return taken.popleft()
        except IndexError:
            pass
        # Read before the poll: an engine that was closed by then has no more than the poll gives.
        self._was_closed = self._queue.is_closed
        taken.extend(self._queue.take())
        try:
            return taken.popleft()
        except IndexError:
            return None

    def _end(self) -> float:
        return math.inf if self._timeout is None else time.monotonic() + self._timeout

    def _wait_seconds(self, end: float) -> float:
        """How long to wait for the descriptor before looking again; 0 when the iteration is over."""
        if self._is_stopped or self._was_closed:
            return 0
        return min(_SLICE_SECONDS, max(0, end - time.monotonic()))

    async def _readable(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        woken = loop.create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        # Only while waiting: the pipe stays readable while the program does other things.
        loop.add_reader(self._fd, wake)
        timer = loop.call_later(seconds, wake)
        try:
            await woken
        finally:
            timer.cancel()
            loop.remove_reader(self._fd)
