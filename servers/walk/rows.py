"""What a ladder is made of: a row per packet, its fields, the connections there are, the bytes in order.

Made by tracker.py from packets, or by rebuild.py from socket events; the page draws them as they are.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Way = Literal["to_server", "to_client"]
State = Literal[
    "", "CLOSED", "LISTEN", "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2",
    "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT",
]  # fmt: skip
"""RFC 9293, 3.3.2; empty: not known, since the capture began later, or it is UDP."""
Mark = Literal[
    "retransmission", "fast_retransmission", "out_of_order", "duplicate_ack", "keep_alive", "keep_alive_ack",
    "zero_window", "window_update", "window_probe", "window_full", "reset", "lost_segment", "syn_again",
    "cut", "lost",
]  # fmt: skip
"""``cut``: not all its bytes were captured. ``lost``: a datagram that a lab dropped on purpose (events)."""


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One packet as the ladder shows it.

    ``n`` counts the connection's packets from 1, ``number`` is the packet's in its capture. ``t`` is
    seconds since 1970, ``after`` since the connection's first packet. ``seq``, ``ack`` and ``next_seq`` are
    relative to each side's first sequence number, ``raw_seq`` and ``raw_ack`` as on the wire; ``ack`` is
    None without the ACK flag. ``window`` is scaled where the scale is known. ``length`` counts payload
    bytes. The states are the client's and the server's after this packet. ``message`` is what it carries of
    the application, in words, ``why`` what its marks mean here.
    """

    n: int
    number: int = 0
    t: float
    after: float
    way: Way
    transport: Literal["tcp", "udp"] = "tcp"
    flags: tuple[str, ...] = ()
    seq: int = 0
    ack: int | None = None
    next_seq: int = 0
    raw_seq: int = 0
    raw_ack: int = 0
    window: int | None = None
    length: int = 0
    options: str = ""
    message: str = ""
    marks: tuple[Mark, ...] = ()
    why: str = ""
    client_state: State = ""
    server_state: State = ""


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A socket call on the outside of the ladder: ``connect(127.0.0.1:12000) = 0``.

    ``n`` counts the connection's calls by time, as far as they are known; ``told`` is the number of the
    event with which this one became known: a call may be told after later ones.
    """

    n: int
    t: float
    side: Literal["client", "server"]
    call: str
    words: str
    error: bool = False
    told: int = 0


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A header field: where it is (``bit`` from the frame's first, ``bits`` wide), its value, its purpose."""

    layer: str
    name: str
    bit: int
    bits: int
    value: str
    meaning: str = ""
    purpose: str = ""
    source: str = ""


class Connection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A TCP connection, or the datagrams between two UDP addresses; both ends as ``show()`` writes them."""

    id: str
    transport: Literal["tcp", "udp"]
    client: str
    server: str
    started: float
    ended: float
    packets: int
    bytes_up: int = 0
    bytes_down: int = 0
    state: str = ""


class Piece(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some bytes of one direction, in order; ``gap`` bytes before them are missing.

    ``offset`` counts from that direction's first byte.
    """

    way: Way
    t: float
    offset: int
    data: bytes
    gap: int = 0
