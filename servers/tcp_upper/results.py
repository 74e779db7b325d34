"""What a run of the client found, as it is shown and stored, and the words for it. No socket, no clock."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from servers.kit.words import some

Kind = Literal["answered", "cut short", "no answer", "not connected", "refused", "failed", "open", "stopped"]

ROWS = 2000
"""Calls that are kept; all are counted."""
SHOWN = 80
"""Characters of a call's text that its row shows."""


class Call(msgspec.Struct, frozen=True):
    """One ``send()`` or ``recv()``: when it returned, and how many bytes it moved."""

    at_ms: Annotated[float, Meta(description="since the start")]
    call: Literal["send", "recv"]
    asked: Annotated[int, Meta(description="bytes that send() was given, or the size recv() was called with")]
    size: Annotated[int, Meta(description="bytes that it moved; 0: the other side has ended")]
    text: str


class Outcome(msgspec.Struct, frozen=True):
    """One connection of several: how far it came, and when. Times in ms since the start, null: never."""

    number: int
    outcome: Kind
    connected_ms: float | None
    answered_ms: Annotated[float | None, Meta(description="when the first byte came back")]
    ended: str
    received: int
    own: Annotated[str, Meta(description="its own address, as the server has it")]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, in how many calls, and how it ended.

    With several connections ``text`` and ``matches`` are of the first that was answered, ``calls`` is empty,
    and the numbers are of all together. ``error`` is empty if all that was expected came back.
    """

    summary: str
    text: Annotated[str, Meta(description="what came back")]
    matches: Annotated[bool, Meta(description="it is what was sent, in upper case, and all of it")]
    sent: Annotated[int, Meta(description="bytes")]
    received: Annotated[int, Meta(description="bytes")]
    send_calls: Annotated[int, Meta(description="how often send() took bytes")]
    recv_calls: Annotated[int, Meta(description="how often recv() gave bytes")]
    ended: Annotated[str, Meta(description="how the connection ended, in words")]
    error: Annotated[str, Meta(description="what went wrong, with the errno in words")] = ""
    total_ms: float = 0.0
    calls: list[Call]
    connections: list[Outcome]


def readable(data: bytes) -> str:
    """Bytes as text; what is no UTF-8, or not printable, is escaped."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def short(data: bytes) -> str:
    """The same for one row of a table."""
    text = readable(data[: 4 * SHOWN])
    return text if len(text) <= SHOWN and len(data) <= 4 * SHOWN else text[:SHOWN] + "…"


def one_in_words(sent: int, sends: int, received: int, recvs: int, ended: str, ms: float) -> str:
    """A run on one connection in one sentence."""
    said = f"Sent {some(sent, 'byte')} in {some(sends, 'send')}" if sends else "Sent nothing"
    heard = f"received {some(received, 'byte')} in {some(recvs, 'recv')}" if recvs else "received nothing"
    return f"{said}, {heard}; {ended}, after {ms:,.1f} ms."


def faults_of(answer: bytes, expected: bytes) -> str:
    """What is wrong with an answer that has all the bytes that were expected; "" if nothing is."""
    if not expected or len(answer) < len(expected) or answer == expected:
        return ""
    if answer.startswith(expected):
        return f" Behind the answer came {some(len(answer) - len(expected), 'byte')} more."
    return " It is not what was sent, in upper case."


def all_in_words(kinds: list[Kind], ms: float) -> str:
    """A run on several connections in one sentence: how many fared how."""
    words = {
        "answered": "{} answered",
        "cut short": "{} answered in part",
        "no answer": "{} connected, but not answered in time",
        "not connected": "{} not even connected in time: the backlog is full",
        "refused": "{} refused",
        "failed": "{} failed",
        "open": "{} connected, with nothing to say",
        "stopped": "{} stopped",
    }
    parts = [text.format(kinds.count(kind)) for kind, text in words.items() if kind in kinds]
    return f"{some(len(kinds), 'connection')}: {', '.join(parts)}; after {ms:,.1f} ms."
