"""One client that is watched: what is known of it, and when its state is due. No socket, no clock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable

import msgspec

from servers.udp_heartbeat.delays import Delays
from servers.udp_heartbeat.events import State
from servers.udp_heartbeat.numbering import How, Numbering
from servers.udp_heartbeat.protocol import Line

LATE = 1.5
"""Intervals without a heartbeat after which a client is late."""
INTERVALS = 9
"""Distances of which the median is the expected interval."""
ENOUGH = 2
"""Distances without which nothing is expected yet."""


class Change(msgspec.Struct, frozen=True):
    """A client's new state. ``since`` is Unix time; ``away`` in seconds; ``was`` None: it is new."""

    peer: Hashable
    state: State
    was: State | None
    since: float
    why: str
    away: float = 0.0


class Arrival(msgspec.Struct, frozen=True):
    """What one heartbeat was. Delays in seconds; ``step`` is not 0 where a clock seems to have been set."""

    how: How
    gap: int
    late: bool
    delay: float | None
    above: float | None
    step: float
    client: Client
    mended: bool
    changes: list[Change]


class Client:
    """One client, by address and port."""

    __slots__ = (
        "delays", "distances", "interval", "last", "numbering", "peer", "received", "scheduled", "state",
    )  # fmt: skip

    def __init__(self, peer: Hashable, line: Line, at: float) -> None:
        self.peer, self.last = peer, at
        self.scheduled = math.inf  # when it is looked after
        self.state: State = "alive"
        self.received = 1
        self.numbering, self.delays = Numbering(line), Delays()
        self.distances: deque[float] = deque(maxlen=INTERVALS)
        self.interval: float | None = None

    def due(self, timeout: float) -> float:
        """When its state changes if nothing comes; infinity: never."""
        if self.state == "dead":
            return math.inf
        if self.state == "late" or self.interval is None:
            return self.last + timeout
        return self.last + min(LATE * self.interval, timeout)

    def learn(self, seconds: float) -> None:
        """So long it took from one number to the next."""
        self.distances.append(seconds)
        if len(self.distances) >= ENOUGH:
            self.interval = sorted(self.distances)[len(self.distances) // 2]
