"""The byte stream beneath a protocol: its calls are told aside, and without secrets.

A lab of HTTP or SMTP tells requests, replies and messages. Its ``send()`` and ``recv()`` calls are told
beside them, for those who ask: never in place of the lab's own events, and what those mask is masked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from servers.kit.events import PREVIEW, Bytes, ConnectionClosed, ConnectionOpened, Data
from servers.kit.report import WAITING, Report, now
from servers.kit.stream import Stream

SHARE = 4
"""One in so many places where events wait may be a call's; so what comes behind waits 250 ms at the most."""

AT_ONCE, A_SECOND = 1000, 200
"""Calls that one program tells at once, and in the long run each second: a download of 1 GB is 16,000."""


class Spare:
    """What may be told beside a lab's own events: in a quarter of the report's room, within the limits above.

    What is left out is counted by ``miss(count)``. Nothing is told where text is printed for a person: a
    terminal has no box to tick for more. All streams of a program share one.
    """

    __slots__ = ("_left", "_miss", "_most", "_queue", "_then", "report", "tells")

    def __init__(self, report: Report, miss: Callable[[int], None] | None = None) -> None:
        self.report, self._queue = report, report.queue
        self.tells = report.audience != "text"
        self._miss = miss or self._count
        self._most = min(report.waiting, WAITING) // SHARE if self.tells else 0
        self._left, self._then = float(AT_ONCE), time.monotonic()

    def take(self) -> bool:
        """Whether one call may be told now; if not, it is counted as left out."""
        if len(self._queue) < self._most:
            clock = time.monotonic()
            left = min(AT_ONCE, self._left + A_SECOND * (clock - self._then))
            self._then, self._left = clock, max(0.0, left - 1)
            if left >= 1:
                return True
        self.miss(1)
        return False

    def miss(self, count: int) -> None:
        """So many calls are not told."""
        if self.tells:
            self._miss(count)

    def _count(self, count: int) -> None:
        self.report.missed += count


class Mask(Protocol):
    """Stars in place of secrets, for one direction of a connection."""

    def head(self, data: Data) -> bytes:
        """The first PREVIEW bytes of the next call's ``data``, stars in them; b"": they may be secret."""

    def lost(self) -> None:
        """The next call is not told."""


class Plain:
    """A direction without secrets."""

    def head(self, data: Data) -> bytes:
        """The first bytes as they are."""
        return bytes(data[:PREVIEW])

    def lost(self) -> None:
        """Nothing to remember."""


class MaskedStream(Stream):
    """A Stream whose calls are told aside. ``heard`` masks what comes, ``said`` what is sent."""

    __slots__ = ("_open", "began", "heard", "said", "spare")

    def __init__(
        self, spare: Spare, conn: str, peer: str, heard: Mask, said: Mask, *, client: bool = False
    ) -> None:
        super().__init__(spare.report, conn, peer, client=client)
        self.spare, self.heard, self.said = spare, heard, said
        self.began, self._open = time.monotonic(), False

    def sent(self, data: Data, asked: int = 0) -> None:
        """A ``send()`` took ``data``; it was given ``asked`` bytes. A ``sendall()`` counts as one."""
        size, offset = len(data), self.bytes_out
        self.bytes_out = offset + size
        if size and self.spare.take():
            self._tell_sent(Bytes(self.said.head(data), size), asked, offset)
        elif size:
            self.said.lost()

    def sent_by_kernel(self, size: int, asked: int, start: Callable[[], bytes]) -> None:
        """A ``sendfile()`` took ``size`` bytes that nobody here has seen; ``start()`` reads the first."""
        offset = self.bytes_out
        self.bytes_out = offset + size
        if size and self.spare.take():
            self._tell_sent(Bytes(self.said.head(start()[:size]), size), asked, offset)
        if size:
            self.said.lost()  # what followed the first bytes was not seen

    def received(self, data: Data, asked: int = 0) -> None:
        """A ``recv(asked)`` returned ``data``."""
        size, offset = len(data), self.bytes_in
        self.bytes_in = offset + size
        if size and self.spare.take():
            self._tell_received(Bytes(self.heard.head(data), size), asked, offset)
        elif size:
            self.heard.lost()

    def opened(self, own: str) -> None:
        """A client's connection was made, from the address ``own``."""
        self.began, self._open = time.monotonic(), True
        self.report.emit(ConnectionOpened(t=now(), conn=self.conn, peer=self.peer, own=own))

    def closed(self, reason: str) -> None:
        """A client's connection ended; told once."""
        if self._open:
            self._open = False
            self.report.emit(
                ConnectionClosed(
                    t=now(), conn=self.conn, peer=self.peer, bytes_in=self.bytes_in,
                    bytes_out=self.bytes_out, seconds=round(time.monotonic() - self.began, 6), reason=reason,
                )
            )  # fmt: skip
