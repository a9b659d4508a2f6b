"""`Engine`: register webhooks, push events, hear what became of them."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import threading
import time
from collections.abc import Iterable, Mapping
from ctypes import ArgumentError, byref, c_size_t
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Union

from ._documents import Delivery, EventType, Pushed, Replay
from ._errors import CLOSED, INVALID_JSON, OK, TIMED_OUT, Error, failure
from ._handle import Handle, Scratch, spare
from ._json import Document, document, encode, text_bytes, time_text, to_bytes
from ._library import ERROR_SIZE, library
from ._log import LogPump
from ._outcomes import OutcomeQueue, Outcomes
from ._pages import Pages
from ._webhooks import Webhooks

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._keys import EngineKeys, PageKeys, QueryKeys, ReplayKeys

_MAX_TAG = 2**64 - 1
# Python runs signal handlers between calls only, so calls that wait do so in slices.
_SLICE_SECONDS = 0.1
_push = library.martlet_push


@dataclass(frozen=True)
class Event:
    """One event with fields of its own, for `Engine.push_many`.

    `data` is a native value, or ready JSON as `str` or bytes.
    """

    type: str
    data: Any = field(repr=False)
    tag: int = 0
    """A number of yours, 0 to 2^64-1, that comes back with the outcomes."""
    id: Union[str, None] = None
    """Your own id, sent as `webhook-id`; one that was pushed before is a duplicate and delivers nothing again."""
    created_at: Union[datetime, str, None] = None
    """When it happened; by default now."""
    tenant: str = ""
    """Only webhooks of the same tenant get it."""
    key: Union[str, None] = None
    """Webhooks ordered by key get events with the same key one after the other."""
    expiry_seconds: Union[float, None] = None
    """How long after the push it may still be sent."""
    headers: Union[Mapping[str, str], None] = None
    """Headers of this event alone."""

    def line(self) -> bytes:
        """The event as the document that the library takes, in one line."""
        fields: dict[str, Any] = {"eventType": self.type}
        if self.tag:
            fields["tag"] = self.tag
        if self.id is not None:
            fields["id"] = self.id
        if self.created_at is not None:
            fields["createdAt"] = self.created_at if isinstance(self.created_at, str) else time_text(self.created_at)
        if self.tenant:
            fields["tenant"] = self.tenant
        if self.key is not None:
            fields["key"] = self.key
        if self.expiry_seconds is not None:
            fields["expirySeconds"] = self.expiry_seconds
        if self.headers is not None:
            fields["headers"] = self.headers
        if not isinstance(self.data, (str, bytes, bytearray, memoryview)):
            fields["data"] = self.data
            return encode(fields).encode()
        # Ready JSON is put in as it is, so it must be one value: anything else could bring keys of its own into the
        # event.
        try:
            text = to_bytes(self.data).decode()
            json.loads(text)
        except (ValueError, RecursionError) as error:
            raise failure(INVALID_JSON, f"data is not one JSON value: {error}".encode()) from None
        # Line ends can only stand between the tokens of valid JSON, where a space does as well.
        text = text.replace("\n", " ")
        return f'{encode(fields)[:-1]},"data":{text}}}'.encode()


class Engine:
    """A webhook sender inside this process: its own threads, queue and webhooks.

        with martlet.Engine(environment="development") as engine:
            engine.webhooks.create(url="http://127.0.0.1:3000/hook", events=["call.*"])
            engine.push("call.completed", {"callId": "call_1"})

    The configuration is given as keywords in snake_case, or as a mapping or ready JSON with the keys of the
    configuration reference. Nothing at all takes every default.

    Every method may be called from any thread at any time, and other Python threads run during each call. Leaving the
    `with` block closes the engine with 10 seconds for what was accepted; `close` takes another time. A process that
    ends without it does not wait, and loses what was pending. In a forked child the engine of the parent raises
    `ForkedError`: open engines after the fork.

    Errors are `martlet.Error`; each method names those to expect, beside `ClosedError`, `ForkedError` and
    `InternalError`.
    """

    def __init__(
        self,
        configuration: Document | None = None,
        /,
        *,
        logger: logging.Logger | None = None,
        **keys: Unpack[EngineKeys],
    ) -> None:
        """Opens the engine. With a `logger` its messages go there, see `log_to`.

        Raises `InvalidDocumentError`, whose text names the key, `OutOfResourcesError`, and where there is a data
        directory, `InUseError`, `StorageError` and `StorageFullError`.
        """
        self._handle = Handle(document(configuration, keys))
        # One look-up less in each push.
        self._number = self._handle.value
        self._outcomes = OutcomeQueue(self._handle)
        # The close calls under way. Without a lock, which a fork might leave locked: list calls are atomic.
        self._closing: list[int] = []
        self._log = LogPump(self._handle)
        self.webhooks = Webhooks(self._handle)
        if logger is not None:
            self.log_to(logger)

    # ---- Life ----

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Engine:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def flush(self, timeout: float) -> bool:
        """Waits so many seconds at most until every accepted event is settled. False if work is left, which goes on."""
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            status = self._handle.simple("engine_flush", _milliseconds(min(left, _SLICE_SECONDS)))
            if status != TIMED_OUT or left <= _SLICE_SECONDS:
                return _is_done(status)

    def close(self, timeout: float = 10.0) -> bool:
        """Refuses new events, gives the accepted ones so many seconds, then cancels the rest.

        False when something had to be canceled. Closing again does nothing. Outcomes, the delivery log and the
        statistics can still be read afterwards; memory is given back with the engine object, or by `free`.
        """
        milliseconds = _milliseconds(timeout)
        # Only the main thread has signals to handle.
        is_main = threading.current_thread() is threading.main_thread()
        status = (self._close_interruptibly if is_main and timeout > _SLICE_SECONDS else self._close)(milliseconds)
        # Freed is closed too.
        return status == CLOSED or _is_done(status)

    async def aflush(self, timeout: float) -> bool:
        """As `flush`, without holding up the event loop."""
        loop = asyncio.get_running_loop()
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            # In slices: a thread that waits on after a cancellation would hold up the end of the loop.
            is_done = await loop.run_in_executor(None, self.flush, min(left, _SLICE_SECONDS))
            if is_done or left <= _SLICE_SECONDS:
                return is_done

    async def aclose(self, timeout: float = 10.0) -> bool:
        """As `close`, without holding up the event loop. Canceling it takes the rest of the time away."""
        closing = asyncio.get_running_loop().run_in_executor(None, self.close, timeout)
        try:
            return await closing
        except asyncio.CancelledError:
            # Cuts the other call short, which would hold up the end of the loop.
            self.close(0)
            raise

    def free(self) -> None:
        """Gives back the memory at once, without time for events that are not settled. Nothing works afterwards."""
        self._outcomes.is_closed = True
        self._handle.free()

    def _close(self, milliseconds: int) -> int:
        self._closing.append(milliseconds)
        status = self._handle.simple("engine_close", milliseconds)
        self._closing.remove(milliseconds)
        # While another thread's close still waits, outcomes may still come.
        if status in (OK, TIMED_OUT) and not self._closing:
            self._outcomes.is_closed = True
        if status in (OK, TIMED_OUT):
            # What was said until here is in the log when the call returns.
            self._log.take()
        return status

    def _close_interruptibly(self, milliseconds: int) -> int:
        # Slices would cancel what is left at the end of the first, so another thread waits and this one looks after
        # signals.
        statuses: list[int] = []
        thread = threading.Thread(
            target=lambda: statuses.append(self._close(milliseconds)), name="martlet-close", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            # The interpreter is about to exit and starts no threads any more.
            return self._close(milliseconds)
        while thread.is_alive():
            thread.join(_SLICE_SECONDS)
        return statuses[0]

    def __repr__(self) -> str:
        try:
            state: str = self.stats()["state"]
        except Error as error:
            state = error.name.lower()
        return f"<martlet.Engine {state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an engine belongs to its process and cannot be copied or pickled; open one in each process")

    # ---- Events ----

    def push(
        self,
        type: str,
        data: Any,
        tag: int = 0,
        *,
        id: str | None = None,
        created_at: datetime | str | None = None,
        tenant: str = "",
        key: str | None = None,
        expiry_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Pushes one event and returns its id: checks it, matches it against the webhooks and queues a delivery for
        each that wants it.

        It does no network work and waits for none. When it returns, the event is accepted: each delivery is made, or
        reported as failed, expired or canceled.

        `data` is a native value, in which times, dates, enums, UUIDs, paths, sets and dataclasses may stand, or ready
        JSON as `str` or bytes, which is quicker and reaches the receiver untouched.
        So a plain string is pushed as `json.dumps(text)`. `tag` is a number of yours, 0 to 2^64-1, that comes back with
        the outcomes. The rest are the fields of `Event`.

        Raises `QueueFullError`: push again when outcomes have arrived; `UnknownEventTypeError`, `InvalidJSONError`,
        `TooLargeError`, and `InvalidDocumentError` for a field that is not accepted.
        """
        if (
            id is not None
            or created_at is not None
            or tenant
            or key is not None
            or expiry_seconds is not None
            or headers is not None
        ):
            event = Event(type, data, tag, id, created_at, tenant, key, expiry_seconds, headers)
            return self._handle.new_id("push_event", _line(event), None)
        if data.__class__ is not bytes:
            data = to_bytes(data)
        try:
            name = type.encode()
            if not 0 <= tag <= _MAX_TAG:
                raise ValueError(f"tag must be from 0 to 2^64-1, not {tag}")
        except (AttributeError, TypeError):
            raise _wrong_types(type, tag) from None
        try:
            memory = spare.pop()
        except IndexError:
            memory = Scratch()
        try:
            status = _push(
                self._number, name, len(name), data, len(data), tag, memory.id_at, memory.error_at, ERROR_SIZE
            )
        except ArgumentError:
            raise _wrong_types(type, tag) from None
        if status:
            error = failure(status, memory.error.value)
            spare.append(memory)
            raise error
        event_id: str = memory.id.value.decode()
        spare.append(memory)
        return event_id

    def push_many(self, events: Iterable[Event | Document] | str | bytes) -> Pushed:
        """Pushes many events in one call of the library, much quicker than one by one.

        Each is an `Event`, a mapping with the keys of the configuration reference (`eventType`, `data`, ...), or such a
        document as ready JSON in one line. All at once may also be ready: JSON documents, one a line.

        Raises what `push` does for the first that is refused, naming its line, counted from 1. Those before it stay
        accepted: the error's `accepted` and `duplicates` count them.
        """
        if isinstance(events, (str, bytes)):
            lines = to_bytes(events)
        elif isinstance(events, (Event, Mapping)):
            raise TypeError("push_many takes many events: a list of them, or JSON text with one a line")
        else:
            lines = b"\n".join([_line(event) for event in events])
        accepted, duplicates = c_size_t(), c_size_t()
        try:
            self._handle.call("push_json", lines, byref(accepted), byref(duplicates))
        except Error as error:
            error.accepted, error.duplicates = accepted.value, duplicates.value
            raise
        return Pushed(accepted.value, duplicates.value)

    def event_types(self) -> list[EventType]:
        """The event types that can be pushed, built in and your own."""
        answer = json.loads(self._handle.text("engine_event_types_json"))
        return [EventType.read(event_type) for event_type in answer["eventTypes"]]

    def add_event_type(
        self,
        event_type: str | Mapping[str, Any],
        *,
        title: str | None = None,
        description: str | None = None,
        sample: Any = None,
    ) -> None:
        """Adds an event type, by its name or as a document: events of it can be pushed when the call returns.

        Types cannot be removed. `sample` is an example of `data`, which `webhooks.test` sends. Raises
        `InvalidDocumentError`.
        """
        keys = {"title": title, "description": description, "sample": sample}
        given = {key: value for key, value in keys.items() if value is not None}
        whole = {"name": event_type} if isinstance(event_type, str) else event_type
        self._handle.call("event_type_add", document(whole, given))

    # ---- Outcomes and deliveries ----

    def outcomes(self, timeout: float | None = None) -> Outcomes:
        """Outcomes as they come, for `for` and `async for`; `timeout` ends the iteration when none came for so many
        seconds.

        The configuration's `outcomes` must ask for them, otherwise `WrongStateError` is raised. None is ever dropped:
        those that are not taken count against the queue.
        """
        return Outcomes(self._outcomes, timeout)

    def deliveries(self, query: Document | None = None, /, **keys: Unpack[PageKeys]) -> Pages[Delivery]:
        """The delivery log, the newest first, over all its pages: `state`, `webhook_id`, `event_id`, `event_type`,
        `created_after`, `created_before`. `limit` is the size of a page, 1 to 1000, by default 100.

        Raises `InvalidDocumentError` when the first is asked for.
        """
        return Pages(self._handle, "deliveries", "deliveries", document(query, keys), Delivery.read)

    def delivery(self, id: str) -> Delivery:
        """Reads one delivery with its attempts and payload. Raises `NotFoundError`, also when it has left the log."""
        return Delivery.read(self._handle.read("delivery_get", text_bytes(id, "id")))

    def redeliver(self, id: str) -> str:
        """Sends the event of a settled delivery once more and returns the new delivery's id.

        Raises `NotFoundError`, `WrongStateError`, `QueueFullError`.
        """
        return self._handle.new_id("redeliver", text_bytes(id, "id"))

    def replay(self, query: Document | None = None, /, **keys: Unpack[ReplayKeys]) -> Replay:
        """Redelivers all settled deliveries that match, those that failed unless `state` says otherwise, `per_second`
        to each webhook. One that was redelivered before is left out, so it may be repeated.

        Raises `QueueFullError`, whose text tells how many went in, and `InvalidDocumentError`.
        """
        return Replay.read(self._handle.read("replay", document(query, keys)))

    def cancel(self, id: str) -> None:
        """Cancels a delivery that is not settled. Raises `NotFoundError`, `WrongStateError`."""
        self._handle.call("delivery_cancel", text_bytes(id, "id"))

    def cancel_all(self, query: Document | None = None, /, **keys: Unpack[QueryKeys]) -> int:
        """Cancels all deliveries that match and are not settled; returns how many. Raises `InvalidDocumentError`."""
        canceled = c_size_t()
        self._handle.call("deliveries_cancel", document(query, keys), byref(canceled))
        return canceled.value

    # ---- Log and numbers ----

    def log_to(self, logger: logging.Logger | None, level: int | None = None) -> None:
        """Hands Martlet's own messages to a logger, or with None to nobody, which is how an engine starts.

        Those less urgent than `level` are not made; by default that is the logger's level of this moment. A thread of
        Python's takes them, the handlers run there. When the program is too slow, the newest 1024 are kept. `close`
        returns when all were handed on.
        """
        self._log.set(logger, level)

    def stats(self) -> dict[str, Any]:
        """Counters and gauges: queue, events, deliveries by state, attempts, lanes."""
        answer: dict[str, Any] = json.loads(self._handle.text("engine_stats_json"))
        return answer

    def metrics(self) -> str:
        """The metrics in the Prometheus text format 0.0.4, for your own metrics endpoint."""
        return self._handle.text("engine_metrics_text").decode()


def _wrong_types(type: object, tag: object) -> TypeError:
    if not isinstance(type, str):
        return TypeError(f"type must be a str, not {type.__class__.__name__}")
    return TypeError(f"tag must be an int, not {tag.__class__.__name__}")


def _line(event: Event | Document) -> bytes:
    return event.line() if isinstance(event, Event) else to_bytes(event)


def _milliseconds(seconds: float) -> int:
    if math.isnan(seconds):
        raise ValueError("the time must be a number of seconds, not nan")
    # A negative time is the library's to refuse; an endless one is more than it takes.
    return int(min(math.ceil(seconds * 1000), 2**62)) if seconds < math.inf else 2**62


def _is_done(status: int) -> bool:
    if status == TIMED_OUT:
        return False
    if status:
        raise failure(status)
    return True
