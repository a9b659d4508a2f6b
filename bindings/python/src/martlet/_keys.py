"""The keys that can be given as keywords, for editors and type checkers alone: the library decides what is accepted.

They are the keys of the configuration reference in snake_case. Objects inside them are given as mappings with the keys
as the reference spells them: `retry={"delaysSeconds": [1, 5]}`. None is the default, and in an update puts it back.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Optional, TypedDict, Union

Ordering = Literal["none", "key", "strict"]
Path = Union[str, "os.PathLike[str]"]
PayloadFormat = Literal["subverse", "standard", "raw"]


class _DeliveryKeys(TypedDict, total=False):
    """What the engine and each webhook can set."""

    timeout_ms: Optional[int]
    connect_timeout_ms: Optional[int]
    expiry_seconds: Optional[float]
    adaptive_concurrency: Optional[bool]
    rate_limit: Optional[Mapping[str, Any]]
    retry: Optional[Mapping[str, Any]]
    ordering: Optional[Ordering]
    breaker: Optional[Mapping[str, Any]]
    disable_after_seconds: Optional[float]
    payload_format: Optional[PayloadFormat]


class EngineKeys(_DeliveryKeys, total=False):
    environment: Optional[Literal["production", "development"]]
    allowed_networks: Optional[Sequence[str]]
    ca_file: Optional[Path]
    data_directory: Optional[Path]
    sync: Optional[Literal["always", "interval", "os"]]
    sync_interval_ms: Optional[int]
    journal: Optional[Mapping[str, Any]]
    lanes: Optional[int]
    max_in_flight: Optional[int]
    queue: Optional[Mapping[str, Any]]
    max_event_bytes: Optional[int]
    json_depth: Optional[int]
    max_in_flight_per_webhook: Optional[int]
    max_pending_per_webhook: Optional[int]
    event_types: Optional[Sequence[Union[str, Mapping[str, Any]]]]
    user_agent: Optional[str]
    outcomes: Optional[Literal["off", "events", "deliveries", "all"]]
    response_body_bytes: Optional[int]
    log_retention: Optional[Mapping[str, Any]]
    deduplication: Optional[Mapping[str, Any]]


class WebhookKeys(_DeliveryKeys, total=False):
    url: Optional[str]
    events: Optional[Sequence[str]]
    tenant: Optional[str]
    agents: Optional[Sequence[str]]
    workflows: Optional[Sequence[str]]
    filter: Optional[Mapping[str, Any]]
    headers: Optional[Mapping[str, str]]
    client_certificate_file: Optional[Path]
    client_key_file: Optional[Path]
    enabled: Optional[bool]
    description: Optional[str]
    metadata: Optional[Mapping[str, str]]
    secret: Optional[str]
    max_in_flight: Optional[int]
    max_pending: Optional[int]


class ListKeys(TypedDict, total=False):
    limit: Optional[int]
    cursor: Optional[str]


class WebhookListKeys(ListKeys, total=False):
    id: Optional[str]
    tenant: Optional[str]
    health: Optional[bool]


class RotationKeys(TypedDict, total=False):
    secret: Optional[str]
    overlap_seconds: Optional[int]


class QueryKeys(TypedDict, total=False):
    state: Optional[str]
    webhook_id: Optional[str]
    event_id: Optional[str]
    event_type: Optional[str]
    created_after: Optional[Union[datetime, str]]
    created_before: Optional[Union[datetime, str]]


class PageKeys(QueryKeys, ListKeys, total=False):
    pass


class ReplayKeys(QueryKeys, total=False):
    per_second: Optional[float]
