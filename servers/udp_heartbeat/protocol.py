"""A heartbeat on the wire: bytes in, values out. No socket, no clock, no chance.

A heartbeat is one datagram with one ASCII line, and it is never answered::

    Heartbeat SEQ TIME

SEQ counts up. TIME is when the client sent it: seconds since 1970 by the client's clock,
with or without a fraction. The word is the client's choice, and may be left out.
"""

from __future__ import annotations

import math
import re

import msgspec

from servers.kit.errors import ProtocolError

PORT = 12003
BUFFER = 1024
"""Bytes of a datagram that the server looks at."""
WORD = "Heartbeat"
LONGEST_WORD = 40
"""Characters of the word, and of a TIME that is no number, that are kept."""
DIGITS = 15
"""Digits of SEQ at the most: a browser counts exactly to 2 ** 53."""

_SEQ = re.compile(rb"\d+\Z")
_SIGNED = re.compile(rb"[+-]\d+\Z|[+-]?\d+\.\d*\Z")
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\Z")


class Line(msgspec.Struct, frozen=True):
    """What a heartbeat says. ``sent`` is TIME in seconds, None where TIME is no number.

    ``time`` is TIME as it came: two copies of one heartbeat have the same.
    """

    word: str
    seq: int
    sent: float | None
    time: bytes


def write_line(seq: int, time: float, word: str = WORD) -> bytes:
    """Heartbeat number ``seq``, sent at ``time`` (seconds since 1970)."""
    return f"{word} {seq} {time:.6f}".encode()


def read_line(datagram: bytes) -> Line:
    """The heartbeat in a datagram: ``WORD SEQ TIME`` or ``SEQ TIME``. Raises ProtocolError: what is wrong."""
    first, rest = _split(datagram[:BUFFER])
    if _SEQ.match(first):
        return _line("", first, rest)
    if not first:
        raise ProtocolError("not a heartbeat: the datagram is empty")
    if _SIGNED.match(first):
        raise ProtocolError(f"not a heartbeat: SEQ is {_shown(first)}, not a whole number from 0 up")
    digits, rest = _split(rest)
    word = first.decode("utf-8", "backslashreplace")[:LONGEST_WORD]
    if not digits:
        raise ProtocolError(f"not a heartbeat: there is no SEQ after {_shown(first)}{_commas(first)}")
    if not _SEQ.match(digits):
        what = f"SEQ is {_shown(digits)}, not a whole number from 0 up"
        raise ProtocolError(f"not a heartbeat: {what}{_commas(first + digits)}")
    return _line(word, digits, rest)


def _line(word: str, digits: bytes, rest: bytes) -> Line:
    if len(digits) > DIGITS:
        raise ProtocolError(f"not a heartbeat: SEQ has {len(digits)} digits; {DIGITS} are the most")
    time = rest.strip()
    if not time:
        raise ProtocolError(f"not a heartbeat: there is no TIME after SEQ {int(digits)}")
    number = time.split(None, 1)[0]
    sent = float(number) if len(number) <= LONGEST_WORD and _NUMBER.match(number) else math.nan
    return Line(word, int(digits), sent if math.isfinite(sent) else None, time[:LONGEST_WORD])


def _split(data: bytes) -> tuple[bytes, bytes]:
    """The first word, and the rest."""
    words = data.split(None, 1)
    return (words[0] if words else b""), (words[1] if len(words) > 1 else b"")


def _commas(data: bytes) -> str:
    """What is often the matter: values that a program wrote as a list or a tuple."""
    return "; between WORD, SEQ and TIME are spaces, no commas" if b"," in data else ""


def _shown(data: bytes) -> str:
    return "«" + data[:20].decode("ascii", "backslashreplace") + ("…»" if len(data) > 20 else "»")
