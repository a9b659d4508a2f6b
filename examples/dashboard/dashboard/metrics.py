"""Samples of the engine's numbers: rates and percentiles over one second, from its counters."""

from __future__ import annotations

import re
import time
from typing import Any

import martlet

_BUCKET = re.compile(r'^martlet_attempt_duration_seconds_bucket\{le="([^"]+)"\} (\d+)$', re.MULTILINE)


class Sampler:
    def __init__(self, engine: martlet.Engine) -> None:
        self._engine = engine
        self._at = time.monotonic()
        self._deliveries = engine.stats()["deliveries"]
        self._buckets = self._read_buckets()

    def take(self) -> dict[str, Any]:
        now = time.monotonic()
        stats = self._engine.stats()
        deliveries, buckets = stats["deliveries"], self._read_buckets()
        seconds = max(now - self._at, 0.001)
        succeeded, failed, attempts = (
            deliveries[key] - self._deliveries[key] for key in ("succeeded", "failed", "attempts")
        )
        counts = [count - before for (_, count), (_, before) in zip(buckets, self._buckets)]
        bounds = [bound for bound, _ in buckets]
        self._at, self._deliveries, self._buckets = now, deliveries, buckets
        return {
            "at": int(time.time() * 1000),
            "succeeded": round(succeeded / seconds, 1),
            "failed": round(failed / seconds, 1),
            "attempts": round(attempts / seconds, 1),
            "successRate": succeeded / (succeeded + failed) if succeeded + failed else None,
            "queue": stats["queue"]["events"],
            "pending": deliveries["pending"],
            "inFlight": deliveries["inFlight"],
            "p50": percentile(bounds, counts, 0.5),
            "p95": percentile(bounds, counts, 0.95),
            "p99": percentile(bounds, counts, 0.99),
        }

    def _read_buckets(self) -> list[tuple[float, int]]:
        return [(float(bound), int(count)) for bound, count in _BUCKET.findall(self._engine.metrics())]


def percentile(bounds: list[float], counts: list[int], part: float) -> float | None:
    """Milliseconds, as Prometheus' histogram_quantile estimates it; None where nothing was measured."""
    total = counts[-1] if counts else 0
    if total <= 0:
        return None
    rank = part * total
    lower_bound, lower_count = 0.0, 0
    for bound, count in zip(bounds, counts):
        if count >= rank:
            if bound == float("inf"):
                return round(lower_bound * 1000, 1)
            inside = (rank - lower_count) / max(count - lower_count, 1)
            return round((lower_bound + (bound - lower_bound) * inside) * 1000, 1)
        lower_bound, lower_count = bound, count
    return None
