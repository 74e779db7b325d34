"""What SEQ tells of one client: which heartbeat came next, too late, twice, or never. No socket, no clock.

Only what SEQ says is counted as lost: a gap. So a client that pauses loses nothing, and one whose
datagrams get lost does. What was missing and comes after all is no longer lost.
"""

from __future__ import annotations

from typing import Literal

from servers.udp_heartbeat.protocol import Line

How = Literal["first", "next", "gap", "reordered", "duplicate", "restarted", "jumped"]

JUMP = 10_000
"""A larger gap is no loss: somebody counts otherwise from now on."""
MISSING = 1000
"""Missing numbers that are waited for; of more, the oldest stay lost."""
RECENT = 256
"""Numbers of which it is remembered what came."""
RUN = 3
"""Old numbers in a row that count up: it is no echo of the past, it is a new start."""


class Numbering:
    """The numbers of one client.

    ``highest`` is the newest number, ``lost`` how many are missing now, ``restarts`` how often it began anew.
    """

    __slots__ = ("_missing", "_old", "_recent", "_run", "_sent", "first", "highest", "lost", "restarts")

    def __init__(self, line: Line) -> None:
        self.lost = self.restarts = 0
        self.first = self.highest = line.seq
        self._old = -1
        self._begin(line)

    @property
    def whole(self) -> bool:
        """Whether no number is waited for."""
        return not self._missing

    def take(self, line: Line) -> tuple[How, int]:
        """What this heartbeat is, after those before; and how many numbers it skipped."""
        skipped = line.seq - self.highest - 1
        if skipped >= 0:
            return self._ahead(line, skipped)
        same = self._recent.get(line.seq)
        if same == line.time:
            return "duplicate", 0
        later = line.sent is not None and self._sent is not None and line.sent > self._sent
        if later or same is not None:  # sent after the newest one, or it says something else than before
            return self._restart(line)
        if line.seq in self._missing:
            del self._missing[line.seq]
            self.lost -= 1
            self._keep(line)
            return "reordered", 0
        return self._past(line)

    def _ahead(self, line: Line, skipped: int) -> tuple[How, int]:
        if skipped > JUMP:
            self._begin(line)
            return "jumped", 0
        self.lost += skipped
        for seq in range(max(self.highest + 1, line.seq - MISSING), line.seq):
            self._missing[seq] = None
        while len(self._missing) > MISSING:
            del self._missing[next(iter(self._missing))]
        self.highest, self._sent, self._run = line.seq, line.sent, 0
        self._keep(line)
        return ("gap" if skipped else "next"), skipped

    def _past(self, line: Line) -> tuple[How, int]:
        """A number so old that it is not known any more, or older than the first that came."""
        self._run = self._run + 1 if line.seq == self._old + 1 else 1
        self._old = line.seq
        if self._run >= RUN or line.sent is None:
            return self._restart(line)
        if line.seq < self.first:
            self._keep(line)
            return "reordered", 0
        return "duplicate", 0

    def _restart(self, line: Line) -> tuple[How, int]:
        self.restarts += 1
        self._begin(line)
        return "restarted", 0

    def _begin(self, line: Line) -> None:
        self.first = self.highest = line.seq
        self._sent = line.sent
        self._missing: dict[int, None] = {}
        self._recent = {line.seq: line.time}
        self._old, self._run = -1, 0

    def _keep(self, line: Line) -> None:
        self._recent[line.seq] = line.time
        if len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]
