"""Text in upper case, as the course sheets' servers answer: bytes in, bytes out."""

from __future__ import annotations

import msgspec


class NotText(msgspec.Struct, frozen=True):
    """Why some bytes are no UTF-8: the first byte that is wrong, from 0, and what is wrong with it."""

    at: int
    byte: int
    why: str
    cut: bool
    """A character is begun and not ended: it was cut in two, by a buffer or between two sends."""


def answer(data: bytes) -> tuple[bytes, NotText | None]:
    """What is sent back for ``data``, and what was wrong with its UTF-8, if it was.

    The sheets decode, raise, encode: «ß» becomes «SS». Bytes that are no UTF-8 (RFC 3629) end their servers
    with a UnicodeDecodeError; here the ASCII letters among them are raised.
    """
    try:
        return data.decode().upper().encode(), None
    except UnicodeDecodeError as error:
        cut = error.reason == "unexpected end of data"
        return data.upper(), NotText(error.start, data[error.start], error.reason, cut)
