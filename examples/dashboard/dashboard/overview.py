"""The numbers of the overview."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Any

import martlet

from .hub import Hub

# How many of the newest deliveries say which webhooks are slow or failing.
LOOKED_AT = 1000
KEPT_SECONDS = 2.0


class Overview:
    def __init__(self, engine: martlet.Engine, hub: Hub) -> None:
        self._engine, self._hub = engine, hub
        self._lock = threading.Lock()
        self._ranks: dict[str, Any] = {}
        self._ranks_at = 0.0
        self._ranks_after = -1

    def document(self) -> dict[str, Any]:
        stats = self._engine.stats()
        return {
            "webhooks": stats["webhooks"],
            "deliveries": {
                key: stats["deliveries"][key]
                for key in ("pending", "inFlight", "succeeded", "failed", "expired", "canceled", "attempts", "retries")
            },
            "queue": stats["queue"],
            "samples": list(self._hub.samples),
            **self._rank(stats["deliveries"]["attempts"]),
        }

    def _rank(self, attempts: int) -> dict[str, Any]:
        """However many pages ask, the log is read once in two seconds; ranks that are older than that are told to be."""
        with self._lock:
            if not self._ranks or time.monotonic() - self._ranks_at > KEPT_SECONDS:
                self._ranks, self._ranks_at, self._ranks_after = self._read_ranks(), time.monotonic(), attempts
            return self._ranks | {"ranksAreOld": attempts != self._ranks_after}

    def _read_ranks(self) -> dict[str, Any]:
        durations: dict[str, list[float]] = defaultdict(list)
        ends: dict[str, list[bool]] = defaultdict(list)
        for delivery in self._engine.deliveries(limit=LOOKED_AT).next_page():
            durations[delivery.webhook_id] += [attempt.duration_ms for attempt in delivery.attempts]
            if delivery.state in ("succeeded", "failed", "expired"):
                ends[delivery.webhook_id].append(delivery.state == "succeeded")
        slowest = sorted(
            ((webhook, _median(times), len(times)) for webhook, times in durations.items() if times),
            key=lambda row: -row[1],
        )[:5]
        failing = sorted(
            ((webhook, sum(good) / len(good), len(good)) for webhook, good in ends.items() if good and not all(good)),
            key=lambda row: row[1],
        )[:5]
        return {
            "slowest": [
                {"webhook": self._name(webhook), "id": webhook, "medianMs": round(median, 1), "attempts": count}
                for webhook, median, count in slowest
            ],
            "failing": [
                {"webhook": self._name(webhook), "id": webhook, "successRate": rate, "deliveries": count}
                for webhook, rate, count in failing
            ],
        }

    def _name(self, webhook: str) -> str | None:
        try:
            found = self._engine.webhooks.get(webhook)
        except martlet.NotFoundError:
            return None
        return found.description or found.url


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
