"""One-way delay: what can be said of it with two clocks. No socket, no clock.

The raw value is arrival less TIME (RFC 7679). It is true only where both clocks agree. The variation
above the smallest value does not need that: the clocks' difference is in both, and falls out.
"""

from __future__ import annotations

from collections import deque

import msgspec

COMPARABLE_S = 86_400.0
"""A raw delay of more than a day, to either side: TIME is no Unix time in seconds."""
STEP_S = 0.5
"""Seconds by which the raw delay must jump to be called a step of a clock."""
STEP_RUN = 5
"""Heartbeats in a row that must stay so late, and within half a step of each other."""


class Measured(msgspec.Struct, frozen=True):
    """Of one heartbeat, in seconds: the raw delay (None: not comparable), and its excess over the smallest.

    ``step`` is not 0 where a clock seems to have been set: the smallest is looked for anew.
    """

    delay: float | None = None
    above: float | None = None
    step: float = 0.0


UNKNOWN = Measured()


class Delays:
    """The delays of one client; ``smallest`` is the smallest raw value since a clock was last set."""

    __slots__ = ("_high", "_last", "smallest")

    def __init__(self) -> None:
        self.smallest: float | None = None
        self._last: float | None = None
        self._high: deque[float] = deque(maxlen=STEP_RUN)

    def take(self, sent: float | None, wall: float) -> Measured:
        """The heartbeat that says ``sent`` came at ``wall`` (both in seconds)."""
        if sent is None:
            return UNKNOWN
        raw = wall - sent
        if abs(raw) > COMPARABLE_S:
            return self._other(raw)
        step = self._step(raw)
        self._last = raw
        self.smallest = raw if self.smallest is None else min(self.smallest, raw)
        return Measured(raw, raw - self.smallest, step)

    def shift(self, by: float) -> None:
        """Our own clock was set forward ``by`` seconds: all that comes from now on looks so much later."""
        if self.smallest is not None:
            self.smallest += by
        if self._last is not None:
            self._last += by
        self._high.clear()

    def _other(self, raw: float) -> Measured:
        """A clock of another kind: only the variation is worth something, if it counts seconds too."""
        steady = self._last is not None and abs(raw - self._last) < STEP_S
        self._last = raw
        if not steady or self.smallest is None:
            self.smallest = raw
            return UNKNOWN
        self.smallest = min(self.smallest, raw)
        return Measured(None, raw - self.smallest)

    def _step(self, raw: float) -> float:
        """By how much a clock was set, as far as can be seen. If so, the smallest is forgotten."""
        smallest = self.smallest
        if smallest is None:
            return 0.0
        if raw < smallest - STEP_S:
            self.smallest = None
            self._high.clear()
            return raw - smallest
        if raw < smallest + STEP_S:
            self._high.clear()
            return 0.0
        self._high.append(raw)
        low, high = min(self._high), max(self._high)
        if len(self._high) < STEP_RUN or high - low > STEP_S / 2:
            return 0.0
        self.smallest = low
        self._high.clear()
        return low - smallest
