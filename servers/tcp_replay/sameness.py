"""When two requests are the same: what of their bytes counts. No socket, no clock.

A request is seen as pieces that count, each with the offset where it came from; its key is the
pieces put together. So a difference between two keys can be shown where it is in the request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from servers.kit.http import CHUNKED, HttpError, find_head
from servers.kit.http_stream import BodyReader, End
from servers.tcp_replay.settings import names_of

Piece = tuple[int, bytes]
LINE = re.compile(rb"([^ \r\n]+) +([^ \r\n]+)[^\n]*\n")
AUTHORITY = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://[^/?#]*")


class MatchSettings(msgspec.Struct, frozen=True):
    """What decides whether a request is on the tape. Names are in lower case.

    how      exact: all bytes; numbers: runs of digits are equal; http: method, target, fields, body
    fields   with http: the header fields that must be the same
    ignore   lines that begin with such a name and a colon do not count
    repeat   what follows when all recorded answers were given: the last one again, or a miss
    newest   of equal requests only the last one answers, as the article's stub has it
    """

    how: Literal["exact", "numbers", "http"] = "exact"
    fields: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    repeat: Literal["last", "miss"] = "last"
    newest: bool = False


def match_settings(settings: Any, newest: bool = False) -> MatchSettings:
    """From the lab's settings."""
    fields = names_of(settings.match_headers, "match_headers")
    ignored = names_of(settings.ignore, "ignore")
    return MatchSettings(settings.match, fields, ignored, settings.repeat, newest)


class Sameness:
    """Makes keys of requests: two requests are the same if their keys are equal."""

    def __init__(self, how: MatchSettings) -> None:
        self._http = how.how == "http"
        self._fields = frozenset(name.encode() for name in how.fields)
        names = b"|".join(re.escape(name.encode()) for name in how.ignore)
        lines = rb"^(?:" + names + rb")[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?" if names else rb""
        digits = rb"[0-9]+" if how.how == "numbers" else rb""
        self._lines = re.compile(lines, re.I | re.M) if names else None
        both = rb"|".join(filter(None, (lines, digits)))
        self._dull = re.compile(both, re.I | re.M) if both else None

    def key(self, request: bytes) -> bytes:
        """What counts of a request."""
        if not self._http and (self._dull is None or not self._dull.search(request)):
            return request
        return b"".join(piece for _, piece in self.pieces(request))

    def pieces(self, request: bytes) -> list[Piece]:
        """What counts of a request, each piece with the offset of its first byte."""
        found = list(self._of_http(request)) if self._http else []
        return found or list(self._of_bytes(request, 0))

    def place(self, request: bytes, at: int) -> int:
        """The offset in the request of the byte that is at ``at`` in its key."""
        begins = 0
        for offset, piece in self.pieces(request):
            if at < begins + len(piece):
                return min(offset + at - begins, len(request))
            begins += len(piece)
        return len(request)

    def _of_bytes(self, request: bytes, start: int) -> Iterator[Piece]:
        at, some = start, False
        for found in self._dull.finditer(request, start) if self._dull else ():
            if found.start() > at:
                yield at, request[at : found.start()]
                some = True
            if 48 <= request[found.start()] <= 57:
                yield found.start(), b"0"
                some = True
            at = found.end()
        if at < len(request):
            yield at, request[at:]
        elif not some and len(request) > start:  # all of it is such a line: which one does count
            yield start, request[start : request.index(b":", start) + 1].lower()

    def _of_http(self, request: bytes) -> Iterator[Piece]:
        """Method, target, fields that count, body. Nothing if it is no HTTP."""
        line = LINE.match(request)
        if not line:
            return
        end = find_head(request, strict=False) or len(request)
        yield 0, line[1]
        yield line.end(1), b" "
        host = AUTHORITY.match(line[2])
        target = line.start(2) + (host.end() if host else 0)
        yield target, request[target : line.end(2)] or b"/"
        head = request[:end].split(b"\n")
        offset, chunked, kept = len(head[0]) + 1, False, []
        for field in head[1:]:
            name, _, value = field.partition(b":")
            name, value = name.strip().lower(), value.strip()
            chunked |= name == b"transfer-encoding" and value.lower() == b"chunked"
            if name in self._fields:
                kept.append((name, offset, b"\n" + name + b":" + value))
            offset += len(field) + 1
        yield from ((offset, piece) for _, offset, piece in sorted(kept))
        yield max(0, end - 1), b"\n\n"
        if chunked:
            yield end, dechunked(request[end:])
        else:
            yield from self._body(request, end)

    def _body(self, request: bytes, end: int) -> Iterator[Piece]:
        at = end
        for found in self._lines.finditer(request, end) if self._lines else ():
            yield at, request[at : found.start()]
            at = found.end()
        yield at, request[at:]


def dechunked(body: bytes) -> bytes:
    """A chunked body without its chunks' sizes; as it is, if it is none."""
    reader, buffer = BodyReader(CHUNKED), bytearray(body)
    found: list[bytes] = []
    try:
        while (piece := reader.take(buffer)) is not None:
            if isinstance(piece, End):
                return b"".join(found)
            found.append(piece.data)
    except HttpError:
        pass
    return body


def first_difference(one: bytes, other: bytes) -> int | None:
    """The first place where two texts differ, or where the shorter one ends; None if they are equal."""
    if one == other:
        return None
    low, high = 0, min(len(one), len(other))  # they are equal up to low
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low
