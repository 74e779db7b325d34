"""Long answers on their way: how much of them may wait in memory for those who read slowly."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

from flask import Response

from webui.door import network

LONG = 256 * 1024
"""Bytes of an answer that is counted."""
PER_ADDRESS, TOTAL = 64 * 1024 * 1024, 256 * 1024 * 1024
"""Bytes that wait for one address, and for all. One answer goes out whatever its length."""
PIECE = 64 * 1024


class Outgoing:
    """What waits. A machine that asks for much and reads nothing must not have all the memory."""

    def __init__(self, per_address: int = PER_ADDRESS, total: int = TOTAL) -> None:
        self._per_address, self._total = per_address, total
        self._waiting: Counter[str] = Counter()
        self._lock = threading.Lock()

    def bound(self, response: Response, address: str) -> bool:
        """Count a response until it is sent or given up; False: there is no room for it now."""
        size = 0 if response.is_streamed else response.calculate_content_length() or 0
        if size < LONG:
            return True
        name = network(address)
        if not self._enter(name, size):
            return False
        response.content_length = size
        response.response = Pieces(response.get_data())
        response.call_on_close(lambda: self._leave(name, size))
        return True

    def _enter(self, name: str, size: int) -> bool:
        """Of this machine's own address, "", only the sum counts: a proxy has all others behind it."""
        with self._lock:
            mine, every = self._waiting[name] if name else 0, self._waiting.total()
            if (mine and mine + size > self._per_address) or (every and every + size > self._total):
                return False
            self._waiting[name] += size
            return True

    def _leave(self, name: str, size: int) -> None:
        with self._lock:
            self._waiting[name] -= size
            if self._waiting[name] <= 0:
                del self._waiting[name]


class Pieces:
    """An answer's bytes piece by piece. Closed, it has none: the frames of a connection that was given up
    may stay in memory for long."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        at = 0
        while at < len(self._data):
            yield self._data[at : at + PIECE]
            at += PIECE

    def close(self) -> None:
        """Let go of it."""
        self._data = b""
