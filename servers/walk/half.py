"""One direction of a TCP connection as captured, and arithmetic with sequence numbers (RFC 9293, 3.4)."""

from __future__ import annotations

from servers.walk.packet import FIN, SYN, Packet
from servers.walk.rows import Mark

SPACE = 1 << 32
"""Sequence numbers begin again at 0 after this many."""


def beyond(a: int, b: int) -> int:
    """By how much sequence number ``a`` is beyond ``b``; negative: it is before it."""
    return ((a - b + SPACE // 2) % SPACE) - SPACE // 2


class Half:
    """One direction of a connection: what its sender has said so far. All numbers raw.

    ``base`` is what relative numbers count from, ``next`` the highest sequence number that was reached,
    ``whole`` the highest with nothing missing before it. ``window`` is as in the header, ``scale`` the shift
    that makes it bytes: None where the SYN was not seen.
    """

    __slots__ = (
        "acked", "acked_t", "base", "began", "duplicates", "high", "last", "missing", "next", "next_t",
        "offered", "scale", "syn_t", "whole", "window", "window_shift",
    )  # fmt: skip

    def __init__(self) -> None:
        self.base: int | None = None
        self.next: int | None = None
        self.whole: int | None = None
        self.next_t = self.acked_t = 0.0
        self.acked: int | None = None
        self.window: int | None = None
        self.window_shift = 0
        self.offered: int | None = None
        self.scale: int | None = None
        self.syn_t: float | None = None
        self.began = False  # it has sent a SYN
        self.duplicates = self.missing = self.high = 0
        self.last: tuple[Mark, ...] = ()

    def relative(self, number: int) -> int:
        """A raw sequence number of this direction, counted from its first."""
        return (number - (self.base or 0)) % SPACE

    def offset(self, packet: Packet) -> int:
        """Where a segment's payload is among this direction's bytes, from 0; it does not wrap.

        Negative: before the first that was captured. Ask before the segment is fed.
        """
        first = packet.seq + bool(packet.flags & SYN)
        if self.next is None:
            return 0
        return self.high + beyond(first, self.next)


def end(packet: Packet) -> int:
    """The sequence number after this segment: SYN and FIN count as a byte each (RFC 9293, 3.4)."""
    return (packet.seq + packet.length + bool(packet.flags & (SYN | FIN))) % SPACE
