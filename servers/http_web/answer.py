"""An answer before it is bytes: a status, header fields, and a body in pieces."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

Fields = list[tuple[str, str]]


class Pause(msgspec.Struct, frozen=True):
    """Nothing is sent for so long."""

    seconds: float


class FilePart(msgspec.Struct, frozen=True):
    """Bytes of an open file: ``size`` of them from ``start`` on."""

    file: int
    start: int
    size: int


Piece = bytes | Pause | FilePart


class Answer(msgspec.Struct):
    """What is answered. ``fields`` lack those that every answer has (Date, Server, framing).

    ``size`` is the body's length in bytes; None: not known before it is sent, so that it
    goes out in chunks. ``close``: the connection ends after it. ``file`` is open, and closed when
    all is sent.
    """

    status: int
    fields: Fields = []
    body: Iterable[Piece] = ()
    size: int | None = 0
    close: bool = False
    file: int | None = None


def text(status: int, words: str, *fields: tuple[str, str], kind: str = "text/plain") -> Answer:
    """An answer with a short text."""
    body = words.encode()
    return Answer(status, [("Content-Type", f"{kind}; charset=utf-8"), *fields], (body,), len(body))
