"""What the library answers with, as dataclasses. Each keeps the whole document, so that no key is out of reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple, Optional

from ._json import time

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _time(text: Any) -> datetime:
    return time(text) or _EPOCH


@dataclass(frozen=True)
class Webhook:
    """A webhook as it is stored. The settings that it overrides are in `document`."""

    id: str
    url: str
    events: list[str]
    tenant: str
    agents: Optional[list[str]]
    workflows: Optional[list[str]]
    filter: Optional[dict[str, Any]]
    headers: dict[str, str] = field(repr=False)
    """May hold credentials, so it is not part of the repr."""
    enabled: bool
    description: str
    metadata: dict[str, str]
    disabled: Optional[dict[str, Any]]
    """None while enabled, else `reason`, `at` and `since`."""
    created_at: datetime
    updated_at: datetime
    document: Mapping[str, Any] = field(repr=False, compare=False)
    """The whole document with the keys of the configuration reference."""

    @classmethod
    def read(cls, document: dict[str, Any]) -> Webhook:
        return cls(
            id=document["id"],
            url=document["url"],
            events=document["events"],
            tenant=document["tenant"],
            agents=document["agents"],
            workflows=document["workflows"],
            filter=document["filter"],
            headers=document["headers"],
            enabled=document["enabled"],
            description=document["description"],
            metadata=document["metadata"],
            disabled=document["disabled"],
            created_at=_time(document["createdAt"]),
            updated_at=_time(document["updatedAt"]),
            document=document,
        )


@dataclass(frozen=True)
class Secret:
    """A signing secret that is live. It does not show in its repr; keep it out of logs."""

    secret: str = field(repr=False)
    created_at: datetime
    expires_at: Optional[datetime]
    """None for the current one."""
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def read(cls, document: dict[str, Any]) -> Secret:
        return cls(document["secret"], _time(document["createdAt"]), time(document["expiresAt"]), document)


@dataclass(frozen=True)
class TestDelivery:
    """A test that was sent: its result comes as outcomes, and is read with `Engine.delivery`."""

    # Not a test case, whatever a test runner may think of the name.
    __test__ = False

    event_id: str
    delivery_id: str
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def read(cls, document: dict[str, Any]) -> TestDelivery:
        return cls(document["eventId"], document["deliveryId"], document)


@dataclass(frozen=True)
class Attempt:
    """One request of a delivery."""

    number: int
    started_at: datetime
    duration_ms: float
    status: Optional[int]
    """The HTTP status; None where there was no answer."""
    error_class: Optional[str]
    """As `Outcome.failure`; None for a success."""
    error: Optional[str]
    """What went wrong, in words."""
    response: Optional[str]
    """The beginning of what the receiver answered."""
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def read(cls, document: dict[str, Any]) -> Attempt:
        return cls(
            number=document["number"],
            started_at=_time(document["startedAt"]),
            duration_ms=document["durationMs"],
            status=document["status"],
            error_class=document["errorClass"],
            error=document["error"],
            response=document["response"],
            document=document,
        )


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one webhook, as the delivery log knows it."""

    id: str
    event_id: str
    event_type: str
    webhook_id: str
    tenant: str
    tag: int
    state: str
    """pending, inFlight, succeeded, failed, expired or canceled."""
    test: bool
    redelivery_of: Optional[str]
    created_at: datetime
    settled_at: Optional[datetime]
    next_attempt_at: Optional[datetime]
    attempt_count: int
    attempts: list[Attempt]
    payload: Optional[str] = field(repr=False)
    """The body of the request, from `Engine.delivery` alone and while it is kept."""
    event_headers: Optional[Mapping[str, str]] = field(repr=False, compare=False)
    """The headers that came with the event, from `Engine.delivery` alone and while the payload is kept."""
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def read(cls, document: dict[str, Any]) -> Delivery:
        return cls(
            id=document["id"],
            event_id=document["eventId"],
            event_type=document["eventType"],
            webhook_id=document["webhookId"],
            tenant=document["tenant"],
            tag=document["tag"],
            state=document["state"],
            test=document["test"],
            redelivery_of=document["redeliveryOf"],
            created_at=_time(document["createdAt"]),
            settled_at=time(document["settledAt"]),
            next_attempt_at=time(document["nextAttemptAt"]),
            attempt_count=document["attemptCount"],
            attempts=[Attempt.read(attempt) for attempt in document["attempts"]],
            payload=document.get("payload"),
            event_headers=document.get("eventHeaders"),
            document=document,
        )


@dataclass(frozen=True)
class Replay:
    """What a replay queued: `skipped` are those without a payload or webhook."""

    replayed: int
    skipped: int
    duration_seconds: float
    """Over what time they are spread."""
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def read(cls, document: dict[str, Any]) -> Replay:
        return cls(document["replayed"], document["skipped"], document["durationSeconds"], document)


@dataclass(frozen=True)
class EventType:
    """An event type of the engine's catalog."""

    name: str
    title: str
    category: str
    description: str
    sample: Any
    """An example of `data`, which a test delivery sends."""
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def read(cls, document: dict[str, Any]) -> EventType:
        return cls(
            name=document["eventType"],
            title=document["title"],
            category=document["category"],
            description=document["description"],
            sample=document["sample"],
            document=document,
        )


class Pushed(NamedTuple):
    """What became of a `push_many`."""

    accepted: int
    #: Events whose own id was accepted before; they deliver nothing again.
    duplicates: int
