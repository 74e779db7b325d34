"""The coin: a random generator seeded with the second that the server announces. So it is no secret."""

from __future__ import annotations

import random
import time

from servers.kit.errors import ProtocolError

ZONES_S = 15 * 3600
"""Two machines' clocks show at the most so many seconds' difference when only their time zones differ."""
STEP_S = 1800
"""Time zones differ by half hours (a few by quarters)."""


class Coin:
    """Tosses of one connection: always the same ones for the same second.

    ``Random(seed).choice("01")`` as Python 3 draws it. Python 2's choice() drew from the same seed
    differently: the article's server, which it ran, tossed other sides.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._choice = random.Random(seed).choice

    def toss(self) -> str:
        """``"1"`` heads, ``"0"`` tails."""
        return self._choice(["0", "1"])


def stamp(second: int) -> str:
    """The second as the server announces it: ``Sat May 14 10:00:00 2016``, its local time."""
    return time.asctime(time.localtime(second))


def second_of(stamp: str, now: float) -> int:
    """The second that was announced. Raises ProtocolError.

    What is announced is local time without its zone: here it is read as ours. Where that is off by hours
    from ``now``, ours, the server is in another zone (a container, say), and the hours are taken off.
    """
    try:
        read = time.strptime(stamp)
        second = int(time.mktime(read))
    except (ValueError, OverflowError):
        raise ProtocolError(f"«{stamp}» is no time as asctime() writes it.") from None
    off = now - second
    if STEP_S / 2 < abs(off) < ZONES_S:
        second += STEP_S * round(off / STEP_S)
    return second
