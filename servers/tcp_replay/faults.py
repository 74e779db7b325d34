"""Faults on the way, with Toxiproxy's names: what a bad network does to a stream. No socket, no clock.

latency, jitter             each piece leaves later, by a fixed time and a random one
rate                        so many KB a second at the most (bandwidth)
average_size, size_variation, delay
                            the slicer: pieces are cut, with a gap between them
reset_peer                  the connection is reset after a while
timeout                     nothing passes, and after a while the connection is closed

The order of bytes never changes: this is TCP. Over UDP a datagram is one piece and is never cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Literal

import msgspec

from servers.tcp_replay.settings import Settings

Stream = Literal["upstream", "downstream"]


class Toxics(msgspec.Struct, frozen=True):
    """The faults of one direction. Times in ms, the rate in KB/s, sizes in bytes; -1: not at all."""

    latency: float = 0.0
    jitter: float = 0.0
    rate: float = 0.0
    average_size: int = 0
    size_variation: int = 0
    delay: float = 0.0
    reset_peer: float = -1
    timeout: float = -1

    @property
    def shapes(self) -> bool:
        """Whether pieces are delayed or cut."""
        return bool(self.latency or self.jitter or self.rate or self.average_size)


def toxics(settings: Settings, stream: Stream) -> Toxics:
    """What is set for a direction."""
    return Toxics(*(getattr(settings, f"{stream}_{name}") for name in Toxics.__struct_fields__))


class Shaper:
    """One direction of one connection: when each piece leaves."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._last = 0.0  # when the last piece leaves
        self._free = 0.0  # when the line is free again

    def take(self, data: bytes, at: float, faults: Toxics, cut: bool = True) -> Iterator[tuple[float, bytes]]:
        """The pieces of what came at ``at``, each with the time when it leaves (seconds, any clock)."""
        wait = faults.latency + self._random.uniform(-faults.jitter, faults.jitter)
        due = max(self._last, at + max(0.0, wait) / 1000)
        for number, piece in enumerate(self._cut(data, faults) if cut else (data,)):
            if number:
                due += faults.delay / 1000
            if faults.rate:
                due = max(due, self._free)
                self._free = due + len(piece) / (1000 * faults.rate)
                due = self._free  # the last byte of it is through then
            self._last = due
            yield due, piece

    def _cut(self, data: bytes, faults: Toxics) -> Iterator[bytes]:
        size = faults.average_size or (self._line(faults) if faults.rate else 0)
        if not size:
            yield data
            return
        at = 0
        while at < len(data):
            varied = size + self._random.randint(-faults.size_variation, faults.size_variation)
            end = at + max(1, varied if faults.average_size else size)
            yield data[at:end]
            at = end

    def _line(self, faults: Toxics) -> int:
        """A slow line passes on a tenth of a second's worth at a time, not all at its end."""
        return max(1, int(100 * faults.rate))
