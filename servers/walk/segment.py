"""TCP and UDP headers, and the TCP options. RFC 9293 (3.1, 3.2), RFC 7323, RFC 2018, RFC 768."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from servers.kit.errors import ProtocolError
from servers.walk.ip import Carried

SCALE = 14
"""The largest window scale: a greater one is read as this (RFC 7323, 2.3)."""
_END, _NOTHING, _MSS, _SCALE, _PERMITTED, _SACK, _STAMPS = 0, 1, 2, 3, 4, 5, 8
_tcp = Struct(">HHIIBBH").unpack_from
_udp = Struct(">HHH").unpack_from
_edges = Struct(">II").iter_unpack
_edge = Struct(">II").unpack_from
_ONLY_STAMPS = b"\1\1\x08\x0a"


class Segment(NamedTuple):
    """A TCP header; the payload begins at byte ``begin`` of the frame and is ``length`` long."""

    source: int
    target: int
    seq: int
    ack: int
    flags: int
    window: int
    begin: int
    length: int


class Datagram(NamedTuple):
    """A UDP header; ``length`` counts the payload."""

    source: int
    target: int
    length: int


class Options(NamedTuple):
    """What the TCP options say; None and empty where one is not there."""

    mss: int | None = None
    scale: int | None = None
    sack_permitted: bool = False
    sack: tuple[tuple[int, int], ...] = ()
    tsval: int | None = None
    tsecr: int | None = None


_NONE = Options()


def tcp(data: bytes, ip: Carried) -> Segment:
    """The TCP header in an IP packet. Raises ProtocolError, with why there is none, in words."""
    begin = ip.begin
    if len(data) < begin + 16:
        raise ProtocolError(f"{max(0, len(data) - begin)} bytes of its TCP header were captured, of 20")
    source, target, seq, ack, offset, flags, window = _tcp(data, begin)
    header = (offset >> 4) * 4
    length = ip.end - begin - header
    if header < 20 or length < 0:
        raise ProtocolError(f"its TCP header says {header} bytes of header in {ip.end - begin} of IP payload")
    return Segment(source, target, seq, ack, flags, window, begin + header, length)


def udp(data: bytes, ip: Carried) -> Datagram:
    """The UDP header in an IP packet. Raises ProtocolError, with why there is none, in words.

    The length is the IP packet's, or the shorter one that the UDP header says; of a first fragment it is
    the UDP header's, which counts the others' bytes too.
    """
    begin, room = ip.begin, ip.end - ip.begin
    if len(data) < begin + 6:
        raise ProtocolError(f"{max(0, len(data) - begin)} bytes of its UDP header were captured, of 8")
    source, target, length = _udp(data, begin)
    if not length:  # a jumbogram, RFC 2675, 4
        length = room
    if length < 8 or room < 8:
        raise ProtocolError(f"its UDP header says {length} bytes with the header, in {room} of IP payload")
    return Datagram(source, target, (length if ip.more else min(length, room)) - 8)


def options(data: bytes) -> Options:
    """What is said by the bytes behind a TCP header's 20; stops at the first that makes no sense."""
    if not data:
        return _NONE
    if len(data) == 12 and data[:4] == _ONLY_STAMPS:  # of nearly every segment but the SYNs
        return Options(None, None, False, (), *_edge(data, 4))
    said: dict[str, object] = {}
    at = 0
    while at < len(data) and data[at] != _END:
        if data[at] == _NOTHING:
            at += 1
            continue
        length = data[at + 1] if at + 1 < len(data) else 0
        if length < 2 or at + length > len(data):
            break
        said.update(_option(data[at], data[at + 2 : at + length]))
        at += length
    return Options(**said)  # type: ignore[arg-type]


def _option(kind: int, value: bytes) -> dict[str, object]:
    if kind == _MSS and len(value) == 2:
        return {"mss": int.from_bytes(value, "big")}
    if kind == _SCALE and len(value) == 1:
        return {"scale": min(value[0], SCALE)}
    if kind == _PERMITTED and not value:
        return {"sack_permitted": True}
    if kind == _SACK and value and len(value) % 8 == 0:
        return {"sack": tuple(_edges(value))}
    if kind == _STAMPS and len(value) == 8:
        return {"tsval": int.from_bytes(value[:4], "big"), "tsecr": int.from_bytes(value[4:], "big")}
    return {}
