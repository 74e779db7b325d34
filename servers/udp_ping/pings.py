"""What a client knows of its pings: which still wait, and what each reply is. No socket, no clock.

UDP promises nothing: a reply may come late, twice, out of order, garbled, or never. So
each reply is matched to its ping by SEQ, and never counted as another ping's. Times are
seconds of any one clock.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from servers.kit.errors import ProtocolError
from servers.udp_ping.events import Status
from servers.udp_ping.protocol import differing, is_answer, read_seq, write_ping
from servers.udp_ping.stats import Probe

GARBLED = 8
"""A reply that differs from the right one in at most so many bits is that one, garbled."""
NEAR = 1000
"""A garbled reply is compared with so many of the newest pings."""


class Pings:
    """The pings of one run. ``tell(probe, reply)`` is called with each outcome.

    ``probes`` are the outcomes so far; a reply takes the place of its ping's time-out or
    garbled reply, and a duplicate has one of its own.
    """

    def __init__(self, start: float, timeout: float, size: int, tell: Callable[[Probe, bytes], None]) -> None:
        self.probes: list[Probe] = []
        self.slowest = 0.0  # the longest RTT of a late reply
        self._start, self._timeout, self._size, self._tell = start, timeout, size, tell
        self._sent: dict[int, tuple[float, float]] = {}  # SEQ -> when it left, TIME in its message
        self._place: dict[int, int] = {}  # SEQ -> place in probes, once its outcome is known
        self._open: dict[int, None] = {}  # SEQs that still wait, the oldest first
        self._highest = 0  # the highest SEQ answered so far

    def leaves(self, seq: int, at: float, time: float) -> bytes:
        """The message of ping ``seq``, which leaves now: from ``at`` on it waits for its reply."""
        self._sent[seq] = (at, time)
        self._open[seq] = None
        return self._message(seq)

    def take(self, reply: bytes, at: float) -> bool:
        """Find out what a reply is, and to which ping; False if it answers none of ours."""
        seq = self._match(reply)
        if seq is None:
            return False
        rtt = at - self._sent[seq][0]
        before = self.probes[self._place[seq]].status if seq in self._place else None
        whole = is_answer(reply, self._message(seq))
        if before in ("reply", "late") or (before == "corrupt" and not whole):
            self._known(seq, "duplicate", rtt, reply)
        elif not whole:
            self._known(seq, "corrupt", rtt, reply)
        elif rtt > self._timeout:
            self.slowest = max(self.slowest, rtt)
            self._known(seq, "late", rtt, reply)
        else:
            self._known(seq, "reply", rtt, reply)
        return True

    def expire(self, at: float) -> None:
        """Those that have waited too long at ``at`` are lost."""
        while (due := self.next_expiry()) is not None and due <= at:
            self._known(next(iter(self._open)), "timeout", None)

    def give_up(self) -> None:
        """All that still wait are lost."""
        for seq in list(self._open):
            self._known(seq, "timeout", None)

    def next_expiry(self) -> float | None:
        """When the next ping will have waited too long; None if none waits."""
        first = next(iter(self._open), None)
        return None if first is None else self._sent[first][0] + self._timeout

    def has(self, status: Status) -> bool:
        """Whether any ping's outcome is ``status``."""
        return any(probe.status == status for probe in self.probes)

    def _message(self, seq: int) -> bytes:
        return write_ping(seq, self._sent[seq][1], self._size)

    def _match(self, reply: bytes) -> int | None:
        """The SEQ that a reply answers; of a garbled one, the ping it is nearest to."""
        try:
            seq = read_seq(reply)
            if seq in self._sent and is_answer(reply, self._message(seq)):
                return seq
        except ProtocolError:
            pass
        newest = itertools.islice(reversed(self._sent), NEAR)
        near = ((differing(reply, self._message(s)), s) for s in newest)
        bits, nearest = min(near, default=(GARBLED + 1, 0))
        return nearest if bits <= GARBLED else None

    def _known(self, seq: int, status: Status, rtt: float | None, reply: bytes = b"") -> None:
        """Keep and tell one outcome."""
        self._open.pop(seq, None)
        answered = status in ("reply", "late")
        early = answered and seq < self._highest
        if answered:
            self._highest = max(self._highest, seq)
        ms = None if rtt is None else 1000 * rtt
        probe = Probe(seq, status, ms, round(self._sent[seq][0] - self._start, 6), early)
        if seq in self._place and status != "duplicate":
            self.probes[self._place[seq]] = probe
        else:
            self._place.setdefault(seq, len(self.probes))
            self.probes.append(probe)
        self._tell(probe, reply)
