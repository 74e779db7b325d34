"""Answers that are ready: to the very bytes that were asked a moment ago, from the cache.

A request that comes again byte for byte gets the same answer, until the second is over in
which its Age holds. The loop looks here before it reads a request at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from servers.caching_proxy.book import Outcome
from servers.kit.http import Request, Response

MOST = 1000
"""Answers kept at once."""


class Prepared(msgspec.Struct):
    """An answer to send as it is. ``until`` is when its Age is over, in seconds since 1970."""

    id: int
    answer: bytes
    until: float
    request: Request
    response: Response
    outcome: Outcome
    hits: int = 0


class Ready:
    """The answers, by the request's bytes. Threads may call ``forget`` and ``clear`` at any time."""

    def __init__(self) -> None:
        self.answers: dict[bytes, Prepared] = {}
        self.changes = 0
        self._of_url: dict[str, list[bytes]] = {}
        self._lock = threading.Lock()
        self._used: list[Prepared] = []

    def put(self, data: bytes, prepared: Prepared, changes: int) -> None:
        """Have it ready, if nothing changed since ``changes`` was read."""
        with self._lock:
            if changes == self.changes:
                if len(self.answers) >= MOST:
                    self._drop()
                self.answers[data] = prepared
                self._of_url.setdefault(prepared.outcome.url, []).append(data)

    def forget(self, url: str) -> None:
        """What is stored for this URL changed; ``*``: for all."""
        with self._lock:
            self.changes += 1
            if url == "*":
                self._drop()
            for data in self._of_url.pop(url, ()):
                if found := self.answers.pop(data, None):
                    self._used.append(found)

    def clear(self) -> None:
        """Forget all."""
        self.forget("*")

    def settle(self, touch: Callable[[int, int], None]) -> None:
        """Tell how often each was used, and begin anew."""
        with self._lock:
            self._drop()
            used, self._used = self._used, []
        for prepared in used:
            if prepared.hits:
                touch(prepared.id, prepared.hits)

    def _drop(self) -> None:
        self._used += self.answers.values()
        self.answers.clear()
        self._of_url.clear()
