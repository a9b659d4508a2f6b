"""Native values to JSON for the library. What is text or bytes already goes in as it is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Union
from uuid import UUID

#: A document: a mapping with the keys of the configuration reference, or ready JSON.
Document = Union[Mapping[str, Any], str, bytes]


def _other(value: Any) -> Any:
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        # Their own fields come back here where they are no JSON values.
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


# Receivers get what stands here, so it is compact and in UTF-8. One encoder for all: making one costs more than its
# work.
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_other).encode


def time_text(time: datetime) -> str:
    """RFC 3339, which wants a time zone."""
    if time.tzinfo is None:
        raise ValueError(f"{time!r} has no time zone; give one, such as datetime.now(timezone.utc)")
    return time.isoformat()


def to_bytes(value: Any) -> bytes:
    """JSON of a native value; `str` and bytes are ready JSON."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    return encode(value).encode()


def text_bytes(value: str, what: str) -> bytes:
    """An id or a type; anything but a string is the program's mistake, which should not read as one in this package."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}")
    return value.encode()


@lru_cache(maxsize=1024)
def camel(name: str) -> str:
    """`max_in_flight` to `maxInFlight`, as the documents spell their keys."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def document(given: Document | None, keys: Mapping[str, Any]) -> bytes:
    """A whole document as it is, keywords, or a mapping with keywords on top; nothing at all is empty."""
    if not keys:
        return b"" if given is None else to_bytes(given)
    if isinstance(given, (str, bytes)):
        raise TypeError("give either ready JSON or keywords, not both")
    merged = dict(given or {})
    for name, value in keys.items():
        merged[camel(name)] = value
    return to_bytes(merged)


def time(text: Any) -> datetime | None:
    """A time as the library writes it, or None."""
    # fromisoformat knows the letter Z since Python 3.11.
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))
