"""A packet as it was captured, and the few numbers that everything else is worked out from.

Raw header values; nothing relative, nothing judged: that is tracker.py's. RFC 791 (IPv4), RFC 8200 (IPv6),
RFC 9293 (TCP), RFC 768 (UDP).
"""

from __future__ import annotations

from typing import Literal

import msgspec

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128


class Frame(msgspec.Struct, frozen=True):
    """A captured frame. ``t`` is seconds since 1970, ``size`` its true length, ``data`` what was kept."""

    number: int
    t: float
    link: int
    data: bytes
    size: int
    comment: str = ""


class Packet(msgspec.Struct, frozen=True, kw_only=True):
    """A TCP segment or a UDP datagram in a frame.

    ``length`` is the payload's true length, worked out from the IP header (never from the frame, which may be
    padded); ``payload`` what was captured of it. ``start`` is where the IP header begins in the frame.
    ``fragmented``: it is the first of several IP fragments, and the others' bytes are not here.
    """

    number: int
    t: float
    version: Literal[4, 6]
    transport: Literal["tcp", "udp"]
    source: str
    source_port: int
    target: str
    target_port: int
    length: int
    payload: bytes
    cut: bool = False
    fragmented: bool = False
    flags: int = 0
    seq: int = 0
    ack: int = 0
    window: int = 0
    mss: int | None = None
    scale: int | None = None
    sack_permitted: bool = False
    sack: tuple[tuple[int, int], ...] = ()
    tsval: int | None = None
    tsecr: int | None = None
    ttl: int = 0
    identification: int | None = None
    start: int = 0
