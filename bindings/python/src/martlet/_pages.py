"""Listings that come in pages."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from ._handle import Handle

Item = TypeVar("Item")


class Pages(Iterator[Item], Generic[Item]):
    """An iterator over all pages of a listing; each page is fetched when the one before it is used up.

    `next_page()` gives a page at a time instead, and `cursor` is where the next one begins: hand it to the same query
    later to go on there.
    """

    def __init__(
        self, handle: Handle, function: str, key: str, query: bytes, read: Callable[[dict[str, Any]], Item]
    ) -> None:
        self._handle, self._function, self._key, self._query, self._read = handle, function, key, query, read
        self._items: deque[Item] = deque()
        self._is_last = False
        #: Where the next page begins: None before the first page and behind the last.
        self.cursor: str | None = None

    def next_page(self) -> list[Item]:
        """The next page, or what iteration has left of the current one; empty behind the last."""
        if not self._items:
            self._fetch()
        page = list(self._items)
        self._items.clear()
        return page

    def __next__(self) -> Item:
        if not self._items:
            self._fetch()
        if not self._items:
            raise StopIteration
        return self._items.popleft()

    def _fetch(self) -> None:
        if self._is_last:
            return
        query = self._query
        if self.cursor is not None:
            query = json.dumps({**json.loads(query or "{}"), "cursor": self.cursor}).encode()
        answer = self._handle.read(self._function, query)
        self._items.extend(self._read(item) for item in answer[self._key])
        self.cursor = answer["cursor"]
        self._is_last = self.cursor is None
