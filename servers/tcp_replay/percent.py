"""The article's log: eight lines an exchange and an empty one, percent-encoded. No file is opened here.

    Requested%20data        what follows is a request
    127.0.0.1               the client's address
    50312                   and port
    GET%20/%0D%0A%0D%0A     the request
    Responsed%20data        what follows is its response
    127.0.0.1               the server, as it was configured
    60000                   and port
    HTTP/1.1%20200%20OK%0D%0A%0D%0A

LF ends lines. A-Z a-z 0-9 and ``_ . - /`` stand for themselves, all other bytes are %XX in upper
case. The stub reads it by position: the third line after the marker is the request, the fourth
after that one the response; of equal requests the last one answers.
"""

from __future__ import annotations

import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec

from servers.tcp_replay.exchange import Chunk, Exchange

ASKED, ANSWERED = b"Requested%20data", b"Responsed%20data"
LINES = 9
ENCODED = re.compile(rb"(?:[\x21-\x24\x26-\x7e]|%[0-9A-Fa-f]{2})*\Z")
"""What may stand in a line: more than is written, for other hands may have written it."""


class Log(msgspec.Struct, frozen=True):
    """What a log says: see ``tape.Tape``."""

    exchanges: list[Exchange]
    faults: list[tuple[int, str]]
    lost: list[bytes]
    end: int


def encode(data: bytes) -> bytes:
    """Percent-encoded; ``~``, which later libraries leave as it is, too."""
    return quote_from_bytes(data, safe="/").replace("~", "%7E").encode()


def write(exchange: Exchange) -> bytes:
    """An exchange as the log has it. Times and chunks are lost."""
    peer, port = _address(exchange.peer)
    target, at = _address(exchange.target)
    lines = (ASKED, peer, port, encode(exchange.request), ANSWERED, target, at, encode(exchange.answer), b"")
    return b"\n".join(lines) + b"\n"


def _address(text: str) -> tuple[bytes, bytes]:
    host, _, port = text.rpartition(":")
    return encode(host.strip("[]").encode()), encode(port.encode())


def found_in(data: bytes) -> bool:
    """Whether these bytes are such a log."""
    return data.startswith(ASKED) or b"\n" + ASKED in data


def read(data: bytes) -> Log:
    """All exchanges of a log, by position. What does not fit is named, and left out."""
    lines = data.split(b"\n")
    whole = len(lines) - 1  # what follows the last LF is torn off, or nothing
    log = Log([], [], [], len(data))
    at = ends = 0
    while at < len(lines):
        if lines[at].rstrip(b"\r") != ASKED:
            if lines[at].strip():
                _lose(log, at, lines[at : at + 1], "it belongs to no exchange")
            at += 1
            continue
        size = _size(lines, at, whole)
        if size:
            _take(log, at, lines[at : at + size])
            at = ends = at + size
            continue
        following = _next(lines, at + 1)
        torn = following == len(lines)
        why = (
            "torn off: it was being written when the program ended"
            if torn
            else "an exchange that is cut short"
        )
        _lose(log, at, lines[at:following], why)
        if torn:
            end = sum(len(line) + 1 for line in lines[:at])
            return msgspec.structs.replace(log, end=end)
        at = following
    del ends
    return log


def _size(lines: list[bytes], at: int, whole: int) -> int:
    """How many lines the exchange has that begins here; 0 if it is not whole."""
    if at + 8 > whole:
        return 0
    inner = [line.rstrip(b"\r") for line in lines[at + 1 : at + 8]]
    if inner[3] != ANSWERED and ASKED in inner:
        return 0  # another one begins within
    return LINES if at + 8 < len(lines) and not lines[at + 8].strip() else LINES - 1


def _next(lines: list[bytes], at: int) -> int:
    while at < len(lines) and lines[at].rstrip(b"\r") != ASKED:
        at += 1
    return at


def _take(log: Log, at: int, lines: list[bytes]) -> None:
    words = [line.strip() for line in lines]
    for place in (3, 7):
        if not ENCODED.match(words[place]):
            _lose(log, at + place, lines, "it is not percent-encoded")
            return
    peer, port, request, target, target_port, response = (
        unquote_to_bytes(words[place]) for place in (1, 2, 3, 5, 6, 7)
    )
    log.exchanges.append(
        Exchange(
            at=0.0, peer=_joined(peer, port), target=_joined(target, target_port), request=request,
            response=(Chunk(0.0, response),) if response else (), greeting=not request,
        )
    )  # fmt: skip


def _joined(host: bytes, port: bytes) -> str:
    name = host.decode("ascii", "replace")
    return (
        f"[{name}]:{port.decode('ascii', 'replace')}"
        if ":" in name
        else f"{name}:{port.decode('ascii', 'replace')}"
    )


def _lose(log: Log, at: int, lines: list[bytes], why: str) -> None:
    log.faults.append((at + 1, why))
    log.lost.append(b"\n".join(lines))
