"""HTTP call by call: its bytes without the secrets that ``http_events`` masks in whole messages.

A call's bytes begin and end anywhere, so a secret may be cut: ``Authorization: Bas`` in one call, the rest in
the next. Remembered is the line that a call ended in.
"""

from __future__ import annotations

import re

from servers.kit.events import PREVIEW, Data
from servers.kit.http_events import masked

KEPT = 2048
"""Bytes of an unfinished line that are remembered at the most."""
SEARCHED = 256 * 1024
"""Bytes of one call in which a secret's beginning is searched at the most."""
_LINE = re.compile(rb"(?s).*\n(?=[^ \t])")
"""All up to the last line that has begun; one that begins with a blank goes on with the one before."""
_WORDS = (b"authorization", b"socket-lab-")
_LONGEST = 64
"""More bytes than the beginning of a secret has: its name, and what follows it."""


class HttpMask:
    """One direction. Where a call was not told, the next has no text until a line begins that is known."""

    __slots__ = ("_begun", "_known")

    def __init__(self) -> None:
        self._begun = b""  # of the line that the last call ended in
        self._known = True

    def begin(self) -> None:
        """The next call's first byte begins a message."""
        self._begun, self._known = b"", True

    def lost(self) -> None:
        """A call was not told: nobody knows in what it ended."""
        self._begun, self._known = b"", False

    @property
    def known(self) -> bool:
        """Whether it is known what the next call's first byte belongs to."""
        return self._known

    def head(self, data: Data, most: int = PREVIEW) -> bytes:
        """The first bytes of the next call, masked; b"" where a secret that began before may go on."""
        begun, known = self._begun, self._known
        self._remember(data)
        return masked(begun + bytes(data[:most]))[len(begun) :] if known else b""

    def _remember(self, data: Data) -> None:
        tail = bytes(data[-KEPT:])
        if self._known and len(data) <= KEPT:
            tail = self._begun + tail
        line = _LINE.match(tail)
        if line:
            self._begun, self._known = tail[line.end() :], True
        elif self._known and len(data) <= KEPT and len(tail) <= KEPT:
            self._begun = tail
        elif self._known and self._harmless(data):
            self._begun = tail[-_LONGEST:]
        else:
            self.lost()

    def _harmless(self, data: Data) -> bool:
        """Whether nothing in a long line begins a secret."""
        if len(data) > SEARCHED:
            return False
        text = (self._begun + bytes(data)).lower()
        return not any(word in text for word in _WORDS)
