"""Hears what becomes of deliveries and tells the pages that are open.

One thread takes the outcomes as their descriptor becomes readable, another takes a sample of the engine's numbers each
second. Pages get both as server-sent events. Memory is bounded: a ring of samples, a ring of results for each webhook,
a queue for each page that drops what a slow one does not take.
"""

from __future__ import annotations

import json
import queue
import select
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import martlet

from .metrics import Sampler

KEPT_SAMPLES = 300
KEPT_RESULTS = 100
SEED_DELIVERIES = 5_000
MAXIMUM_PAGES = 16
# Pages are told of many outcomes at once, so that a burst does not drown them.
TELL_SECONDS = 0.25
HEARTBEAT_SECONDS = 15.0


@dataclass
class Results:
    """The newest results of one webhook."""

    succeeded: deque[bool] = field(default_factory=lambda: deque(maxlen=KEPT_RESULTS))
    last_ms: int = 0
    last_state: str = ""
    last_status: int = 0
    last_failure: str = ""

    def document(self) -> dict[str, Any]:
        count = len(self.succeeded)
        return {
            "results": count,
            "successRate": sum(self.succeeded) / count if count else None,
            "lastAt": self.last_ms or None,
            "lastState": self.last_state or None,
            "lastStatus": self.last_status or None,
            "lastFailure": self.last_failure or None,
        }


class Hub:
    def __init__(self, engine: martlet.Engine) -> None:
        self._engine = engine
        self._outcomes = engine.outcomes()
        self._lock = threading.Lock()
        self._pages: set[queue.Queue[str | None]] = set()
        self._results: dict[str, Results] = {}
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=self._hear, name="dashboard-outcomes", daemon=True),
            threading.Thread(target=self._sample, name="dashboard-samples", daemon=True),
        ]
        self.samples: deque[dict[str, Any]] = deque(maxlen=KEPT_SAMPLES)

    def start(self) -> None:
        self._seed()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._end.set()
        self._outcomes.stop()
        with self._lock:
            pages, self._pages = self._pages, set()
        for page in pages:
            _put(page, None)

    # ---- What is known of webhooks ----

    def results(self, webhook: str) -> dict[str, Any]:
        with self._lock:
            return self._results.get(webhook, Results()).document()

    def forget(self, webhook: str) -> None:
        with self._lock:
            self._results.pop(webhook, None)

    def _seed(self) -> None:
        """Starts from the delivery log, so that a restart does not forget how receivers did."""
        newest = []
        pages = self._engine.deliveries(limit=1000)
        while len(newest) < SEED_DELIVERIES and (page := pages.next_page()):
            newest += page
        for delivery in reversed(newest):
            if delivery.settled_at is not None:
                last = delivery.attempts[-1] if delivery.attempts else None
                self._note(
                    delivery.webhook_id, delivery.state, int(delivery.settled_at.timestamp() * 1000),
                    last.status or 0 if last else 0, last.error_class or "" if last else "",
                )  # fmt: skip

    def _note(self, webhook: str, state: str, at: int, status: int, failure: str) -> None:
        with self._lock:
            results = self._results.setdefault(webhook, Results())
            if state != "canceled":
                results.succeeded.append(state == "succeeded")
            results.last_ms, results.last_state = at, state
            results.last_status, results.last_failure = status, failure

    # ---- Threads ----

    def _hear(self) -> None:
        poller = select.poll()
        poller.register(self._outcomes.fileno(), select.POLLIN)
        while not self._end.is_set():
            poller.poll(250)
            webhooks: set[str] = set()
            settled = failed = 0
            while batch := self._outcomes.poll(256):
                for outcome in batch:
                    webhooks.add(outcome.webhook_id)
                    if outcome.kind != "delivery":
                        continue
                    settled += 1
                    failed += outcome.state != "succeeded"
                    self._note(
                        outcome.webhook_id, outcome.state, outcome.settled_at_ms, outcome.http_status,
                        outcome.failure or "",
                    )  # fmt: skip
            if webhooks:
                self.tell("change", {"settled": settled, "failed": failed, "webhooks": sorted(webhooks)[:100]})
                self._end.wait(TELL_SECONDS)

    def _sample(self) -> None:
        sampler = Sampler(self._engine)
        while not self._end.wait(1):
            try:
                sample = sampler.take()
            except martlet.ClosedError:
                return
            self.samples.append(sample)
            self.tell("sample", sample)

    # ---- Pages ----

    def tell(self, name: str, document: Any = None) -> None:
        text = f"event: {name}\ndata: {json.dumps(document)}\n\n"
        with self._lock:
            pages = list(self._pages)
        for page in pages:
            _put(page, text)

    def stream(self) -> Iterator[str]:
        """Server-sent events for one page. The oldest page gives way where there are too many."""
        page: queue.Queue[str | None] = queue.Queue(maxsize=64)
        with self._lock:
            if self._end.is_set():
                return
            gone = self._pages.pop() if len(self._pages) >= MAXIMUM_PAGES else None
            self._pages.add(page)
        if gone is not None:
            _put(gone, None)
        try:
            yield "retry: 2000\n\n"
            while True:
                try:
                    text = page.get(timeout=HEARTBEAT_SECONDS)
                except queue.Empty:
                    # Finds out whether the page is still there.
                    text = f": {int(time.time())}\n\n"
                if text is None:
                    return
                yield text
        finally:
            with self._lock:
                self._pages.discard(page)


def _put(page: queue.Queue[str | None], text: str | None) -> None:
    try:
        page.put_nowait(text)
    except queue.Full:
        # A page that does not keep up misses news; it reads everything anew with the next.
        if text is None:
            try:
                page.get_nowait()
                page.put_nowait(None)
            except (queue.Empty, queue.Full):
                pass
