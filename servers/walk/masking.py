"""Stars in place of secrets, in payloads as they pass: for messages, bytes in hex, and the stream.

HTTP's Authorization fields and the dashboard's cookie, as the labs mask them (kit/http_mask.py); SMTP's
AUTH and what follows it until the server has judged it. A secret may be cut by the end of a segment, sent
again, or have begun where nothing was captured: rather too much is masked than too little. As many stars
as bytes.
"""

from __future__ import annotations

import re

from servers.kit.events import PREVIEW
from servers.kit.http_mask import HttpMask
from servers.kit.stars import hidden
from servers.walk.rows import Way
from servers.walk.smtp_mask import SmtpMask

MOST = 1000
"""Secrets and holes of a direction that are remembered; with more, all that comes again is starred."""

WORD = 64
"""Bytes in which a request or a status line shows what it is."""

Span = tuple[int, int]

_LINE_END = re.compile(rb"\n(?=[^ \t])")
"""Where a line ends for good: one that begins with a blank goes on with the one before (RFC 9112, 5.2)."""
_HTTP = re.compile(rb"(?:\r?\n)*(?:[A-Z]{3,24} [^\r\n]*|HTTP/[0-9.]+ [^\r\n]*)")
"""How a stream begins that speaks HTTP, or some protocol with verbs such as SMTP."""
_BEGINS = re.compile(rb"(?:[A-Z]{3,24} [^ \r\n]{1,8000} HTTP/[0-9.]+|HTTP/[0-9.]+ [0-9]{3}[^\r\n]*)\r?\n")
"""A request or response begins here, whatever was lost before."""


class Masking:
    """One connection, fed with its payloads in the order in which they were captured."""

    def __init__(self) -> None:
        smtp = SmtpMask()
        self._ways = {"to_server": _Direction(smtp, client=True), "to_client": _Direction(smtp, client=False)}

    def begins_later(self, way: Way) -> None:
        """What this direction said first was not captured: a secret may go on."""
        self._ways[way].begins_later()

    def feed(self, way: Way, offset: int, payload: bytes, length: int | None = None) -> bytes:
        """The payload with stars. ``offset`` counts its direction's bytes, ``length`` is its true one."""
        return self._ways[way].feed(offset, payload, max(length or 0, len(payload)))


class _Direction:
    def __init__(self, smtp: SmtpMask, *, client: bool) -> None:
        self._smtp, self._client = smtp, client
        self._http = HttpMask()
        self._known = True  # what the next byte belongs to
        self._other = False  # its first line was no HTTP's
        self._next = 0
        self._secrets: list[Span] = []
        self._holes: list[Span] = []
        self._flood = False

    def begins_later(self) -> None:
        """Nobody knows what the first byte belongs to."""
        if not self._next:
            self._known = False
            self._smtp.lost(client=self._client)

    def feed(self, offset: int, payload: bytes, length: int) -> bytes:
        old = payload[: max(0, min(len(payload), self._next - offset))]
        found = self._old(offset, old) if old else b""
        end = offset + length
        if end > self._next:
            begin = offset + len(old)
            if begin > self._next:
                self._lose(self._next, begin)
            found += self._new(payload[len(old) :])
            if offset + len(payload) < end:
                self._lose(offset + len(payload), end)
            self._next = end
        if found != payload:
            self._hide(offset, payload, found)
        return found

    def _new(self, payload: bytes) -> bytes:
        if self._next == 0 and self._known and (b"\n" in payload or len(payload) > WORD):
            self._other = not _HTTP.match(payload)
        found = self._by_http(payload)
        if not self._client:
            self._smtp.hears(payload)
            return found
        return _both(payload, found, self._smtp.says(payload))

    def _plain(self) -> bool:
        """Whether nobody speaks a protocol here that has secrets."""
        return self._other and not (self._client and self._smtp.possible)

    def _by_http(self, payload: bytes) -> bytes:
        """The payload masked as HTTP is; stars up to where a line begins, if it is not known what goes on."""
        found = b""
        if not self._known:
            line = _LINE_END.search(payload)
            if self._plain() or _BEGINS.match(payload):
                begin = 0
            elif line:
                begin = line.end()
            else:
                return hidden(payload)
            found, payload, self._known = hidden(payload[:begin]), payload[begin:], True
            self._http.begin()
        while payload and not self._http.known:
            part, payload = payload[:PREVIEW], payload[PREVIEW:]
            found += self._http.head(part) or hidden(part)
        return found + self._http.head(payload, len(payload)) if payload else found

    def _lose(self, start: int, end: int) -> None:
        """Bytes that were not captured, or come late: a secret may have begun there."""
        self._add(self._holes, (start, end))
        self._known = False
        self._smtp.lost(client=self._client)

    def _old(self, offset: int, payload: bytes) -> bytes:
        """Bytes that come again, or late: of those in a hole nobody knows what they belong to."""
        end = offset + len(payload)
        unseen = offset < 0 or any(start < end and offset < stop for start, stop in self._holes)
        if self._flood or (unseen and not self._plain()):
            return hidden(payload)
        found = bytearray(payload)
        for start, stop in self._secrets:
            if start < end and offset < stop:
                first, last = max(0, start - offset), min(len(payload), stop - offset)
                found[first:last] = b"*" * (last - first)
        return bytes(found)

    def _hide(self, offset: int, payload: bytes, found: bytes) -> None:
        """Remember where the stars are, from the first to the last."""
        first, last = _differ(payload, found), len(payload) - _differ(payload[::-1], found[::-1])
        self._add(self._secrets, (offset + first, offset + last))

    def _add(self, spans: list[Span], span: Span) -> None:
        if len(spans) < MOST:
            spans.append(span)
        else:
            self._flood = True


def _both(payload: bytes, one: bytes, other: bytes) -> bytes:
    """The payload with the stars of both."""
    if one in (payload, other):
        return other
    if other == payload:
        return one
    return bytes(b if a == c else a for a, b, c in zip(one, other, payload, strict=True))


def _differ(one: bytes, other: bytes) -> int:
    """Where two of the same length differ first; whole blocks that are alike cost next to nothing."""
    at = 0
    while one[at : at + WORD] == other[at : at + WORD]:
        at += WORD
    return next(n for n in range(at, len(one)) if one[n] != other[n])
