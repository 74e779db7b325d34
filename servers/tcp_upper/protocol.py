"""What the upper-case server answers: bytes in, bytes out. No socket in it.

There is no message here, and no end of a message: what one ``recv()`` brings is answered with one
``send()``. That is what the course's first TCP program does, and what its lesson is about.
"""

from __future__ import annotations

import msgspec

PORT = 12000
"""The course's first UDP server and its ping server have this number too, but over UDP: another port."""
BUFFER = 1024
"""Bytes that the sheet's ``recv(1024)`` asks for."""
SENTENCE = "the quick brown fox jumps over the lazy dog"
"""What our client sends when nothing else is given."""


class NotText(msgspec.Struct, frozen=True):
    """Why some bytes are no UTF-8: the first byte that is wrong, from 0, and what is wrong with it."""

    at: int
    byte: int
    why: str
    cut: bool
    """A character is begun and not ended: it was cut in two, by a buffer or between two sends."""


def upper(text: str) -> bytes:
    """The text in upper case, in UTF-8. It may be longer than before: «ß» becomes «SS»."""
    return text.upper().encode("utf-8", "surrogateescape")


def answer(data: bytes) -> tuple[bytes, NotText | None]:
    """What is sent back for what one ``recv()`` brought.

    The sheet decodes, raises, encodes. Bytes that are no UTF-8 (RFC 3629) end the sheet's server with a
    UnicodeDecodeError; here the ASCII letters among them are raised, and what was wrong is said.
    """
    try:
        return data.decode().upper().encode(), None
    except UnicodeDecodeError as error:
        cut = error.reason == "unexpected end of data"
        return data.upper(), NotText(error.start, data[error.start], error.reason, cut)
