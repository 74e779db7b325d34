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

from binascii import a2b_qp
from urllib.parse import quote_from_bytes

import msgspec

from servers.tcp_replay.exchange import Chunk, Exchange

ASKED, ANSWERED = b"Requested%20data", b"Responsed%20data"
LINES = 9
VISIBLE = bytes(range(0x21, 0x7F))
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


def decode(line: bytes) -> bytes:
    """The bytes of a line. ValueError if it is not percent-encoded.

    Quoted-printable is the same with ``=``, and read in C; it leaves alone what is no escape.
    """
    data = a2b_qp(line.replace(b"=", b"=3D").replace(b"%", b"="))
    if line.translate(None, VISIBLE) or len(data) != len(line) - 2 * line.count(b"%"):
        raise ValueError("it is not percent-encoded")
    return data


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
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    log = Log([], [], [], len(data))
    at = 0
    while at < len(lines):
        if lines[at] != ASKED:
            if lines[at].strip():
                _lose(log, at, lines[at : at + 1], "it belongs to no exchange")
            at += 1
        elif _is_whole(lines, at):
            _take(log, at, lines[at : at + 8])
            at += 8  # the empty line is skipped like any other
        else:
            following = next((place for place in range(at + 1, len(lines)) if lines[place] == ASKED), 0)
            if not following:
                _lose(log, at, lines[at:], "torn off: it was being written when the program ended")
                return msgspec.structs.replace(log, end=data.rfind(ASKED))
            _lose(log, at, lines[at:following], "an exchange that is cut short")
            at = following
    return log


def _is_whole(lines: list[bytes], at: int) -> bool:
    """Whether eight lines are an exchange: the last has its end, and no other one begins within."""
    if at + 8 >= len(lines):
        return False
    return lines[at + 4] == ANSWERED or ASKED not in lines[at + 1 : at + 8]


def _take(log: Log, at: int, lines: list[bytes]) -> None:
    place = 3
    try:
        request = decode(lines[place])
        place = 7
        response = decode(lines[place])
    except ValueError as error:
        _lose(log, at + place, lines, str(error))
        return
    log.exchanges.append(
        Exchange(
            at=0.0, peer=_joined(lines[1], lines[2]), target=_joined(lines[5], lines[6]), request=request,
            response=(Chunk(0.0, response),) if response else (), greeting=not request,
        )
    )  # fmt: skip


def _joined(host: bytes, port: bytes) -> str:
    name = host.replace(b"%3A", b":").decode("ascii", "replace")
    where = port.decode("ascii", "replace")
    return (f"[{name}]:{where}" if ":" in name else f"{name}:{where}") if name or where else ""


def _lose(log: Log, at: int, lines: list[bytes], why: str) -> None:
    log.faults.append((at + 1, why))
    log.lost.append(b"\n".join(lines))
